//! Renders kept beside the catalog: pictures that outlive the caches, and failures that stay.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sqlx::QueryBuilder;

use super::{
    Catalog, CatalogError, Scope,
    pool::{on_held, on_writer},
    render_rows::{RenderRecord, RenderRow},
};
use crate::{render::Outcome, render_key::RenderKey};

/// How many bytes of renders there may be, and how many this process added since it last looked.
///
/// The sum over all renders is taken now and then, not kept in a row: such a row would make every worker wait for
/// every other, and drift. Down to seven eighths of the budget, after each sixteenth added: two processes together
/// stay below the budget, each further one may pass it by a sixteenth.
#[derive(Debug)]
pub(super) struct RenderBudget {
    bytes_max: u64,
    added_bytes: AtomicU64,
}

impl RenderBudget {
    /// The first render looks: the budget may be smaller than it was when the process ran last.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, added_bytes: AtomicU64::new(bytes_max) }
    }

    /// Whether it is time to look, after `byte_count` more.
    fn add(&self, byte_count: u64) -> bool {
        self.added_bytes.fetch_add(byte_count, Ordering::Relaxed).saturating_add(byte_count)
            > self.bytes_max / 16
    }

    fn kept_after_eviction(&self) -> i64 {
        i64::try_from(self.bytes_max - self.bytes_max / 8).unwrap_or(i64::MAX)
    }
}

/// Keeps the newest renders up to a sum of bytes.
const EVICT: &str = "DELETE FROM renders WHERE render_key IN (SELECT render_key FROM \
    (SELECT render_key, sum(byte_count) OVER (ORDER BY made_at DESC, render_key ROWS UNBOUNDED PRECEDING) AS bytes \
    FROM renders) AS newest_first WHERE bytes > $1)";

impl Catalog {
    /// Keeps a render; the same again changes nothing. A render of an image that is not in the catalog is not kept.
    /// Beyond [`render_bytes_max`](super::CatalogLimits::render_bytes_max) the oldest renders go. Renders that are put
    /// at once are written in one statement.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer; it may be put again.
    pub async fn put_render(&self, render: &RenderRecord<'_>) -> Result<(), CatalogError> {
        let row = RenderRow::of(render);
        let byte_count = row.byte_count();
        if self.render_rows.put(row).await? && self.render_budget.add(byte_count) {
            self.evict_renders().await?;
        }
        Ok(())
    }

    async fn evict_renders(&self) -> Result<(), CatalogError> {
        let budget = &self.render_budget;
        let added_bytes = budget.added_bytes.swap(0, Ordering::Relaxed);
        let kept = budget.kept_after_eviction();
        let evicted = on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(EVICT).bind(kept).execute(pool).await.map(|done| done.rows_affected())
        });
        match evicted {
            Ok(render_count) => {
                tracing::debug!(render_count, "evicted renders");
                Ok(())
            }
            Err(error) => {
                // The next render looks again.
                budget.added_bytes.fetch_add(added_bytes, Ordering::Relaxed);
                Err(error.into())
            }
        }
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
        on_writer!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = scope.statement("DELETE FROM renders");
            Ok(query.build().execute(pool).await?.rows_affected())
        })
    }
}
