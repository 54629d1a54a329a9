//! The engine's settings that belong to running: how memory for sandboxes is found.

use crate::engine::EngineOptions;
use crate::room;
use duet_engine_shared::ffi::{self, Failure};
use duet_engine_shared::{Profile, settings};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

fn internal(error: wasmtime::Error) -> Failure {
    Failure::of(ffi::INTERNAL, error)
}

/// Of a freed table: more than compilers make tables for. A guest that grew its table gets the rest anew.
const TABLE_RESIDENT_BYTES: usize = 16 << 10;

/// Pages of the sandboxes that are warm, and the tables and stacks of all, for `sandboxes` instead of what was asked for.
fn pool(options: &EngineOptions, profile: Profile, sandboxes: u32) -> PoolingAllocationConfig {
    let resident = usize::try_from(options.resident_bytes).unwrap_or(usize::MAX);
    let share = |asked: u32| {
        let whole = u64::from(asked) * u64::from(sandboxes) / u64::from(options.sandbox_limit.max(1));
        u32::try_from(whole).unwrap_or(u32::MAX).max(1)
    };
    // A sandbox needs one stack. With WASI 0.3 each component in it can have a task that waits within a call, and keeps
    // its stack while others run; no other task enters that component then, and each has a core instance at least. So
    // nobody can take the stacks of others.
    let waiting = if profile == Profile::AsyncHandler { share(options.core_instance_limit) } else { 0 };
    // Stacks keep what their deepest guest touched. To give that back costs a tenth of a small request.
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(sandboxes)
        .total_stacks(sandboxes.saturating_add(waiting))
        .total_core_instances(share(options.core_instance_limit))
        .total_memories(share(options.memory_limit))
        .total_tables(share(options.table_limit))
        .max_memory_size(usize::try_from(options.memory_size_limit_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(options.table_elements_limit).unwrap_or(usize::MAX))
        .max_unused_warm_slots(options.warm_limit)
        .linear_memory_keep_resident(resident)
        .table_keep_resident(TABLE_RESIDENT_BYTES)
        // Only pages that the guest wrote to are reset, where the kernel can tell (Linux 6.7).
        .pagemap_scan(Enabled::Auto);
    pool
}

/// An engine with a pool of that size, unless it does not fit or leaves too little.
fn pooled_engine(options: &EngineOptions, profile: Profile, sandboxes: u32) -> Option<Engine> {
    let mut config = settings::config(profile).ok()?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options, profile, sandboxes)));
    let engine = Engine::new(&config).ok()?;
    room::is_left(sandboxes as usize).then_some(engine)
}

/// An engine for handlers of WASI 0.2 and preview 1, as `pooled_or_not`.
pub fn handler_engine(options: &EngineOptions) -> Result<(Engine, u32), Failure> {
    pooled_or_not(options, if options.checked { Profile::CheckedHandler } else { Profile::Handler })
}

/// An engine for handlers of WASI 0.3, as `pooled_or_not`.
pub fn async_handler_engine(options: &EngineOptions) -> Result<(Engine, u32), Failure> {
    pooled_or_not(options, if options.checked { Profile::CheckedAsyncHandler } else { Profile::AsyncHandler })
}

/// The second value is how many sandboxes the engine's pool has, 0 without one. The pool gets as many as asked for, or
/// else half of that, and so on, until what the process may map is enough.
fn pooled_or_not(options: &EngineOptions, profile: Profile) -> Result<(Engine, u32), Failure> {
    // Slots of a pool are reservations.
    let mut sandboxes = if options.pooling && !options.checked { options.sandbox_limit } else { 0 };
    while sandboxes > 0 {
        if let Some(engine) = pooled_engine(options, profile, sandboxes) {
            return Ok((engine, sandboxes));
        }
        sandboxes /= 2;
    }
    let config = settings::config(profile).map_err(internal)?;
    Ok((Engine::new(&config).map_err(internal)?, 0))
}

/// An engine for one program.
pub fn program_engine() -> Result<Engine, Failure> {
    let config = settings::config(Profile::Program).map_err(internal)?;
    Engine::new(&config).map_err(internal)
}
