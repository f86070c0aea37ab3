//! Bodies while they pass: one that is sent to us must get on, and one of ours keeps its connection busy until it is
//! handed over.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::presence::UnderWay;

/// What the rest of a body may take once the server is to end.
const REST_AT_THE_END_MAX: Duration = Duration::from_secs(5);

/// The body of a request: an error once nothing of it came for too long, or the server ends before it is whole.
pub(super) struct Arriving {
    body: Incoming,
    stall_max: Duration,
    /// The end of the wait for the next piece; made when one is waited for.
    gives_up: Option<Pin<Box<Sleep>>>,
    waits: bool,
    ends: Pin<Box<WaitForCancellationFutureOwned>>,
    /// When the server can wait for it no longer.
    whole_by: Option<Instant>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, stall_max: Duration, shutdown: &CancellationToken) -> Self {
        let ends = Box::pin(shutdown.clone().cancelled_owned());
        Self { body, stall_max, gives_up: None, waits: false, ends, whole_by: None }
    }

    /// Until the next piece has taken too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let gives_up = self.gives_up.get_or_insert_with(|| Box::pin(sleep(self.stall_max)));
        if !self.waits {
            self.waits = true;
            gives_up.as_mut().reset(now + self.stall_max);
        }
        if self.whole_by.is_none() && self.ends.as_mut().poll(context).is_ready() {
            self.whole_by = Some(now + REST_AT_THE_END_MAX);
        }
        if let Some(whole_by) = self.whole_by.filter(|whole_by| *whole_by < gives_up.deadline()) {
            gives_up.as_mut().reset(whole_by);
        }
        gives_up.as_mut().poll(context)
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waits = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.poll_patience(context));
        Poll::Ready(Some(
            Err(io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time").into()),
        ))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, and its request until it is handed over.
pub(super) struct Leaving {
    pub(super) body: Body,
    pub(super) _request: UnderWay,
}

impl http_body::Body for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
