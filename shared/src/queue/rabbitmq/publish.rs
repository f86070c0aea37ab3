//! Publishing: confirmed, checked for a route, and bounded in time.

use lapin::{Confirmation, options::BasicPublishOptions};
use tokio::time::{error::Elapsed, timeout};

use super::{
    headers::{self, Verdict},
    link::Link,
    topology,
};
use crate::{
    lane::Lane,
    queue::{PublishError, message::Message},
};

/// Where a message goes.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) exchange: String,
    pub(super) key: String,
    /// Whether a message that finds no queue is an error.
    pub(super) mandatory: bool,
}

impl Link {
    pub(super) fn to_lane(&self, lane: Lane) -> Route {
        Route { exchange: self.names.jobs(), key: lane.name().to_owned(), mandatory: true }
    }

    pub(super) fn to_pause(&self, lane: Lane, delay: std::time::Duration) -> Route {
        Route { exchange: self.names.retry(), key: topology::retry_key(lane, delay), mandatory: true }
    }

    pub(super) fn to_dead_letters(&self, lane: Lane) -> Route {
        Route { exchange: self.names.dead(), key: lane.name().to_owned(), mandatory: true }
    }

    /// Publishes and waits for the confirm, no longer than the limit: a message in flight while a broker crashes
    /// would wait for ever.
    pub(super) async fn publish(
        &self,
        route: Route,
        message: &Message,
        verdict: Verdict<'_>,
    ) -> Result<(), PublishError> {
        let session = self.session()?;
        if session.is_blocked() {
            return Err(PublishError::Unavailable("the broker is short of memory or disk".to_owned()));
        }
        let channel = session.publisher;
        let options = BasicPublishOptions { mandatory: route.mandatory, ..BasicPublishOptions::default() };
        let properties = headers::properties(message, verdict);
        let body = message.body.clone();
        // In a task of its own: a caller that goes away or loses patience must not drop the confirm, which the
        // client library would then keep for as long as the channel lives.
        let confirmed = tokio::spawn(async move {
            let (exchange, key) = (route.exchange.into(), route.key.into());
            channel.basic_publish(exchange, key, options, &body, properties).await?.await
        });
        let confirmed = timeout(self.limits.publish_timeout, confirmed).await;
        self.note(&confirmed);
        match confirmed {
            Ok(Ok(Ok(confirmation))) => outcome(&confirmation),
            Ok(Ok(Err(error))) => Err(PublishError::Unavailable(error.to_string())),
            Ok(Err(_)) => Err(PublishError::Unavailable("the publishing task ended early".to_owned())),
            Err(_) => Err(silent()),
        }
    }

    /// Whether the broker confirms, for the publishers of jobs.
    fn note<T, E, J>(&self, confirmed: &Result<Result<Result<T, E>, J>, Elapsed>) {
        match confirmed {
            Ok(Ok(Ok(_))) => {
                if self.circuit.answered() {
                    tracing::info!("the broker of NOCTIS_QUEUE_URL confirms again");
                }
            }
            Err(_) => {
                if self.circuit.failed() {
                    tracing::warn!("the broker of NOCTIS_QUEUE_URL does not confirm, publishing jobs rests");
                }
            }
            // A connection that broke is the session's business, unless it was the one to try.
            Ok(Ok(Err(_)) | Err(_)) if self.circuit.is_open() => {
                self.circuit.failed();
            }
            Ok(Ok(Err(_)) | Err(_)) => {}
        }
    }
}

pub(super) fn silent() -> PublishError {
    PublishError::Unavailable("the broker does not confirm".to_owned())
}

/// A message without a route is confirmed with an `Ack` that carries it: looking at `Ack` alone would lose it.
fn outcome(confirmation: &Confirmation) -> Result<(), PublishError> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => Err(PublishError::Unroutable),
        Confirmation::Nack(_) => Err(PublishError::Full),
        Confirmation::NotRequested => {
            Err(PublishError::Unavailable("the channel does not confirm".to_owned()))
        }
    }
}
