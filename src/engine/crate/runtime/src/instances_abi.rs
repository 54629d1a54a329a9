//! The part of duet_engine.h about sandboxes that are used again.

use crate::handler::{Handler, Template};
use crate::instances::{Instances, Reuse};
use crate::request::Request;
use crate::request_abi::{Limits, RequestHead, read_head};
use duet_engine_shared::ffi::{self, CError, Failure, enter, guard};

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_instances_new(
    handler: *const Handler,
    reuse: *const Reuse,
    token: u64,
    out: *mut *mut Instances,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let Template::Service(template) = &(*handler).template else {
                return Err(Failure::new(ffi::INVALID, "only components of WASI 0.3 can answer more than one request"));
            };
            if (*reuse).requests == 0 || (*reuse).concurrency == 0 {
                return Err(Failure::new(ffi::INVALID, "a sandbox answers one request at least"));
            }
            *out = Box::into_raw(Box::new(Instances::new(&*handler, template, &*reuse, token)));
            Ok(())
        })
    }
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_instances_start(
    instances: *mut Instances,
    head: *const RequestHead,
    limits: *const Limits,
    token: u64,
    out: *mut *mut Request,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let (parts, _) = read_head(&*head)?;
            let request = (*instances).start(parts, (*head).body_complete, &*limits, token)?;
            *out = Box::into_raw(Box::new(request));
            Ok(())
        })
    }
}

/// # Safety
/// `instances` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_instances_tidy(instances: *mut Instances) {
    guard((), || unsafe { &*instances }.tidy());
}

/// # Safety
/// `instances` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_instances_count(instances: *const Instances) -> usize {
    guard(0, || unsafe { &*instances }.count())
}

/// # Safety
/// `instances` comes from `duet_instances_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_instances_free(instances: *mut Instances) {
    guard((), || drop(unsafe { Box::from_raw(instances) }));
}
