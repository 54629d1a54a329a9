//! An asynchronous handler (`wasi:http/handler` 0.3) on the crate `wasip3`. What it does stands in the path: good things
//! here, and what a host must survive in `hostile.rs`.

mod hostile;

use std::cell::Cell;
use std::rc::Rc;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme, Trailers};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};
use wasip3::{spawn_local, wit_future, wit_stream};

wasip3::http::service::export!(Handler);

struct Handler;

type Answer = Result<Response, ErrorCode>;
type TrailersFuture = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// Of what is read and written at a time.
const PIECE_BYTES: usize = 16 * 1024;

impl wasip3::exports::http::handler::Guest for Handler {
    async fn handle(request: Request) -> Answer {
        let path = request.get_path_with_query().unwrap_or_default();
        match path.split('?').next().unwrap_or_default() {
            "/hello" => Ok(text(200, "hello from duet\n")),
            "/echo" => Ok(echo(request)),
            "/pass" => Ok(pass(request)),
            "/sleep" => sleep(&path).await,
            "/outgoing" => outgoing(request).await,
            "/both" => both(request).await,
            "/count" => Ok(text(200, &count())),
            "/env" => Ok(text(200, &std::env::var("GREETING").unwrap_or_default())),
            "/result" => Ok(result()),
            other => hostile::answer(other, request).await,
        }
    }
}

/// An answer whose body `contents` comes when it comes, and ends with `trailers`.
fn respond(status: u16, contents: Option<StreamReader<u8>>, trailers: TrailersFuture) -> Response {
    let (response, _) = Response::new(Fields::new(), contents, trailers);
    response.set_status_code(status).expect("a status");
    response
}

/// The trailers of a body that has none and comes to its end.
fn no_trailers() -> TrailersFuture {
    let (_, trailers) = wit_future::new(|| Ok(None));
    trailers
}

fn text(status: u16, body: &str) -> Response {
    let (mut writer, contents) = wit_stream::new();
    let bytes = body.as_bytes().to_vec();
    spawn_local(async move {
        writer.write_all(bytes).await;
    });
    respond(status, Some(contents), no_trailers())
}

/// What a request's body and its trailers come through.
fn body_of(request: Request) -> (StreamReader<u8>, TrailersFuture) {
    let (_, outcome) = wit_future::new(|| Ok(()));
    Request::consume_body(request, outcome)
}

/// Copies until the end; false: the reader of `to` is gone.
async fn copy(mut from: StreamReader<u8>, to: &mut StreamWriter<u8>) -> bool {
    loop {
        let (state, piece) = from.read(Vec::with_capacity(PIECE_BYTES)).await;
        if !piece.is_empty() && !to.write_all(piece).await.is_empty() {
            return false;
        }
        if state == StreamResult::Dropped {
            return true;
        }
    }
}

/// The request's body and trailers, piece by piece through the guest's memory.
fn echo(request: Request) -> Response {
    let (body, incoming) = body_of(request);
    let (mut writer, contents) = wit_stream::new();
    let (trailers, reader) = wit_future::new(|| Ok(None));
    spawn_local(async move {
        copy(body, &mut writer).await;
        drop(writer);
        let _ = trailers.write(incoming.await).await;
    });
    respond(200, Some(contents), reader)
}

/// The same without touching it: the answer's body is the request's stream.
fn pass(request: Request) -> Response {
    let (body, trailers) = body_of(request);
    respond(200, Some(body), trailers)
}

async fn sleep(path: &str) -> Answer {
    let ms = path.rsplit('=').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let start = monotonic_clock::now();
    monotonic_clock::wait_for(ms * 1_000_000).await;
    monotonic_clock::wait_until(start + ms * 1_000_000).await;
    Ok(text(200, "slept\n"))
}

/// The URL that stands in a header.
fn url_in(request: &Request, header: &str) -> String {
    let values = request.get_headers().get(header);
    String::from_utf8_lossy(values.first().expect("a URL")).into_owned()
}

/// A request for `url`.
fn request_to(url: &str, method: &Method, contents: Option<StreamReader<u8>>, trailers: TrailersFuture) -> Request {
    let (request, _) = Request::new(Fields::new(), contents, trailers, None);
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let at = rest.find('/').unwrap_or(rest.len());
    request.set_method(method).expect("a method");
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).expect("a scheme");
    request.set_authority(Some(&rest[..at])).expect("an authority");
    request.set_path_with_query(Some(if at < rest.len() { &rest[at..] } else { "/" })).expect("a path");
    request
}

/// A request for a header's URL, with the body and method of `original`.
fn request_for(original: Request, header: &str) -> Request {
    let url = url_in(&original, header);
    let method = original.get_method();
    let (body, trailers) = body_of(original);
    let contents = if matches!(method, Method::Get) { None } else { Some(body) };
    request_to(&url, &method, contents, trailers)
}

/// Asks the header x-url, and answers what comes from there, while it comes.
async fn outgoing(request: Request) -> Answer {
    match client::send(request_for(request, "x-url")).await {
        Ok(response) => {
            let status = response.get_status_code();
            let (_, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Response::consume_body(response, outcome);
            let (mut writer, contents) = wit_stream::new();
            spawn_local(async move {
                copy(body, &mut writer).await;
            });
            Ok(respond(status, Some(contents), trailers))
        }
        Err(code) => Ok(text(502, &format!("{code:?}\n"))),
    }
}

/// Waits for a timer while the request's body comes, and says how much of it came. Neither waits for the other.
async fn both(request: Request) -> Answer {
    let (mut body, _trailers) = body_of(request);
    let waited = Rc::new(Cell::new(false));
    let timer = Rc::clone(&waited);
    spawn_local(async move {
        monotonic_clock::wait_for(1_000_000).await;
        timer.set(true);
    });
    let mut bytes = 0;
    loop {
        let (state, piece) = body.read(Vec::with_capacity(PIECE_BYTES)).await;
        bytes += piece.len();
        if state == StreamResult::Dropped {
            break;
        }
    }
    Ok(text(200, &format!("{bytes} bytes, waited: {}\n", waited.get())))
}

/// How often this instance was asked.
fn count() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static ASKED: AtomicU64 = AtomicU64::new(0);
    format!("{}\n", ASKED.fetch_add(1, Ordering::Relaxed) + 1)
}

/// Says on standard output how the delivery of its answer went.
fn result() -> Response {
    let (mut writer, contents) = wit_stream::new();
    let (response, delivered) = Response::new(Fields::new(), Some(contents), no_trailers());
    spawn_local(async move {
        writer.write_all(b"to be delivered\n".to_vec()).await;
        drop(writer);
        println!("delivered: {:?}", delivered.await);
    });
    response
}
