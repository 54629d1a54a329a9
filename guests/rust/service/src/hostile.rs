//! What a host must survive, one way a path:
//!
//!   /loop          burns the CPU for ever
//!   /yield         gives its turn away for ever
//!   /grow          takes all memory it can get, and then traps
//!   /stack         calls itself for ever
//!   /handles       makes resources for ever
//!   /streams       makes streams for ever
//!   /tasks         starts timers for ever
//!   /trap          traps before it answers
//!   /trap-reading  traps in the middle of the request's body
//!   /trap-calling  traps while it waits for the answer to an outgoing request to x-url
//!   /trap-after    traps in the middle of the body
//!   /trap-end      traps when its answer is complete
//!   /truncate      breaks its body off in the middle
//!   /forget        returns in the middle of the body, whose end it keeps open
//!   /hang          waits for ever without using the CPU
//!   /linger        answers, and then waits for ever
//!   /refuse        answers with an error-code instead of a response
//!   /flood         writes to standard error for ever
//!   /headers       answers with far too many headers
//!   /drip          sends a byte of its body every 10 ms, for ever
//!   /endless       sends its body as fast as it can, for ever
//!   /calls         makes outgoing requests to x-url and keeps them all, for ever

use crate::{Answer, body_of, no_trailers, request_for, request_to, respond, text, url_in};
use std::hint::black_box;
use std::mem::forget;
use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request};
use wasip3::wit_bindgen::StreamWriter;
use wasip3::{spawn_local, wit_future, wit_stream};

const FOR_EVER_NS: u64 = 1 << 60;

pub async fn answer(path: &str, request: Request) -> Answer {
    match path {
        "/loop" => loop {
            black_box(0);
        },
        "/yield" => loop {
            wasip3::wit_bindgen::yield_async().await;
        },
        "/grow" => grow(),
        "/stack" => Ok(text(200, &dive(0).to_string())),
        "/handles" => loop {
            forget(Fields::new());
        },
        "/streams" => loop {
            forget(wit_stream::new::<u8>());
        },
        "/tasks" => loop {
            spawn_local(monotonic_clock::wait_for(FOR_EVER_NS));
            wasip3::wit_bindgen::yield_async().await;
        },
        "/trap" => trap(),
        "/trap-reading" => {
            let (mut body, _) = body_of(request);
            body.read(Vec::with_capacity(16)).await;
            trap()
        }
        "/trap-calling" => {
            spawn_local(async {
                let _ = client::send(request_for(request, "x-url")).await;
            });
            monotonic_clock::wait_for(1_000_000).await;
            trap()
        }
        "/hang" => {
            monotonic_clock::wait_for(FOR_EVER_NS).await;
            trap()
        }
        "/refuse" => Err(ErrorCode::InternalError(Some("the guest's own words".to_owned()))),
        "/flood" => loop {
            eprintln!("all work and no play makes a dull guest");
        },
        "/headers" => headers(),
        "/calls" => calls(request).await,
        other => bodies(other),
    }
}

fn trap() -> ! {
    std::process::abort()
}

fn grow() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[allow(unconditional_recursion)]
fn dive(depth: u64) -> u64 {
    let here = black_box([depth; 16]);
    dive(depth + 1) + here[3]
}

fn headers() -> Answer {
    let fields = Fields::new();
    for number in 0..100_000 {
        if fields.append(&format!("x-{number}"), &vec![b'a'; 100]).is_err() {
            trap();
        }
    }
    Ok(text(200, "all of them\n"))
}

async fn calls(request: Request) -> Answer {
    let url = url_in(&request, "x-url");
    loop {
        let call = request_to(&url, &Method::Get, None, no_trailers());
        spawn_local(async move { forget(client::send(call).await) });
        wasip3::wit_bindgen::yield_async().await;
    }
}

/// Answers whose bodies go wrong.
fn bodies(path: &str) -> Answer {
    let (writer, contents) = wit_stream::new();
    let (end, trailers) = wit_future::new(|| Ok(None));
    match path {
        "/trap-after" => {
            spawn_local(async move {
                half(writer).await;
                trap()
            });
        }
        "/trap-end" => {
            spawn_local(async move {
                drop(half(writer).await);
                trap()
            });
        }
        "/truncate" => {
            spawn_local(async move {
                drop(half(writer).await);
                let _ = end.write(Err(ErrorCode::HttpResponseIncomplete)).await;
            });
        }
        "/forget" => {
            spawn_local(async move { forget(half(writer).await) });
        }
        "/linger" => {
            spawn_local(async move {
                drop(half(writer).await);
                monotonic_clock::wait_for(FOR_EVER_NS).await;
            });
        }
        "/drip" => {
            spawn_local(send(writer, 1, 10_000_000));
        }
        "/endless" => {
            spawn_local(send(writer, 64 << 10, 0));
        }
        _ => return Ok(text(404, "no such path\n")),
    }
    Ok(respond(200, Some(contents), trailers))
}

async fn half(mut writer: StreamWriter<u8>) -> StreamWriter<u8> {
    writer.write_all(b"the first half\n".to_vec()).await;
    writer
}

/// Pieces of `size` bytes with a pause between them, while somebody reads.
async fn send(mut writer: StreamWriter<u8>, size: usize, pause_ns: u64) {
    while writer.write_all(vec![b'x'; size]).await.is_empty() {
        if pause_ns > 0 {
            monotonic_clock::wait_for(pause_ns).await;
        }
    }
}
