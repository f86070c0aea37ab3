//! How many bytes of renders are kept.

use std::time::Duration;

use tokio::time::timeout;

use super::super::{
    CatalogError,
    pool::{Pool, on_writer},
};

/// How many bytes of renders there may be, and how many this process added since it last looked.
///
/// The sum over all renders is taken now and then, not kept in a row: such a row would make every worker wait for
/// every other, and drift. Down to seven eighths of the budget, after each sixteenth added: two processes together
/// stay below the budget, each further one may pass it by a sixteenth.
#[derive(Debug)]
pub(super) struct RenderBudget {
    bytes_max: u64,
    added_bytes: u64,
}

/// How long rows wait for an eviction.
const EVICT_MAX: Duration = Duration::from_secs(15);

/// Keeps the newest renders up to a sum of bytes.
const EVICT: &str = "DELETE FROM renders WHERE render_key IN (SELECT render_key FROM \
    (SELECT render_key, sum(byte_count) OVER (ORDER BY made_at DESC, render_key ROWS UNBOUNDED PRECEDING) AS bytes \
    FROM renders) AS newest_first WHERE bytes > $1)";

impl RenderBudget {
    /// The first render looks: the budget may be smaller than it was when the process ran last.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, added_bytes: bytes_max }
    }

    /// Counts what was added to the renders, and evicts the oldest when it is time to look.
    pub(super) async fn added(&mut self, byte_count: u64, pool: &Pool) {
        self.added_bytes = self.added_bytes.saturating_add(byte_count);
        if byte_count == 0 || self.added_bytes <= self.bytes_max / 16 {
            return;
        }
        // What could not be evicted is with the next sixteenth: rows wait meanwhile.
        self.added_bytes = 0;
        match timeout(EVICT_MAX, self.evict(pool)).await {
            Ok(Ok(render_count)) => tracing::debug!(render_count, "evicted renders"),
            Ok(Err(error)) => tracing::debug!(%error, "renders were not evicted"),
            Err(_) => tracing::warn!("evicting renders took too long and was given up"),
        }
    }

    async fn evict(&self, pool: &Pool) -> Result<u64, CatalogError> {
        let kept = i64::try_from(self.bytes_max - self.bytes_max / 8).unwrap_or(i64::MAX);
        on_writer!(pool, Db, pool => {
            let evicted = sqlx::query::<Db>(EVICT).bind(kept).execute(pool).await?;
            Ok(evicted.rows_affected())
        })
    }
}
