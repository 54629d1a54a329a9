//! What a request used of the thread's time, and when it is too much.

use crate::timers::{monotonic_ns, thread_cpu_ns};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use wasmtime::{Result, UpdateDeadline};

/// The guest used up its budget.
#[derive(Debug)]
pub struct BudgetExceeded;

impl fmt::Display for BudgetExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CPU budget was used up")
    }
}

impl std::error::Error for BudgetExceeded {}

/// A guest that computes this long at a time lets those before itself that do not.
const LONG_NS: u64 = 200_000;

/// So does one that computed this long in all, however often it waited meanwhile.
const LONG_IN_ALL_NS: u64 = 1_000_000;

/// Adds up the time of one request's polls. Nearly all polls are far shorter than an epoch and are measured with the
/// cheap monotonic clock, cut off at an epoch's length: had the thread computed longer, the epoch would have ended.
/// Once a guest computed for long, its polls are measured with the thread's CPU clock, so that a busy machine
/// does not make guests look greedy.
///
/// It also knows how much linear memory the guest had, so that a request that is cut off can be accounted for.
pub struct CpuMeter {
    peak_memory: AtomicU64,
    budget_ns: u64,
    tick_ns: u64,
    used_ns: AtomicU64,
    start_ns: AtomicU64,
    exact: AtomicBool,
    exact_start: AtomicBool,
}

impl CpuMeter {
    /// `computes_long`: what is known of the guest before it runs.
    pub fn new(budget_ns: u64, tick_ns: u64, computes_long: bool) -> Arc<CpuMeter> {
        Arc::new(CpuMeter {
            peak_memory: AtomicU64::new(0),
            budget_ns,
            tick_ns,
            used_ns: AtomicU64::new(0),
            start_ns: AtomicU64::new(0),
            exact: AtomicBool::new(computes_long),
            exact_start: AtomicBool::new(false),
        })
    }

    pub fn begin(&self) {
        let exact = self.exact.load(Relaxed);
        self.exact_start.store(exact, Relaxed);
        self.start_ns.store(if exact { thread_cpu_ns() } else { monotonic_ns() }, Relaxed);
    }

    fn running_ns(&self) -> u64 {
        let start = self.start_ns.load(Relaxed);
        if self.exact_start.load(Relaxed) {
            thread_cpu_ns().saturating_sub(start)
        } else {
            monotonic_ns().saturating_sub(start).min(self.tick_ns)
        }
    }

    pub fn finish(&self) {
        let running_ns = self.running_ns();
        if self.used_ns.fetch_add(running_ns, Relaxed) + running_ns >= LONG_IN_ALL_NS {
            self.exact.store(true, Relaxed);
        }
    }

    pub fn used_ns(&self) -> u64 {
        self.used_ns.load(Relaxed)
    }

    /// Whether the guest was seen to compute for long: it waits for those that do not.
    pub fn computes_long(&self) -> bool {
        self.exact.load(Relaxed)
    }

    pub fn note_memory(&self, bytes: usize) {
        self.peak_memory.fetch_max(bytes as u64, Relaxed);
    }

    /// Of all linear memories together, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.peak_memory.load(Relaxed)
    }

    /// At the end of an epoch: stops the guest, or lets others have their turn. The epoch may have ended just after the
    /// guest began, or while it waited for something: that is no sign of long computing.
    pub fn epoch_ended(&self) -> Result<UpdateDeadline> {
        let running_ns = self.running_ns();
        if self.budget_ns != 0 && self.used_ns() + running_ns >= self.budget_ns {
            return Err(BudgetExceeded.into());
        }
        if running_ns >= LONG_NS {
            self.exact.store(true, Relaxed);
        }
        Ok(UpdateDeadline::Yield(1))
    }
}
