//! What a guest writes to stdout and stderr, kept until the other side takes it.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// How much a guest is told that it may write at once.
const WRITE_BYTES: usize = 64 << 10;

pub struct Piece {
    pub error_stream: bool,
    pub text: Vec<u8>,
}

pub struct Pieces {
    queue: VecDeque<Piece>,
    /// All that was kept since the start or `renew`, also what was taken since.
    size_bytes: usize,
    limit_bytes: usize,
    dropped_bytes: u64,
}

/// The output of one guest, in the order of writing. When full, more is dropped and counted: a guest never waits for
/// its log to be read.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Pieces>>);

impl Log {
    pub fn new(limit_bytes: u64) -> Log {
        Log(Arc::new(Mutex::new(Pieces {
            queue: VecDeque::new(),
            size_bytes: 0,
            limit_bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX),
            dropped_bytes: 0,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self, error_stream: bool, text: &[u8]) {
        let mut pieces = self.lock();
        let room = pieces.limit_bytes - pieces.size_bytes;
        let taken = text.len().min(room);
        pieces.dropped_bytes += (text.len() - taken) as u64;
        if taken == 0 {
            return;
        }
        pieces.size_bytes += taken;
        match pieces.queue.back_mut() {
            Some(last) if last.error_stream == error_stream => last.text.extend_from_slice(&text[..taken]),
            _ => pieces.queue.push_back(Piece { error_stream, text: text[..taken].to_vec() }),
        }
    }

    /// Lets as much be written again as from the start.
    pub fn renew(&self) {
        self.lock().size_bytes = 0;
    }

    pub fn is_empty(&self) -> bool {
        let pieces = self.lock();
        pieces.queue.is_empty() && pieces.dropped_bytes == 0
    }

    /// The next piece, and how many bytes were dropped since the last call.
    pub fn take(&self) -> Option<(Piece, u64)> {
        let mut pieces = self.lock();
        let dropped = std::mem::take(&mut pieces.dropped_bytes);
        match pieces.queue.pop_front() {
            Some(piece) => Some((piece, dropped)),
            None if dropped > 0 => Some((Piece { error_stream: true, text: Vec::new() }, dropped)),
            None => None,
        }
    }
}

/// One of the two streams into a log.
#[derive(Clone)]
pub struct LogStream {
    pub log: Log,
    pub error_stream: bool,
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.log.write(self.error_stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.log.write(self.error_stream, data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
