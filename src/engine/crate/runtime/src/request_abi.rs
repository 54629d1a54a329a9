//! The part of duet_engine.h about requests.

use crate::abi::{FRAME_PENDING, Field, FrameOut, Slice};
use crate::fields;
use crate::handler::{Handler, Template};
use crate::http_error;
use crate::request::{EVENT_END, Request};
use crate::service;
use duet_engine_shared::ffi::{self, CError, Failure, array, enter, guard};
use http::Method;
use http::uri::{self, Authority, PathAndQuery, Uri};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

#[repr(C)]
#[derive(Clone)]
pub struct Limits {
    pub memory_bytes: u64,
    pub table_elements: u64,
    pub instance_limit: u32,
    pub resource_limit: u32,
    pub outgoing_limit: u32,
    pub cpu_budget_ns: u64,
    pub request_body_bytes: u64,
    pub response_chunk_bytes: u64,
    pub header_bytes: u64,
    pub log_bytes: u64,
    pub computes_long: bool,
}

#[repr(C)]
pub struct RequestHead {
    method: Slice,
    scheme: Slice,
    authority: Slice,
    path_with_query: Slice,
    headers: *const Field,
    header_count: usize,
    pub body_complete: bool,
}

#[repr(C)]
pub struct ResponseHead {
    status: u16,
    headers: *const Field,
    header_count: usize,
}

#[repr(C)]
pub struct LogOut {
    output: Slice,
    error_stream: bool,
    dropped_bytes: u64,
}

#[repr(C)]
pub struct EndOut {
    pub outcome: u32,
    pub message: Slice,
    pub cpu_ns: u64,
    pub peak_memory_bytes: u64,
}

#[repr(C)]
pub struct UsageOut {
    pub cpu_ns: u64,
    pub peak_memory_bytes: u64,
}

fn invalid<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Failure {
    move |error| Failure::new(ffi::INVALID, format!("{what}: {error}"))
}

pub unsafe fn read_head(head: &RequestHead) -> Result<(http::request::Parts, Scheme), Failure> {
    let (scheme, guest_scheme) = match unsafe { head.scheme.bytes() } {
        b"http" => (uri::Scheme::HTTP, Scheme::Http),
        b"https" => (uri::Scheme::HTTPS, Scheme::Https),
        _ => return Err(Failure::new(ffi::INVALID, "the request's scheme is neither http nor https")),
    };
    let mut target = uri::Parts::default();
    target.scheme = Some(scheme);
    let authority = unsafe { head.authority.bytes() };
    target.authority = Some(Authority::try_from(authority).map_err(invalid("the request's authority"))?);
    let path = unsafe { head.path_with_query.bytes() };
    target.path_and_query = Some(PathAndQuery::try_from(path).map_err(invalid("the request's path"))?);

    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::from_bytes(unsafe { head.method.bytes() }).map_err(invalid("the request's method"))?;
    parts.uri = Uri::from_parts(target).map_err(invalid("the request's target"))?;
    parts.headers = unsafe { fields::read(head.headers, head.header_count)? };
    Ok((parts, guest_scheme))
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_start(
    handler: *mut Handler,
    head: *const RequestHead,
    limits: *const Limits,
    token: u64,
    out: *mut *mut Request,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let (parts, scheme) = read_head(&*head)?;
            let (handler, limits, complete) = (&*handler, &*limits, (*head).body_complete);
            let request = match &handler.template {
                Template::Component(template) => {
                    Request::start(handler, template, parts, scheme, complete, limits, token)?
                }
                Template::Service(template) => service::start(handler, template, parts, complete, limits, token)?,
                Template::Command(_) => {
                    return Err(Failure::new(ffi::INVALID, "the handler is a command and not a component"));
                }
            };
            *out = Box::into_raw(Box::new(request));
            Ok(())
        })
    }
}

/// # Safety
/// `request` comes from `duet_request_start` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_free(request: *mut Request) {
    guard((), || drop(unsafe { Box::from_raw(request) }));
}

/// # Safety
/// `request` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_poll(request: *mut Request) -> u32 {
    guard(EVENT_END, || unsafe { &mut *request }.poll())
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_response_head(request: *mut Request, out: *mut ResponseHead) -> bool {
    guard(false, || match unsafe { &mut *request }.response_head() {
        Some((status, fields)) => {
            unsafe { *out = ResponseHead { status, headers: fields.as_ptr(), header_count: fields.len() } };
            true
        }
        None => false,
    })
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_read(request: *mut Request, out: *mut FrameOut) {
    let frame = guard(FrameOut::plain(FRAME_PENDING), || unsafe { &mut *request }.read());
    unsafe { *out = frame };
}

/// # Safety
/// `request` is alive, `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_write(request: *mut Request, data: *const u8, size: usize) -> usize {
    guard(0, || match &unsafe { &*request }.body {
        Some(body) => body.write(unsafe { array(data, size) }),
        None => size,
    })
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_finish(
    request: *mut Request,
    trailers: *const Field,
    trailer_count: usize,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let trailers = read_trailers(trailers, trailer_count)?;
            if let Some(body) = &(*request).body {
                body.finish(trailers);
            }
            Ok(())
        })
    }
}

/// # Safety
/// The array and its text are readable.
pub unsafe fn read_trailers(trailers: *const Field, count: usize) -> Result<Option<http::HeaderMap>, Failure> {
    if count == 0 {
        return Ok(None);
    }
    unsafe { fields::read(trailers, count) }.map(Some)
}

/// # Safety
/// `request` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_abort(request: *mut Request, number: i32) {
    guard((), || {
        if let Some(body) = &unsafe { &*request }.body {
            body.fail(http_error::from_number(number));
        }
    });
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_log(request: *mut Request, out: *mut LogOut) -> bool {
    guard(false, || match unsafe { &mut *request }.next_log() {
        Some((text, error_stream, dropped_bytes)) => {
            unsafe { *out = LogOut { output: Slice::of(text), error_stream, dropped_bytes } };
            true
        }
        None => false,
    })
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_end(request: *mut Request, out: *mut EndOut) -> bool {
    guard(false, || match unsafe { &mut *request }.end() {
        Some(end) => {
            unsafe { *out = end };
            true
        }
        None => false,
    })
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_usage(request: *const Request, out: *mut UsageOut) {
    let nothing = UsageOut { cpu_ns: 0, peak_memory_bytes: 0 };
    let usage = guard(nothing, || unsafe { &*request }.usage());
    unsafe { *out = usage };
}
