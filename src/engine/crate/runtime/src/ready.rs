//! Which requests want to be polled, and how a sleeping caller hears of it.

use crate::cpu::CpuMeter;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::thread::ThreadId;

/// The requests of one engine that were woken and not yet taken. Each stands in it at most once, so it is bounded by
/// the number of requests. Those that compute for long stand in a queue of their own, so that short ones do not wait for
/// them.
pub struct ReadyList {
    queue: Mutex<VecDeque<Arc<RequestWaker>>>,
    slow: Mutex<VecDeque<Arc<RequestWaker>>>,
    event: OwnedFd,
    owner: ThreadId,
}

impl ReadyList {
    pub fn new() -> std::io::Result<ReadyList> {
        // SAFETY: a plain system call; the descriptor is checked and then owned.
        let event = unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fd < 0 {
                return Err(std::io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        let (queue, slow) = (Mutex::default(), Mutex::default());
        Ok(ReadyList { queue, slow, event, owner: std::thread::current().id() })
    }

    pub fn event_fd(&self) -> i32 {
        self.event.as_raw_fd()
    }

    fn push(&self, waker: Arc<RequestWaker>) {
        let queue = if waker.meter.computes_long() { &self.slow } else { &self.queue };
        queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(waker);
        // The owner takes all before it sleeps, so only other threads have to wake it.
        if std::thread::current().id() != self.owner {
            let one = 1_u64;
            // SAFETY: eight bytes of a number to an eventfd. Full means that the owner is woken already.
            let _ = unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
        }
    }

    /// The next request to poll, of those that do not compute for long.
    pub fn pop(&self) -> Option<u64> {
        loop {
            match ReadyList::pop_from(&self.queue) {
                Some(token) => return Some(token),
                None if !self.drained() => return None,
                None => {}
            }
        }
    }

    /// The next one of those that do.
    pub fn pop_slow(&self) -> Option<u64> {
        ReadyList::pop_from(&self.slow)
    }

    fn pop_from(queue: &Mutex<VecDeque<Arc<RequestWaker>>>) -> Option<u64> {
        loop {
            let waker = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
            waker.queued.store(false, Ordering::Release);
            if waker.live.load(Ordering::Relaxed) {
                return Some(waker.token);
            }
        }
    }

    /// Forgets all. A waker on the list holds the list, so an engine that goes must cut that circle.
    pub fn clear(&self) {
        for queue in [&self.queue, &self.slow] {
            queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Resets the eventfd; true if another thread had written to it, and so may have pushed meanwhile.
    fn drained(&self) -> bool {
        let mut count = 0_u64;
        // SAFETY: eight bytes from a non-blocking eventfd.
        unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) == 8 }
    }
}

/// Wakes one request: puts it on the list, unless it stands there.
pub struct RequestWaker {
    list: Arc<ReadyList>,
    token: u64,
    queued: AtomicBool,
    live: AtomicBool,
    meter: Arc<CpuMeter>,
}

impl RequestWaker {
    pub fn new(list: Arc<ReadyList>, token: u64, meter: Arc<CpuMeter>) -> Arc<RequestWaker> {
        Arc::new(RequestWaker { list, token, queued: AtomicBool::new(false), live: AtomicBool::new(true), meter })
    }

    /// The request is gone; its token is never given again.
    pub fn retire(&self) {
        self.live.store(false, Ordering::Relaxed);
    }
}

impl Wake for RequestWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let list = Arc::clone(&self.list);
            list.push(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.list.push(Arc::clone(self));
        }
    }
}
