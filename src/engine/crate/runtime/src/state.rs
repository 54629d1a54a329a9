//! What a guest's store holds, and how the guest's imports reach it.

use crate::handler::HandlerConfig;
use crate::limits::Limiter;
use crate::log::{Log, LogStream};
use crate::outgoing::Hooks;
use crate::timers::{GuestClock, GuestClockView, HasClock};
use duet_engine_shared::link;
use std::sync::Arc;
use wasmtime::component::{Accessor, HasData, Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi::p2::bindings::cli::environment;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p3::bindings::cli::environment as p3_environment;
use wasmtime_wasi::p3::bindings::clocks::monotonic_clock as p3_clock;
use wasmtime::{AsContextMut, Result};
use wasmtime_wasi::{TrappableError, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::http::client;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

pub struct State {
    pub table: ResourceTable,
    /// Made when the guest first asks for something of WASI that is not HTTP: most never do.
    pub wasi: Option<Box<WasiCtx>>,
    pub log: Log,
    pub http: WasiHttpCtx,
    pub hooks: Hooks,
    pub limiter: Limiter,
    pub clock: GuestClock,
    pub config: Arc<HandlerConfig>,
}

/// Random bytes that a guest may ask for at once: a host function cannot be interrupted.
pub const RANDOM_BYTES: u64 = 1 << 20;

/// Neither files nor network: output goes to the log.
fn new_context(log: &Log) -> WasiCtx {
    WasiCtx::builder()
        .stdout(LogStream { log: log.clone(), error_stream: false })
        .stderr(LogStream { log: log.clone(), error_stream: true })
        .max_random_size(RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let log = &self.log;
        let ctx = self.wasi.get_or_insert_with(|| Box::new(new_context(log)));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The guest's environment is the handler's: copied when a guest asks, not for every request.
struct EnvironmentView<'a>(&'a HandlerConfig);

impl environment::Host for EnvironmentView<'_> {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        Ok(self.0.environment.clone())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        Ok(self.0.arguments.clone())
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

struct HasEnvironment;
impl HasData for HasEnvironment {
    type Data<'a> = EnvironmentView<'a>;
}

impl p3_environment::Host for EnvironmentView<'_> {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        Ok(self.0.environment.clone())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        Ok(self.0.arguments.clone())
    }

    fn get_initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

/// All that a handler can import.
pub fn link(linker: &mut Linker<State>) -> Result<()> {
    link::link_handler(linker)?;
    replace(linker)
}

/// All that an asynchronous handler can import.
pub fn link_async(linker: &mut Linker<State>) -> Result<()> {
    link::link_async_handler(linker)?;
    replace(linker)?;
    linker.allow_shadowing(true);
    p3_environment::add_to_linker::<State, HasEnvironment>(linker, |state| EnvironmentView(&state.config))?;
    p3_clock::add_to_linker::<State, HasClock>(linker, clock_of)?;
    client::add_to_linker::<State, Client>(linker, WasiHttpView::http)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// `wasi:http/client` that knows for which of a sandbox's requests is asked.
struct Client;
impl HasData for Client {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl client::HostWithStore<State> for Client {
    async fn send(
        accessor: &Accessor<State, Client>,
        request: Resource<p3::Request>,
    ) -> Result<Resource<p3::Response>, TrappableError<ErrorCode>> {
        let found = accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            if store.data().hooks.tasks.is_empty() {
                return Ok(());
            }
            let task = store.async_call_stack()?.last();
            store.data_mut().hooks.ask_in(task);
            wasmtime::error::Ok(())
        });
        found.map_err(TrappableError::trap)?;
        let http = accessor.with_getter::<WasiHttp>(WasiHttpView::http);
        <WasiHttp as client::HostWithStore<State>>::send(&http, request).await
    }
}

/// Streams and what waits for them live in the table alone: without this, each body would make a WASI context.
struct HasTable;
impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

fn table_of(state: &mut State) -> &mut ResourceTable {
    &mut state.table
}

fn clock_of(state: &mut State) -> GuestClockView<'_> {
    GuestClockView { clock: &state.clock, table: &mut state.table }
}

/// Puts what is ours in the place of what the crates bring along for WASI 0.2.
fn replace(linker: &mut Linker<State>) -> Result<()> {
    linker.allow_shadowing(true);
    environment::add_to_linker::<State, HasEnvironment>(linker, |state| EnvironmentView(&state.config))?;
    monotonic_clock::add_to_linker::<State, HasClock>(linker, clock_of)?;
    error::add_to_linker::<State, HasTable>(linker, table_of)?;
    poll::add_to_linker::<State, HasTable>(linker, table_of)?;
    streams::add_to_linker::<State, HasTable>(linker, table_of)?;
    linker
        .instance(HTTP_TYPES)?
        .resource("outgoing-body", ResourceType::host::<HostOutgoingBody>(), |mut store, rep| drop_body(store.data_mut(), rep))?;
    linker.allow_shadowing(false);
    Ok(())
}

/// As `wasmtime-wasi-http` names the interface that it implements.
const HTTP_TYPES: &str = "wasi:http/types@0.2.12";

/// A body that a guest drops without finishing it is broken off, says WASI: the peer must not take it for complete.
fn drop_body(state: &mut State, rep: u32) -> Result<()> {
    state.table.delete(Resource::<HostOutgoingBody>::new_own(rep))?.abort();
    Ok(())
}

/// Breaks off the bodies that a guest left open when it returned.
pub fn abort_bodies(table: &mut ResourceTable) {
    for entry in table.iter_mut() {
        if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
            let (nothing, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
            std::mem::replace(body, nothing).abort();
        }
    }
}
