//! The guests' timers, fired by the caller's clock: no timer thread, no second event loop.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime::component::{Accessor, HasData, Resource, ResourceTable};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p3::bindings::clocks::monotonic_clock as p3_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// CLOCK_MONOTONIC in ns.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// CPU time of this thread in ns.
pub fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills a struct of ours; both clocks always exist on Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[derive(Default)]
struct Waiting {
    /// By due time; the second number keeps equal times apart.
    wakers: BTreeMap<(u64, u64), Waker>,
    next_id: u64,
    fired_until_ns: u64,
}

/// The timers of all guests of one engine.
#[derive(Default)]
pub struct Timers(Mutex<Waiting>);

impl Timers {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_ns(&self) -> u64 {
        self.lock().wakers.first_key_value().map_or(u64::MAX, |(key, _)| key.0)
    }

    /// CLOCK_MONOTONIC, or what it was said to be if that is later.
    pub fn now_ns(&self) -> u64 {
        self.lock().fired_until_ns.max(monotonic_ns())
    }

    pub fn fire(&self, now_ns: u64) {
        let mut waiting = self.lock();
        waiting.fired_until_ns = waiting.fired_until_ns.max(now_ns);
        let later = waiting.wakers.split_off(&(now_ns.saturating_add(1), 0));
        let due = std::mem::replace(&mut waiting.wakers, later);
        drop(waiting);
        due.into_values().for_each(Waker::wake);
    }
}

/// One timer of a guest.
pub struct Timer {
    timers: Arc<Timers>,
    due_ns: u64,
    id: u64,
    /// A timer that is due at once lets others run once before it is ready: a guest may poll in a circle.
    took_turn: bool,
}

impl Timer {
    /// Due at `due_ns` of CLOCK_MONOTONIC.
    pub fn new(timers: &Arc<Timers>, due_ns: u64) -> Timer {
        let id = {
            let mut waiting = timers.lock();
            waiting.next_id += 1;
            waiting.next_id
        };
        Timer { timers: Arc::clone(timers), due_ns, id, took_turn: false }
    }

    /// Whether it is due; if not, the context's waker hears when.
    pub fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut waiting = self.timers.lock();
        if waiting.fired_until_ns.max(monotonic_ns()) >= self.due_ns {
            if self.took_turn {
                return Poll::Ready(());
            }
            self.took_turn = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.took_turn = true;
        waiting.wakers.insert((self.due_ns, self.id), context.waker().clone());
        Poll::Pending
    }
}

#[async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.lock().wakers.remove(&(self.due_ns, self.id));
    }
}

/// A guest's monotonic clock: counts from the start of its request, so that it does not tell how long the host is up.
pub struct GuestClock {
    pub timers: Arc<Timers>,
    pub start_ns: u64,
}

impl GuestClock {
    pub fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }

    /// A timer due when the guest's clock shows `time_ns`.
    pub fn timer_at(&self, time_ns: u64) -> Timer {
        Timer::new(&self.timers, self.start_ns.saturating_add(time_ns))
    }
}

/// `GuestClock` with the table that its timers go into.
pub struct GuestClockView<'a> {
    pub clock: &'a GuestClock,
    pub table: &'a mut ResourceTable,
}

impl GuestClockView<'_> {
    fn subscribe(&mut self, time_ns: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = self.table.push(self.clock.timer_at(time_ns))?;
        subscribe(self.table, timer)
    }
}

impl monotonic_clock::Host for GuestClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.now_ns())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe(self.clock.now_ns().saturating_add(duration))
    }
}

impl p3_clock::Host for GuestClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.now_ns())
    }

    fn get_resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }
}

/// Reaches the guest's clock in its store.
pub struct HasClock;
impl HasData for HasClock {
    type Data<'a> = GuestClockView<'a>;
}

impl<T> p3_clock::HostWithStore<T> for HasClock {
    async fn wait_until(store: &Accessor<T, HasClock>, when: u64) -> wasmtime::Result<()> {
        let mut timer = store.with(|mut access| access.get().clock.timer_at(when));
        poll_fn(|context| timer.poll(context)).await;
        Ok(())
    }

    async fn wait_for(store: &Accessor<T, HasClock>, duration: u64) -> wasmtime::Result<()> {
        let now = store.with(|mut access| access.get().clock.now_ns());
        HasClock::wait_until(store, now.saturating_add(duration)).await
    }
}
