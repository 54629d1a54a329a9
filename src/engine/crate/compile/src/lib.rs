//! The compiling side: looks at a module or component, and compiles it ahead of time for exactly the engine that
//! will run it.

mod imports;
mod inspect;

use duet_engine_shared::ffi::{self, CError, Failure, array, enter};
use duet_engine_shared::key::compatibility_key;
use duet_engine_shared::{Profile, settings};
use wasmtime::{Engine, OptLevel};

#[repr(C)]
pub struct Compiled {
    kind: u32,
    code: *mut u8,
    code_size: usize,
}

fn engine(profile: Profile) -> Result<Engine, Failure> {
    let mut config = settings::config(profile).map_err(|error| Failure::of(ffi::INTERNAL, error))?;
    config.cranelift_opt_level(OptLevel::Speed);
    Engine::new(&config).map_err(|error| Failure::of(ffi::INTERNAL, error))
}

fn profile_of(kind: inspect::Kind, checked: bool) -> Profile {
    match kind {
        inspect::Kind::AsyncHandler if checked => Profile::CheckedAsyncHandler,
        inspect::Kind::AsyncHandler => Profile::AsyncHandler,
        inspect::Kind::Handler | inspect::Kind::ModuleHandler if checked => Profile::CheckedHandler,
        inspect::Kind::Handler | inspect::Kind::ModuleHandler => Profile::Handler,
        inspect::Kind::ModuleProgram | inspect::Kind::ComponentProgram => Profile::Program,
    }
}

/// Compiles `wasm` to what the runtime side loads; with `wagi` a core module's program as a handler.
fn compile(wasm: &[u8], wagi: bool, checked: bool) -> Result<(inspect::Kind, Vec<u8>), Failure> {
    let found = inspect::kind(wasm)?;
    let kind = if wagi { inspect::as_handler(found)? } else { found };
    let engine = engine(profile_of(kind, checked))?;
    let invalid = |error| Failure::of(ffi::INVALID, error);
    let code = match kind {
        inspect::Kind::ModuleProgram | inspect::Kind::ModuleHandler => engine.precompile_module(wasm).map_err(invalid)?,
        _ => engine.precompile_component(wasm).map_err(invalid)?,
    };
    imports::check(&engine, kind, &code)?;
    Ok((kind, code))
}

/// # Safety
/// `wasm` points to `size` bytes, `out` to a `duet_compiled`, `error` to a `duet_error` or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_compile(
    wasm: *const u8,
    size: usize,
    wagi: bool,
    checked: bool,
    out: *mut Compiled,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let (kind, code) = compile(array(wasm, size), wagi, checked)?;
            let code = code.into_boxed_slice();
            let code_size = code.len();
            *out = Compiled { kind: kind as u32, code: Box::into_raw(code).cast(), code_size };
            Ok(())
        })
    }
}

/// # Safety
/// `out` points to a `duet_compiled` that `duet_compile` filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_compiled_clear(out: *mut Compiled) {
    unsafe {
        ffi::take_text((*out).code, (*out).code_size);
        (*out).code = std::ptr::null_mut();
    }
}

/// # Safety
/// As `duet_compile`; `kind` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_inspect(wasm: *const u8, size: usize, kind: *mut u32, error: *mut CError) -> i32 {
    unsafe {
        enter(error, || {
            *kind = inspect::kind(array(wasm, size))? as u32;
            Ok(())
        })
    }
}

/// # Safety
/// `key` points to 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_compile_key(profile: u32, key: *mut u8) {
    let bytes = ffi::guard([0; 32], || compatibility_key(Profile::of_number(profile)));
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), key, bytes.len()) };
}

/// # Safety
/// `error` points to a `duet_error` that a function of this library filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_compile_error_clear(error: *mut CError) {
    unsafe {
        ffi::take_text((*error).message, (*error).message_size);
        (*error).message = std::ptr::null_mut();
    }
}
