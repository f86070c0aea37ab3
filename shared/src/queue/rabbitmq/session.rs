//! Sessions: the connections of a process, and the supervisor that replaces lost ones.
//!
//! The client library can recover by itself, but not from everything; a supervisor is needed anyway, and one
//! mechanism that starts from nothing is easier to trust than two that interleave. See `docs/decisions/`.

use std::{fmt, mem, pin::pin, sync::Arc, time::Duration};

use futures::{StreamExt, future::join, stream};
use lapin::{Channel, Connection, ConnectionProperties, options::ConfirmSelectOptions, uri::AMQPUri};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    error::queue_error,
    topology::{self, Names},
};
use crate::queue::{QueueError, QueueLimits};

/// How long the first connect waits for a broker that is away.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt to connect and declare may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// First pause between two attempts; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest pause: a broker that returns is found within it.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often a connection that tells nothing is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Two connections, and the channel that all publishers share. Clones share them.
///
/// A broker short of memory or disk stops reading from connections that publish. Acks come on the other one, so
/// that consumers go on and the shortage ends.
#[derive(Clone)]
pub(super) struct Session {
    publishing: Arc<Connection>,
    consuming: Arc<Connection>,
    /// In confirm mode.
    pub(super) publisher: Channel,
}

impl Session {
    /// Whether nothing of it is lost.
    pub(super) fn is_open(&self) -> bool {
        self.publishing.status().connected()
            && self.consuming.status().connected()
            && self.publisher.status().connected()
    }

    /// Whether an alarm of the broker holds up what is published.
    pub(super) fn is_blocked(&self) -> bool {
        self.publishing.status().blocked()
    }

    /// A new channel of the connection that does not publish.
    pub(super) async fn channel(&self) -> Result<Channel, QueueError> {
        self.consuming.create_channel().await.map_err(|error| queue_error(&error))
    }

    /// Says goodbye to the broker, which then delivers again what was unsettled.
    pub(super) async fn close(&self) {
        // A connection that cannot say goodbye is gone already.
        let goodbyes =
            join(self.consuming.close(200, "closed".into()), self.publishing.close(200, "closed".into()));
        let _ = timeout(CLOSE_TIMEOUT, goodbyes).await;
    }

    /// Returns when the session is lost. Events tell of the connections at once; the publishing channel is looked at.
    async fn lost(&self) {
        let (publishing, consuming) = (self.publishing.events_listener(), self.consuming.events_listener());
        let mut events = pin!(stream::select(publishing, consuming));
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.is_open() {
            tokio::select! {
                event = events.next() => if event.is_none() { return },
                _ = looks.tick() => {}
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

/// All it takes to make a session from nothing.
pub(super) struct Dialer {
    pub(super) uri: AMQPUri,
    pub(super) names: Names,
    pub(super) limits: QueueLimits,
}

impl Dialer {
    /// Tries until `patience` is over, or until the broker says no.
    pub(super) async fn dial_within(&self, patience: Duration) -> Result<Session, QueueError> {
        let deadline = Instant::now() + patience;
        let mut pause = PAUSE_MIN;
        loop {
            match self.dial().await {
                Err(QueueError::Unavailable(_)) if Instant::now() + pause < deadline => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                outcome => return outcome,
            }
        }
    }

    async fn dial(&self) -> Result<Session, QueueError> {
        let dialled = timeout(DIAL_TIMEOUT, self.connect_and_declare()).await;
        dialled.unwrap_or_else(|_| Err(QueueError::Unavailable("the broker does not answer".to_owned())))
    }

    async fn connect_and_declare(&self) -> Result<Session, QueueError> {
        let publishing = self.connect("noctis publishing").await?;
        let consuming = self.connect("noctis consuming").await?;
        let opened = publishing.create_channel().await;
        let publisher = opened.map_err(|error| queue_error(&error))?;
        topology::declare(&publisher, &self.names, &self.limits).await?;
        let confirming = publisher.confirm_select(ConfirmSelectOptions::default()).await;
        confirming.map_err(|error| queue_error(&error))?;
        Ok(Session { publishing: Arc::new(publishing), consuming: Arc::new(consuming), publisher })
    }

    /// `name` is what operators see in the broker's list of connections.
    async fn connect(&self, name: &str) -> Result<Connection, QueueError> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connected = Connection::connect_uri(self.uri.clone(), properties).await;
        connected.map_err(|error| queue_error(&error))
    }
}

/// Replaces each lost session until `closed`. Tries for ever, also when the broker refuses: an operator can mend that.
pub(super) async fn supervise(
    dialer: Dialer,
    sessions: watch::Sender<Option<Session>>,
    closed: CancellationToken,
) {
    loop {
        let session = sessions.borrow().clone();
        if let Some(session) = session {
            tokio::select! {
                () = closed.cancelled() => break,
                () = session.lost() => {}
            }
            tracing::warn!("the connection to the broker of NOCTIS_QUEUE_URL is lost");
        }
        sessions.send_replace(None);
        tokio::select! {
            () = closed.cancelled() => break,
            session = redial(&dialer) => sessions.send_replace(Some(session)),
        };
        tracing::info!("the connection to the broker of NOCTIS_QUEUE_URL is back");
    }
    sessions.send_replace(None);
}

async fn redial(dialer: &Dialer) -> Session {
    let mut pause = PAUSE_MIN;
    let mut is_first = true;
    loop {
        match dialer.dial().await {
            Ok(session) => return session,
            Err(error) if mem::take(&mut is_first) => {
                tracing::warn!(%error, "no connection to the broker of NOCTIS_QUEUE_URL, trying on");
            }
            Err(error) => tracing::debug!(%error, "still no connection to the broker"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
