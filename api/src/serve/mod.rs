//! Serving until told to stop, and how it ends.
//!
//! [`Door`] is where connections come in and [`crowd`] how many there may be; [`conversation`] is one of them, timed by what
//! [`presence`] tells of it, [`patience`] (writing) and [`bodies`] (reading), and [`heads`] takes no unclear ones. What is
//! answered is the router's matter.

mod bodies;
mod conversation;
mod crowd;
mod door;
mod heads;
mod patience;
mod presence;
mod tls;

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{conversation::Host, crowd::Crowd};
pub use self::{door::Door, tls::Tls};
use crate::{Api, router};

/// How long requests under way may take after the order to stop.
pub const DRAIN_SECONDS_MAX: u64 = 30;
/// When those who still wait for a render are sent away, so that their answer leaves before the end.
const GIVE_UP_AFTER: Duration = Duration::from_secs(DRAIN_SECONDS_MAX - 2);

/// How long a peer may take for what.
#[derive(Debug, Clone, Copy)]
pub struct ServeTimes {
    /// For a handshake of TLS.
    pub handshake_max: Duration,
    /// For the head of a request, from the beginning of the connection or the first byte.
    pub head_max: Duration,
    /// For the next piece of a body that it sends.
    pub body_stall_max: Duration,
    /// For the next byte of an answer that is being sent.
    pub write_stall_max: Duration,
    /// Between an answer and the next request.
    pub idle_max: Duration,
}

impl ServeTimes {
    /// Those of a server. Proxies keep connections for 60 s: who closes first, sees no request lost.
    pub const DEFAULT: Self = Self {
        handshake_max: Duration::from_secs(10),
        head_max: Duration::from_secs(10),
        body_stall_max: Duration::from_secs(20),
        write_stall_max: Duration::from_secs(30),
        idle_max: Duration::from_secs(75),
    };
}

impl Default for ServeTimes {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Serves what comes in at `door` until `shutdown` is cancelled; then takes no new connection, answers what is under way,
/// and returns after [`DRAIN_SECONDS_MAX`] at the latest.
pub async fn serve(door: impl Into<Door>, api: Arc<Api>, times: ServeTimes, shutdown: CancellationToken) {
    let Door { listener, tls, connections_max } = door.into();
    let _follows_while_serving =
        tls.as_ref().map(|tls| AbortOnDropHandle::new(tokio::spawn(Arc::clone(tls).follow())));
    let crowd = Crowd::new(connections_max, api.trusted_proxies.clone());
    let host = Arc::new(Host::new(router(Arc::clone(&api)), tls, times, shutdown.clone()));
    let mut conversations = JoinSet::new();
    let mut said_at = None;
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = conversations.join_next() => continue,
            accepted = door::accept(&listener, &crowd, &mut said_at) => accepted,
        };
        match crowd.admit(peer.ip()) {
            Some(seat) => _ = conversations.spawn(Arc::clone(&host).receive(stream, peer, seat)),
            None => turned_away("full"),
        }
    }
    drop(listener);
    drain(&api, conversations).await;
}

/// Until all have ended, or the time is over.
async fn drain(api: &Api, mut conversations: JoinSet<()>) {
    api.drains.cancel();
    let time_is_over = async {
        sleep(GIVE_UP_AFTER).await;
        api.gives_up.cancel();
        sleep(Duration::from_secs(DRAIN_SECONDS_MAX) - GIVE_UP_AFTER).await;
    };
    let all_have_ended = async { while conversations.join_next().await.is_some() {} };
    tokio::select! {
        () = all_have_ended => {}
        () = time_is_over => tracing::warn!("requests were still under way when the time to drain was over"),
    }
    api.settle().await;
}

/// Counts a connection that did not end by itself: one that came when all others were busy (`full`), that was quiet when
/// its place was needed (`quiet`), that took too long for what it had to say (`late`), or failed to agree on TLS (`handshake`).
fn turned_away(reason: &'static str) {
    metrics::counter!("noctis_http_connections_turned_away_total", "reason" => reason).increment(1);
}
