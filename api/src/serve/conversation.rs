//! One connection from its beginning to its end: TLS, HTTP, and how long it may say nothing.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, Version, header},
};
use http_body::Body as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulConnection},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    ServeTimes,
    bodies::{Arriving, Leaving, LeftOver},
    crowd::Seat,
    heads::Strict,
    patience::Patient,
    presence::{Presence, UnderWay},
    tls::Tls,
    turned_away,
};
use crate::edge::OverTls;

/// Longest request line with its headers, in bytes; 431 past it.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 100;
/// After how much silence a peer of HTTP/2 is asked whether it is there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// How often a connection is looked at that waits for its end.
const END_LOOKED_FOR_EVERY: Duration = Duration::from_millis(250);
/// Said over TLS (RFC 6797): for a year nobody comes without it.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What all conversations have in common.
pub(super) struct Host {
    router: Router,
    http: Builder<TokioExecutor>,
    tls: Option<Arc<Tls>>,
    times: ServeTimes,
    shutdown: CancellationToken,
}

impl Host {
    pub(super) fn new(
        router: Router,
        tls: Option<Arc<Tls>>,
        times: ServeTimes,
        shutdown: CancellationToken,
    ) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        // Heads are timed by `Presence`, which tells them from a connection that is kept.
        // More than 100 headers the parser refuses by itself; to name the number costs every request memory.
        http.http1().header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1);
        Self { router, http, tls, times, shutdown }
    }

    /// Speaks with `peer` until one of both has had enough.
    pub(super) async fn receive(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        // Small answers leave at once instead of waiting for more of them (Nagle).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with Nagle's algorithm");
        }
        let presence = &seat.presence;
        let stream = Patient::new(stream, self.times.write_stall_max, Arc::clone(presence));
        let Some(tls) = self.tls.clone() else { return self.converse(stream, peer, presence).await };
        let handshake = timeout(self.times.handshake_max, tls.acceptor().accept(stream));
        let met = tokio::select! {
            met = handshake => met,
            () = presence.leaves.cancelled() => return,
            () = self.shutdown.cancelled() => return,
        };
        match met {
            Ok(Ok(stream)) => {
                presence.greet();
                self.converse(stream, peer, presence).await;
            }
            Ok(Err(error)) => {
                turned_away("handshake");
                tracing::debug!(%error, "a handshake failed");
            }
            Err(_elapsed) => turned_away("handshake"),
        }
    }

    async fn converse<S>(self: &Arc<Self>, stream: S, peer: SocketAddr, presence: &Arc<Presence>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (host, told) = (Arc::clone(self), Arc::clone(presence));
        let service = service_fn(move |request: Request<Incoming>| {
            let under_way = told.begin(request.version() == Version::HTTP_2);
            Arc::clone(&host).answer(request, peer, under_way)
        });
        let connection = pin!(self.http.serve_connection(TokioIo::new(Strict::new(stream)), service));
        self.attend(connection, presence).await;
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
    ) -> Result<Response<Leaving>, Infallible> {
        // What comes after a body in chunks has not been looked at by `heads`.
        let is_shared = request.version() >= Version::HTTP_2;
        let closes = !is_shared && request.headers().contains_key(header::TRANSFER_ENCODING);
        let waits_for_word = request.headers().contains_key(header::EXPECT);
        let left_over = (!request.body().is_end_stream()).then(LeftOver::default);
        let mut request = request.map(|body| match &left_over {
            None => Body::empty(),
            Some(left_over) => {
                let stall_max = self.times.body_stall_max;
                Body::new(Arriving::new(body, left_over.clone(), stall_max, &self.shutdown))
            }
        });
        request.extensions_mut().insert(ConnectInfo(peer));
        if self.tls.is_some() {
            request.extensions_mut().insert(OverTls);
        }
        let Ok(mut response) = self.router.clone().oneshot(request).await;
        let is_taken = match left_over.filter(|_| !is_shared) {
            Some(left_over) => left_over.take_in(waits_for_word).await,
            None => true,
        };
        if closes || !is_taken {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.tls.is_some() {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, TLS_ALONE);
        }
        Ok(response.map(|body| Leaving { body, _request: under_way }))
    }

    /// Until it ends, has been quiet for too long, or its place is needed.
    async fn attend<C: GracefulConnection>(&self, mut connection: Pin<&mut C>, presence: &Presence) {
        let mut stops = pin!(self.shutdown.cancelled());
        let mut leaves = pin!(presence.leaves.cancelled());
        let mut due = pin!(sleep_until(Instant::now() + self.times.head_max));
        let mut drains_since = None;
        let end = poll_fn(|context| {
            if connection.as_mut().poll(context).is_ready() || leaves.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if drains_since.is_none() && stops.as_mut().poll(context).is_ready() {
                drains_since = Some(Instant::now());
                connection.as_mut().graceful_shutdown();
                if connection.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
            }
            loop {
                let deadline = presence.deadline(&self.times, drains_since);
                // Later ones are seen when this one is due: no timer is set for each request.
                if let Some(sooner) = deadline.filter(|deadline| *deadline < due.deadline()) {
                    due.as_mut().reset(sooner);
                }
                ready!(due.as_mut().poll(context));
                let now = Instant::now();
                if deadline.is_some_and(|deadline| deadline <= now) {
                    // A farewell, where the protocol has one; nobody waits for the answer to it.
                    connection.as_mut().graceful_shutdown();
                    let _said = connection.as_mut().poll(context);
                    return Poll::Ready(Some("late"));
                }
                let look_again =
                    if drains_since.is_some() { END_LOOKED_FOR_EVERY } else { self.times.idle_max };
                due.as_mut().reset(deadline.unwrap_or(now + look_again));
            }
        });
        if let Some(reason) = end.await {
            turned_away(reason);
        }
    }
}
