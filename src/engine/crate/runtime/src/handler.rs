//! A handler's template: its code mapped, its imports linked, ready to be instantiated for every request.

use crate::abi::{Field, Slice, pairs};
use crate::command::CommandTemplate;
use crate::engine::{Core, Engine};
use crate::state::State;
use duet_engine_shared::ffi::{self, CError, Failure, array, enter, guard};
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use wasmtime::Module;
use wasmtime::component::Component;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

#[repr(C)]
pub struct CHandlerConfig {
    environment: *const Field,
    environment_count: usize,
    arguments: *const Slice,
    argument_count: usize,
}

/// What all requests of a handler find the same.
pub struct HandlerConfig {
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
}

impl HandlerConfig {
    unsafe fn read(config: &CHandlerConfig) -> Result<HandlerConfig, Failure> {
        let arguments = unsafe { array(config.arguments, config.argument_count) };
        Ok(HandlerConfig {
            environment: unsafe { pairs(config.environment, config.environment_count, "an environment variable")? },
            arguments: arguments
                .iter()
                .map(|argument| unsafe { Ok(argument.text("an argument")?.to_owned()) })
                .collect::<Result<_, Failure>>()?,
        })
    }
}

/// What a handler's sandboxes are made of.
#[derive(Clone)]
pub enum Template {
    /// Exports `wasi:http/incoming-handler`.
    Component(ProxyPre<State>),
    /// Exports `wasi:http/handler` of WASI 0.3.
    Service(ServicePre<State>),
    /// Exports `_start`, and is asked by its environment and standard input.
    Command(CommandTemplate),
}

#[derive(Clone)]
pub struct Handler {
    pub core: Arc<Core>,
    pub template: Template,
    pub config: Arc<HandlerConfig>,
}

/// Maps the component that the open file `fd` holds.
///
/// # Safety
/// The file's content runs as machine code.
pub unsafe fn map_component(engine: &wasmtime::Engine, fd: i32) -> Result<Component, Failure> {
    unsafe { Component::deserialize_file(engine, format!("/proc/self/fd/{fd}")) }
        .map_err(|error| Failure::of(ffi::CORRUPT, error))
}

/// Maps the core module that the open file `fd` holds.
///
/// # Safety
/// The file's content runs as machine code.
pub unsafe fn map_module(engine: &wasmtime::Engine, fd: i32) -> Result<Module, Failure> {
    let file = unsafe { BorrowedFd::borrow_raw(fd) }
        .try_clone_to_owned()
        .map_err(|error| Failure::new(ffi::INVALID, format!("the code file: {error}")))?;
    unsafe { Module::deserialize_open_file(engine, File::from(file)) }
        .map_err(|error| Failure::of(ffi::CORRUPT, error))
}

impl Handler {
    unsafe fn load(core: Arc<Core>, fd: i32, config: HandlerConfig) -> Result<Handler, Failure> {
        let component = unsafe { map_component(&core.wasm, fd)? };
        let invalid = |error| Failure::of(ffi::INVALID, error);
        let linked = core.linker.instantiate_pre(&component).map_err(invalid)?;
        let template = ProxyPre::new(linked).map_err(|error| {
            Failure::new(ffi::INVALID, format!("the component is not a request handler: {error:#}"))
        })?;
        Ok(Handler { core, template: Template::Component(template), config: Arc::new(config) })
    }

    unsafe fn load_service(core: Arc<Core>, fd: i32, config: HandlerConfig) -> Result<Handler, Failure> {
        let asynchronous = core.asynchronous()?;
        let component = unsafe { map_component(&asynchronous.wasm, fd)? };
        let invalid = |error| Failure::of(ffi::INVALID, error);
        let linked = asynchronous.linker.instantiate_pre(&component).map_err(invalid)?;
        let template = ServicePre::new(linked).map_err(|error| {
            Failure::new(ffi::INVALID, format!("the component is not an asynchronous request handler: {error:#}"))
        })?;
        Ok(Handler { core, template: Template::Service(template), config: Arc::new(config) })
    }

    unsafe fn load_command(core: Arc<Core>, fd: i32, config: HandlerConfig) -> Result<Handler, Failure> {
        let module = unsafe { map_module(&core.wasm, fd)? };
        let template = CommandTemplate::new(&core, &module)?;
        Ok(Handler { core, template: Template::Command(template), config: Arc::new(config) })
    }

    /// The same code with another configuration.
    fn with_config(&self, config: HandlerConfig) -> Handler {
        Handler { core: Arc::clone(&self.core), template: self.template.clone(), config: Arc::new(config) }
    }
}

/// How a kind of handler comes from a code file.
type Load = unsafe fn(Arc<Core>, i32, HandlerConfig) -> Result<Handler, Failure>;

/// # Safety
/// See duet_engine.h; all pointers are valid, and the file is what the caller vouches for.
unsafe fn load_by(
    load: Load,
    engine: *mut Engine,
    fd: i32,
    config: *const CHandlerConfig,
    out: *mut *mut Handler,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let config = HandlerConfig::read(&*config)?;
            let handler = load(Arc::clone(&(*engine).0), fd, config)?;
            *out = Box::into_raw(Box::new(handler));
            Ok(())
        })
    }
}

/// # Safety
/// As `load_by`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_handler_load(
    engine: *mut Engine,
    fd: i32,
    config: *const CHandlerConfig,
    out: *mut *mut Handler,
    error: *mut CError,
) -> i32 {
    unsafe { load_by(Handler::load, engine, fd, config, out, error) }
}

/// # Safety
/// As `load_by`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_handler_load_command(
    engine: *mut Engine,
    fd: i32,
    config: *const CHandlerConfig,
    out: *mut *mut Handler,
    error: *mut CError,
) -> i32 {
    unsafe { load_by(Handler::load_command, engine, fd, config, out, error) }
}

/// # Safety
/// As `load_by`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_handler_load_service(
    engine: *mut Engine,
    fd: i32,
    config: *const CHandlerConfig,
    out: *mut *mut Handler,
    error: *mut CError,
) -> i32 {
    unsafe { load_by(Handler::load_service, engine, fd, config, out, error) }
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_handler_share(
    handler: *const Handler,
    config: *const CHandlerConfig,
    out: *mut *mut Handler,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let config = HandlerConfig::read(&*config)?;
            *out = Box::into_raw(Box::new((*handler).with_config(config)));
            Ok(())
        })
    }
}

/// # Safety
/// `handler` comes from `duet_handler_load` or `duet_handler_share` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_handler_free(handler: *mut Handler) {
    guard((), || drop(unsafe { Box::from_raw(handler) }));
}
