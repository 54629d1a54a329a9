//! How errors and panics become values of the C boundary.

use std::panic::{AssertUnwindSafe, catch_unwind};

pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const CORRUPT: i32 = 2;
pub const EXHAUSTED: i32 = 3;
pub const INTERNAL: i32 = 4;
pub const UNSUPPORTED: i32 = 5;

/// `duet_error` of the C headers.
#[repr(C)]
pub struct CError {
    pub code: i32,
    pub message: *mut u8,
    pub message_size: usize,
}

/// A failure on its way to the other side.
pub struct Failure {
    pub code: i32,
    pub message: String,
}

impl Failure {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Failure { code, message: message.into() }
    }

    /// `code`, with the whole chain of causes of `error` in one line.
    pub fn of(code: i32, error: wasmtime::Error) -> Self {
        Failure::new(code, format!("{error:#}"))
    }
}

/// Moves `text` to the heap for the other side; `take_text` takes it back.
pub fn give_text(text: String) -> (*mut u8, usize) {
    let bytes = text.into_bytes().into_boxed_slice();
    let size = bytes.len();
    (Box::into_raw(bytes).cast(), size)
}

/// Frees what `give_text` gave.
///
/// # Safety
/// The pair must come from `give_text`, and be given back once.
pub unsafe fn take_text(data: *mut u8, size: usize) {
    if !data.is_null() {
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, size)) });
    }
}

/// Runs the body of an entry point: a failure fills `error`, and a panic becomes one.
///
/// # Safety
/// `error` is null or points to a `CError`, whose old content is overwritten.
pub unsafe fn enter(error: *mut CError, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(INTERNAL, format!("panic in the engine: {}", panic_text(&*panic))),
    };
    let code = failure.code;
    if let Some(error) = unsafe { error.as_mut() } {
        let (message, message_size) = give_text(failure.message);
        *error = CError { code, message, message_size };
    }
    code
}

/// As `enter` for what cannot fail: a panic gives `fallback`.
pub fn guard<R>(fallback: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}

/// # Safety
/// `data` points to `count` values, or `count` is 0.
pub unsafe fn array<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, count) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: impl FnOnce() -> Result<(), Failure>) -> (i32, String) {
        let mut error = CError { code: -1, message: std::ptr::null_mut(), message_size: 0 };
        let code = unsafe { enter(&raw mut error, body) };
        let text = unsafe { array(error.message, error.message_size) };
        let text = String::from_utf8(text.to_vec()).expect("UTF-8");
        unsafe { take_text(error.message, error.message_size) };
        (code, text)
    }

    #[test]
    fn success_leaves_the_error_alone() {
        assert_eq!(call(|| Ok(())), (OK, String::new()));
    }

    #[test]
    fn failures_come_through() {
        assert_eq!(call(|| Err(Failure::new(INVALID, "no"))), (INVALID, "no".to_owned()));
    }

    #[test]
    fn panics_become_errors() {
        assert_eq!(call(|| panic!("of {}", 1)), (INTERNAL, "panic in the engine: of 1".to_owned()));
        assert_eq!(call(|| panic!("static")), (INTERNAL, "panic in the engine: static".to_owned()));
        assert_eq!(unsafe { enter(std::ptr::null_mut(), || panic!("unheard")) }, INTERNAL);
        assert_eq!(guard(7, || panic!("of a call that cannot fail")), 7);
    }
}
