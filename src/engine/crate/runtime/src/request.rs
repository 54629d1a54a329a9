//! One request in a sandbox of its own.

use crate::abi::{FRAME_END, FRAME_ERROR, FRAME_PENDING, FrameOut, Slice};
use crate::body::{BodyWriter, channel};
use crate::cpu::CpuMeter;
use crate::ending::{END_GUEST_ERROR, END_NO_RESPONSE, END_OK, End, Finished, Panicked, describe};
use crate::engine::Core;
use crate::fields::Fields;
use crate::handler::Handler;
use crate::limits::Limiter;
use crate::log::Log;
use crate::outgoing::{self, Hooks, Outlet, SharedOutgoing};
use crate::ready::RequestWaker;
use crate::request_abi::{EndOut, Limits, UsageOut};
use crate::state::{self, State};
use crate::timers::{GuestClock, monotonic_ns};
use duet_engine_shared::ffi::{self, Failure, panic_text};
use http_body_util::Empty;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use wasmtime::component::ResourceTable;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpView};

pub const EVENT_HEAD: u32 = 1;
pub const EVENT_BODY: u32 = 2;
pub const EVENT_WRITABLE: u32 = 4;
pub const EVENT_OUTGOING: u32 = 8;
pub const EVENT_LOG: u32 = 16;
pub const EVENT_END: u32 = 32;

type Response = http::Response<WasiBody>;
/// The guest's answer, or in words the error that it gave instead.
pub type Slot = Arc<Mutex<Option<Result<Response, String>>>>;

struct Head {
    status: u16,
    fields: Fields,
    told: bool,
}

/// A guest's whole life.
pub type Guest = Pin<Box<dyn Future<Output = End>>>;

/// What goes in and out of a guest.
pub struct Streams {
    pub slot: Slot,
    pub outlet: Option<Outlet>,
    pub body: Option<BodyWriter>,
    pub log: Log,
    pub meter: Arc<CpuMeter>,
    pub outgoing: SharedOutgoing,
}

pub struct Request {
    core: Arc<Core>,
    wake: Arc<RequestWaker>,
    waker: Waker,
    guest: Option<Guest>,
    slot: Slot,
    head: Option<Head>,
    outlet: Option<Outlet>,
    end: Option<End>,
    log: Log,
    log_text: Vec<u8>,
    meter: Arc<CpuMeter>,
    pub body: Option<BodyWriter>,
    pub body_bytes: u64,
    pub outgoing: SharedOutgoing,
}

/// The guest's whole life: made, called, gone.
async fn live(
    template: ProxyPre<State>,
    mut store: Store<State>,
    request: wasmtime::component::Resource<HostIncomingRequest>,
    out: wasmtime::component::Resource<HostResponseOutparam>,
) -> End {
    let result = async {
        let proxy = template.instantiate_async(&mut store).await?;
        proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
    }
    .await;
    state::abort_bodies(&mut store.data_mut().table);
    describe(Finished { result, memory_refused: store.data().limiter.refused })
}

/// A store of the engine `wasm` for one request, with nothing in it yet.
pub fn new_store(
    handler: &Handler,
    wasm: &wasmtime::Engine,
    limits: &Limits,
    log: &Log,
    outgoing: &SharedOutgoing,
    meter: &Arc<CpuMeter>,
) -> Store<State> {
    let core = &handler.core;
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.resource_limit as usize);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(usize::try_from(limits.header_bytes).unwrap_or(usize::MAX));
    let chunk_bytes = usize::try_from(limits.response_chunk_bytes).unwrap_or(usize::MAX).max(1);
    let state = State {
        table,
        wasi: None,
        log: log.clone(),
        http,
        hooks: Hooks { outgoing: Arc::clone(outgoing), tasks: Vec::new(), chunk_bytes },
        limiter: Limiter::new(
            limits.memory_bytes,
            limits.table_elements,
            limits.instance_limit as usize,
            Arc::clone(meter),
        ),
        clock: GuestClock { timers: Arc::clone(&core.timers), start_ns: monotonic_ns() },
        config: Arc::clone(&handler.config),
    };
    let mut store = Store::new(wasm, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    let meter = Arc::clone(meter);
    store.epoch_deadline_callback(move |_| meter.epoch_ended());
    store
}

impl Request {
    /// A request of a component.
    pub fn start(
        handler: &Handler,
        template: &ProxyPre<State>,
        head: http::request::Parts,
        scheme: Scheme,
        body_complete: bool,
        limits: &Limits,
        token: u64,
    ) -> Result<Request, Failure> {
        let core = Arc::clone(&handler.core);
        let log = Log::new(limits.log_bytes);
        let outgoing = outgoing::list(limits.outgoing_limit);
        let meter = CpuMeter::new(limits.cpu_budget_ns, core.tick_ns(), limits.computes_long);
        let mut store = new_store(handler, &core.wasm, limits, &log, &outgoing, &meter);
        let slot: Slot = Arc::new(Mutex::new(None));

        let invalid = |error| Failure::of(ffi::INVALID, error);
        let (writer, request) = if body_complete {
            let request = http::Request::from_parts(head, Empty::new());
            (None, store.data_mut().http().new_incoming_request(scheme, request))
        } else {
            let (writer, reader) = channel(limits.request_body_bytes);
            let request = http::Request::from_parts(head, reader);
            (Some(writer), store.data_mut().http().new_incoming_request(scheme, request))
        };
        let request = request.map_err(invalid)?;
        let answer = Arc::clone(&slot);
        let out = store
            .data_mut()
            .http()
            .new_response_outparam_from_callback(move |response| {
                *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(response.map_err(|code| format!("{code:?}")));
            })
            .map_err(invalid)?;

        let guest = Box::pin(live(template.clone(), store, request, out));
        Ok(Request::new(core, guest, Streams { slot, outlet: None, body: writer, log, meter, outgoing }, limits, token))
    }

    /// A request that is ready to be polled.
    pub fn new(core: Arc<Core>, guest: Guest, streams: Streams, limits: &Limits, token: u64) -> Request {
        let wake = RequestWaker::new(Arc::clone(&core.ready), token, Arc::clone(&streams.meter));
        if limits.computes_long {
            Arc::clone(&wake).wake();
        }
        Request {
            waker: Waker::from(Arc::clone(&wake)),
            wake,
            guest: Some(guest),
            core,
            slot: streams.slot,
            head: None,
            outlet: streams.outlet,
            end: None,
            log: streams.log,
            log_text: Vec::new(),
            meter: streams.meter,
            body: streams.body,
            body_bytes: limits.request_body_bytes,
            outgoing: streams.outgoing,
        }
    }

    /// Runs the guest, and says what there is. A panic on the way, of the guest's host functions or of our own, ends the
    /// request.
    pub fn poll(&mut self) -> u32 {
        match catch_unwind(AssertUnwindSafe(|| self.step())) {
            Ok(events) => events,
            Err(panic) => {
                self.drop_guest();
                self.outlet = None;
                let error = wasmtime::format_err!("panic in the engine: {}", panic_text(&*panic)).context(Panicked);
                self.end = Some(describe(Finished { result: Err(error), memory_refused: false }));
                EVENT_END
            }
        }
    }

    fn step(&mut self) -> u32 {
        self.run();
        self.take_response();
        let has_outgoing = !self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).open.is_empty();
        if has_outgoing {
            self.core.deliver();
        }
        self.events()
    }

    fn run(&mut self) {
        let Some(guest) = &mut self.guest else {
            return;
        };
        self.meter.begin();
        let mut context = Context::from_waker(&self.waker);
        let polled = self.core.within(|| guest.as_mut().poll(&mut context));
        if let Poll::Ready(end) = polled {
            self.drop_guest();
            self.end = Some(end);
        }
        self.meter.finish();
    }

    fn drop_guest(&mut self) {
        let guest = self.guest.take();
        // A panic while a guest is dropped must not cross; what it had left is lost then.
        let _ = self.core.within(|| catch_unwind(AssertUnwindSafe(|| drop(guest))));
    }

    /// The answer's head of a component; a command's output is there from the start.
    fn take_response(&mut self) {
        if self.outlet.is_none() {
            let response = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            match response {
                Some(Ok(response)) => {
                    let (parts, body) = response.into_parts();
                    self.head = Some(Head { status: parts.status.as_u16(), fields: Fields::new(parts.headers), told: false });
                    self.outlet = Some(Outlet::new(body));
                }
                Some(Err(code)) => self.guest_error(&code),
                None => {}
            }
        }
        if let Some(end) = &mut self.end
            && end.outcome == END_OK
            && self.outlet.is_none()
        {
            end.outcome = END_NO_RESPONSE;
            end.message = "the guest returned without a response".to_owned();
        }
    }

    /// The guest gave an error instead of a response: nothing that it does from here on matters.
    fn guest_error(&mut self, code: &str) {
        self.drop_guest();
        self.end = Some(End::new(END_GUEST_ERROR, format!("the guest answered with the error {code}")));
    }

    fn events(&mut self) -> u32 {
        let mut events = 0;
        if self.head.as_ref().is_some_and(|head| !head.told) {
            events |= EVENT_HEAD;
        }
        if self.outlet.as_mut().is_some_and(|outlet| outlet.look(&self.waker)) {
            events |= EVENT_BODY;
        }
        if self.body.as_ref().is_some_and(BodyWriter::has_room) {
            events |= EVENT_WRITABLE;
        }
        let waker = &self.waker;
        let mut list = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if list.open.iter_mut().any(|outgoing| !outgoing.announced || outgoing.state(waker) != 0) {
            events |= EVENT_OUTGOING;
        }
        if !self.log.is_empty() {
            events |= EVENT_LOG;
        }
        if self.end.as_ref().is_some_and(|end| !end.told) {
            events |= EVENT_END;
        }
        events
    }

    pub fn response_head(&mut self) -> Option<(u16, &Fields)> {
        let head = self.head.as_mut().filter(|head| !head.told)?;
        head.told = true;
        Some((head.status, &head.fields))
    }

    pub fn read(&mut self) -> FrameOut {
        let Some(outlet) = &mut self.outlet else {
            // No body yet; or one that is gone with a request that a panic ended.
            return FrameOut::plain(if self.end.is_some() { FRAME_ERROR } else { FRAME_PENDING });
        };
        let frame = outlet.take(&self.waker);
        match &self.end {
            // The stream of a guest that broke ends like any other; it must not look complete.
            Some(end) if frame.kind == FRAME_END && end.outcome != END_OK => {
                FrameOut { data: Slice::of(end.message.as_bytes()), ..FrameOut::plain(FRAME_ERROR) }
            }
            _ => frame,
        }
    }

    pub fn next_log(&mut self) -> Option<(&[u8], bool, u64)> {
        let (piece, dropped) = self.log.take()?;
        self.log_text = piece.text;
        Some((&self.log_text, piece.error_stream, dropped))
    }

    pub fn end(&mut self) -> Option<EndOut> {
        let end = self.end.as_mut()?;
        end.told = true;
        Some(EndOut {
            outcome: end.outcome,
            message: Slice::of(end.message.as_bytes()),
            cpu_ns: self.meter.used_ns(),
            peak_memory_bytes: self.meter.peak_memory(),
        })
    }

    /// What the guest used so far, also of one that has not ended.
    pub fn usage(&self) -> UsageOut {
        UsageOut { cpu_ns: self.meter.used_ns(), peak_memory_bytes: self.meter.peak_memory() }
    }

    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Brings answers of outgoing requests to the guest.
    pub fn deliver(&self) {
        self.core.deliver();
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.wake.retire();
        self.drop_guest();
        let mut list = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut list.open).is_empty() {
            drop(list);
            self.core.deliver();
        }
    }
}
