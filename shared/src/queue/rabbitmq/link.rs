//! The way to the broker as it is now, for whoever publishes, consumes and settles.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{session::Session, topology::Names};
use crate::{
    circuit::Circuit,
    queue::{PublishError, QueueError, QueueLimits},
};

/// What clones, consumers and loans share: the way to the broker as it is now.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) names: Names,
    pub(super) limits: QueueLimits,
    /// `None` while the broker is away.
    pub(super) session: watch::Receiver<Option<Session>>,
    /// Open while the broker takes messages and does not confirm them.
    pub(super) circuit: Circuit,
    pub(super) closed: CancellationToken,
}

impl Link {
    /// The session as it is now: publishers do not wait for a broker that is away.
    pub(super) fn session(&self) -> Result<Session, PublishError> {
        if self.closed.is_cancelled() {
            return Err(PublishError::Unavailable("the queue is closed".to_owned()));
        }
        let session = self.session.borrow().clone().filter(Session::is_open);
        session.ok_or_else(|| PublishError::Unavailable("the broker is away".to_owned()))
    }

    /// The next session that is open; `None` once the queue is closed.
    pub(super) async fn wait_for_session(&self) -> Option<Session> {
        let mut sessions = self.session.clone();
        loop {
            let session = sessions.borrow_and_update().clone().filter(Session::is_open);
            if self.closed.is_cancelled() || session.is_some() {
                return session.filter(|_| !self.closed.is_cancelled());
            }
            tokio::select! {
                () = self.closed.cancelled() => return None,
                changed = sessions.changed() => changed.ok()?,
            }
        }
    }

    /// A channel of its own, for what may fail and close it.
    pub(super) async fn channel(&self) -> Result<lapin::Channel, QueueError> {
        let session = self.session().map_err(|error| QueueError::Unavailable(error.to_string()))?;
        session.channel().await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Ends the supervisor, and with it the connection.
        self.closed.cancel();
    }
}
