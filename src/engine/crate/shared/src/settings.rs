//! The engine's settings, as far as they are compiled into code.

use wasmtime::{Config, ModuleVersionStrategy, Result, WasmBacktraceDetails};

/// The two kinds of guests: their code is compiled differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Runs in the gateway beside others: looks at the epoch, so that it can be stopped and take turns.
    Handler,
    /// Has a process of its own, which the kernel schedules and stops: runs at full speed.
    Program,
}

/// What a guest's stack may hold. Deep recursion traps; the thread's own stack is never reached.
const WASM_STACK_BYTES: usize = 512 << 10;
const FIBER_STACK_BYTES: usize = 1 << 20;

/// The settings common to compiling and running. All that is set here is in the compatibility key by `REVISION`.
pub fn config(profile: Profile) -> Result<Config> {
    let mut config = Config::new();
    config.module_version(ModuleVersionStrategy::Custom(version()))?;
    config.epoch_interruption(profile == Profile::Handler);
    config.max_wasm_stack(WASM_STACK_BYTES);
    config.async_stack_size(FIBER_STACK_BYTES);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // Wasmtime walks guest frames by itself; tables for foreign unwinders would only be registered and never read.
    config.native_unwind_info(false);
    config.wasm_component_model(true);
    config.concurrency_support(false);
    config.gc_support(false);
    Ok(config)
}

/// Counts changes of the settings above.
const REVISION: u32 = 1;

/// Stands in every compiled file; Wasmtime refuses files of another version.
pub fn version() -> String {
    format!("{}-duet{REVISION}", env!("DUET_WASMTIME"))
}
