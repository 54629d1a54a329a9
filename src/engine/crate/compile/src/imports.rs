//! Whether all that a guest imports exists, so that a missing import is found when the guest is compiled and not when
//! it is started.

use crate::inspect::Kind;
use duet_engine_shared::ffi::{INTERNAL, INVALID, Failure};
use duet_engine_shared::link;
use wasmtime::component::{self, Component};
use wasmtime::{Engine, Linker, Module, Store};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

/// Stands where a running guest has its state. Linking never asks for it.
struct Nobody;

impl WasiView for Nobody {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        unreachable!("nothing runs in the compiler")
    }
}

impl WasiHttpView for Nobody {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        unreachable!("nothing runs in the compiler")
    }
}

fn nobody(_: &mut Nobody) -> &mut WasiP1Ctx {
    unreachable!("nothing runs in the compiler")
}

fn internal(error: wasmtime::Error) -> Failure {
    Failure::of(INTERNAL, error)
}

fn check_module(engine: &Engine, code: &[u8]) -> Result<(), Failure> {
    // SAFETY: `code` was made by this process a moment ago.
    let module = unsafe { Module::deserialize(engine, code) }.map_err(internal)?;
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p1::add_to_linker_async(&mut linker, nobody).map_err(internal)?;
    let mut store = Store::new(engine, Nobody);
    let missing: Vec<String> = module
        .imports()
        .filter(|import| linker.get(&mut store, import.module(), import.name()).is_err())
        .map(|import| format!("{}.{}", import.module(), import.name()))
        .collect();
    if !missing.is_empty() {
        let message = format!("the module imports what does not exist here: {}", missing.join(", "));
        return Err(Failure::new(INVALID, message));
    }
    linker.instantiate_pre(&module).map(|_| ()).map_err(|error| Failure::of(INVALID, error))
}

fn check_component(engine: &Engine, kind: Kind, code: &[u8]) -> Result<(), Failure> {
    // SAFETY: as above.
    let component = unsafe { Component::deserialize(engine, code) }.map_err(internal)?;
    let mut linker = component::Linker::<Nobody>::new(engine);
    match kind {
        Kind::Handler => link::link_handler(&mut linker),
        Kind::AsyncHandler => link::link_async_handler(&mut linker),
        _ => link::link_program(&mut linker),
    }
    .map_err(internal)?;
    linker.instantiate_pre(&component).map(|_| ()).map_err(|error| Failure::of(INVALID, error))
}

/// Fails with the names of imports of `code` that no guest of its kind finds.
pub fn check(engine: &Engine, kind: Kind, code: &[u8]) -> Result<(), Failure> {
    match kind {
        Kind::ModuleProgram | Kind::ModuleHandler => check_module(engine, code),
        _ => check_component(engine, kind, code),
    }
}
