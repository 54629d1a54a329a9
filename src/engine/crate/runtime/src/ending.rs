//! How a guest ends, and in which words that is told.

use crate::cpu::BudgetExceeded;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi::I32Exit;

pub const END_OK: u32 = 0;
pub const END_NO_RESPONSE: u32 = 1;
pub const END_GUEST_ERROR: u32 = 2;
pub const END_TRAP: u32 = 3;
const END_CPU: u32 = 4;
const END_MEMORY: u32 = 5;
const END_EXHAUSTED: u32 = 6;
pub const END_INTERNAL: u32 = 7;
const END_EXIT: u32 = 8;

/// A longer message of a trap is cut.
const MESSAGE_BYTES: usize = 4096;

/// What is left of a guest.
pub struct Finished {
    pub result: wasmtime::Result<()>,
    pub memory_refused: bool,
}

#[derive(Clone)]
pub struct End {
    pub outcome: u32,
    pub message: String,
    pub told: bool,
}

impl End {
    pub fn new(outcome: u32, message: String) -> End {
        End { outcome, message, told: false }
    }
}

/// Marks the error of a panic.
#[derive(Debug)]
pub struct Panicked;

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a bug of the engine ended the guest")
    }
}

impl std::error::Error for Panicked {}

/// How a guest ended, of what it left.
pub fn describe(finished: Finished) -> End {
    let Err(error) = finished.result else {
        return End::new(END_OK, String::new());
    };
    let outcome = if error.downcast_ref::<Panicked>().is_some() {
        END_INTERNAL
    } else if error.downcast_ref::<BudgetExceeded>().is_some() {
        END_CPU
    } else if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        END_EXHAUSTED
    } else if finished.memory_refused {
        END_MEMORY
    } else if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return End::new(END_EXIT, format!("the guest exited with code {}", exit.0));
    } else {
        END_TRAP
    };
    End::new(outcome, explain(&error))
}

/// What ended a guest, the cause first and where it was last. Rust's own backtrace says nothing about a guest.
pub fn explain(error: &wasmtime::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.reverse();
    let mut message = causes.join("\n");
    if message.len() > MESSAGE_BYTES {
        let cut = (0..=MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(cut);
    }
    message
}
