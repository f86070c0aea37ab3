//! The inbox: events that were handled, so that the same one again changes nothing.

use chrono::Utc;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
};
use crate::event::StudyIndexed;

/// Longest source and longest id of an event, in bytes: both together are a key, which Postgres bounds at 2,704.
const NAME_BYTES_MAX: usize = 1024;

impl Catalog {
    /// Whether the event was recorded.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a source or id beyond 1024 bytes or with a NUL in it;
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn event_handled(&self, source: &str, id: &str) -> Result<bool, CatalogError> {
        check_names(source, id)?;
        on_reader!(&self.pool, Db, pool => {
            let found = sqlx::query::<Db>("SELECT 1 FROM inbox WHERE source = $1 AND event_id = $2")
                .bind(source)
                .bind(id)
                .fetch_optional(pool)
                .await?;
            Ok(found.is_some())
        })
    }

    /// Records that the event was handled, and what came of it; the first record stays.
    ///
    /// # Errors
    /// Those of [`Catalog::event_handled`].
    pub async fn record_event(
        &self,
        source: &str,
        id: &str,
        summary: &StudyIndexed,
    ) -> Result<(), CatalogError> {
        check_names(source, id)?;
        let summary = serde_json::to_string(summary)
            .map_err(|_| CatalogError::Failed("a summary does not serialise".to_owned()))?;
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(
                "INSERT INTO inbox (source, event_id, handled_at, summary) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (source, event_id) DO NOTHING",
            )
            .bind(source)
            .bind(id)
            .bind(Utc::now().timestamp_micros())
            .bind(summary)
            .execute(pool)
            .await?;
        });
        Ok(())
    }
}

fn check_names(source: &str, id: &str) -> Result<(), CatalogError> {
    let fits = |name: &str| name.len() <= NAME_BYTES_MAX && !name.contains('\0');
    if fits(source) && fits(id) {
        return Ok(());
    }
    Err(CatalogError::Invalid(format!(
        "an event's source and id take {NAME_BYTES_MAX} bytes each, none of them NUL"
    )))
}
