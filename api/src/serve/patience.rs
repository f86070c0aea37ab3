//! Connections whose peer must take what is sent to it: one that takes no byte for too long is closed.
//!
//! Only waiting to write is timed here; `presence` times the rest. A peer that is slow and takes a little now and then may
//! stay: what its answers hold is bounded elsewhere.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::presence::Presence;

/// A stream whose writes fail when none gets on for too long, and that tells what happens on it.
pub(super) struct Patient<S> {
    stream: S,
    write_stall_max: Duration,
    /// The end of the wait; made when a write waits for the first time.
    gives_up: Option<Pin<Box<Sleep>>>,
    waits: bool,
    presence: Arc<Presence>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, write_stall_max: Duration, presence: Arc<Presence>) -> Self {
        Self { stream, write_stall_max, gives_up: None, waits: false, presence }
    }

    /// What came of a write, or the end of patience.
    fn timed<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.set_waits(false);
            return written;
        }
        let begins = !self.waits;
        self.set_waits(true);
        let gives_up = self.gives_up.get_or_insert_with(|| Box::pin(sleep(self.write_stall_max)));
        if begins {
            gives_up.as_mut().reset(Instant::now() + self.write_stall_max);
        }
        ready!(gives_up.as_mut().poll(context));
        tracing::debug!("a connection was closed whose peer did not read");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not read in time")))
    }
}

impl<S> Patient<S> {
    fn set_waits(&mut self, waits: bool) {
        if self.waits != waits {
            self.waits = waits;
            self.presence.set_write_waits(waits);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.presence.hear();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.timed(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.timed(written, context)
    }

    /// Told as it is: without it the server would copy each picture to write it.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const STALL_MAX: Duration = Duration::from_millis(400);

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up_after_its_time_and_not_before() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let mut ours = Patient::new(ours, STALL_MAX, Presence::new());
        let started = Instant::now();
        let error = ours.write_all(&[0; 1000]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= STALL_MAX, "after {:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_peer_that_takes_a_little_now_and_then_may_take_longer_than_that() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut ours = Patient::new(ours, STALL_MAX, Presence::new());
        let started = Instant::now();
        let reading = async {
            let mut read = vec![0; 1000];
            for piece in read.chunks_mut(100) {
                sleep(STALL_MAX / 6).await;
                theirs.read_exact(piece).await.expect("read");
            }
        };
        let (written, ()) = tokio::join!(ours.write_all(&[7; 1000]), reading);
        written.expect("all of it");
        assert!(started.elapsed() > STALL_MAX, "the test waits for nothing");
    }
}
