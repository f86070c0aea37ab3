//! Connections whose peer must take what is sent to it: one that takes no byte for too long is closed.
//!
//! Only waiting to write is timed. A connection that is idle between requests may stay, and so may one whose peer is slow
//! and takes a little now and then: what its answers hold is bounded elsewhere.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep, sleep},
};

/// Accepts connections that are given up after `write_stall_max` in which the peer took nothing.
pub(super) struct PatientListener {
    pub(super) listener: TcpListener,
    pub(super) write_stall_max: Duration,
}

impl Listener for PatientListener {
    type Io = Patient<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Small answers leave at once instead of waiting for more of them (Nagle).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with Nagle's algorithm");
        }
        (Patient::new(stream, self.write_stall_max), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A stream whose writes fail when none gets on for too long.
pub(super) struct Patient<S> {
    stream: S,
    write_stall_max: Duration,
    /// The end of the wait; made when a write waits for the first time.
    gives_up: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<S> Patient<S> {
    fn new(stream: S, write_stall_max: Duration) -> Self {
        Self { stream, write_stall_max, gives_up: None, waits: false }
    }

    /// What came of a write, or the end of patience.
    fn timed<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        let gives_up = self.gives_up.get_or_insert_with(|| Box::pin(sleep(self.write_stall_max)));
        if !self.waits {
            self.waits = true;
            gives_up.as_mut().reset(Instant::now() + self.write_stall_max);
        }
        ready!(gives_up.as_mut().poll(context));
        tracing::debug!("a connection was closed whose peer did not read");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not read in time")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
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
        let mut ours = Patient::new(ours, STALL_MAX);
        let started = Instant::now();
        let error = ours.write_all(&[0; 1000]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= STALL_MAX, "after {:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_peer_that_takes_a_little_now_and_then_may_take_longer_than_that() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut ours = Patient::new(ours, STALL_MAX);
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
