//! Consumers of the in-memory queue, and what they have on loan.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::state::{Shared, Stored};
use crate::{
    lane::Lane,
    queue::{PublishError, QueueLimits, dead_letter::UNDECODABLE, lent::Lent, message::Message},
};

/// Takes messages of one lane, at most `prefetch` unsettled ones at a time.
#[derive(Debug)]
pub(in crate::queue) struct Consumer {
    shared: Arc<Shared>,
    lane: Lane,
    slots: Arc<Semaphore>,
    stopped: bool,
}

impl Consumer {
    pub(super) fn new(shared: Arc<Shared>, lane: Lane, prefetch: u16) -> Self {
        let slots = Arc::new(Semaphore::new(usize::from(prefetch.max(1))));
        Self { shared, lane, slots, stopped: false }
    }

    pub(in crate::queue) async fn next(&mut self) -> Option<Lent<Loan>> {
        if self.stopped {
            return None;
        }
        loop {
            // Ends with the consumer alone: nobody closes the semaphore.
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            let stored = self.take().await?;
            if let Some(lent) = self.lend(stored, slot) {
                return Some(lent);
            }
        }
    }

    async fn take(&self) -> Option<Stored> {
        loop {
            // Before the look, so that a message or a close between look and wait is not missed.
            let ready = self.shared.ready[self.lane as usize].notified();
            {
                let mut state = self.shared.lock();
                if state.closed {
                    return None;
                }
                if let Some(stored) = state.take(self.lane) {
                    return Some(stored);
                }
            }
            ready.await;
        }
    }

    fn lend(&self, stored: Stored, slot: OwnedSemaphorePermit) -> Option<Lent<Loan>> {
        let Stored { message, crashes, redelivered } = stored.clone();
        let loan =
            Loan { shared: Arc::clone(&self.shared), lane: self.lane, stored: Some(stored), _slot: slot };
        match message.decode(self.lane, self.shared.limits.message_bytes_max) {
            Ok(work) => Some(Lent { work, message, lane: self.lane, crashes, redelivered, loan }),
            Err(error) => {
                tracing::warn!(lane = %self.lane, %error, "an undecodable message is dead-lettered");
                loan.dead_letter(UNDECODABLE, Some(&error.to_string()), message.failed_attempts);
                None
            }
        }
    }

    pub(in crate::queue) fn stop(&mut self) {
        self.stopped = true;
    }
}

/// One message on loan. Dropped before it is settled, it counts as a crash.
#[derive(Debug)]
pub(in crate::queue) struct Loan {
    shared: Arc<Shared>,
    lane: Lane,
    /// `None` once settled.
    stored: Option<Stored>,
    /// The consumer's slot, free again when the loan ends.
    _slot: OwnedSemaphorePermit,
}

impl Loan {
    pub(in crate::queue) fn limits(&self) -> &QueueLimits {
        &self.shared.limits
    }

    pub(in crate::queue) fn ack(mut self) {
        self.stored = None;
    }

    pub(in crate::queue) fn release(mut self) {
        if let Some(stored) = self.stored.take() {
            self.shared.put_back(self.lane, stored);
        }
    }

    /// On an error the message is back in its lane.
    pub(in crate::queue) fn retry(
        mut self,
        attempt: u32,
        delay: Duration,
        cause: &str,
    ) -> Result<(), PublishError> {
        let Some(stored) = self.stored.take() else { return Ok(()) };
        let last_cause = Some(cause.to_owned());
        let again = Message { failed_attempts: attempt, last_cause, ..stored.message.clone() };
        self.shared.schedule(self.lane, again, delay).inspect_err(|_| self.shared.put_back(self.lane, stored))
    }

    pub(in crate::queue) fn dead_letter(mut self, reason: &str, cause: Option<&str>, failed_attempts: u32) {
        if let Some(stored) = self.stored.take() {
            let message = Message { failed_attempts, ..stored.message };
            self.shared.bury(self.lane, message, reason, cause);
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(stored) = self.stored.take() {
            self.shared.crashed(self.lane, stored);
        }
    }
}
