//! Webhooks, and what is on its way to them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Announcement, Catalog, CatalogError,
    errands::now_and_after,
    pool::{in_transaction, on_reader, on_writer},
};
use crate::{
    dicom_uid::public_id,
    event::{Event, SOURCE, StudyTold},
    webhook::{Secret, StudyNews, WEBHOOKS_MAX, Webhook},
};

/// Messages that wait for one webhook; one that takes none for so long misses the rest.
const WAITING_MAX: i64 = 10_000;
/// How long it is waited for more of the same study before it is told that it changed.
const GATHERED: Duration = Duration::from_secs(5);

/// A message on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// `id` of the event, which is that of the message.
    pub event_id: Uuid,
    /// Whose it is.
    pub webhook_id: Uuid,
    /// Where it goes.
    pub url: String,
    /// What it is signed with.
    pub secret: Secret,
    /// The `CloudEvent`, as JSON.
    pub body: String,
    /// How often it was tried before.
    pub attempt: u32,
}

#[derive(sqlx::FromRow)]
struct WebhookRow {
    webhook_id: Uuid,
    url: String,
    events: String,
    secret: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct MessageRow {
    event_id: Uuid,
    webhook_id: Uuid,
    body: String,
    attempt: i64,
}

impl From<&WebhookRow> for Webhook {
    fn from(row: &WebhookRow) -> Self {
        Webhook {
            webhook_id: row.webhook_id,
            url: row.url.clone(),
            events: row.events.split_whitespace().filter_map(|name| name.parse().ok()).collect(),
            created_at: DateTime::from_timestamp_micros(row.created_at).unwrap_or_default(),
        }
    }
}

impl Catalog {
    /// Adds a webhook; `false` when there are as many as there may be.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn add_webhook(&self, webhook: &Webhook, secret: &Secret) -> Result<bool, CatalogError> {
        // Blanks around each, so that one name is found in them.
        let events: String = webhook.events.iter().map(|news| format!(" {} ", news.name())).collect();
        on_writer!(&self.pool, Db, pool => {
            let added = sqlx::query::<Db>(
                "INSERT INTO webhooks (webhook_id, url, events, secret, created_at) \
                 SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM webhooks) < $6",
            )
            .bind(webhook.webhook_id)
            .bind(&webhook.url)
            .bind(events)
            .bind(secret.reveal())
            .bind(webhook.created_at.timestamp_micros())
            .bind(WEBHOOKS_MAX as i64)
            .execute(pool)
            .await?;
            Ok(added.rows_affected() == 1)
        })
    }

    /// All webhooks, the oldest first.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, CatalogError> {
        Ok(self.webhook_rows().await?.iter().map(Webhook::from).collect())
    }

    async fn webhook_rows(&self) -> Result<Vec<WebhookRow>, CatalogError> {
        on_reader!(&self.pool, Db, pool => {
            let select = "SELECT * FROM webhooks ORDER BY created_at, webhook_id";
            Ok(sqlx::query_as::<Db, WebhookRow>(select).fetch_all(pool).await?)
        })
    }

    /// Removes a webhook, and what is on its way to it; whether it was there.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn remove_webhook(&self, webhook_id: Uuid) -> Result<bool, CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            let delete = sqlx::query::<Db>("DELETE FROM webhooks WHERE webhook_id = $1").bind(webhook_id);
            Ok(delete.execute(pool).await?.rows_affected() == 1)
        })
    }

    /// Notes that a study came or changed, for those who want to be told. Of what happens to one study within some
    /// seconds the first is told, once these are over; where nobody wants to be told, nothing is noted.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn note_study(&self, news: StudyNews, study_instance_uid: &str) -> Result<(), CatalogError> {
        const INSERT: &str = "INSERT INTO outbox (event_id, event_type, study_id, body, made_at, due_at) \
            SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM webhooks) AND NOT EXISTS \
            (SELECT 1 FROM outbox WHERE study_id = $3 AND due_at > $5)";
        let study_id = public_id(study_instance_uid);
        let data = StudyTold { study_id };
        let mut event = Event::new(news.event_type(), SOURCE, Some(study_instance_uid.to_owned()), data);
        let event_id = Uuid::new_v4();
        event.id = event_id.to_string();
        let body = serde_json::to_string(&event)
            .map_err(|_| CatalogError::Failed("an event does not serialise".to_owned()))?;
        let (now, due_at) = now_and_after(GATHERED);
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(INSERT)
                .bind(event_id)
                .bind(news.event_type())
                .bind(study_id)
                .bind(body)
                .bind(now)
                .bind(due_at)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Notes that an event was told on the exchange, and puts it on its way to those webhooks that want it.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn announced(&self, announcement: &Announcement) -> Result<(), CatalogError> {
        const FAN_OUT: &str = "INSERT INTO webhook_messages (event_id, webhook_id, body, due_at) \
            SELECT $1, webhook_id, $2, $3 FROM webhooks WHERE events LIKE $4 AND \
            (SELECT count(*) FROM webhook_messages AS waiting WHERE waiting.webhook_id = webhooks.webhook_id) < $5 \
            ON CONFLICT (event_id, webhook_id) DO NOTHING";
        let news = StudyNews::ALL.into_iter().find(|news| news.event_type() == announcement.event_type);
        let mut transaction = self.pool.begin().await?;
        in_transaction!(&mut transaction, Db, connection => {
            if let Some(news) = news {
                sqlx::query::<Db>(FAN_OUT)
                    .bind(announcement.event_id)
                    .bind(&announcement.body)
                    .bind(Utc::now().timestamp_micros())
                    .bind(format!("% {} %", news.name()))
                    .bind(WAITING_MAX)
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query::<Db>("DELETE FROM outbox WHERE event_id = $1")
                .bind(announcement.event_id)
                .execute(connection)
                .await?;
        });
        Ok(transaction.commit().await?)
    }

    /// Up to `limit` messages to send now, for this caller alone until `lease` has passed; in no order.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn take_webhook_messages(
        &self,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<WebhookMessage>, CatalogError> {
        const ANY: &str = "SELECT 1 FROM webhook_messages WHERE due_at <= $1 AND taken_until < $1 LIMIT 1";
        const TAKE: &str = "UPDATE webhook_messages SET taken_until = $2 WHERE taken_until < $1 AND due_at <= $1 \
            AND (event_id, webhook_id) IN (SELECT event_id, webhook_id FROM webhook_messages \
            WHERE due_at <= $1 AND taken_until < $1 ORDER BY due_at LIMIT $3) \
            RETURNING event_id, webhook_id, body, attempt";
        let (now, until) = now_and_after(lease);
        if !self.has_any(ANY, now).await? {
            return Ok(Vec::new());
        }
        let taken: Vec<MessageRow> = on_writer!(&self.pool, Db, pool => {
            let take = sqlx::query_as::<Db, MessageRow>(TAKE).bind(now).bind(until).bind(i64::from(limit));
            take.fetch_all(pool).await?
        });
        let webhooks = self.webhook_rows().await?;
        let message = |row: MessageRow| {
            // One whose webhook was removed in between went with it.
            let webhook = webhooks.iter().find(|webhook| webhook.webhook_id == row.webhook_id)?;
            Some(WebhookMessage {
                event_id: row.event_id,
                webhook_id: row.webhook_id,
                url: webhook.url.clone(),
                secret: webhook.secret.parse().ok()?,
                body: row.body,
                attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
            })
        };
        Ok(taken.into_iter().filter_map(message).collect())
    }

    /// Notes that a message arrived, or is given up.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn webhook_message_done(&self, message: &WebhookMessage) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("DELETE FROM webhook_messages WHERE event_id = $1 AND webhook_id = $2")
                .bind(message.event_id)
                .bind(message.webhook_id)
                .execute(pool)
                .await?;
        });
        Ok(())
    }

    /// Notes that a message did not arrive and is to be tried again after `pause`.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn webhook_message_failed(
        &self,
        message: &WebhookMessage,
        pause: Duration,
    ) -> Result<(), CatalogError> {
        let (_, due_at) = now_and_after(pause);
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(
                "UPDATE webhook_messages SET attempt = attempt + 1, due_at = $3, taken_until = 0 \
                 WHERE event_id = $1 AND webhook_id = $2",
            )
            .bind(message.event_id)
            .bind(message.webhook_id)
            .bind(due_at)
            .execute(pool)
            .await?;
        });
        Ok(())
    }
}
