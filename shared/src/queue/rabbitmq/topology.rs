//! Exchanges and queues: their names, arguments and bindings. `docs/messaging.md` tells the same to operators.

use std::time::Duration;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::error::queue_error;
use crate::{
    event::{STUDY_DELETED, STUDY_NEW, STUDY_UPLOADED},
    lane::Lane,
    queue::{QueueError, QueueLimits},
};

/// Deliveries a dead letter may have: each look at it is one, so there is no limit. RabbitMQ 4 would set 20 by itself.
const LOOKS_MAX: i64 = 1_000_000_000;

/// The names of one deployment, all under its namespace.
#[derive(Debug, Clone)]
pub(super) struct Names {
    namespace: String,
}

impl Names {
    pub(super) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned() }
    }

    /// Direct exchange; the lane's name is the routing key.
    pub(super) fn jobs(&self) -> String {
        format!("{}.jobs", self.namespace)
    }

    /// Direct exchange; `<lane>.<milliseconds>` is the routing key.
    pub(super) fn retry(&self) -> String {
        format!("{}.retry", self.namespace)
    }

    /// Fanout exchange; the routing key keeps the lane.
    pub(super) fn dead(&self) -> String {
        format!("{}.dead", self.namespace)
    }

    /// Topic exchange; the event's type is the routing key.
    pub(super) fn events(&self) -> String {
        format!("{}.events", self.namespace)
    }

    pub(super) fn lane_queue(&self, lane: Lane) -> String {
        format!("{}.{}", self.namespace, lane.queue_suffix())
    }

    pub(super) fn retry_queue(&self, lane: Lane, delay: Duration) -> String {
        format!("{}.retry.{}", self.namespace, retry_key(lane, delay))
    }

    pub(super) fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.namespace)
    }
}

/// Routing key of a pause.
pub(super) fn retry_key(lane: Lane, delay: Duration) -> String {
    format!("{}.{}", lane.name(), delay.as_millis())
}

/// Declares everything. Declaring what is there already changes nothing.
///
/// # Errors
/// [`QueueError::Refused`] when something of the same name has other arguments.
pub(super) async fn declare(
    channel: &Channel,
    names: &Names,
    limits: &QueueLimits,
) -> Result<(), QueueError> {
    let exchanges = [
        (names.jobs(), ExchangeKind::Direct),
        (names.retry(), ExchangeKind::Direct),
        (names.dead(), ExchangeKind::Fanout),
        (names.events(), ExchangeKind::Topic),
    ];
    for (name, kind) in exchanges {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await;
        declared.map_err(|error| queue_error(&error))?;
    }
    declare_dead_letters(channel, names, limits).await?;
    for lane in Lane::ALL {
        declare_lane(channel, names, limits, lane).await?;
        for delay in &limits.retry_delays {
            declare_retry(channel, names, limits, lane, *delay).await?;
        }
    }
    Ok(())
}

/// The queue of `lane`, and its bindings.
pub(super) async fn declare_lane(
    channel: &Channel,
    names: &Names,
    limits: &QueueLimits,
    lane: Lane,
) -> Result<(), QueueError> {
    let queue = names.lane_queue(lane);
    let mut arguments = lossless(limits, &names.dead());
    // The broker's dead letters keep their lane this way, also when an event's type was the routing key.
    set_text(&mut arguments, "x-dead-letter-routing-key", lane.name());
    set_number(&mut arguments, "x-delivery-limit", limits.delivery_limit.into());
    declare_queue(channel, &queue, arguments).await?;
    bind(channel, &queue, &names.jobs(), lane.name()).await?;
    match lane {
        Lane::OnScreen | Lane::OnScreenHeavy | Lane::Background => Ok(()),
        Lane::Index => {
            bind(channel, &queue, &names.events(), STUDY_NEW).await?;
            bind(channel, &queue, &names.events(), STUDY_DELETED).await?;
            // As releases had it before uploads had a lane.
            unbind(channel, &queue, &names.events(), STUDY_UPLOADED).await
        }
        Lane::Upload => bind(channel, &queue, &names.events(), STUDY_UPLOADED).await,
    }
}

/// A queue without consumers: its messages go back to the lane when their time is over.
async fn declare_retry(
    channel: &Channel,
    names: &Names,
    limits: &QueueLimits,
    lane: Lane,
    delay: Duration,
) -> Result<(), QueueError> {
    let queue = names.retry_queue(lane, delay);
    let mut arguments = lossless(limits, &names.jobs());
    set_text(&mut arguments, "x-dead-letter-routing-key", lane.name());
    set_number(&mut arguments, "x-message-ttl", i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
    declare_queue(channel, &queue, arguments).await?;
    bind(channel, &queue, &names.retry(), &retry_key(lane, delay)).await
}

async fn declare_dead_letters(
    channel: &Channel,
    names: &Names,
    limits: &QueueLimits,
) -> Result<(), QueueError> {
    let queue = names.dead_letters();
    let mut arguments = quorum();
    set_number(&mut arguments, "x-max-length", limits.dead_letters_max.into());
    // The oldest evidence goes first: refusing here would hold up the lanes that want to get rid of a message.
    set_text(&mut arguments, "x-overflow", "drop-head");
    set_number(&mut arguments, "x-delivery-limit", LOOKS_MAX);
    declare_queue(channel, &queue, arguments).await?;
    bind(channel, &queue, &names.dead(), "").await
}

/// Bounded, refusing when full, and dead-lettering to `exchange` without loss: at-least-once needs reject-publish.
fn lossless(limits: &QueueLimits, exchange: &str) -> FieldTable {
    let mut arguments = quorum();
    set_number(&mut arguments, "x-max-length", limits.lane_jobs_max.into());
    set_text(&mut arguments, "x-overflow", "reject-publish");
    set_text(&mut arguments, "x-dead-letter-exchange", exchange);
    set_text(&mut arguments, "x-dead-letter-strategy", "at-least-once");
    arguments
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    set_text(&mut arguments, "x-queue-type", "quorum");
    arguments
}

fn set_text(table: &mut FieldTable, name: &str, value: &str) {
    table.insert(name.into(), AMQPValue::LongString(value.into()));
}

fn set_number(table: &mut FieldTable, name: &str, value: i64) {
    table.insert(name.into(), AMQPValue::LongLongInt(value));
}

async fn declare_queue(channel: &Channel, queue: &str, arguments: FieldTable) -> Result<(), QueueError> {
    let declared = channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await;
    declared.map(drop).map_err(|error| queue_error(&error))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), QueueError> {
    let options = QueueBindOptions::default();
    let bound =
        channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await;
    bound.map_err(|error| queue_error(&error))
}

/// A binding that is not there is no error.
async fn unbind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), QueueError> {
    let unbound =
        channel.queue_unbind(queue.into(), exchange.into(), key.into(), FieldTable::default()).await;
    unbound.map_err(|error| queue_error(&error))
}

/// Messages of `queue` that wait for a consumer.
pub(super) async fn depth(channel: &Channel, queue: &str) -> Result<u64, QueueError> {
    let options = QueueDeclareOptions::durable().passive();
    let declared = channel.queue_declare(queue.into(), options, FieldTable::default()).await;
    declared.map(|queue| queue.message_count().into()).map_err(|error| queue_error(&error))
}
