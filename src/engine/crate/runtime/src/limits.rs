//! What a sandbox may take.

use crate::cpu::CpuMeter;
use std::sync::Arc;
use wasmtime::{Result, ResourceLimiter};

/// Bounds of one store, over all its memories and tables, and what was used.
pub struct Limiter {
    pub memory_bytes: usize,
    pub table_elements: usize,
    pub instances: usize,
    pub memory_used: usize,
    pub table_used: usize,
    /// Growth was refused at least once.
    pub refused: bool,
    last_memory: usize,
    last_table: usize,
    meter: Arc<CpuMeter>,
}

impl Limiter {
    pub fn new(memory_bytes: u64, table_elements: u64, instances: usize, meter: Arc<CpuMeter>) -> Limiter {
        Limiter {
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            table_elements: usize::try_from(table_elements).unwrap_or(usize::MAX),
            instances,
            memory_used: 0,
            table_used: 0,
            refused: false,
            last_memory: 0,
            last_table: 0,
            meter,
        }
    }

    /// The most linear memory that there was, in bytes.
    pub fn memory_peak(&self) -> u64 {
        self.meter.peak_memory()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.memory_used.saturating_add(growth);
        if total > self.memory_bytes {
            self.refused = true;
            return Ok(false);
        }
        self.last_memory = growth;
        self.memory_used = total;
        self.meter.note_memory(total);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.refused = true;
        self.memory_used = self.memory_used.saturating_sub(std::mem::take(&mut self.last_memory));
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.table_used.saturating_add(growth);
        if total > self.table_elements {
            self.refused = true;
            return Ok(false);
        }
        self.last_table = growth;
        self.table_used = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.refused = true;
        self.table_used = self.table_used.saturating_sub(std::mem::take(&mut self.last_table));
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }
}
