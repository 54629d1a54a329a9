//! The engine's settings, as far as they are compiled into code.

use wasmtime::{Config, ModuleVersionStrategy, Result, WasmBacktraceDetails};

/// The kinds of guests: their code is compiled differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Runs in the gateway beside others: looks at the epoch, so that it can be stopped and take turns.
    Handler,
    /// As a handler, for processes whose address space is too short for reservations of 4 GiB: every access to memory
    /// is compared with the memory's size, and a memory takes no more addresses than it has bytes.
    CheckedHandler,
    /// Has a process of its own, which the kernel schedules and stops: runs at full speed.
    Program,
    /// As a handler, for components of WASI 0.3: code and stores know of tasks that run at the same time.
    AsyncHandler,
    /// As an asynchronous handler, with the memories of a checked one.
    CheckedAsyncHandler,
}

impl Profile {
    /// By its number in duet_engine.h.
    pub fn of_number(number: u32) -> Profile {
        match number {
            0 => Profile::Handler,
            1 => Profile::CheckedHandler,
            3 => Profile::AsyncHandler,
            4 => Profile::CheckedAsyncHandler,
            _ => Profile::Program,
        }
    }

    fn checked(self) -> bool {
        matches!(self, Profile::CheckedHandler | Profile::CheckedAsyncHandler)
    }

    fn concurrent(self) -> bool {
        matches!(self, Profile::AsyncHandler | Profile::CheckedAsyncHandler)
    }
}

/// What a guest's stack may hold. Deep recursion traps; the thread's own stack is never reached.
const WASM_STACK_BYTES: usize = 512 << 10;
const FIBER_STACK_BYTES: usize = 1 << 20;
/// What a memory without reservation gets beyond its size, so that growing in steps does not copy it each time.
const GROWTH_BYTES: u64 = 1 << 20;

/// The settings common to compiling and running. All that is set here is in the compatibility key by `REVISION`.
pub fn config(profile: Profile) -> Result<Config> {
    let mut config = Config::new();
    config.module_version(ModuleVersionStrategy::Custom(version()))?;
    config.epoch_interruption(profile != Profile::Program);
    if profile.checked() {
        config.memory_reservation(0);
        config.memory_reservation_for_growth(GROWTH_BYTES);
        config.memory_guard_size(0);
        config.guard_before_linear_memory(false);
        config.memory_may_move(true);
    }
    config.max_wasm_stack(WASM_STACK_BYTES);
    config.async_stack_size(FIBER_STACK_BYTES);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // Wasmtime walks guest frames by itself; tables for foreign unwinders would only be registered and never read.
    config.native_unwind_info(false);
    config.wasm_component_model(true);
    config.concurrency_support(profile.concurrent());
    config.wasm_component_model_async(profile.concurrent());
    config.gc_support(false);
    // What no supported guest needs is off: less to attack. (Compilers for WASI 0.2 make use of SIMD, bulk memory,
    // several values, sign extension, saturating conversions, reference types and extended constants.)
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.wasm_tail_call(false);
    config.wasm_relaxed_simd(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_exceptions(false);
    Ok(config)
}

/// Counts changes of the settings above.
const REVISION: u32 = 3;

/// Stands in every compiled file; Wasmtime refuses files of another version.
pub fn version() -> String {
    format!("{}-duet{REVISION}", env!("DUET_WASMTIME"))
}
