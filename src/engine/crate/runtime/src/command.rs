//! A core module of WASI preview 1 as a handler: for each request it is started anew with an environment, reads the
//! request's body from its standard input and writes the answer to its standard output. What environment and output
//! mean is not decided here.

use crate::abi::Slice;
use crate::body::channel;
use crate::cpu::CpuMeter;
use crate::ending::{End, Finished, describe};
use crate::engine::Core;
use crate::handler::{Handler, Template};
use crate::limits::Limiter;
use crate::log::Log;
use crate::outgoing::{self, Outlet};
use crate::preview1;
use crate::request::{Request, Streams};
use crate::request_abi::Limits;
use crate::state;
use crate::stdio::{Stdin, Stdout, output};
use crate::timers::{GuestClock, monotonic_ns};
use duet_engine_shared::ffi::{self, CError, Failure, enter};
use std::sync::Arc;
use wasmtime::{InstancePre, Linker, Module, Result, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{HostMonotonicClock, I32Exit, WasiCtx};
use wasmtime_wasi_http::WasiBody;

const START: &str = "_start";

/// What a command's store holds.
pub struct CommandState {
    pub wasi: WasiP1Ctx,
    /// `NAME=value` of each variable, each ended by a zero byte.
    pub environment: Vec<u8>,
    pub stdin: Stdin,
    pub stdout: Stdout,
    pub log: Log,
    pub clock: GuestClock,
    /// What the guest may wait for at once.
    pub wait_limit: usize,
    limiter: Limiter,
}

/// The guest's own clock, as `wasmtime-wasi` asks for it.
struct GuestTime {
    start_ns: u64,
}

impl HostMonotonicClock for GuestTime {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }
}

/// All of preview 1, with neither files nor network.
pub fn link(engine: &wasmtime::Engine) -> Result<Linker<CommandState>> {
    let mut linker = Linker::new(engine);
    p1::add_to_linker_async(&mut linker, |state: &mut CommandState| &mut state.wasi)?;
    preview1::link(&mut linker)?;
    Ok(linker)
}

#[derive(Clone)]
pub struct CommandTemplate(InstancePre<CommandState>);

impl CommandTemplate {
    pub fn new(core: &Core, module: &Module) -> Result<CommandTemplate, Failure> {
        if module.get_export(START).and_then(|export| export.func().cloned()).is_none() {
            return Err(Failure::new(ffi::INVALID, "the module exports no function _start"));
        }
        let template = core.command_linker()?.instantiate_pre(module).map_err(|error| Failure::of(ffi::INVALID, error))?;
        Ok(CommandTemplate(template))
    }
}

/// The guest's whole life: made, called, gone.
async fn live(template: CommandTemplate, mut store: Store<CommandState>) -> End {
    let called = async {
        let instance = template.0.instantiate_async(&mut store).await?;
        instance.get_typed_func::<(), ()>(&mut store, START)?.call_async(&mut store, ()).await
    }
    .await;
    let result = match called {
        Err(error) if error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0) => Ok(()),
        other => other,
    };
    store.data().stdout.finish();
    describe(Finished { result, memory_refused: store.data().limiter.refused })
}

fn new_store(handler: &Handler, state: CommandState, meter: Arc<CpuMeter>) -> Store<CommandState> {
    let mut store = Store::new(&handler.core.wasm, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| meter.epoch_ended());
    store
}

fn new_context(handler: &Handler, start_ns: u64) -> WasiP1Ctx {
    WasiCtx::builder()
        .args(&handler.config.arguments)
        .monotonic_clock(GuestTime { start_ns })
        .max_random_size(state::RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .build_p1()
}

fn start(handler: &Handler, input: &CommandInput, limits: &Limits, token: u64) -> Result<Request, Failure> {
    let Template::Command(template) = &handler.template else {
        return Err(Failure::new(ffi::INVALID, "the handler is a component and not a command"));
    };
    let core = Arc::clone(&handler.core);
    let log = Log::new(limits.log_bytes);
    let meter = CpuMeter::new(limits.cpu_budget_ns, core.tick_ns(), limits.computes_long);
    let (body, stdin) = if input.body_complete {
        (None, Stdin::empty())
    } else {
        let (writer, reader) = channel(limits.request_body_bytes);
        (Some(writer), Stdin::of(reader))
    };
    let (stdout, answer) = output(limits.response_chunk_bytes);
    let start_ns = monotonic_ns();
    let state = CommandState {
        wasi: new_context(handler, start_ns),
        environment: unsafe { input.environment.bytes() }.to_vec(),
        stdin,
        stdout,
        log: log.clone(),
        clock: GuestClock { timers: Arc::clone(&core.timers), start_ns },
        wait_limit: limits.resource_limit as usize,
        limiter: Limiter::new(
            limits.memory_bytes,
            limits.table_elements,
            limits.instance_limit as usize,
            Arc::clone(&meter),
        ),
    };
    let store = new_store(handler, state, Arc::clone(&meter));
    let streams = Streams {
        slot: Arc::default(),
        outlet: Some(Outlet::new(WasiBody::new(answer))),
        body,
        log,
        meter,
        outgoing: outgoing::list(0),
    };
    Ok(Request::new(core, Box::pin(live(template.clone(), store)), streams, limits, token))
}

#[repr(C)]
pub struct CommandInput {
    environment: Slice,
    body_complete: bool,
}

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_command_start(
    handler: *mut Handler,
    input: *const CommandInput,
    limits: *const Limits,
    token: u64,
    out: *mut *mut Request,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let request = start(&*handler, &*input, &*limits, token)?;
            *out = Box::into_raw(Box::new(request));
            Ok(())
        })
    }
}
