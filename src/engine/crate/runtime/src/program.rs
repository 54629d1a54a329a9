//! Programs: one guest in a process of its own, run to its end.

use crate::abi::{Field, Slice, pairs};
use crate::config;
use crate::cpu::CpuMeter;
use crate::ending::explain;
use crate::handler::{map_component, map_module};
use crate::limits::Limiter;
use duet_engine_shared::ffi::{self, CError, Failure, array, enter, give_text, take_text};
use duet_engine_shared::link;
use wasmtime::component::{self, ResourceTable};
use wasmtime::{Engine, Linker, Module, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

#[repr(C)]
pub struct Preopen {
    host_fd: i32,
    guest_path: Slice,
    read_only: bool,
}

#[repr(C)]
pub struct ProgramOptions {
    arguments: *const Slice,
    argument_count: usize,
    environment: *const Field,
    environment_count: usize,
    preopens: *const Preopen,
    preopen_count: usize,
    memory_bytes: u64,
    table_elements: u64,
    network: bool,
}

#[repr(C)]
pub struct ProgramEnd {
    outcome: u32,
    exit_code: i32,
    message: *mut u8,
    message_size: usize,
    peak_memory_bytes: u64,
}

const EXITED: u32 = 0;
const TRAPPED: u32 = 1;
/// What a command returns that says no more than that it failed.
const EXIT_FAILURE: i32 = 1;
const TABLE_CAPACITY: usize = 1 << 20;
const INSTANCES: usize = 10_000;

struct ModuleState {
    wasi: WasiP1Ctx,
    limiter: Limiter,
}

struct ComponentState {
    wasi: WasiCtx,
    table: ResourceTable,
    limiter: Limiter,
}

impl WasiView for ComponentState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn internal(error: wasmtime::Error) -> Failure {
    Failure::of(ffi::INTERNAL, error)
}

fn invalid(error: wasmtime::Error) -> Failure {
    Failure::of(ffi::INVALID, error)
}

fn limiter(options: &ProgramOptions) -> Limiter {
    let bound = |value: u64| if value == 0 { u64::MAX } else { value };
    Limiter::new(bound(options.memory_bytes), bound(options.table_elements), INSTANCES, CpuMeter::new(0, 0, false))
}

unsafe fn context(options: &ProgramOptions) -> Result<WasiCtxBuilder, Failure> {
    let mut builder = WasiCtxBuilder::new();
    // The process belongs to this guest alone, so it may wait in system calls.
    builder.inherit_stdio().allow_blocking_current_thread(true);
    for argument in unsafe { array(options.arguments, options.argument_count) } {
        builder.arg(unsafe { argument.text("an argument")? });
    }
    builder.envs(&unsafe { pairs(options.environment, options.environment_count, "an environment variable")? });
    for preopen in unsafe { array(options.preopens, options.preopen_count) } {
        let guest_path = unsafe { preopen.guest_path.text("a directory's path")? };
        let perms = if preopen.read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        let host_path = format!("/proc/self/fd/{}", preopen.host_fd);
        builder.preopened_dir(host_path, guest_path, perms).map_err(|error| {
            Failure::new(ffi::INVALID, format!("the directory for {guest_path} cannot be opened: {error:#}"))
        })?;
    }
    if options.network {
        builder.inherit_network().allow_ip_name_lookup(true);
    } else {
        builder.allow_tcp(false).allow_udp(false);
    }
    Ok(builder)
}

/// How a guest's call came back, and the most memory it had.
type Outcome = (wasmtime::Result<Result<(), ()>>, u64);

async fn run_module(engine: &Engine, module: &Module, wasi: WasiP1Ctx, limiter: Limiter) -> Result<Outcome, Failure> {
    let mut linker: Linker<ModuleState> = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |state: &mut ModuleState| &mut state.wasi).map_err(internal)?;
    let template = linker.instantiate_pre(module).map_err(invalid)?;
    let mut store = Store::new(engine, ModuleState { wasi, limiter });
    store.limiter(|state| &mut state.limiter);
    let result = async {
        let instance = template.instantiate_async(&mut store).await?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        start.call_async(&mut store, ()).await
    }
    .await;
    Ok((result.map(Ok), store.data().limiter.memory_peak()))
}

async fn run_component(
    engine: &Engine,
    component: &component::Component,
    wasi: WasiCtx,
    limiter: Limiter,
) -> Result<Outcome, Failure> {
    let mut linker = component::Linker::new(engine);
    link::link_program(&mut linker).map_err(internal)?;
    let linked = linker.instantiate_pre(component).map_err(invalid)?;
    let template = CommandPre::new(linked)
        .map_err(|error| Failure::new(ffi::INVALID, format!("the component is not a program: {error:#}")))?;
    let mut table = ResourceTable::new();
    table.set_max_capacity(TABLE_CAPACITY);
    let mut store = Store::new(engine, ComponentState { wasi, table, limiter });
    store.limiter(|state| &mut state.limiter);
    let result = async {
        let command = template.instantiate_async(&mut store).await?;
        command.wasi_cli_run().call_run(&mut store).await
    }
    .await;
    Ok((result, store.data().limiter.memory_peak()))
}

unsafe fn run(fd: i32, is_component: bool, options: &ProgramOptions) -> Result<ProgramEnd, Failure> {
    if fd < 0 {
        return Err(Failure::new(ffi::INVALID, "the code file is not open"));
    }
    let engine = config::program_engine()?;
    let mut builder = unsafe { context(options)? };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ffi::INTERNAL, error.to_string()))?;
    let limiter = limiter(options);
    let (result, peak) = if is_component {
        let component = unsafe { map_component(&engine, fd)? };
        runtime.block_on(run_component(&engine, &component, builder.build(), limiter))?
    } else {
        let module = unsafe { map_module(&engine, fd)? };
        runtime.block_on(run_module(&engine, &module, builder.build_p1(), limiter))?
    };
    // A read of stdin may still wait in a thread of its own; nobody needs it any more.
    runtime.shutdown_background();
    Ok(describe(result, peak))
}

fn describe(result: wasmtime::Result<Result<(), ()>>, peak: u64) -> ProgramEnd {
    let end = |outcome, exit_code, message: String| {
        let (message, message_size) = give_text(message);
        ProgramEnd { outcome, exit_code, message, message_size, peak_memory_bytes: peak }
    };
    match result {
        Ok(Ok(())) => end(EXITED, 0, String::new()),
        Ok(Err(())) => end(EXITED, EXIT_FAILURE, String::new()),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            // As the kernel does: a process keeps the low eight bits.
            Some(I32Exit(code)) => end(EXITED, code & 0xff, String::new()),
            None => end(TRAPPED, 0, explain(&error)),
        },
    }
}

/// # Safety
/// See duet_engine.h; all pointers are valid, and the file is what the caller vouches for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_program_run(
    fd: i32,
    component: bool,
    options: *const ProgramOptions,
    out: *mut ProgramEnd,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            *out = run(fd, component, &*options)?;
            Ok(())
        })
    }
}

/// # Safety
/// `end` points to a `duet_program_end` that `duet_program_run` filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_program_end_clear(end: *mut ProgramEnd) {
    unsafe {
        take_text((*end).message, (*end).message_size);
        (*end).message = std::ptr::null_mut();
        (*end).message_size = 0;
    }
}
