//! The hello handler in Rust on the bindings of the crate `wasip2`, without any runtime between.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Hello;

impl Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain; charset=utf-8").expect("a lawful header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("the body is asked for once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is asked for once");
        // An error here means that the client has gone: there is nobody left to tell.
        let written = stream.blocking_write_and_flush(b"hello from duet\n");
        drop(stream);
        if written.is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

wasip2::http::proxy::export!(Hello);
