//! Renders kept beside the catalog: pictures that outlive the caches, and failures that stay.

mod behind;
mod budget;
mod rows;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

pub(super) use self::behind::RenderRows;
pub use self::rows::RenderRecord;
use self::rows::RenderRow;
use super::{
    Catalog, CatalogError, Scope,
    pool::{on_held, on_writer},
};
use crate::{render::Outcome, render_key::RenderKey};

impl Catalog {
    /// Keeps a render; the same again changes nothing. A render of an image that is not in the catalog is not kept.
    /// Beyond [`render_bytes_max`](super::CatalogLimits::render_bytes_max) the oldest renders go.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer; it may be put again.
    pub async fn put_render(&self, render: &RenderRecord<'_>) -> Result<(), CatalogError> {
        self.render_rows.put(RenderRow::of(render)).await.map(drop)
    }

    /// Keeps a render as [`put_render`](Self::put_render) does, a moment later and together with others: for one that a
    /// cache has, too. Waits for nothing but room. What waits ends with the process, unless
    /// [`close`](Self::close) or [`flush_renders`](Self::flush_renders) write it; while the database does not answer,
    /// the newest 32 MiB wait for its return.
    pub async fn put_render_behind(&self, render: &RenderRecord<'_>) {
        self.render_rows.put_behind(RenderRow::of(render)).await;
    }

    /// Ends when all renders that this process put before are written, or could not be.
    pub async fn flush_renders(&self) {
        self.render_rows.flush().await;
    }

    /// What is known under a key: a picture, a failure that stays, or nothing. A record of another release is nothing.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn render(&self, key: &RenderKey) -> Result<Option<Outcome>, CatalogError> {
        let record: Option<Vec<u8>> = on_held!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>("SELECT record FROM renders WHERE render_key = $1")
                .bind(key.to_string())
                .fetch_optional(pool)
                .await?
        });
        Ok(record.and_then(|record| Outcome::from_record(Bytes::from(record)).ok()))
    }

    /// Removes the renders in `scope`; the answer is how many.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn clear_renders(&self, scope: &Scope) -> Result<u64, CatalogError> {
        // What this process has put comes no more; what others have put may (`clear_renders_made_before`).
        self.flush_renders().await;
        self.delete_renders(scope, None).await
    }

    /// Removes the renders in `scope` that were made before `time`, by the clock of whoever made them; the answer is how
    /// many.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn clear_renders_made_before(
        &self,
        scope: &Scope,
        time: DateTime<Utc>,
    ) -> Result<u64, CatalogError> {
        self.delete_renders(scope, Some(time)).await
    }

    async fn delete_renders(
        &self,
        scope: &Scope,
        made_before: Option<DateTime<Utc>>,
    ) -> Result<u64, CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = scope.statement("DELETE FROM renders");
            if let Some(time) = made_before {
                query.push(if *scope == Scope::Everything { " WHERE " } else { " AND " });
                query.push("made_at < ").push_bind(time.timestamp_micros());
            }
            Ok(query.build().execute(pool).await?.rows_affected())
        })
    }
}
