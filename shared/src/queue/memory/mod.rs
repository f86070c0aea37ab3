//! The queue of one process: bounded lanes in memory, under the rules of the broker.
//!
//! Nothing survives the process. That loses no truth: whoever waits for a job waits in the same process, and uploads are told
//! of again.
//! [`state`] holds the messages, [`consumer`] the loans.

mod consumer;
mod state;

use std::sync::Arc;

pub(super) use consumer::{Consumer, Loan};
use state::Shared;

use super::{DeadLetter, PublishError, QueueError, QueueLimits, message::Message};
use crate::{
    event::{Event, StudyEvent, StudyIndexed},
    health::Health,
    job::RenderJob,
    lane::Lane,
};

/// Lanes in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

impl MemoryQueue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { shared: Arc::new(Shared::new(limits)) }
    }

    pub(super) fn publish_job(&self, job: &RenderJob) -> Result<(), PublishError> {
        self.shared.publish(job.lane, Message::job(job, self.shared.limits.message_bytes_max)?)
    }

    pub(super) fn publish_event(&self, event: &StudyEvent) -> Result<(), PublishError> {
        self.shared.publish(event.lane(), Message::event(event, self.shared.limits.message_bytes_max)?)
    }

    /// Nobody outside this process can listen, so the event only has to be one that a broker would take.
    pub(super) fn publish_indexed(&self, event: &Event<StudyIndexed>) -> Result<(), PublishError> {
        Message::indexed(event, self.shared.limits.message_bytes_max).map(drop)
    }

    pub(super) fn consume(&self, lane: Lane, prefetch: u16) -> Consumer {
        Consumer::new(Arc::clone(&self.shared), lane, prefetch)
    }

    pub(super) fn depths(&self) -> Result<Vec<(Lane, u64)>, QueueError> {
        let state = self.shared.lock_open()?;
        Ok(Lane::ALL.into_iter().map(|lane| (lane, state.depth(lane))).collect())
    }

    pub(super) fn dead_letter_count(&self) -> Result<u64, QueueError> {
        Ok(self.shared.lock_open()?.dead_letters.len() as u64)
    }

    pub(super) fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let state = self.shared.lock();
        state.dead_letters.iter().take(limit).map(|letter| self.shared.show(letter)).collect()
    }

    pub(super) fn redrive(&self, select: impl FnMut(&DeadLetter) -> bool) -> Result<u64, PublishError> {
        self.shared.redrive(select)
    }

    pub(super) fn drop_dead_letters(&self, select: impl FnMut(&DeadLetter) -> bool) -> u64 {
        self.shared.drop_dead_letters(select)
    }

    pub(super) fn health(&self) -> Health {
        if self.shared.lock().closed { Health::Down } else { Health::Up }
    }

    pub(super) fn close(&self) {
        self.shared.close();
    }
}
