//! A JSON transformer in Rust on the async library `wstd`: lets in who knows the token of the environment (TOKEN),
//! takes an object and answers the same object with `"seen": true` and the number of its fields.

use serde_json::{json, Value};
use wstd::http::{Body, Error, Method, Request, Response, StatusCode};

/// The largest body that is read.
const LIMIT_BYTES: u64 = 64 * 1024;

#[wstd::http_server]
async fn main(mut request: Request<Body>) -> Result<Response<Body>, Error> {
    if !knows_token(&request) {
        return answer(StatusCode::UNAUTHORIZED, &json!({"error": "a bearer token is needed"}));
    }
    if request.method() != Method::POST {
        return answer(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": "only POST"}));
    }
    if request.body().content_length().is_some_and(|length| length > LIMIT_BYTES) {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &json!({"error": "more than 64 KiB"}));
    }
    match serde_json::from_slice(request.body_mut().contents().await?) {
        Ok(Value::Object(mut object)) => {
            let fields = object.len();
            object.insert("seen".into(), true.into());
            object.insert("fields".into(), fields.into());
            answer(StatusCode::OK, &Value::Object(object))
        }
        Ok(_) => answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": "not an object"})),
        Err(error) => answer(StatusCode::BAD_REQUEST, &json!({"error": error.to_string()})),
    }
}

/// Without a token in the environment everybody is let in. Compares in a time that depends on lengths alone.
fn knows_token(request: &Request<Body>) -> bool {
    let Ok(token) = std::env::var("TOKEN") else { return true };
    let given = request.headers().get("authorization").map_or(&b""[..], |value| value.as_bytes());
    let wanted = format!("Bearer {token}");
    given.len() == wanted.len() && given.iter().zip(wanted.bytes()).fold(0, |bits, (a, b)| bits | (a ^ b)) == 0
}

fn answer(status: StatusCode, value: &Value) -> Result<Response<Body>, Error> {
    let mut body = value.to_string();
    body.push('\n');
    Ok(Response::builder().status(status).header("content-type", "application/json").body(body.into())?)
}
