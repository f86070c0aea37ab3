//! What the catalog remembers to be done outside of it: stored files to remove, events to tell. Whoever takes one has it
//! for a while; what was not settled by then is taken again, so each may be done twice and none is lost.

use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
};

/// An event to be told.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Announcement {
    /// `id` of the event.
    pub event_id: Uuid,
    /// `type` of the event.
    pub event_type: String,
    /// The `CloudEvent`, as JSON.
    pub body: String,
}

impl Catalog {
    /// Up to `limit` locations of files to remove, the oldest first, for this caller alone until `lease` has passed.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn take_owed_objects(&self, limit: u32, lease: Duration) -> Result<Vec<String>, CatalogError> {
        const ANY: &str = "SELECT 1 FROM objects_owed WHERE taken_until < $1 LIMIT 1";
        // The condition stands outside, too: what another took meanwhile is looked at again then.
        const TAKE: &str = "UPDATE objects_owed SET taken_until = $2 WHERE taken_until < $1 AND location IN \
            (SELECT location FROM objects_owed WHERE taken_until < $1 ORDER BY owed_at LIMIT $3) \
            RETURNING location";
        let (now, until) = now_and_after(lease);
        if !self.has_any(ANY, now).await? {
            return Ok(Vec::new());
        }
        on_writer!(&self.pool, Db, pool => {
            let take = sqlx::query_scalar::<Db, String>(TAKE).bind(now).bind(until).bind(i64::from(limit));
            Ok(take.fetch_all(pool).await?)
        })
    }

    /// Notes that the file at `location` is removed.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn object_removed(&self, location: &str) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("DELETE FROM objects_owed WHERE location = $1").bind(location).execute(pool).await?;
        });
        Ok(())
    }

    /// Takes back that the file at `location` is to be removed, since one is put there again. `false` while somebody is
    /// at it: ask again then.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn forgive_object(&self, location: &str) -> Result<bool, CatalogError> {
        let now = Utc::now().timestamp_micros();
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("DELETE FROM objects_owed WHERE location = $1 AND taken_until < $2")
                .bind(location)
                .bind(now)
                .execute(pool)
                .await?;
        });
        on_reader!(&self.pool, Db, pool => {
            let still = sqlx::query::<Db>("SELECT 1 FROM objects_owed WHERE location = $1").bind(location);
            Ok(still.fetch_optional(pool).await?.is_none())
        })
    }

    /// Up to `limit` events to tell, for this caller alone until `lease` has passed; in no order.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn take_announcements(
        &self,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Announcement>, CatalogError> {
        const ANY: &str = "SELECT 1 FROM outbox WHERE due_at <= $1 AND taken_until < $1 LIMIT 1";
        const TAKE: &str = "UPDATE outbox SET taken_until = $2 WHERE due_at <= $1 AND taken_until < $1 AND event_id IN \
            (SELECT event_id FROM outbox WHERE due_at <= $1 AND taken_until < $1 ORDER BY due_at LIMIT $3) \
            RETURNING event_id, event_type, body";
        let (now, until) = now_and_after(lease);
        if !self.has_any(ANY, now).await? {
            return Ok(Vec::new());
        }
        on_writer!(&self.pool, Db, pool => {
            let take = sqlx::query_as::<Db, Announcement>(TAKE).bind(now).bind(until).bind(i64::from(limit));
            Ok(take.fetch_all(pool).await?)
        })
    }

    /// A look before a write: mostly there is nothing, and on SQLite writers wait for each other.
    pub(super) async fn has_any(&self, select: &'static str, now: i64) -> Result<bool, CatalogError> {
        on_reader!(&self.pool, Db, pool => {
            Ok(sqlx::query::<Db>(select).bind(now).fetch_optional(pool).await?.is_some())
        })
    }
}

/// Microseconds of now, and of when a lease ends that begins now.
pub(super) fn now_and_after(lease: Duration) -> (i64, i64) {
    let now = Utc::now().timestamp_micros();
    (now, now.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)))
}
