//! The plain structs of duet_engine.h that several files use.

use duet_engine_shared::ffi::{self, CError, Failure, array};
use std::ptr::null;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    pub data: *const u8,
    pub size: usize,
}

impl Slice {
    pub const EMPTY: Slice = Slice { data: null(), size: 0 };

    pub fn of(bytes: &[u8]) -> Slice {
        Slice { data: bytes.as_ptr(), size: bytes.len() }
    }

    /// # Safety
    /// The bytes live for `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        unsafe { array(self.data, self.size) }
    }

    /// # Safety
    /// As `bytes`.
    pub unsafe fn text<'a>(self, what: &str) -> Result<&'a str, Failure> {
        std::str::from_utf8(unsafe { self.bytes() })
            .map_err(|_| Failure::new(ffi::INVALID, format!("{what} is not UTF-8")))
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Field {
    pub name: Slice,
    pub value: Slice,
}

pub const FRAME_PENDING: u32 = 0;
pub const FRAME_DATA: u32 = 1;
pub const FRAME_TRAILERS: u32 = 2;
pub const FRAME_END: u32 = 3;
pub const FRAME_ERROR: u32 = 4;

#[repr(C)]
pub struct FrameOut {
    pub kind: u32,
    pub data: Slice,
    pub trailers: *const Field,
    pub trailer_count: usize,
}

impl FrameOut {
    pub fn plain(kind: u32) -> FrameOut {
        FrameOut { kind, data: Slice::EMPTY, trailers: null(), trailer_count: 0 }
    }
}

/// Pairs of text from C fields.
///
/// # Safety
/// The array and its text are readable.
pub unsafe fn pairs(fields: *const Field, count: usize, what: &str) -> Result<Vec<(String, String)>, Failure> {
    let fields = unsafe { array(fields, count) };
    fields
        .iter()
        .map(|field| unsafe { Ok((field.name.text(what)?.to_owned(), field.value.text(what)?.to_owned())) })
        .collect()
}

/// # Safety
/// `error` points to a `duet_error` that a function of this library filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_error_clear(error: *mut CError) {
    unsafe {
        ffi::take_text((*error).message, (*error).message_size);
        (*error).message = std::ptr::null_mut();
        (*error).message_size = 0;
    }
}
