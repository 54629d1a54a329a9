//! The engine of one thread, and its part of duet_engine.h.

use crate::command::{self, CommandState};
use crate::config;
use crate::ready::ReadyList;
use crate::state::{self, State};
use crate::timers::Timers;
use duet_engine_shared::Profile;
use duet_engine_shared::ffi::{self, CError, Failure, enter, guard};
use duet_engine_shared::key::compatibility_key;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;
use wasmtime::component::Linker;

#[repr(C)]
#[derive(Clone)]
pub struct EngineOptions {
    pub sandbox_limit: u32,
    pub core_instance_limit: u32,
    pub memory_limit: u32,
    pub table_limit: u32,
    pub memory_size_limit_bytes: u64,
    pub table_elements_limit: u64,
    pub resident_bytes: u64,
    pub warm_limit: u32,
    pub tick_ns: u64,
    pub pooling: bool,
    pub checked: bool,
}

/// Threads that a guest's file access may use at once.
const FILE_THREADS: usize = 4;

/// What handlers of WASI 0.3 share beside that: an engine with a pool of its own. Handlers of 0.2 have nothing of it.
pub struct AsyncCore {
    pub wasm: wasmtime::Engine,
    /// All that such a handler can import.
    pub linker: Linker<State>,
}

/// What the handlers and requests of an engine share.
pub struct Core {
    pub wasm: wasmtime::Engine,
    /// All that a handler can import, made once for all handlers.
    pub linker: Linker<State>,
    /// The same for commands, made when there is one.
    commands: OnceLock<wasmtime::Linker<CommandState>>,
    /// Made when there is a handler of WASI 0.3.
    asynchronous: OnceLock<AsyncCore>,
    options: EngineOptions,
    pub ready: Arc<ReadyList>,
    pub timers: Arc<Timers>,
    /// Wasmtime hands the guest's outgoing requests to tokio tasks. This runtime has no driver and no thread: it only
    /// carries answers from one side of such a task to the other, when `deliver` is called.
    courier: Runtime,
}

impl Core {
    fn new(options: &EngineOptions) -> Result<(Core, u32), Failure> {
        let failed = |error: std::io::Error| Failure::new(ffi::INTERNAL, error.to_string());
        let (wasm, sandboxes) = config::handler_engine(options)?;
        let mut linker = Linker::new(&wasm);
        state::link(&mut linker).map_err(|error| Failure::of(ffi::INTERNAL, error))?;
        let courier = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(FILE_THREADS)
            .build()
            .map_err(failed)?;
        let ready = Arc::new(ReadyList::new().map_err(failed)?);
        let timers = Arc::new(Timers::default());
        let (commands, asynchronous) = (OnceLock::new(), OnceLock::new());
        let options = options.clone();
        Ok((Core { wasm, linker, commands, asynchronous, options, ready, timers, courier }, sandboxes))
    }

    /// How long an epoch is, in CPU time of the thread.
    pub fn tick_ns(&self) -> u64 {
        self.options.tick_ns
    }

    /// What handlers of WASI 0.3 need.
    pub fn asynchronous(&self) -> Result<&AsyncCore, Failure> {
        if let Some(made) = self.asynchronous.get() {
            return Ok(made);
        }
        let (wasm, _) = config::async_handler_engine(&self.options)?;
        let mut linker = Linker::new(&wasm);
        state::link_async(&mut linker).map_err(|error| Failure::of(ffi::INTERNAL, error))?;
        Ok(self.asynchronous.get_or_init(|| AsyncCore { wasm, linker }))
    }

    /// For any thread, and for signal handlers.
    fn increment_epoch(&self) {
        self.wasm.increment_epoch();
        if let Some(made) = self.asynchronous.get() {
            made.wasm.increment_epoch();
        }
    }

    /// All that a command can import.
    pub fn command_linker(&self) -> Result<&wasmtime::Linker<CommandState>, Failure> {
        if let Some(linker) = self.commands.get() {
            return Ok(linker);
        }
        let linker = command::link(&self.wasm).map_err(|error| Failure::of(ffi::INTERNAL, error))?;
        Ok(self.commands.get_or_init(|| linker))
    }

    /// Runs `body` where guests find the courier.
    pub fn within<R>(&self, body: impl FnOnce() -> R) -> R {
        let _entered = self.courier.enter();
        body()
    }

    /// Runs the courier's tasks as far as they get.
    pub fn deliver(&self) {
        self.courier.block_on(async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
        });
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.ready.clear();
    }
}

pub struct Engine(pub Arc<Core>);

/// # Safety
/// See duet_engine.h; all pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_new(
    options: *const EngineOptions,
    out: *mut *mut Engine,
    sandboxes: *mut u32,
    error: *mut CError,
) -> i32 {
    unsafe {
        enter(error, || {
            let (core, capacity) = Core::new(&*options)?;
            *sandboxes = capacity;
            *out = Box::into_raw(Box::new(Engine(Arc::new(core))));
            Ok(())
        })
    }
}

/// # Safety
/// `engine` comes from `duet_engine_new` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_free(engine: *mut Engine) {
    guard((), || drop(unsafe { Box::from_raw(engine) }));
}

/// # Safety
/// `engine` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_event_fd(engine: *const Engine) -> i32 {
    unsafe { &*engine }.0.ready.event_fd()
}

/// # Safety
/// `engine` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_increment_epoch(engine: *const Engine) {
    unsafe { &*engine }.0.increment_epoch();
}

/// # Safety
/// `engine` is alive, `token` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_next_ready(engine: *mut Engine, token: *mut u64) -> bool {
    guard(false, || match unsafe { &*engine }.0.ready.pop() {
        Some(next) => {
            unsafe { *token = next };
            true
        }
        None => false,
    })
}

/// # Safety
/// `engine` is alive, `token` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_next_slow(engine: *mut Engine, token: *mut u64) -> bool {
    guard(false, || match unsafe { &*engine }.0.ready.pop_slow() {
        Some(next) => {
            unsafe { *token = next };
            true
        }
        None => false,
    })
}

/// # Safety
/// `engine` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_next_timer(engine: *const Engine) -> u64 {
    guard(u64::MAX, || unsafe { &*engine }.0.timers.next_ns())
}

/// # Safety
/// `engine` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_engine_fire_timers(engine: *mut Engine, now_ns: u64) {
    guard((), || unsafe { &*engine }.0.timers.fire(now_ns));
}

/// # Safety
/// `key` points to 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duet_compatibility_key(profile: u32, key: *mut u8, error: *mut CError) -> i32 {
    unsafe {
        enter(error, || {
            let bytes = compatibility_key(Profile::of_number(profile));
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), key, bytes.len());
            Ok(())
        })
    }
}
