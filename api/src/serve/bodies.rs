//! Bodies while they pass: one that is sent to us must get on, and one of ours keeps its connection busy until it is
//! handed over.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::presence::UnderWay;

/// What the rest of a body may take once the server is to end.
const REST_AT_THE_END_MAX: Duration = Duration::from_secs(5);

/// What is taken of a body that nobody read, and for how long at most, before the answer leaves.
const LEFT_BYTES_MAX: usize = 64 << 20;
const LEFT_WAIT_MAX: Duration = Duration::from_secs(5);

/// Where the rest of a body goes that was given up before its end. A connection with such a rest on it can only be closed, and its
/// peer, which may be sending still, then loses the answer or the next request.
#[derive(Clone, Default)]
pub(super) struct LeftOver(Arc<Mutex<Option<Rest>>>);

struct Rest {
    body: Incoming,
    /// Whether any of it was asked for.
    is_begun: bool,
}

impl LeftOver {
    fn put(&self, body: Incoming, is_begun: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Rest { body, is_begun });
    }

    /// Takes the rest; whether nothing of it is left on the connection. Of a peer that waits for a word before it sends
    /// its body (RFC 9110 10.1.1) nothing is asked for now.
    pub(super) async fn take_in(&self, waits_for_word: bool) -> bool {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Rest { mut body, is_begun }) = left else { return true };
        if waits_for_word && !is_begun {
            return false;
        }
        let rest = async {
            let mut bytes_left = LEFT_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                bytes_left = match bytes_left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                    Some(bytes_left) => bytes_left,
                    None => break,
                };
            }
            http_body::Body::is_end_stream(&body)
        };
        timeout(LEFT_WAIT_MAX, rest).await.unwrap_or(false)
    }
}

/// The body of a request: an error once nothing of it came for too long, or the server ends before it is whole.
pub(super) struct Arriving {
    /// `None` at its end alone.
    body: Option<Incoming>,
    /// Where the rest of it goes.
    left_over: LeftOver,
    is_begun: bool,
    stall_max: Duration,
    /// The end of the wait for the next piece; made when one is waited for.
    gives_up: Option<Pin<Box<Sleep>>>,
    waits: bool,
    ends: Pin<Box<WaitForCancellationFutureOwned>>,
    /// When the server can wait for it no longer.
    whole_by: Option<Instant>,
}

impl Arriving {
    pub(super) fn new(
        body: Incoming,
        left_over: LeftOver,
        stall_max: Duration,
        shutdown: &CancellationToken,
    ) -> Self {
        let (body, ends) = (Some(body), Box::pin(shutdown.clone().cancelled_owned()));
        Self {
            body,
            left_over,
            is_begun: false,
            stall_max,
            gives_up: None,
            waits: false,
            ends,
            whole_by: None,
        }
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
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        this.is_begun = true;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            this.waits = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.poll_patience(context));
        // What did not come in time is not waited for once more.
        this.body = None;
        Poll::Ready(Some(
            Err(io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time").into()),
        ))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !http_body::Body::is_end_stream(body)) {
            self.left_over.put(body, self.is_begun);
        }
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
