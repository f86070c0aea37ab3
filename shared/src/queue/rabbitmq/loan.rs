//! A message on loan from the broker, and the ways to settle it.

use std::{sync::Arc, time::Duration};

use lapin::{
    Acker, Channel,
    options::{BasicAckOptions, BasicNackOptions},
};

use super::{
    headers::{self, Verdict},
    link::Link,
    publish::Route,
};
use crate::{
    lane::Lane,
    queue::{QueueError, QueueLimits, message::Message},
};

const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

/// One message on loan. Dropped before it is settled, it goes back and counts as a crash.
#[derive(Debug)]
pub(in crate::queue) struct Loan {
    link: Arc<Link>,
    lane: Lane,
    message: Message,
    crashes: u32,
    /// `None` once settled.
    receipt: Option<Receipt>,
}

/// The right to settle. The channel lives as long as a loan of it, also when the consumer is gone.
#[derive(Debug)]
struct Receipt {
    acker: Acker,
    _channel: Channel,
}

impl Loan {
    pub(super) fn new(
        link: Arc<Link>,
        lane: Lane,
        channel: Channel,
        delivery: lapin::message::Delivery,
    ) -> Self {
        let crashes = headers::crashes(&delivery.properties);
        let acker = delivery.acker.clone();
        let receipt = Some(Receipt { acker, _channel: channel });
        Self { link, lane, message: headers::message(delivery), crashes, receipt }
    }

    pub(in crate::queue) fn limits(&self) -> &QueueLimits {
        &self.link.limits
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    pub(super) fn crashes(&self) -> u32 {
        self.crashes
    }

    pub(in crate::queue) async fn ack(mut self) -> Result<(), QueueError> {
        let receipt = self.receipt.take().ok_or(QueueError::DeliveryLost)?;
        match receipt.acker.ack(BasicAckOptions::default()).await {
            Ok(true) => Ok(()),
            // The channel is gone: the broker has the message back.
            Ok(false) | Err(_) => Err(QueueError::DeliveryLost),
        }
    }

    pub(in crate::queue) async fn retry(
        self,
        attempt: u32,
        delay: Duration,
        cause: &str,
    ) -> Result<(), QueueError> {
        let route = self.link.to_pause(self.lane, delay);
        self.move_to(route, attempt, Verdict { reason: None, cause: Some(cause) }).await
    }

    pub(in crate::queue) async fn dead_letter(
        self,
        reason: &str,
        cause: Option<&str>,
        failed_attempts: u32,
    ) -> Result<(), QueueError> {
        let route = self.link.to_dead_letters(self.lane);
        self.move_to(route, failed_attempts, Verdict { reason: Some(reason), cause }).await
    }

    /// Back to the lane. Brokers before RabbitMQ 4.3 count this as a failed delivery, so a message that is one short
    /// of the limit goes back as a fresh copy at the end of its lane: releases alone never dead-letter.
    pub(in crate::queue) async fn release(self) {
        if self.crashes.saturating_add(1) < self.link.limits.delivery_limit {
            return self.give_back().await;
        }
        let (route, attempts) = (self.link.to_lane(self.lane), self.message.failed_attempts);
        // On an error the message went back as it was.
        let _ = self.move_to(route, attempts, Verdict::default()).await;
    }

    /// Publishes a copy, confirmed, and only then lets go: a crash in between makes two of it, never none.
    async fn move_to(
        mut self,
        route: Route,
        failed_attempts: u32,
        verdict: Verdict<'_>,
    ) -> Result<(), QueueError> {
        if !self.receipt.as_ref().is_some_and(|receipt| receipt.acker.usable()) {
            return Err(QueueError::DeliveryLost);
        }
        self.message.failed_attempts = failed_attempts;
        match self.link.publish(route, &self.message, verdict).await {
            Ok(()) => self.ack().await,
            Err(error) => {
                self.give_back().await;
                Err(error.into())
            }
        }
    }

    async fn give_back(mut self) {
        if let Some(receipt) = self.receipt.take() {
            // Fails with the channel alone, and then the broker has the message back.
            let _ = receipt.acker.nack(REQUEUE).await;
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(receipt) = self.receipt.take() else { return };
        // Without a runtime the channel closes with its last loan, and the broker takes the message back by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = receipt.acker.nack(REQUEUE).await;
            });
        }
    }
}
