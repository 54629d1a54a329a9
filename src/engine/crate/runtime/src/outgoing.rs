//! The guest's outgoing requests: kept here until the other side has carried them out.

use crate::abi::{FRAME_DATA, FRAME_END, FRAME_ERROR, FRAME_PENDING, FRAME_TRAILERS, FrameOut, Slice};
use crate::body::{BodyWriter, channel};
use crate::fields::Fields;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::oneshot;
use wasmtime::component::GuestTaskId;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

enum Piece {
    Data(Bytes),
    Trailers(Fields),
    End,
    Error(String),
}

/// A body on its way out of a guest, read one frame at a time.
pub struct Outlet {
    body: Option<WasiBody>,
    ahead: Option<Piece>,
    current: Option<Piece>,
}

impl Outlet {
    pub fn new(body: WasiBody) -> Outlet {
        Outlet { body: Some(body), ahead: None, current: None }
    }

    /// Whether a frame is there. If not, `waker` hears when.
    pub fn look(&mut self, waker: &Waker) -> bool {
        if self.ahead.is_some() {
            return true;
        }
        let Some(body) = &mut self.body else {
            return false;
        };
        let piece = match Pin::new(body).poll_frame(&mut Context::from_waker(waker)) {
            Poll::Pending => return false,
            Poll::Ready(None) => Piece::End,
            Poll::Ready(Some(Err(error))) => Piece::Error(error.to_string()),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Piece::Data(data),
                Err(frame) => match frame.into_trailers() {
                    Ok(trailers) => Piece::Trailers(Fields::new(trailers)),
                    Err(_) => Piece::Error("a frame of an unknown kind".to_owned()),
                },
            },
        };
        if !matches!(piece, Piece::Data(_)) {
            self.body = None;
        }
        self.ahead = Some(piece);
        true
    }

    /// Takes the next frame, which lives until the next call.
    pub fn take(&mut self, waker: &Waker) -> FrameOut {
        if !self.look(waker) {
            return FrameOut::plain(if self.body.is_some() { FRAME_PENDING } else { FRAME_END });
        }
        self.current = self.ahead.take();
        match &self.current {
            Some(Piece::Data(data)) => FrameOut { data: Slice::of(data), ..FrameOut::plain(FRAME_DATA) },
            Some(Piece::Error(text)) => FrameOut { data: Slice::of(text.as_bytes()), ..FrameOut::plain(FRAME_ERROR) },
            Some(Piece::Trailers(fields)) => FrameOut {
                trailers: fields.as_ptr(),
                trailer_count: fields.len(),
                ..FrameOut::plain(FRAME_TRAILERS)
            },
            Some(Piece::End) | None => FrameOut::plain(FRAME_END),
        }
    }
}

type Answer = Result<Response<WasiBody>, Error>;

/// One outgoing request.
pub struct Outgoing {
    pub id: u32,
    pub announced: bool,
    pub method: String,
    pub scheme: String,
    pub authority: String,
    pub path_with_query: String,
    pub fields: Fields,
    pub options: RequestOptions,
    pub body: Outlet,
    responder: Option<oneshot::Sender<Answer>>,
    writer: Option<BodyWriter>,
}

pub const READABLE: u32 = 1;
pub const WRITABLE: u32 = 2;
pub const CANCELLED: u32 = 4;

impl Outgoing {
    fn new(id: u32, request: Request<WasiBody>, options: RequestOptions) -> (Outgoing, oneshot::Receiver<Answer>) {
        let (parts, body) = request.into_parts();
        let (sender, receiver) = oneshot::channel();
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let outgoing = Outgoing {
            id,
            announced: false,
            method: parts.method.as_str().to_owned(),
            scheme: text(parts.uri.scheme_str()),
            authority: text(parts.uri.authority().map(http::uri::Authority::as_str)),
            path_with_query: text(parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str)),
            fields: Fields::new(parts.headers),
            options,
            body: Outlet::new(body),
            responder: Some(sender),
            writer: None,
        };
        (outgoing, receiver)
    }

    pub fn state(&mut self, waker: &Waker) -> u32 {
        let mut state = 0;
        if self.body.look(waker) {
            state |= READABLE;
        }
        if self.writer.as_ref().is_some_and(BodyWriter::has_room) {
            state |= WRITABLE;
        }
        let unheard = self.responder.as_ref().is_some_and(oneshot::Sender::is_closed);
        if unheard || self.writer.as_ref().is_some_and(BodyWriter::is_unread) {
            state |= CANCELLED;
        }
        state
    }

    pub fn respond(&mut self, status: http::StatusCode, headers: HeaderMap, complete: bool, body_bytes: u64) {
        let (writer, reader) = channel(body_bytes);
        if complete {
            writer.finish(None);
        }
        let mut response = Response::new(WasiBody::new(reader));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        if let Some(responder) = self.responder.take() {
            // A guest that does not wait any more is no error; `state` says it.
            let _ = responder.send(Ok(response));
            self.writer = Some(writer);
        }
    }

    pub fn answered(&self) -> bool {
        self.responder.is_none()
    }

    pub fn write(&self, data: &[u8]) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.write(data))
    }

    pub fn finish(&self, trailers: Option<HeaderMap>) {
        if let Some(writer) = &self.writer {
            writer.finish(trailers);
        }
    }

    pub fn fail(&mut self, error: Error) {
        if let Some(responder) = self.responder.take() {
            let _ = responder.send(Err(error));
        } else if let Some(writer) = &self.writer {
            writer.fail(error);
        }
    }
}

/// The outgoing requests of one request.
pub struct OutgoingList {
    pub open: Vec<Box<Outgoing>>,
    next_id: u32,
    limit: usize,
}

pub type SharedOutgoing = Arc<Mutex<OutgoingList>>;

pub fn list(limit: u32) -> SharedOutgoing {
    Arc::new(Mutex::new(OutgoingList { open: Vec::new(), next_id: 1, limit: limit as usize }))
}

impl OutgoingList {
    pub fn find(&mut self, id: u32) -> Option<&mut Outgoing> {
        self.open.iter_mut().find(|outgoing| outgoing.id == id).map(|outgoing| &mut **outgoing)
    }
}

/// Where `wasi:http` asks its host.
pub struct Hooks {
    /// For whom the guest asks now.
    pub outgoing: SharedOutgoing,
    /// The requests of a sandbox that has several, by the task that answers each.
    pub tasks: Vec<(GuestTaskId, SharedOutgoing)>,
    pub chunk_bytes: usize,
}

impl Hooks {
    /// The guest asks in the task `task`: in vain, if that answers none of the requests.
    pub fn ask_in(&mut self, task: Option<GuestTaskId>) {
        let found = self.tasks.iter().find(|(other, _)| Some(*other) == task);
        self.outgoing = found.map_or_else(|| list(0), |(_, outgoing)| Arc::clone(outgoing));
    }
}

type Sending = Box<dyn Future<Output = Result<(), Error>> + Send>;

fn forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

static FILTER: LazyLock<ForbiddenHeaderFilter> = LazyLock::new(|| Arc::new(forbidden));

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&FILTER)
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.chunk_bytes
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        self.chunk_bytes
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Sending,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Sending), Error>> + Send> {
        let mut list = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if list.open.len() >= list.limit {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        let id = list.next_id;
        list.next_id += 1;
        let (outgoing, answer) = Outgoing::new(id, request, options.unwrap_or_default());
        list.open.push(Box::new(outgoing));
        Box::new(async move {
            let response = answer.await.unwrap_or(Err(Error::ConnectionTerminated))?;
            let nothing: Sending = Box::new(async { Ok(()) });
            Ok((response, nothing))
        })
    }
}

/// A time of `wasi:http` in ns; `u64::MAX` for none.
pub fn timeout_ns(timeout: Option<Duration>) -> u64 {
    timeout.map_or(u64::MAX, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
