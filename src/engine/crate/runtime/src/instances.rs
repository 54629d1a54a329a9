//! Sandboxes of a handler of WASI 0.3 that answer several requests, one after the other or at the same time.
//!
//! Whoever is asked for an answer drives the sandbox that makes it: a request's own guest is a future that polls the
//! event loop of its sandbox, if that was woken, and then looks whether its own part is done. A sandbox without requests
//! is polled by nobody, so it stands still.

use crate::cpu::CpuMeter;
use crate::ending::{END_INTERNAL, END_OK, END_TRAP, End, Finished, describe};
use crate::engine::Core;
use crate::handler::Handler;
use crate::log::Log;
use crate::outgoing;
use crate::ready::RequestWaker;
use crate::request::{Guest, Request, Slot, Streams, new_store};
use crate::request_abi::Limits;
use crate::service::{self, Job};
use crate::state::State;
use crate::timers::Timer;
use duet_engine_shared::ffi::Failure;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use wasmtime::component::Accessor;
use wasmtime::{Result, Store};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};

/// How sandboxes are used again.
#[repr(C)]
#[derive(Clone)]
pub struct Reuse {
    pub requests: u32,
    pub concurrency: u32,
    pub idle_limit: u32,
    pub idle_ns: u64,
}

/// Hears that a sandbox has something to do, and tells a request that is in it.
#[derive(Default)]
struct InstanceWaker {
    woken: AtomicBool,
    leader: Mutex<Option<Waker>>,
}

impl InstanceWaker {
    fn lead(&self, leader: Option<Waker>) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = leader;
    }
}

impl Wake for InstanceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Relaxed);
        if let Some(leader) = &*self.leader.lock().unwrap_or_else(PoisonError::into_inner) {
            leader.wake_by_ref();
        }
    }
}

/// What a sandbox is to do next; and for each of that, where it says that it has done it.
type Jobs = Rc<RefCell<VecDeque<(Job, Rc<Cell<bool>>)>>>;

/// Answers what comes, until one of the answers traps.
async fn run(accessor: &Accessor<State>, service: &Service, jobs: &Jobs) -> Result<()> {
    type Serving<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;
    let mut open: Vec<(Serving<'_>, Rc<Cell<bool>>)> = Vec::new();
    let mut delivered: Vec<Rc<Cell<bool>>> = Vec::new();
    poll_fn(|context| {
        while let Some((job, done)) = jobs.borrow_mut().pop_front() {
            open.push((Box::pin(service::serve(accessor, service, job)), done));
        }
        let mut at = 0;
        while let Some((serving, _)) = open.get_mut(at) {
            match serving.as_mut().poll(context) {
                Poll::Ready(Ok(())) => delivered.push(open.swap_remove(at).1),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => at += 1,
            }
        }
        // The last of them lasts until the guest has done all it wanted to.
        if !delivered.is_empty() && (!open.is_empty() || accessor.poll_no_interesting_tasks(context).is_ready()) {
            delivered.drain(..).for_each(|done| done.set(true));
        }
        Poll::Pending
    })
    .await
}

/// A sandbox's whole life.
async fn live(template: ServicePre<State>, mut store: Store<State>, jobs: Jobs) -> End {
    let result = async {
        let service = template.instantiate_async(&mut store).await?;
        store.run_concurrent(async |accessor| run(accessor, &service, &jobs).await).await?
    }
    .await;
    describe(Finished { result, memory_refused: store.data().limiter.refused })
}

struct Instance {
    core: Arc<Core>,
    guest: RefCell<Option<Guest>>,
    jobs: Jobs,
    waker: Arc<InstanceWaker>,
    /// Who pays for what the guest computes now.
    payer: Arc<Mutex<Arc<CpuMeter>>>,
    /// Knows the sandbox's memory.
    gauge: Arc<CpuMeter>,
    log: Log,
    end: RefCell<Option<End>>,
    /// The requests in it, and how each is told of news.
    open: RefCell<Vec<(u64, Waker)>>,
    served: Cell<u32>,
    /// Takes no more requests: one was left in the middle.
    retired: Cell<bool>,
    idle_since_ns: Cell<u64>,
}

impl Instance {
    fn new(handler: &Handler, template: &ServicePre<State>, limits: &Limits, concurrency: u32) -> Instance {
        let core = Arc::clone(&handler.core);
        let gauge = CpuMeter::new(0, core.tick_ns(), false);
        let log = Log::new(limits.log_bytes);
        let whole = Limits { resource_limit: limits.resource_limit.saturating_mul(concurrency), ..limits.clone() };
        // Who asks for no request in particular, as one of WASI 0.2 does, asks in vain.
        let nobody = outgoing::list(0);
        let mut store = new_store(handler, template.engine(), &whole, &log, &nobody, &gauge);
        service::bound(&mut store, &whole);
        let payer = Arc::new(Mutex::new(Arc::clone(&gauge)));
        let paying = Arc::clone(&payer);
        store.epoch_deadline_callback(move |_| paying.lock().unwrap_or_else(PoisonError::into_inner).epoch_ended());
        let jobs = Jobs::default();
        let guest: Guest = Box::pin(live(template.clone(), store, Rc::clone(&jobs)));
        Instance {
            core,
            guest: RefCell::new(Some(guest)),
            jobs,
            waker: Arc::default(),
            payer,
            gauge,
            log,
            end: RefCell::default(),
            open: RefCell::default(),
            served: Cell::new(0),
            retired: Cell::new(false),
            idle_since_ns: Cell::new(0),
        }
    }

    fn is_idle(&self) -> bool {
        self.open.borrow().is_empty()
    }

    fn is_over(&self, reuse: &Reuse) -> bool {
        self.retired.get() || self.served.get() >= reuse.requests || self.end.borrow().is_some()
    }

    fn takes_more(&self, reuse: &Reuse) -> bool {
        !self.is_over(reuse) && self.open.borrow().len() < reuse.concurrency as usize
    }

    /// Lets the guest go on if it has something to do, in the name of the request `id`.
    fn turn(&self, id: u64, meter: &Arc<CpuMeter>, context: &Context<'_>) {
        if self.waker.woken.swap(false, Relaxed) {
            self.waker.lead(Some(context.waker().clone()));
            *self.payer.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(meter);
            self.poll();
            // Whatever was done may be news for the others: an answer, room in a body, an outgoing request.
            for (other, waker) in &*self.open.borrow() {
                if *other != id {
                    waker.wake_by_ref();
                }
            }
        }
        meter.note_memory(usize::try_from(self.gauge.peak_memory()).unwrap_or(usize::MAX));
    }

    fn poll(&self) {
        let Some(mut guest) = self.guest.take() else {
            return;
        };
        // Stands if the poll panics: the guest is lost then.
        self.end.replace(Some(End::new(END_INTERNAL, String::new())));
        let waker = Waker::from(Arc::clone(&self.waker));
        let end = match guest.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) if end.outcome == END_OK => Some(End::new(END_TRAP, "the sandbox ended by itself".to_owned())),
            Poll::Ready(end) => Some(end),
            Poll::Pending => {
                self.guest.replace(Some(guest));
                None
            }
        };
        self.end.replace(end);
    }

    /// What the request's own part came to, once it has.
    fn end_of(&self, done: &Cell<bool>) -> Option<End> {
        if done.get() { Some(End::new(END_OK, String::new())) } else { self.end.borrow().clone() }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let guest = self.guest.take();
        self.core.within(|| drop(guest));
    }
}

/// The sandboxes of a handler.
pub struct Pool {
    core: Arc<Core>,
    reuse: Reuse,
    alive: RefCell<Vec<Rc<Instance>>>,
    /// Due when the sandbox that has been idle for longest should go.
    timer: RefCell<Option<Timer>>,
    wake: Arc<RequestWaker>,
    next_id: Cell<u64>,
}

impl Pool {
    /// Drops sandboxes that have been idle for too long, and those that are too many.
    fn tidy(&self) {
        let now_ns = self.core.timers.now_ns();
        let reuse = &self.reuse;
        let mut alive = self.alive.borrow_mut();
        let mut idle = alive.iter().filter(|instance| instance.is_idle()).count();
        let mut gone = Vec::new();
        let mut at = 0;
        while let Some(instance) = alive.get(at) {
            let since_ns = now_ns.saturating_sub(instance.idle_since_ns.get());
            let surplus = idle > reuse.idle_limit as usize;
            if instance.is_idle() && (surplus || since_ns >= reuse.idle_ns || instance.is_over(reuse)) {
                gone.push(alive.remove(at));
                idle -= 1;
            } else {
                at += 1;
            }
        }
        let first_ns = alive.iter().filter(|instance| instance.is_idle()).map(|idle| idle.idle_since_ns.get()).min();
        drop(alive);
        drop(gone);
        *self.timer.borrow_mut() = first_ns.and_then(|since_ns| self.arm(since_ns.saturating_add(reuse.idle_ns)));
    }

    /// A timer that tells the pool's owner; none if it is due already.
    fn arm(&self, due_ns: u64) -> Option<Timer> {
        let waker = Waker::from(Arc::clone(&self.wake));
        let mut timer = Timer::new(&self.core.timers, due_ns);
        timer.poll(&Context::from_waker(&waker)).is_pending().then_some(timer)
    }

    fn take_or_make(&self, make: impl FnOnce() -> Instance) -> Rc<Instance> {
        let mut alive = self.alive.borrow_mut();
        if let Some(found) = alive.iter().rev().find(|instance| instance.takes_more(&self.reuse)) {
            return Rc::clone(found);
        }
        let made = Rc::new(make());
        alive.push(Rc::clone(&made));
        made
    }
}

/// A request's place in a sandbox.
struct Seat {
    pool: Rc<Pool>,
    instance: Rc<Instance>,
    id: u64,
    job: Option<Job>,
    done: Rc<Cell<bool>>,
    meter: Arc<CpuMeter>,
}

impl Seat {
    fn poll(&mut self, context: &Context<'_>) -> Poll<End> {
        if let Some(job) = self.job.take() {
            self.instance.open.borrow_mut().iter_mut().filter(|(id, _)| *id == self.id).for_each(|(_, waker)| {
                *waker = context.waker().clone();
            });
            self.instance.jobs.borrow_mut().push_back((job, Rc::clone(&self.done)));
            self.instance.waker.woken.store(true, Relaxed);
        }
        self.instance.turn(self.id, &self.meter, context);
        self.instance.end_of(&self.done).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let instance = &self.instance;
        let left_in_the_middle = !self.done.get() && self.job.is_none();
        if left_in_the_middle {
            instance.retired.set(true);
        }
        let mut open = instance.open.borrow_mut();
        open.retain(|(id, _)| *id != self.id);
        // Who stays may have waited for this one to go on.
        instance.waker.lead(open.first().map(|(_, waker)| waker.clone()));
        if let Some((_, waker)) = open.first() {
            waker.wake_by_ref();
        }
        drop(open);
        instance.idle_since_ns.set(self.pool.core.timers.now_ns());
        self.pool.tidy();
    }
}

pub struct Instances {
    handler: Handler,
    template: ServicePre<State>,
    pool: Rc<Pool>,
}

impl Instances {
    /// `token` is made ready when `tidy` should be called.
    pub fn new(handler: &Handler, template: &ServicePre<State>, reuse: &Reuse, token: u64) -> Instances {
        let core = Arc::clone(&handler.core);
        let meter = CpuMeter::new(0, core.tick_ns(), false);
        let pool = Rc::new(Pool {
            wake: RequestWaker::new(Arc::clone(&core.ready), token, meter),
            core,
            reuse: reuse.clone(),
            alive: RefCell::default(),
            timer: RefCell::default(),
            next_id: Cell::new(0),
        });
        Instances { handler: handler.clone(), template: template.clone(), pool }
    }

    pub fn start(
        &self,
        head: http::request::Parts,
        body_complete: bool,
        limits: &Limits,
        token: u64,
    ) -> Result<Request, Failure> {
        let core = Arc::clone(&self.handler.core);
        let concurrency = self.pool.reuse.concurrency;
        let instance = self.pool.take_or_make(|| Instance::new(&self.handler, &self.template, limits, concurrency));
        instance.served.set(instance.served.get() + 1);
        instance.log.renew();
        let id = self.pool.next_id.get();
        self.pool.next_id.set(id + 1);
        instance.open.borrow_mut().push((id, Waker::noop().clone()));

        let outgoing = outgoing::list(limits.outgoing_limit);
        let meter = CpuMeter::new(limits.cpu_budget_ns, core.tick_ns(), limits.computes_long);
        let (writer, body) = service::body(body_complete, limits);
        let slot = Slot::default();
        let log = instance.log.clone();
        let mut seat = Seat {
            pool: Rc::clone(&self.pool),
            instance,
            id,
            job: Some(Job {
                head,
                body,
                slot: Arc::clone(&slot),
                outgoing: Some(Arc::clone(&outgoing)),
                alone: concurrency == 1,
            }),
            done: Rc::default(),
            meter: Arc::clone(&meter),
        };
        let guest = Box::pin(poll_fn(move |context| seat.poll(context)));
        Ok(Request::new(core, guest, Streams { slot, outlet: None, body: writer, log, meter, outgoing }, limits, token))
    }

    pub fn tidy(&self) {
        self.pool.tidy();
    }

    /// How many sandboxes there are.
    pub fn count(&self) -> usize {
        self.pool.alive.borrow().len()
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        self.pool.wake.retire();
        self.pool.timer.take();
        let alive = self.pool.alive.take();
        drop(alive);
    }
}
