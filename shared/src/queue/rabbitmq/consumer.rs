//! Consumers on RabbitMQ: they subscribe anew whenever their channel or its connection is lost.

use std::{mem, sync::Arc, time::Duration};

use futures::StreamExt;
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::time::timeout;

use super::{error::queue_error, link::Link, loan::Loan, session::Session, topology};
use crate::{
    lane::Lane,
    queue::{QueueError, dead_letter::UNDECODABLE, lent::Lent},
};

/// Pause after a subscription that failed on a session that is alive.
const SUBSCRIBE_PAUSE: Duration = Duration::from_millis(500);

/// Takes messages of one lane, at most `prefetch` unsettled ones at a time.
#[derive(Debug)]
pub(in crate::queue) struct Consumer {
    link: Arc<Link>,
    lane: Lane,
    prefetch: u16,
    /// `None` after a loss.
    subscription: Option<Subscription>,
    stopped: bool,
}

#[derive(Debug)]
struct Subscription {
    channel: Channel,
    deliveries: lapin::Consumer,
}

impl Consumer {
    pub(super) async fn subscribe(link: Arc<Link>, lane: Lane, prefetch: u16) -> Result<Self, QueueError> {
        let session = link.session().map_err(QueueError::Publish)?;
        let mut consumer = Self { link, lane, prefetch: prefetch.max(1), subscription: None, stopped: false };
        consumer.subscription = Some(consumer.open(&session).await?);
        Ok(consumer)
    }

    pub(in crate::queue) async fn next(&mut self) -> Option<Lent<Loan>> {
        while !self.stopped {
            if self.subscription.is_none() {
                self.subscription = Some(self.reopen().await?);
            }
            let Subscription { channel, deliveries } = self.subscription.as_mut()?;
            let item = tokio::select! {
                biased;
                () = self.link.closed.cancelled() => return None,
                item = deliveries.next() => item,
            };
            // An error or the end: connection or channel are lost, or the queue was deleted.
            let Some(Ok(delivery)) = item else {
                self.subscription = None;
                continue;
            };
            let redelivered = delivery.redelivered;
            let loan = Loan::new(Arc::clone(&self.link), self.lane, channel.clone(), delivery);
            if let Some(lent) = self.accept(loan, redelivered).await {
                return Some(lent);
            }
        }
        None
    }

    async fn accept(&self, loan: Loan, redelivered: bool) -> Option<Lent<Loan>> {
        let message = loan.message().clone();
        match message.decode(self.lane, self.link.limits.message_bytes_max) {
            Ok(work) => {
                let crashes = loan.crashes();
                Some(Lent { work, message, lane: self.lane, crashes, redelivered, loan })
            }
            Err(error) => {
                tracing::warn!(lane = %self.lane, %error, "an undecodable message is dead-lettered");
                let cause = error.to_string();
                // On an error the message went back, and is looked at again.
                let _ = loan.dead_letter(UNDECODABLE, Some(&cause), message.failed_attempts).await;
                None
            }
        }
    }

    /// Waits for a session and subscribes on it; `None` once the queue is closed.
    async fn reopen(&self) -> Option<Subscription> {
        let mut is_first = true;
        loop {
            let session = self.link.wait_for_session().await?;
            match self.open(&session).await {
                Ok(subscription) => return Some(subscription),
                Err(error) if mem::take(&mut is_first) => {
                    tracing::warn!(lane = %self.lane, %error, "the lane cannot be consumed, trying on");
                }
                Err(error) => tracing::debug!(lane = %self.lane, %error, "the lane still cannot be consumed"),
            }
            tokio::time::sleep(SUBSCRIBE_PAUSE).await;
        }
    }

    async fn open(&self, session: &Session) -> Result<Subscription, QueueError> {
        let channel = session.channel().await?;
        // The queue may be what was lost.
        topology::declare_lane(&channel, &self.link.names, &self.link.limits, self.lane).await?;
        let limited = channel.basic_qos(self.prefetch, BasicQosOptions::default()).await;
        limited.map_err(|error| queue_error(&error))?;
        let queue = self.link.names.lane_queue(self.lane);
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await;
        let deliveries = consuming.map_err(|error| queue_error(&error))?;
        Ok(Subscription { channel, deliveries })
    }

    pub(in crate::queue) async fn stop(&mut self) {
        self.stopped = true;
        let Some(subscription) = self.subscription.take() else { return };
        let drained = self.drain(subscription);
        // What cannot be given back in time goes back when its channel closes.
        let _ = timeout(self.link.limits.publish_timeout, drained).await;
    }

    /// Cancels, and gives back what the broker had sent before: nothing follows its answer.
    async fn drain(&self, Subscription { channel, mut deliveries }: Subscription) {
        if channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default()).await.is_err() {
            return;
        }
        while let Some(Ok(delivery)) = deliveries.next().await {
            Loan::new(Arc::clone(&self.link), self.lane, channel.clone(), delivery).release().await;
        }
    }
}
