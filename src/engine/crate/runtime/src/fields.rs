//! Headers and trailers between the C structs and `http`.

use crate::abi::{Field, Slice};
use duet_engine_shared::ffi::{self, Failure, array};
use http::{HeaderMap, HeaderName, HeaderValue};

/// # Safety
/// The array and its text are readable.
pub unsafe fn read(fields: *const Field, count: usize) -> Result<HeaderMap, Failure> {
    let fields = unsafe { array(fields, count) };
    let mut map = HeaderMap::try_with_capacity(count).map_err(|_| Failure::new(ffi::INVALID, "too many headers"))?;
    for field in fields {
        let (name, value) = unsafe { (field.name.bytes(), field.value.bytes()) };
        let invalid = |what: &str| {
            let name = String::from_utf8_lossy(name);
            Failure::new(ffi::INVALID, format!("header {name:?}: {what}"))
        };
        let key = HeaderName::from_bytes(name).map_err(|_| invalid("not a valid name"))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| invalid("not a valid value"))?;
        map.try_append(key, value).map_err(|_| invalid("too many headers"))?;
    }
    Ok(map)
}

/// A header map together with the C array that points into it.
pub struct Fields {
    array: Vec<Field>,
    _map: HeaderMap,
}

// SAFETY: the pointers in `array` go into `_map`, which moves along and is never changed.
unsafe impl Send for Fields {}

impl Fields {
    pub fn new(map: HeaderMap) -> Fields {
        // A HeaderName's and a HeaderValue's text is static, or behind a pointer of its own: moving the map keeps it.
        let array = map
            .iter()
            .map(|(name, value)| Field { name: Slice::of(name.as_str().as_bytes()), value: Slice::of(value.as_bytes()) })
            .collect();
        Fields { array, _map: map }
    }

    pub fn as_ptr(&self) -> *const Field {
        self.array.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.array.len()
    }
}
