//! The engine's settings that belong to running: how memory for sandboxes is found.

use crate::engine::EngineOptions;
use duet_engine_shared::ffi::{self, Failure};
use duet_engine_shared::{Profile, settings};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

fn internal(error: wasmtime::Error) -> Failure {
    Failure::of(ffi::INTERNAL, error)
}

fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let resident = usize::try_from(options.resident_bytes).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(options.sandbox_limit)
        .total_stacks(options.sandbox_limit)
        .total_core_instances(options.core_instance_limit)
        .total_memories(options.memory_limit)
        .total_tables(options.table_limit)
        .max_memory_size(usize::try_from(options.memory_size_limit_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(options.table_elements_limit).unwrap_or(usize::MAX))
        .max_unused_warm_slots(options.warm_limit)
        .linear_memory_keep_resident(resident)
        .table_keep_resident(resident)
        .async_stack_keep_resident(resident)
        // Only pages that the guest wrote to are reset, where the kernel can tell (Linux 6.7).
        .pagemap_scan(Enabled::Auto);
    pool
}

/// An engine for handlers; the second value says whether it has a pool.
pub fn handler_engine(options: &EngineOptions) -> Result<(Engine, bool), Failure> {
    if options.pooling {
        let mut config = settings::config(Profile::Handler).map_err(internal)?;
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
        // What is left to fail here is the reservation of address space: sandboxes are then mapped one by one.
        if let Ok(engine) = Engine::new(&config) {
            return Ok((engine, true));
        }
    }
    let config = settings::config(Profile::Handler).map_err(internal)?;
    Ok((Engine::new(&config).map_err(internal)?, false))
}

/// An engine for one program.
pub fn program_engine() -> Result<Engine, Failure> {
    let config = settings::config(Profile::Program).map_err(internal)?;
    Engine::new(&config).map_err(internal)
}
