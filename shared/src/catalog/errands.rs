//! What the catalog remembers to be done outside of it: stored files to remove, events to tell. Whoever takes one has it
//! for a while; what was not settled by then is taken again, so each may be done twice and none is lost.

use std::time::Duration;

use chrono::Utc;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{WriteTransaction, in_transaction, on_reader, on_writer},
};

/// Locations in one statement.
const LOCATIONS_PER_STATEMENT: usize = 500;

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
        // A look before a write: of what is received next to nothing is owed.
        if !self.is_object_owed(location).await? {
            return Ok(true);
        }
        let now = Utc::now().timestamp_micros();
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("DELETE FROM objects_owed WHERE location = $1 AND taken_until < $2")
                .bind(location)
                .bind(now)
                .execute(pool)
                .await?;
        });
        Ok(!self.is_object_owed(location).await?)
    }

    async fn is_object_owed(&self, location: &str) -> Result<bool, CatalogError> {
        on_reader!(&self.pool, Db, pool => {
            let owed = sqlx::query::<Db>("SELECT 1 FROM objects_owed WHERE location = $1").bind(location);
            Ok(owed.fetch_optional(pool).await?.is_some())
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

/// Notes that the files at these locations are to be removed.
pub(super) async fn owe_objects(
    transaction: &mut WriteTransaction,
    locations: &[&str],
) -> Result<(), sqlx::Error> {
    let now = Utc::now().timestamp_micros();
    in_transaction!(transaction, Db, connection => {
        for locations in locations.chunks(LOCATIONS_PER_STATEMENT) {
            let mut insert: QueryBuilder<Db> =
                QueryBuilder::new("INSERT INTO objects_owed (location, owed_at) ");
            insert.push_values(locations, |mut row, location| {
                row.push_bind(*location).push_bind(now);
            });
            insert.push(" ON CONFLICT (location) DO NOTHING");
            insert.build().persistent(false).execute(&mut *connection).await?;
        }
        Ok(())
    })
}

/// Takes back that the files at these locations are to be removed, since instances have them. `false` while somebody is at
/// one of them.
pub(super) async fn forgive_objects(
    transaction: &mut WriteTransaction,
    locations: &[&str],
) -> Result<bool, sqlx::Error> {
    let now = Utc::now().timestamp_micros();
    in_transaction!(transaction, Db, connection => {
        // Mostly there are none.
        if sqlx::query::<Db>("SELECT 1 FROM objects_owed LIMIT 1").fetch_optional(&mut *connection).await?.is_none() {
            return Ok(true);
        }
        for locations in locations.chunks(LOCATIONS_PER_STATEMENT) {
            let mut owed: QueryBuilder<Db> =
                QueryBuilder::new("SELECT location FROM objects_owed WHERE location IN (");
            let mut listed = owed.separated(", ");
            for location in locations {
                listed.push_bind(*location);
            }
            owed.push(")");
            let owed: Vec<String> =
                owed.build_query_scalar().persistent(false).fetch_all(&mut *connection).await?;
            for location in &owed {
                let forgiven =
                    sqlx::query::<Db>("DELETE FROM objects_owed WHERE location = $1 AND taken_until < $2");
                let forgiven = forgiven.bind(location).bind(now).execute(&mut *connection).await?;
                if forgiven.rows_affected() == 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })
}

/// Microseconds of now, and of when a lease ends that begins now.
pub(super) fn now_and_after(lease: Duration) -> (i64, i64) {
    let now = Utc::now().timestamp_micros();
    (now, now.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)))
}
