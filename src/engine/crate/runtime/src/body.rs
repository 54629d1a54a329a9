//! A body on its way to a guest: the other side pushes, the guest pulls.

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime_wasi_http::Error;

enum End {
    Open,
    Finished(Option<HeaderMap>),
    Failed(Error),
    Told,
}

struct Channel {
    pieces: VecDeque<Bytes>,
    size_bytes: usize,
    limit_bytes: usize,
    end: End,
    reader: Option<Waker>,
    reader_gone: bool,
    /// A write was cut short, so the writer waits to hear of room.
    writer_waits: bool,
}

/// The writing end. Dropping it unfinished is an error for the guest.
pub struct BodyWriter(Arc<Mutex<Channel>>);

/// The reading end, given to the guest.
pub struct BodyReader(Arc<Mutex<Channel>>);

fn lock(channel: &Mutex<Channel>) -> MutexGuard<'_, Channel> {
    channel.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body that buffers at most `limit_bytes`.
pub fn channel(limit_bytes: u64) -> (BodyWriter, BodyReader) {
    let channel = Arc::new(Mutex::new(Channel {
        pieces: VecDeque::new(),
        size_bytes: 0,
        limit_bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX).max(1),
        end: End::Open,
        reader: None,
        reader_gone: false,
        writer_waits: false,
    }));
    (BodyWriter(Arc::clone(&channel)), BodyReader(channel))
}

impl BodyWriter {
    /// Takes as much as there is room for. A guest that does not read any more takes all, and loses it.
    pub fn write(&self, data: &[u8]) -> usize {
        let mut channel = lock(&self.0);
        if channel.reader_gone || !matches!(channel.end, End::Open) {
            return data.len();
        }
        let taken = data.len().min(channel.limit_bytes - channel.size_bytes);
        channel.writer_waits = taken < data.len();
        if taken > 0 {
            channel.pieces.push_back(Bytes::copy_from_slice(&data[..taken]));
            channel.size_bytes += taken;
            wake(channel);
        }
        taken
    }

    pub fn finish(&self, trailers: Option<HeaderMap>) {
        self.end(End::Finished(trailers));
    }

    pub fn fail(&self, error: Error) {
        self.end(End::Failed(error));
    }

    fn end(&self, end: End) {
        let mut channel = lock(&self.0);
        if matches!(channel.end, End::Open) {
            channel.end = end;
            wake(channel);
        }
    }

    /// Whether there is news for a writer whose last write was cut short.
    pub fn has_room(&self) -> bool {
        let channel = lock(&self.0);
        channel.writer_waits && (channel.reader_gone || channel.size_bytes < channel.limit_bytes)
    }

    /// Whether the guest dropped the body before it was told its end.
    pub fn is_unread(&self) -> bool {
        let channel = lock(&self.0);
        channel.reader_gone && !matches!(channel.end, End::Told)
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        self.fail(Error::ConnectionTerminated);
    }
}

fn wake(mut channel: MutexGuard<'_, Channel>) {
    let reader = channel.reader.take();
    drop(channel);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Body for BodyReader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut channel = lock(&self.0);
        if let Some(piece) = channel.pieces.pop_front() {
            channel.size_bytes -= piece.len();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match std::mem::replace(&mut channel.end, End::Told) {
            End::Open => {
                channel.end = End::Open;
                // The guest's stream asks without a waker first; that must not displace a real one.
                if !context.waker().will_wake(Waker::noop()) {
                    channel.reader = Some(context.waker().clone());
                }
                Poll::Pending
            }
            End::Finished(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            End::Failed(error) => Poll::Ready(Some(Err(error))),
            End::Finished(None) | End::Told => Poll::Ready(None),
        }
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        let mut channel = lock(&self.0);
        channel.reader_gone = true;
        channel.pieces.clear();
        channel.size_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(reader: &mut BodyReader) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(reader).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    fn data(reader: &mut BodyReader) -> Option<Vec<u8>> {
        match next(reader) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok().map(|bytes| bytes.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn takes_no_more_than_its_limit() {
        let (writer, mut reader) = channel(4);
        assert_eq!(writer.write(b"abcdef"), 4);
        assert_eq!(writer.write(b"ef"), 0);
        assert!(!writer.has_room());
        assert_eq!(data(&mut reader), Some(b"abcd".to_vec()));
        assert!(writer.has_room());
        assert_eq!(writer.write(b"ef"), 2);
        assert!(!writer.has_room());
        writer.finish(None);
        assert_eq!(data(&mut reader), Some(b"ef".to_vec()));
        assert!(matches!(next(&mut reader), Poll::Ready(None)));
    }

    #[test]
    fn writer_that_goes_unfinished_is_an_error() {
        let (writer, mut reader) = channel(4);
        drop(writer);
        assert!(matches!(next(&mut reader), Poll::Ready(Some(Err(Error::ConnectionTerminated)))));
    }

    #[test]
    fn reader_that_goes_takes_all() {
        let (writer, reader) = channel(4);
        drop(reader);
        assert!(writer.is_unread());
        assert_eq!(writer.write(b"abcdef"), 6);
    }
}
