//! The standard streams of a command: a request's body is its input, its output becomes the answer.

use crate::body::BodyReader;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime_wasi_http::Error;

/// The request's body came to no proper end.
pub struct BrokenInput;

pub struct Stdin {
    body: Option<BodyReader>,
    /// Of the piece that the guest has begun to read.
    rest: Bytes,
    broken: bool,
}

impl Stdin {
    /// Nothing: a request without a body.
    pub fn empty() -> Stdin {
        Stdin { body: None, rest: Bytes::new(), broken: false }
    }

    pub fn of(body: BodyReader) -> Stdin {
        Stdin { body: Some(body), ..Stdin::empty() }
    }

    /// Whether a read would not wait.
    pub fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.rest.is_empty() {
            let Some(body) = &mut self.body else {
                return Poll::Ready(());
            };
            match Pin::new(body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                // Preview 1 has no trailers.
                Poll::Ready(Some(Ok(frame))) => self.rest = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(_))) => {
                    self.broken = true;
                    self.body = None;
                }
                Poll::Ready(None) => self.body = None,
            }
        }
        Poll::Ready(())
    }

    /// At most `limit` bytes; none at the end.
    pub fn poll_read(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<Result<Bytes, BrokenInput>> {
        if self.poll_readable(context).is_pending() {
            return Poll::Pending;
        }
        if self.rest.is_empty() && self.broken {
            return Poll::Ready(Err(BrokenInput));
        }
        let size = self.rest.len().min(limit);
        Poll::Ready(Ok(self.rest.split_to(size)))
    }
}

struct Pipe {
    bytes: Vec<u8>,
    limit_bytes: usize,
    ended: bool,
    reader_gone: bool,
    writer: Option<Waker>,
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writing end, held by the guest.
#[derive(Clone)]
pub struct Stdout(Arc<Mutex<Pipe>>);

/// The reading end; the pieces that a guest wrote since the last one come as one. It wakes nobody: only a guest that
/// is polled writes, and whoever polls it looks here afterwards.
pub struct StdoutReader(Arc<Mutex<Pipe>>);

/// Output of which at most `limit_bytes` wait to be read; a guest that writes more waits.
pub fn output(limit_bytes: u64) -> (Stdout, StdoutReader) {
    let pipe = Arc::new(Mutex::new(Pipe {
        bytes: Vec::new(),
        limit_bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX).max(1),
        ended: false,
        reader_gone: false,
        writer: None,
    }));
    (Stdout(Arc::clone(&pipe)), StdoutReader(pipe))
}

impl Stdout {
    /// Takes as much of `data` as there is room for, which is something. What nobody will read is lost.
    pub fn poll_write(&self, context: &Context<'_>, data: &[u8]) -> Poll<usize> {
        let mut pipe = lock(&self.0);
        if pipe.reader_gone {
            return Poll::Ready(data.len());
        }
        let taken = data.len().min(pipe.limit_bytes - pipe.bytes.len());
        if taken == 0 && !data.is_empty() {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend_from_slice(&data[..taken]);
        Poll::Ready(taken)
    }

    /// Whether a write would not wait.
    pub fn poll_writable(&self, context: &Context<'_>) -> Poll<()> {
        let mut pipe = lock(&self.0);
        if pipe.reader_gone || pipe.bytes.len() < pipe.limit_bytes {
            return Poll::Ready(());
        }
        pipe.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Nothing more comes.
    pub fn finish(&self) {
        lock(&self.0).ended = true;
    }
}

fn wake(waker: Option<Waker>, pipe: MutexGuard<'_, Pipe>) {
    drop(pipe);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Body for StdoutReader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut pipe = lock(&self.0);
        if pipe.bytes.is_empty() {
            return if pipe.ended { Poll::Ready(None) } else { Poll::Pending };
        }
        let bytes = std::mem::take(&mut pipe.bytes);
        wake(pipe.writer.take(), pipe);
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }
}

impl Drop for StdoutReader {
    fn drop(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.reader_gone = true;
        pipe.bytes = Vec::new();
        wake(pipe.writer.take(), pipe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::channel;

    fn noop() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn read(stdin: &mut Stdin, limit: usize) -> Option<Vec<u8>> {
        match stdin.poll_read(&mut noop(), limit) {
            Poll::Ready(Ok(bytes)) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn input_comes_in_pieces_and_ends() {
        let (writer, reader) = channel(100);
        let mut stdin = Stdin::of(reader);
        assert!(stdin.poll_readable(&mut noop()).is_pending());
        writer.write(b"abc");
        assert_eq!(read(&mut stdin, 2), Some(b"ab".to_vec()));
        assert_eq!(read(&mut stdin, 2), Some(b"c".to_vec()));
        assert_eq!(read(&mut stdin, 2), None);
        writer.finish(None);
        assert_eq!(read(&mut stdin, 2), Some(Vec::new()));
        assert_eq!(read(&mut Stdin::empty(), 2), Some(Vec::new()));
    }

    #[test]
    fn input_that_breaks_off_is_no_end() {
        let (writer, reader) = channel(100);
        let mut stdin = Stdin::of(reader);
        writer.write(b"a");
        drop(writer);
        assert_eq!(read(&mut stdin, 2), Some(b"a".to_vec()));
        for _ in 0..2 {
            assert!(matches!(stdin.poll_read(&mut noop(), 2), Poll::Ready(Err(BrokenInput))));
        }
    }

    #[test]
    fn output_waits_for_room() {
        let (stdout, mut reader) = output(4);
        assert_eq!(stdout.poll_write(&noop(), b"abcdef"), Poll::Ready(4));
        assert!(stdout.poll_write(&noop(), b"ef").is_pending());
        assert!(stdout.poll_writable(&noop()).is_pending());
        let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut reader).poll_frame(&mut noop()) else {
            panic!("no frame");
        };
        assert_eq!(frame.into_data().ok(), Some(Bytes::from_static(b"abcd")));
        assert!(Pin::new(&mut reader).poll_frame(&mut noop()).is_pending());
        assert_eq!(stdout.poll_write(&noop(), b"ef"), Poll::Ready(2));
        stdout.finish();
        assert!(matches!(Pin::new(&mut reader).poll_frame(&mut noop()), Poll::Ready(Some(Ok(_)))));
        assert!(matches!(Pin::new(&mut reader).poll_frame(&mut noop()), Poll::Ready(None)));
        drop(reader);
        assert_eq!(stdout.poll_write(&noop(), b"abcdef"), Poll::Ready(6));
    }
}
