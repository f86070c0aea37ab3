//! Dead letters on RabbitMQ: a walk over the queue that takes each message once and gives back what stays.

use lapin::{
    Channel,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicGetOptions},
};

use super::{
    error::queue_error,
    headers::{self, Verdict},
    link::Link,
    topology,
};
use crate::queue::{DeadLetter, QueueError, message::Message};

/// Up to `limit` dead letters, the oldest first.
pub(super) async fn list(link: &Link, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
    let mut walk = Walk::start(link).await?;
    let mut letters = Vec::new();
    while letters.len() < limit
        && let Some(found) = walk.next().await?
    {
        letters.push(found.letter);
    }
    walk.end().await;
    // What was looked at before comes in another order.
    letters.sort_by_key(|letter| letter.at);
    Ok(letters)
}

/// Publishes the selected letters to their lanes, and only then lets go of them.
pub(super) async fn redrive(
    link: &Link,
    mut select: impl FnMut(&DeadLetter) -> bool,
) -> Result<u64, QueueError> {
    let mut walk = Walk::start(link).await?;
    let mut redriven = 0;
    while let Some(mut found) = walk.next().await? {
        let Some(lane) = found.letter.lane.filter(|_| select(&found.letter)) else { continue };
        found.message = found.message.made_new();
        link.publish(link.to_lane(lane), &found.message, Verdict::default()).await?;
        found.ack().await?;
        redriven += 1;
    }
    walk.end().await;
    Ok(redriven)
}

/// Removes the selected letters.
pub(super) async fn drop_selected(
    link: &Link,
    mut select: impl FnMut(&DeadLetter) -> bool,
) -> Result<u64, QueueError> {
    let mut walk = Walk::start(link).await?;
    let mut dropped = 0;
    while let Some(found) = walk.next().await? {
        if select(&found.letter) {
            found.ack().await?;
            dropped += 1;
        }
    }
    walk.end().await;
    Ok(dropped)
}

/// Takes messages one by one, as many as there were at the start. Those that are not acked go back when the channel
/// closes, at the latest when the walk is dropped.
struct Walk {
    channel: Channel,
    queue: String,
    left: u64,
    bytes_max: usize,
}

struct Found {
    letter: DeadLetter,
    message: Message,
    acker: lapin::Acker,
}

impl Walk {
    async fn start(link: &Link) -> Result<Self, QueueError> {
        let channel = link.channel().await?;
        let queue = link.names.dead_letters();
        let left = topology::depth(&channel, &queue).await?;
        Ok(Self { channel, queue, left, bytes_max: link.limits.message_bytes_max })
    }

    async fn next(&mut self) -> Result<Option<Found>, QueueError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let got = self.channel.basic_get(self.queue.as_str().into(), BasicGetOptions::default()).await;
        let got = got.map_err(|error| queue_error(&error))?;
        Ok(got.map(|BasicGetMessage { delivery, .. }| {
            let acker = delivery.acker.clone();
            let death = headers::death(&delivery);
            let message = headers::message(delivery);
            Found { letter: DeadLetter::new(&message, death, self.bytes_max), message, acker }
        }))
    }

    async fn end(self) {
        // A channel that cannot be closed is gone, and its messages are back.
        let _ = self.channel.close(200, "looked".into()).await;
    }
}

impl Found {
    async fn ack(self) -> Result<(), QueueError> {
        match self.acker.ack(BasicAckOptions::default()).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(QueueError::DeliveryLost),
        }
    }
}
