//! A component of WASI 0.3 that exports `wasi:http/handler`: answers while other things go on in the same sandbox, so its
//! life is the event loop of a store and not one call.

use crate::body::{BodyWriter, channel};
use crate::cpu::CpuMeter;
use crate::ending::{End, Finished, describe};
use crate::handler::Handler;
use crate::log::Log;
use crate::outgoing::{self, SharedOutgoing};
use crate::request::{Request, Slot, Streams, new_store};
use crate::request_abi::Limits;
use crate::state::{self, State};
use bytes::Bytes;
use duet_engine_shared::ffi::Failure;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut, Result, Store};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::p3::{self, Response};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

/// What the engine keeps of tasks, streams and futures for each handle that a guest may hold: both ends of a stream and
/// what lies between them are three.
const OBJECTS_PER_HANDLE: usize = 4;

/// What a guest is asked.
pub struct Job {
    pub head: http::request::Parts,
    pub body: WasiBody,
    pub slot: Slot,
    /// Its outgoing requests, where the sandbox answers others as well.
    pub outgoing: Option<SharedOutgoing>,
    /// No other is answered at the same time.
    pub alone: bool,
}

/// An answer's body that tells its guest how the delivery went, and its host that it is over.
struct Delivery {
    body: WasiBody,
    told: Option<oneshot::Sender<Result<(), Error>>>,
    /// Heard when it is dropped.
    _over: oneshot::Sender<()>,
}

impl Delivery {
    fn tell(&mut self, outcome: Result<(), Error>) {
        if let Some(told) = self.told.take() {
            // A guest that does not ask is no error.
            let _ = told.send(outcome);
        }
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            None => self.tell(Ok(())),
            Some(Ok(frame)) if frame.is_trailers() => self.tell(Ok(())),
            Some(Ok(_)) => {}
            Some(Err(_)) => self.tell(Err(Error::HttpResponseIncomplete)),
        }
        Poll::Ready(frame)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.tell(Err(Error::ConnectionTerminated));
    }
}

/// Puts the answer where the other side finds it, and waits until its body was delivered: parts of it may be on their
/// way in the store when the guest has done all it had to do.
async fn answer(accessor: &Accessor<State>, response: Response, slot: &Slot) -> Result<()> {
    let (told, outcome) = oneshot::channel();
    let (over, end) = oneshot::channel();
    let outcome = async { outcome.await.unwrap_or(Ok(())) };
    let response = accessor.with(|store| response.into_http(store, outcome))?;
    let response = response.map(|body| WasiBody::new(Delivery { body, told: Some(told), _over: over }));
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ok(response));
    let _ = end.await;
    Ok(())
}

/// One request, until its answer was delivered. The guest may have more to do then.
pub async fn serve(accessor: &Accessor<State>, service: &Service, job: Job) -> Result<()> {
    let Job { head, body, slot, outgoing, alone } = job;
    let handle = service.wasi_http_handler().func_handle();
    let (call, task) = accessor.with(|mut store| {
        // What the guest says of the request's body afterwards changes nothing.
        let (request, _) = p3::Request::from_http(store.data_mut().http().hooks, http::Request::from_parts(head, body));
        let request = store.data_mut().table.push(request)?;
        let call = handle.start_call_concurrent(store.as_context_mut(), (request,))?;
        let task = call.task();
        let state = store.data_mut();
        state.limiter.refused = false;
        if let Some(outgoing) = outgoing {
            if alone {
                state.hooks.outgoing = Arc::clone(&outgoing);
            }
            state.hooks.tasks.push((task, outgoing));
        }
        wasmtime::error::Ok((call, task))
    })?;
    match handle.finish_call_concurrent(accessor, call).await?.0 {
        Ok(response) => {
            let response = accessor.with(|mut store| store.data_mut().table.delete(response))?;
            answer(accessor, response, &slot).await?;
        }
        Err(code) => {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(format!("{code:?}")));
        }
    }
    accessor.with(|mut store| store.data_mut().hooks.tasks.retain(|(other, _)| *other != task));
    Ok(())
}

/// The guest's whole life: made, asked, gone.
async fn live(template: ServicePre<State>, mut store: Store<State>, job: Job) -> End {
    let result = async {
        let service = template.instantiate_async(&mut store).await?;
        store
            .run_concurrent(async |accessor| {
                serve(accessor, &service, job).await?;
                poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
                Ok(())
            })
            .await?
    }
    .await;
    state::abort_bodies(&mut store.data_mut().table);
    describe(Finished { result, memory_refused: store.data().limiter.refused })
}

/// Bounds what the engine itself keeps for the guest's tasks, streams and futures.
pub fn bound(store: &mut Store<State>, limits: &Limits) {
    let objects = (limits.resource_limit as usize).saturating_mul(OBJECTS_PER_HANDLE);
    store.set_max_component_handles(objects);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(objects);
    }
}

/// A request's body for the guest, and the end that is written to, if it has one.
pub fn body(complete: bool, limits: &Limits) -> (Option<BodyWriter>, WasiBody) {
    if complete {
        return (None, WasiBody::new(Empty::new().map_err(|never| match never {})));
    }
    let (writer, reader) = channel(limits.request_body_bytes);
    (Some(writer), WasiBody::new(reader))
}

/// A request in a fresh sandbox.
pub fn start(
    handler: &Handler,
    template: &ServicePre<State>,
    head: http::request::Parts,
    body_complete: bool,
    limits: &Limits,
    token: u64,
) -> Result<Request, Failure> {
    let core = Arc::clone(&handler.core);
    let log = Log::new(limits.log_bytes);
    let outgoing = outgoing::list(limits.outgoing_limit);
    let meter = CpuMeter::new(limits.cpu_budget_ns, core.tick_ns(), limits.computes_long);
    let mut store = new_store(handler, template.engine(), limits, &log, &outgoing, &meter);
    bound(&mut store, limits);
    let (writer, body) = body(body_complete, limits);
    let slot = Slot::default();
    let job = Job { head, body, slot: Arc::clone(&slot), outgoing: None, alone: true };
    let guest = Box::pin(live(template.clone(), store, job));
    Ok(Request::new(core, guest, Streams { slot, outlet: None, body: writer, log, meter, outgoing }, limits, token))
}
