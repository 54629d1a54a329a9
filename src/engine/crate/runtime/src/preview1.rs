//! The functions of WASI preview 1 whose other side is a request: environment, standard streams and waiting. All else
//! is `wasmtime-wasi`'s; that would copy the whole environment for each call, cut output into pieces of 4 KiB, and wait
//! with tokio's timers.

use crate::command::CommandState;
use crate::stdio::BrokenInput;
use crate::timers::Timer;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};
use wasmtime::{Caller, Linker, Memory, Result};

const MODULE: &str = "wasi_snapshot_preview1";

type Errno = u16;
const SUCCESS: Errno = 0;
const BAD_FD: Errno = 8;
const FAULT: Errno = 21;
const INVALID: Errno = 28;
const IO: Errno = 29;

const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Pieces of one read or write that are looked at for the first with any bytes.
const PIECE_LIMIT: u32 = 1024;
/// One write to the log; a guest that has more calls again.
const LOG_WRITE_BYTES: usize = 64 << 10;

fn memory(caller: &mut Caller<'_, CommandState>) -> Result<Memory, Errno> {
    caller.get_export("memory").and_then(wasmtime::Extern::into_memory).ok_or(FAULT)
}

fn read<const N: usize>(bytes: &[u8], at: u32) -> Result<[u8; N], Errno> {
    let at = at as usize;
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(FAULT)
}

fn read_u32(bytes: &[u8], at: u32) -> Result<u32, Errno> {
    read(bytes, at).map(u32::from_le_bytes)
}

fn write(bytes: &mut [u8], at: u32, data: &[u8]) -> Result<(), Errno> {
    let at = at as usize;
    let end = at.checked_add(data.len()).ok_or(FAULT)?;
    bytes.get_mut(at..end).ok_or(FAULT)?.copy_from_slice(data);
    Ok(())
}

/// `at + index * size`, in the guest's memory.
fn element(at: u32, index: u32, size: u32) -> Result<u32, Errno> {
    index.checked_mul(size).and_then(|offset| at.checked_add(offset)).ok_or(FAULT)
}

fn errno(done: Result<(), Errno>) -> i32 {
    i32::from(done.err().unwrap_or(SUCCESS))
}

// ---- environment ----

fn environ_sizes(caller: &mut Caller<'_, CommandState>, count_at: u32, size_at: u32) -> Result<(), Errno> {
    let (bytes, state) = memory(caller)?.data_and_store_mut(caller);
    let count = state.environment.iter().filter(|byte| **byte == 0).count();
    write(bytes, count_at, &(count as u32).to_le_bytes())?;
    write(bytes, size_at, &(state.environment.len() as u32).to_le_bytes())
}

fn environ(caller: &mut Caller<'_, CommandState>, list_at: u32, text_at: u32) -> Result<(), Errno> {
    let (bytes, state) = memory(caller)?.data_and_store_mut(caller);
    write(bytes, text_at, &state.environment)?;
    let mut at = text_at;
    for (index, variable) in state.environment.split_inclusive(|byte| *byte == 0).enumerate() {
        write(bytes, element(list_at, index as u32, 4)?, &at.to_le_bytes())?;
        at += variable.len() as u32;
    }
    Ok(())
}

// ---- standard streams ----

/// Where the first piece with any bytes is: address and size. A short read or write is allowed.
fn first_piece(bytes: &[u8], list_at: u32, count: u32) -> Result<(u32, usize), Errno> {
    for index in 0..count.min(PIECE_LIMIT) {
        let at = element(list_at, index, 8)?;
        let (data_at, size) = (read_u32(bytes, at)?, read_u32(bytes, at.checked_add(4).ok_or(FAULT)?)?);
        if size > 0 {
            let end = (data_at as usize).checked_add(size as usize).ok_or(FAULT)?;
            return if end <= bytes.len() { Ok((data_at, size as usize)) } else { Err(FAULT) };
        }
    }
    Ok((0, 0))
}

async fn fd_read(caller: &mut Caller<'_, CommandState>, fd: u32, list_at: u32, count: u32, out: u32) -> Result<(), Errno> {
    if fd != STDIN {
        return Err(BAD_FD);
    }
    let memory = memory(caller)?;
    let (data_at, size) = first_piece(memory.data(&caller), list_at, count)?;
    let got = poll_fn(|context| caller.data_mut().stdin.poll_read(context, size)).await;
    let got = got.map_err(|BrokenInput| IO)?;
    let bytes = memory.data_mut(&mut *caller);
    write(bytes, data_at, &got)?;
    write(bytes, out, &(got.len() as u32).to_le_bytes())
}

async fn fd_write(caller: &mut Caller<'_, CommandState>, fd: u32, list_at: u32, count: u32, out: u32) -> Result<(), Errno> {
    if fd != STDOUT && fd != STDERR {
        return Err(BAD_FD);
    }
    let memory = memory(caller)?;
    let (data_at, size) = first_piece(memory.data(&caller), list_at, count)?;
    let written = poll_fn(|context| {
        let (bytes, state) = memory.data_and_store_mut(&mut *caller);
        let data = &bytes[data_at as usize..][..size];
        if fd == STDOUT {
            return state.stdout.poll_write(context, data);
        }
        let data = &data[..size.min(LOG_WRITE_BYTES)];
        state.log.write(true, data);
        Poll::Ready(data.len())
    })
    .await;
    write(memory.data_mut(&mut *caller), out, &(written as u32).to_le_bytes())
}

// ---- waiting ----

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const ABSOLUTE_TIME: u16 = 1;

/// What a guest waits for.
enum Awaited {
    Time(Timer),
    Input,
    Output,
    /// Nothing, or what there is not: it is told at once.
    Now(Errno),
}

struct Subscription {
    userdata: u64,
    kind: u8,
    awaited: Awaited,
}

fn realtime_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

fn clock_timer(state: &CommandState, bytes: &[u8], at: u32) -> Result<Awaited, Errno> {
    let timeout_ns = u64::from_le_bytes(read(bytes, at + 24)?);
    let absolute = u16::from_le_bytes(read(bytes, at + 40)?) & ABSOLUTE_TIME != 0;
    let now_ns = state.clock.now_ns();
    let time_ns = match (read_u32(bytes, at + 16)?, absolute) {
        (CLOCK_MONOTONIC, true) => timeout_ns,
        (CLOCK_REALTIME, true) => now_ns.saturating_add(timeout_ns.saturating_sub(realtime_ns())),
        (CLOCK_MONOTONIC | CLOCK_REALTIME, false) => now_ns.saturating_add(timeout_ns),
        _ => return Ok(Awaited::Now(INVALID)),
    };
    Ok(Awaited::Time(state.clock.timer_at(time_ns)))
}

fn subscription(state: &CommandState, bytes: &[u8], at: u32) -> Result<Subscription, Errno> {
    // What is read below of it is there.
    read::<{ SUBSCRIPTION_BYTES as usize }>(bytes, at)?;
    let [kind] = read(bytes, at + 8)?;
    let awaited = match kind {
        CLOCK => clock_timer(state, bytes, at)?,
        FD_READ if read_u32(bytes, at + 16)? == STDIN => Awaited::Input,
        FD_WRITE if read_u32(bytes, at + 16)? == STDOUT => Awaited::Output,
        FD_WRITE if read_u32(bytes, at + 16)? == STDERR => Awaited::Now(SUCCESS),
        FD_READ | FD_WRITE => Awaited::Now(BAD_FD),
        _ => return Err(INVALID),
    };
    Ok(Subscription { userdata: u64::from_le_bytes(read(bytes, at)?), kind, awaited })
}

/// What a subscription has come to; nothing: it still waits.
fn outcome(state: &mut CommandState, awaited: &mut Awaited, context: &mut Context<'_>) -> Option<Errno> {
    let ready = match awaited {
        Awaited::Time(timer) => timer.poll(context),
        Awaited::Input => state.stdin.poll_readable(context),
        Awaited::Output => state.stdout.poll_writable(context),
        Awaited::Now(errno) => return Some(*errno),
    };
    ready.is_ready().then_some(SUCCESS)
}

fn event(subscription: &Subscription, errno: Errno) -> [u8; EVENT_BYTES as usize] {
    let mut event = [0; EVENT_BYTES as usize];
    event[0..8].copy_from_slice(&subscription.userdata.to_le_bytes());
    event[8..10].copy_from_slice(&errno.to_le_bytes());
    event[10] = subscription.kind;
    if subscription.kind != CLOCK {
        event[16] = 1; // a byte at least can be read or written
    }
    event
}

async fn poll_oneoff(caller: &mut Caller<'_, CommandState>, list_at: u32, events_at: u32, count: u32, out: u32) -> Result<(), Errno> {
    if count == 0 || count as usize > caller.data().wait_limit {
        return Err(INVALID);
    }
    let memory = memory(caller)?;
    let (bytes, state) = memory.data_and_store_mut(&mut *caller);
    let mut list = (0..count)
        .map(|index| subscription(state, bytes, element(list_at, index, SUBSCRIPTION_BYTES)?))
        .collect::<Result<Vec<_>, Errno>>()?;
    let events = poll_fn(|context| {
        let state = caller.data_mut();
        let mut events = Vec::new();
        for one in &mut list {
            if let Some(errno) = outcome(state, &mut one.awaited, context) {
                events.push(event(one, errno));
            }
        }
        if events.is_empty() { Poll::Pending } else { Poll::Ready(events) }
    })
    .await;
    let bytes = memory.data_mut(&mut *caller);
    for (index, event) in events.iter().enumerate() {
        write(bytes, element(events_at, index as u32, EVENT_BYTES)?, event)?;
    }
    write(bytes, out, &(events.len() as u32).to_le_bytes())
}

/// Puts the functions above in the place of `wasmtime-wasi`'s.
pub fn link(linker: &mut Linker<CommandState>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.func_wrap(MODULE, "environ_sizes_get", |mut caller: Caller<'_, CommandState>, count: u32, size: u32| {
        errno(environ_sizes(&mut caller, count, size))
    })?;
    linker.func_wrap(MODULE, "environ_get", |mut caller: Caller<'_, CommandState>, list: u32, text: u32| {
        errno(environ(&mut caller, list, text))
    })?;
    type Four = (u32, u32, u32, u32);
    linker.func_wrap_async(MODULE, "fd_read", |mut caller: Caller<'_, CommandState>, (fd, list, count, out): Four| {
        Box::new(async move { errno(fd_read(&mut caller, fd, list, count, out).await) })
    })?;
    linker.func_wrap_async(MODULE, "fd_write", |mut caller: Caller<'_, CommandState>, (fd, list, count, out): Four| {
        Box::new(async move { errno(fd_write(&mut caller, fd, list, count, out).await) })
    })?;
    linker.func_wrap_async(MODULE, "poll_oneoff", |mut caller: Caller<'_, CommandState>, (list, events, count, out): Four| {
        Box::new(async move { errno(poll_oneoff(&mut caller, list, events, count, out).await) })
    })?;
    linker.allow_shadowing(false);
    Ok(())
}
