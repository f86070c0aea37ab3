//! Deliveries: work on loan to a consumer. The back ends lend ([`Lent`]); what may become of a loan is said here once.

use std::time::Duration;

use super::{
    QueueError, QueueLimits,
    dead_letter::ATTEMPTS_EXHAUSTED,
    lent::Lent,
    memory,
    message::{Message, Work},
    rabbitmq,
};
use crate::{lane::Lane, trace_context::TraceContext};

/// Work on loan to this consumer. Settle it once, by one of four methods: [`ack`](Self::ack), [`retry`](Self::retry),
/// [`release`](Self::release), [`dead_letter`](Self::dead_letter). Dropped unsettled it counts as a crash.
#[must_use = "an unsettled delivery is delivered again"]
#[derive(Debug)]
pub struct Delivery {
    /// What to do.
    pub work: Work,
    /// The lane it came from.
    pub lane: Lane,
    /// Which attempt this is, from 1. Crashes and releases do not count.
    pub attempt: u32,
    /// How often the message was lost with its consumer before. At [`QueueLimits::delivery_limit`] this delivery is
    /// the last: one more loss, and the message is dead-lettered without an answer to those who wait.
    /// A broker before RabbitMQ 4.3 counts a release as a loss, though never up to the limit.
    pub crashes: u32,
    /// Why the attempt before this one failed, in the words it was retried with.
    pub last_cause: Option<String>,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// The trace of the publisher, to be continued.
    pub trace: TraceContext,
    loan: Loan,
}

/// The back end's side of a delivery. Both settle themselves as a crash when dropped.
#[derive(Debug)]
pub(super) enum Loan {
    Memory(memory::Loan),
    RabbitMq(rabbitmq::Loan),
}

/// What became of a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOutcome {
    /// The next attempt follows.
    Scheduled {
        /// The pause before it.
        delay: Duration,
    },
    /// That was the last attempt; the message is a dead letter.
    Exhausted,
}

impl Delivery {
    /// What a back end lent; `loan_of` says which one.
    pub(super) fn new<L>(lent: Lent<L>, loan_of: fn(L) -> Loan) -> Self {
        let Lent { work, message, lane, crashes, redelivered, loan } = lent;
        let Message { failed_attempts, last_cause, trace, .. } = message;
        let attempt = failed_attempts.saturating_add(1);
        Self { work, lane, attempt, crashes, last_cause, redelivered, trace, loan: loan_of(loan) }
    }

    /// Whether one more loss would make it a dead letter without an answer to those who wait.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.crashes >= self.limits().delivery_limit
    }

    /// Done: the message goes.
    ///
    /// # Errors
    /// [`QueueError::DeliveryLost`] when the broker has taken the message back before: it is delivered again.
    pub async fn ack(self) -> Result<(), QueueError> {
        match self.loan {
            Loan::Memory(loan) => {
                loan.ack();
                Ok(())
            }
            Loan::RabbitMq(loan) => loan.ack().await,
        }
    }

    /// Failed for now: the message comes back after a pause, or is dead-lettered after the last attempt.
    /// `cause` says why, in words without patient data.
    ///
    /// # Errors
    /// [`QueueError::Publish`] when it could not be put aside: it then went back to its lane.
    /// [`QueueError::DeliveryLost`] as for [`ack`](Self::ack).
    pub async fn retry(self, cause: &str) -> Result<RetryOutcome, QueueError> {
        let Some(delay) = self.limits().retry_delay(self.attempt) else {
            self.bury(ATTEMPTS_EXHAUSTED, Some(cause)).await?;
            return Ok(RetryOutcome::Exhausted);
        };
        match self.loan {
            Loan::Memory(loan) => loan.retry(self.attempt, delay, cause)?,
            Loan::RabbitMq(loan) => loan.retry(self.attempt, delay, cause).await?,
        }
        Ok(RetryOutcome::Scheduled { delay })
    }

    /// Not now, and not by this consumer: the message goes back to its lane and counts no attempt.
    pub async fn release(self) {
        match self.loan {
            Loan::Memory(loan) => loan.release(),
            Loan::RabbitMq(loan) => loan.release().await,
        }
    }

    /// Never: the message goes to the dead letters under `reason`, a slug.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub async fn dead_letter(self, reason: &str) -> Result<(), QueueError> {
        self.bury(reason, None).await
    }

    async fn bury(self, reason: &str, cause: Option<&str>) -> Result<(), QueueError> {
        match self.loan {
            Loan::Memory(loan) => {
                loan.dead_letter(reason, cause, self.attempt);
                Ok(())
            }
            Loan::RabbitMq(loan) => loan.dead_letter(reason, cause, self.attempt).await,
        }
    }

    fn limits(&self) -> &QueueLimits {
        match &self.loan {
            Loan::Memory(loan) => loan.limits(),
            Loan::RabbitMq(loan) => loan.limits(),
        }
    }
}
