//! The part of duet_engine.h about a guest's outgoing requests.

use crate::abi::{FRAME_END, Field, FrameOut, Slice};
use crate::fields;
use crate::http_error;
use crate::outgoing::{CANCELLED, Outgoing, timeout_ns};
use crate::request::Request;
use crate::request_abi::read_trailers;
use duet_engine_shared::ffi::{self, CError, Failure, array, enter, guard};
use http::StatusCode;
use std::sync::PoisonError;

#[repr(C)]
pub struct OutgoingHead {
    id: u32,
    method: Slice,
    scheme: Slice,
    authority: Slice,
    path_with_query: Slice,
    headers: *const Field,
    header_count: usize,
    connect_timeout_ns: u64,
    first_byte_timeout_ns: u64,
    between_bytes_timeout_ns: u64,
}

fn describe(outgoing: &Outgoing) -> OutgoingHead {
    let text = |text: &str| Slice::of(text.as_bytes());
    OutgoingHead {
        id: outgoing.id,
        method: text(&outgoing.method),
        scheme: text(&outgoing.scheme),
        authority: text(&outgoing.authority),
        path_with_query: text(&outgoing.path_with_query),
        headers: outgoing.fields.as_ptr(),
        header_count: outgoing.fields.len(),
        connect_timeout_ns: timeout_ns(outgoing.options.connect_timeout),
        first_byte_timeout_ns: timeout_ns(outgoing.options.first_byte_timeout),
        between_bytes_timeout_ns: timeout_ns(outgoing.options.between_bytes_timeout),
    }
}

/// Runs `body` on the outgoing request `id`; `None` if there is none of that number.
fn with<R>(request: &Request, id: u32, body: impl FnOnce(&mut Outgoing) -> R) -> Option<R> {
    let mut list = request.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
    list.find(id).map(body)
}

fn unknown(id: u32) -> Failure {
    Failure::new(ffi::INVALID, format!("there is no outgoing request {id}"))
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_request_next_outgoing(request: *mut Request, out: *mut OutgoingHead) -> bool {
    guard(false, || {
        let mut list = unsafe { &*request }.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = list.open.iter_mut().find(|outgoing| !outgoing.announced) else {
            return false;
        };
        next.announced = true;
        unsafe { *out = describe(next) };
        true
    })
}

/// # Safety
/// `request` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_state(request: *mut Request, id: u32) -> u32 {
    guard(CANCELLED, || {
        let request = unsafe { &*request };
        with(request, id, |outgoing| outgoing.state(request.waker())).unwrap_or(CANCELLED)
    })
}

/// # Safety
/// `request` is alive, `out` valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_read(request: *mut Request, id: u32, out: *mut FrameOut) {
    let frame = guard(None, || {
        let request = unsafe { &*request };
        with(request, id, |outgoing| outgoing.body.take(request.waker()))
    });
    unsafe { *out = frame.unwrap_or(FrameOut::plain(FRAME_END)) };
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_respond(
    request: *mut Request,
    id: u32,
    status: u16,
    headers: *const Field,
    header_count: usize,
    body_complete: bool,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let request = &*request;
            let status = StatusCode::from_u16(status)
                .map_err(|_| Failure::new(ffi::INVALID, format!("{status} is not an HTTP status")))?;
            let headers = fields::read(headers, header_count)?;
            let bytes = request.body_bytes;
            with(request, id, |outgoing| {
                if outgoing.answered() {
                    return Err(Failure::new(ffi::INVALID, format!("outgoing request {id} has its answer already")));
                }
                outgoing.respond(status, headers, body_complete, bytes);
                Ok(())
            })
            .unwrap_or_else(|| Err(unknown(id)))?;
            request.deliver();
            Ok(())
        })
    }
}

/// # Safety
/// `request` is alive, `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_write(request: *mut Request, id: u32, data: *const u8, size: usize) -> usize {
    guard(0, || {
        let data = unsafe { array(data, size) };
        with(unsafe { &*request }, id, |outgoing| outgoing.write(data)).unwrap_or(0)
    })
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_finish(
    request: *mut Request,
    id: u32,
    trailers: *const Field,
    trailer_count: usize,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let trailers = read_trailers(trailers, trailer_count)?;
            with(&*request, id, |outgoing| outgoing.finish(trailers)).ok_or_else(|| unknown(id))
        })
    }
}

/// # Safety
/// `request` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_fail(request: *mut Request, id: u32, number: i32) {
    guard((), || {
        let request = unsafe { &*request };
        with(request, id, |outgoing| outgoing.fail(http_error::from_number(number)));
        request.deliver();
    });
}

/// # Safety
/// `request` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_outgoing_close(request: *mut Request, id: u32) {
    guard((), || {
        let request = unsafe { &*request };
        let mut list = request.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        list.open.retain(|outgoing| outgoing.id != id);
        drop(list);
        request.deliver();
    });
}
