//! What one process has with one Redis: a connection for commands, and one for what is announced.
//!
//! The cache and the coordination share it, so that a step which touches both is one round trip. From Redis 6.2; not
//! Redis Cluster: commands name several keys. What belongs here: names of keys, faults and how they are counted,
//! reconnecting. What must not: what any value means, and any decision about a render.

mod connection;
mod error;
mod keys;
mod subscriber;

use std::{sync::Arc, time::Duration};

use tokio::sync::{broadcast, watch};
use tokio_util::task::AbortOnDropHandle;

pub use self::error::LinkError;
use self::subscriber::Subscriber;
pub(crate) use self::{connection::Connection, keys::Keys};
use crate::announced::{FORGETS_MAX, Forget, Wakeups};

/// Both connections of a process. Cheap to clone; the last clone ends them.
#[derive(Clone)]
pub(crate) struct RedisLink(Arc<Inner>);

struct Inner {
    connection: Connection,
    keys: Keys,
    wakeups: Wakeups,
    forgets: broadcast::Sender<Forget>,
    subscribed: watch::Receiver<bool>,
    _subscriber: AbortOnDropHandle<()>,
}

impl RedisLink {
    /// Opens both connections. Waits for them at most `response_timeout`, then goes on without: commands fail until
    /// Redis is there.
    ///
    /// # Errors
    /// [`LinkError::Url`] and [`LinkError::Namespace`].
    pub(crate) async fn connect(
        url: &str,
        namespace: &str,
        response_timeout: Duration,
    ) -> Result<Self, LinkError> {
        let keys = Keys::new(namespace)?;
        let client = connection::client(url, response_timeout)?;
        let connection = Connection::new(client.clone(), response_timeout)?;
        let (wakeups, forgets) = (Wakeups::default(), broadcast::Sender::new(FORGETS_MAX));
        let (subscribed, mut first_subscription) = watch::channel(false);
        let subscriber = Subscriber {
            client,
            connection: connection.clone(),
            keys: keys.clone(),
            wakeups: wakeups.clone(),
            forgets: forgets.clone(),
            response_timeout,
            subscribed,
        };
        let subscriber = AbortOnDropHandle::new(tokio::spawn(subscriber.run()));
        let (_, _) = tokio::join!(
            connection.health(),
            tokio::time::timeout(response_timeout, first_subscription.wait_for(|subscribed| *subscribed)),
        );
        let subscribed = first_subscription.clone();
        let inner = Inner { connection, keys, wakeups, forgets, subscribed, _subscriber: subscriber };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether announcements of other processes reach this one now.
    pub(crate) fn is_subscribed(&self) -> bool {
        *self.0.subscribed.borrow()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The waiters of this process, woken by what is announced.
    pub(crate) fn wakeups(&self) -> &Wakeups {
        &self.0.wakeups
    }

    /// What this process is told to forget.
    pub(crate) fn forgets(&self) -> &broadcast::Sender<Forget> {
        &self.0.forgets
    }
}

/// Whole milliseconds, at least 1: Redis refuses a lifetime of 0.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
