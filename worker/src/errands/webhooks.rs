//! Sending webhooks their messages: signed, in time, again after a while where nobody takes them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use chrono::Utc;
use futures::{StreamExt, stream};
use noctis_shared::{
    catalog::{Catalog, CatalogError, WebhookMessage},
    webhook::{check_url, may_be_told},
};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect,
};
use tracing::{debug, info, warn};

use super::LEASE;

/// How long a receiver may take for one message.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Messages that are under way at a time.
const AT_A_TIME: usize = 8;
/// Messages that are taken at a time: all of them end before their lease does.
const TAKEN_MAX: u32 = 40;
/// How long it is waited after each try that failed; after the last one a message is given up.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(24 * 3600),
];

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    client: Client,
}

/// Why a message did not arrive. What a receiver answers is not repeated.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("no receiver may be there")]
    NotAllowed,
    #[error("the receiver answered {0}")]
    Refused(u16),
    #[error("the receiver did not answer in time")]
    TimedOut,
    #[error("the receiver is not reached")]
    Unreachable,
}

impl Webhooks {
    /// # Errors
    /// When the system has no TLS to offer.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            // A receiver that moved says so to its owner; following it would lead anywhere.
            .redirect(redirect::Policy::none())
            // What is checked is where it goes, and not what a proxy makes of it.
            .no_proxy()
            .timeout(ANSWER_MAX)
            .dns_resolver(Arc::new(Receivers))
            .user_agent(concat!("noctis/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// Sends all messages that are due.
    ///
    /// # Errors
    /// [`CatalogError`]; what was not settled is sent again.
    pub async fn send(&self, catalog: &Catalog) -> Result<(), CatalogError> {
        loop {
            let taken = catalog.take_webhook_messages(TAKEN_MAX, LEASE).await?;
            if taken.is_empty() {
                return Ok(());
            }
            let sending = taken.into_iter().map(|message| {
                let (webhooks, catalog) = (self.clone(), catalog.clone());
                async move { webhooks.send_one(&catalog, message).await }
            });
            let settled: Vec<_> = stream::iter(sending).buffer_unordered(AT_A_TIME).collect().await;
            settled.into_iter().collect::<Result<(), _>>()?;
        }
    }

    /// Sends one, and notes what came of it.
    async fn send_one(&self, catalog: &Catalog, message: WebhookMessage) -> Result<(), CatalogError> {
        let WebhookMessage { event_id, webhook_id, attempt, .. } = &message;
        let outcome = match self.post(&message).await {
            Ok(()) => "delivered",
            Err(error) => {
                let pause = usize::try_from(*attempt).ok().and_then(|attempt| PAUSES.get(attempt));
                if let Some(pause) = pause {
                    debug!(%webhook_id, %event_id, attempt, %error, "a webhook is told later");
                    metrics::counter!("noctis_webhook_messages_total", "outcome" => "failed").increment(1);
                    return catalog.webhook_message_failed(&message, *pause).await;
                }
                warn!(%webhook_id, %event_id, %error, "a webhook took no message for more than a day: it is given up");
                "given_up"
            }
        };
        metrics::counter!("noctis_webhook_messages_total", "outcome" => outcome).increment(1);
        if outcome == "delivered" && *attempt > 0 {
            info!(%webhook_id, attempt, "a webhook takes messages again");
        }
        catalog.webhook_message_done(&message).await
    }

    async fn post(&self, message: &WebhookMessage) -> Result<(), Undelivered> {
        let url = Url::parse(&message.url).map_err(|_| Undelivered::NotAllowed)?;
        check_url(&url).map_err(|_| Undelivered::NotAllowed)?;
        let (id, timestamp) = (message.event_id.to_string(), Utc::now().timestamp());
        let signature = message.secret.sign(&id, timestamp, &message.body);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(message.body.clone());
        // The body of an answer is never read.
        let answer = request.send().await.map_err(|error| {
            if error.is_timeout() { Undelivered::TimedOut } else { Undelivered::Unreachable }
        })?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Undelivered::Refused(answer.status().as_u16()))
    }
}

/// Finds receivers by name, and none where none may be: a name may lead anywhere, and elsewhere each time.
struct Receivers;

impl Resolve for Receivers {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| may_be_told(address.ip())).collect();
            if allowed.is_empty() {
                return Err("no receiver may be there".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
