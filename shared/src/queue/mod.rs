//! The queue: jobs from the API to workers, and events about studies. In memory or on RabbitMQ, one contract:
//!
//! 1. Deliveries of a lane come in the order of publication, and carry what was published.
//! 2. `ack` removes the message.
//! 3. `release` delivers it again, without counting an attempt; releases alone make no dead letter.
//! 4. `retry` delivers it again after the pause of its attempt, with the attempt counted.
//! 5. A retry of the last attempt goes to the dead letters as `attempts_exhausted`, with its cause.
//! 6. `dead_letter` goes there at once, under the reason given.
//! 7. A delivery that is dropped unsettled is delivered again and counted as a crash; past the delivery limit the
//!    message goes to the dead letters as `delivery_limit`.
//! 8. A lane at its limit refuses as [`PublishError::Full`], and takes messages again when it was drained;
//!    a body past its limit is refused as [`PublishError::TooLarge`].
//! 9. Events about studies arrive on the index lane, and those of uploads on one of their own; `study.indexed.v1` needs no listener.
//! 10. The trace of the publisher arrives with the delivery, and again after a retry.
//! 11. Dead letters can be listed without being removed, sent back to their lane as new, and dropped.
//! 12. Depths count the messages that wait in each lane.
//! 13. Concurrent publishers lose nothing.
//! 14. A consumer holds at most its prefetch; after `stop` it delivers nothing, and what it held unseen is
//!     delivered to others.
//! 15. After `close` consumers end, publishes are refused as [`PublishError::Unavailable`], and nobody knows what waits.
//!
//! RabbitMQ alone: an undecodable message goes to the dead letters and never reaches the caller; a consumer and a
//! publisher survive the loss of their connection. `tests/contracts` has a test for each line.

mod consumer;
pub mod dead_letter;
mod delivery;
mod error;
mod lent;
mod limits;
pub mod memory;
mod message;
pub mod rabbitmq;

use url::Url;

pub use self::{
    consumer::Consumer,
    dead_letter::{DeadLetter, Selection},
    delivery::{Delivery, RetryOutcome},
    error::{PublishError, QueueError},
    limits::QueueLimits,
    message::Work,
};
use self::{memory::MemoryQueue, rabbitmq::RabbitMqQueue};
use crate::{
    event::{Event, StudyEvent, StudyIndexed},
    health::Health,
    job::RenderJob,
    lane::Lane,
};

/// A queue. Cheap to clone; clones share connection and lanes.
#[derive(Debug, Clone)]
pub enum Queue {
    /// Lanes of this process.
    Memory(MemoryQueue),
    /// Lanes on a broker.
    RabbitMq(RabbitMqQueue),
}

impl Queue {
    /// The queue that `url` names: `memory:`, `amqp://…` or `amqps://…`. `namespace` is the prefix of every exchange
    /// and queue. Declares them all, and waits up to ten seconds for a broker that is away; later outages are
    /// ridden out.
    ///
    /// # Errors
    /// [`QueueError::Url`], [`QueueError::Namespace`], [`QueueError::Limits`] for settings that cannot work;
    /// [`QueueError::Refused`] when the broker does not let us in or has other queues under these names;
    /// [`QueueError::Unavailable`] when it does not answer in time.
    pub async fn connect(url: &str, namespace: &str, limits: QueueLimits) -> Result<Queue, QueueError> {
        limits.check()?;
        check_namespace(namespace)?;
        // The text is not quoted: it may hold a password.
        let url = Url::parse(url).map_err(|error| QueueError::Url(format!("not a URL: {error}")))?;
        match url.scheme() {
            "memory" => Ok(Queue::Memory(MemoryQueue::new(limits))),
            "amqp" | "amqps" => RabbitMqQueue::connect(&url, namespace, limits).await.map(Queue::RabbitMq),
            other => Err(QueueError::Url(format!("scheme {other:?} is not one of memory, amqp, amqps"))),
        }
    }

    /// Publishes `job` to its lane, and waits until the queue has it for good. The trace of the current span goes with it.
    ///
    /// # Errors
    /// Each [`PublishError`]; after [`PublishError::Unavailable`] the job may have arrived nevertheless.
    pub async fn publish_job(&self, job: &RenderJob) -> Result<(), PublishError> {
        match self {
            Queue::Memory(queue) => queue.publish_job(job),
            Queue::RabbitMq(queue) => queue.publish_job(job).await,
        }
    }

    /// Publishes an event about a study, for its lane and whoever else listens.
    ///
    /// # Errors
    /// As for [`publish_job`](Self::publish_job).
    pub async fn publish_event(&self, event: &StudyEvent) -> Result<(), PublishError> {
        match self {
            Queue::Memory(queue) => queue.publish_event(event),
            Queue::RabbitMq(queue) => queue.publish_event(event).await,
        }
    }

    /// Tells whoever listens what an index run came to.
    ///
    /// # Errors
    /// As for [`publish_job`](Self::publish_job), though never [`PublishError::Unroutable`]: nobody has to listen.
    pub async fn publish_indexed(&self, event: &Event<StudyIndexed>) -> Result<(), PublishError> {
        match self {
            Queue::Memory(queue) => queue.publish_indexed(event),
            Queue::RabbitMq(queue) => queue.publish_indexed(event).await,
        }
    }

    /// A consumer of `lane` that holds at most `prefetch` unsettled deliveries (0 counts as 1).
    ///
    /// # Errors
    /// [`QueueError`] when the first subscription fails.
    pub async fn consume(&self, lane: Lane, prefetch: u16) -> Result<Consumer, QueueError> {
        let inner = match self {
            Queue::Memory(queue) => consumer::Inner::Memory(queue.consume(lane, prefetch)),
            Queue::RabbitMq(queue) => {
                consumer::Inner::RabbitMq(Box::new(queue.consume(lane, prefetch).await?))
            }
        };
        Ok(Consumer(inner))
    }

    /// How many messages wait in each lane, unsettled deliveries and pauses not counted.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker, and after `close`.
    pub async fn depths(&self) -> Result<Vec<(Lane, u64)>, QueueError> {
        match self {
            Queue::Memory(queue) => queue.depths(),
            Queue::RabbitMq(queue) => queue.depths().await,
        }
    }

    /// How many dead letters there are.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker, and after `close`.
    pub async fn dead_letter_count(&self) -> Result<u64, QueueError> {
        match self {
            Queue::Memory(queue) => queue.dead_letter_count(),
            Queue::RabbitMq(queue) => queue.dead_letter_count().await,
        }
    }

    /// Whether messages can be published now.
    pub async fn health(&self) -> Health {
        match self {
            Queue::Memory(queue) => queue.health(),
            Queue::RabbitMq(queue) => queue.health(),
        }
    }

    /// Up to `limit` dead letters, the oldest first, without removing them. Meanwhile other calls may not see them.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker.
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        match self {
            Queue::Memory(queue) => Ok(queue.dead_letters(limit)),
            Queue::RabbitMq(queue) => queue.dead_letters(limit).await,
        }
    }

    /// The dead letters that `select` picks, the oldest first, without their bodies and without removing them. Meanwhile
    /// other calls may not see them.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker.
    pub async fn list_dead_letters(
        &self,
        mut select: impl FnMut(&DeadLetter) -> bool,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let mut found = Vec::new();
        self.drop_dead_letters(|letter| {
            if select(letter) {
                found.push(letter.without_body());
            }
            false
        })
        .await?;
        found.sort_by_key(|letter| letter.at);
        Ok(found)
    }

    /// The first dead letter that `select` picks, whole.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker.
    pub async fn find_dead_letter(
        &self,
        mut select: impl FnMut(&DeadLetter) -> bool,
    ) -> Result<Option<DeadLetter>, QueueError> {
        let mut found = None;
        self.drop_dead_letters(|letter| {
            if found.is_none() && select(letter) {
                found = Some(letter.clone());
            }
            false
        })
        .await?;
        Ok(found)
    }

    /// Sends the dead letters that `select` picks back to their lanes, as if they were new. Returns how many.
    ///
    /// # Errors
    /// [`QueueError::Publish`] at the first that could not be sent back: it and the rest stay dead letters.
    pub async fn redrive(&self, select: impl FnMut(&DeadLetter) -> bool) -> Result<u64, QueueError> {
        match self {
            Queue::Memory(queue) => Ok(queue.redrive(select)?),
            Queue::RabbitMq(queue) => queue.redrive(select).await,
        }
    }

    /// Removes the dead letters that `select` picks. Returns how many.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] without a broker.
    pub async fn drop_dead_letters(
        &self,
        select: impl FnMut(&DeadLetter) -> bool,
    ) -> Result<u64, QueueError> {
        match self {
            Queue::Memory(queue) => Ok(queue.drop_dead_letters(select)),
            Queue::RabbitMq(queue) => queue.drop_dead_letters(select).await,
        }
    }

    /// Ends the queue for all clones: consumers end, unsettled deliveries go back to their lanes.
    pub async fn close(&self) {
        match self {
            Queue::Memory(queue) => queue.close(),
            Queue::RabbitMq(queue) => queue.close().await,
        }
    }
}

fn check_namespace(namespace: &str) -> Result<(), QueueError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&namespace.len()) && namespace.bytes().all(fits) {
        Ok(())
    } else {
        Err(QueueError::Namespace(namespace.to_owned()))
    }
}
