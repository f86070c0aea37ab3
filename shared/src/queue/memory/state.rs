//! The messages of the in-memory queue, behind one lock that is never held across an await.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::Utc;
use tokio::sync::Notify;

use crate::{
    lane::Lane,
    queue::{
        DeadLetter, PublishError, QueueError, QueueLimits,
        dead_letter::{DELIVERY_LIMIT, Death},
        message::Message,
    },
};

/// What clones, consumers and loans of one queue share.
pub(super) struct Shared {
    pub(super) limits: QueueLimits,
    state: Mutex<State>,
    /// Woken for each message that becomes ready, one for each lane of [`Lane::ALL`].
    pub(super) ready: [Notify; Lane::ALL.len()],
}

#[derive(Default)]
pub(super) struct State {
    lanes: [Waiting; Lane::ALL.len()],
    /// Oldest first.
    pub(super) dead_letters: VecDeque<(Message, Death)>,
    pub(super) closed: bool,
}

/// Nothing comes in or out any more.
pub(super) struct Closed;

const CLOSED: &str = "the queue is closed";

impl From<Closed> for PublishError {
    fn from(_: Closed) -> Self {
        PublishError::Unavailable(CLOSED.to_owned())
    }
}

impl From<Closed> for QueueError {
    fn from(_: Closed) -> Self {
        QueueError::Unavailable(CLOSED.to_owned())
    }
}

/// The messages of one lane.
#[derive(Default)]
struct Waiting {
    ready: VecDeque<Stored>,
    /// Retries whose pause is not over.
    scheduled: u32,
}

/// A message, and its history with consumers.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) message: Message,
    pub(super) crashes: u32,
    pub(super) redelivered: bool,
}

impl State {
    pub(super) fn depth(&self, lane: Lane) -> u64 {
        self.lanes[lane as usize].ready.len() as u64
    }

    pub(super) fn take(&mut self, lane: Lane) -> Option<Stored> {
        self.lanes[lane as usize].ready.pop_front()
    }

    /// A new message at the end of `lane`.
    fn append(&mut self, lane: Lane, message: Message, limits: &QueueLimits) -> Result<(), PublishError> {
        let waiting = &mut self.lanes[lane as usize];
        if waiting.ready.len() >= limits.lane_jobs_max as usize {
            return Err(PublishError::Full);
        }
        waiting.ready.push_back(Stored { message, crashes: 0, redelivered: false });
        Ok(())
    }
}

impl Shared {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { limits, state: Mutex::default(), ready: Default::default() }
    }

    /// The messages. A panic elsewhere cannot leave them half changed, so a poisoned lock is taken all the same.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages of a queue that is not closed.
    pub(super) fn lock_open(&self) -> Result<MutexGuard<'_, State>, Closed> {
        let state = self.lock();
        if state.closed { Err(Closed) } else { Ok(state) }
    }

    pub(super) fn publish(&self, lane: Lane, message: Message) -> Result<(), PublishError> {
        let mut state = self.lock_open()?;
        state.append(lane, message, &self.limits)?;
        self.ready[lane as usize].notify_one();
        Ok(())
    }

    /// Back to the head of `lane`, full or not: the message had its place before.
    pub(super) fn put_back(&self, lane: Lane, stored: Stored) {
        self.lock().lanes[lane as usize].ready.push_front(Stored { redelivered: true, ..stored });
        self.ready[lane as usize].notify_one();
    }

    /// The consumer was lost with the message.
    pub(super) fn crashed(&self, lane: Lane, stored: Stored) {
        let crashes = stored.crashes + 1;
        if crashes > self.limits.delivery_limit {
            self.bury(lane, stored.message, DELIVERY_LIMIT, None);
        } else {
            self.put_back(lane, Stored { crashes, ..stored });
        }
    }

    /// Puts `message` at the end of `lane` after `delay`.
    ///
    /// # Errors
    /// [`PublishError::Full`] when as many retries wait as the lane takes messages.
    pub(super) fn schedule(
        self: &Arc<Self>,
        lane: Lane,
        message: Message,
        delay: Duration,
    ) -> Result<(), PublishError> {
        {
            let mut state = self.lock();
            let waiting = &mut state.lanes[lane as usize];
            if waiting.scheduled >= self.limits.lane_jobs_max {
                return Err(PublishError::Full);
            }
            waiting.scheduled += 1;
        }
        let queue = Arc::downgrade(self);
        let stored = Stored { message, crashes: 0, redelivered: false };
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Some(queue) = queue.upgrade() {
                queue.come_back(lane, stored);
            }
        });
        Ok(())
    }

    fn come_back(&self, lane: Lane, stored: Stored) {
        let mut state = self.lock();
        let waiting = &mut state.lanes[lane as usize];
        waiting.scheduled -= 1;
        waiting.ready.push_back(stored);
        self.ready[lane as usize].notify_one();
    }

    pub(super) fn bury(&self, lane: Lane, message: Message, reason: &str, cause: Option<&str>) {
        let death = Death {
            lane: Some(lane),
            reason: reason.to_owned(),
            cause: cause.map(str::to_owned),
            at: Utc::now(),
        };
        let mut state = self.lock();
        if state.dead_letters.len() >= self.limits.dead_letters_max as usize {
            state.dead_letters.pop_front();
        }
        state.dead_letters.push_back((message, death));
    }

    pub(super) fn show(&self, (message, death): &(Message, Death)) -> DeadLetter {
        DeadLetter::new(message, death.clone(), self.limits.message_bytes_max)
    }

    /// Moves the selected dead letters back to their lanes; those that find a full lane stay.
    pub(super) fn redrive(&self, mut select: impl FnMut(&DeadLetter) -> bool) -> Result<u64, PublishError> {
        let mut state = self.lock();
        let mut outcome = Ok(0);
        for letter in std::mem::take(&mut state.dead_letters) {
            let lane = letter.1.lane.filter(|_| outcome.is_ok() && select(&self.show(&letter)));
            let Some(lane) = lane else {
                state.dead_letters.push_back(letter);
                continue;
            };
            let message = letter.0.clone().made_new();
            match state.append(lane, message, &self.limits) {
                Ok(()) => {
                    outcome = outcome.map(|redriven| redriven + 1);
                    self.ready[lane as usize].notify_one();
                }
                Err(error) => {
                    state.dead_letters.push_back(letter);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    pub(super) fn drop_dead_letters(&self, mut select: impl FnMut(&DeadLetter) -> bool) -> u64 {
        let mut state = self.lock();
        let before = state.dead_letters.len();
        state.dead_letters.retain(|letter| !select(&self.show(letter)));
        (before - state.dead_letters.len()) as u64
    }

    /// No more publishes; consumers end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        for ready in &self.ready {
            ready.notify_waiters();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryQueue").field("limits", &self.limits).finish_non_exhaustive()
    }
}
