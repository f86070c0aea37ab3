//! Who opened which study. Entries are written in groups and read in order of time.

use chrono::DateTime;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
};
use crate::auth::{AuditEntry, AuditFilter, ShownBy};

/// Entries that one statement writes: SQLite takes 32,766 values.
pub const AUDIT_GROUP_MAX: usize = 1000;

#[derive(sqlx::FromRow)]
struct AuditRow {
    entry_id: Uuid,
    at: i64,
    subject: Option<String>,
    shown_by: String,
    token_id: Option<String>,
    address: Option<String>,
    study_id: Uuid,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = CatalogError;

    fn try_from(row: AuditRow) -> Result<Self, Self::Error> {
        let does_not_read = || CatalogError::Failed("an entry of the audit does not read".to_owned());
        let shown_by = ShownBy::ALL.into_iter().find(|way| way.name() == row.shown_by);
        Ok(AuditEntry {
            entry_id: row.entry_id,
            at: DateTime::from_timestamp_micros(row.at).ok_or_else(does_not_read)?,
            subject: row.subject,
            shown_by: shown_by.ok_or_else(does_not_read)?,
            token_id: row.token_id,
            address: row.address,
            study_id: row.study_id,
        })
    }
}

/// `text` as Postgres takes it: what one token says of itself must not keep the entries beside it from being written.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

impl Catalog {
    /// Writes entries, [`AUDIT_GROUP_MAX`] at most; one that is there already stays as it is.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn add_audit(&self, entries: &[AuditEntry]) -> Result<(), CatalogError> {
        if entries.is_empty() {
            return Ok(());
        }
        on_writer!(&self.pool, Db, pool => {
            let mut insert: QueryBuilder<Db> = QueryBuilder::new(
                "INSERT INTO audit (entry_id, at, subject, shown_by, token_id, address, study_id) ",
            );
            insert.push_values(entries, |mut row, entry| {
                row.push_bind(entry.entry_id)
                    .push_bind(entry.at.timestamp_micros())
                    .push_bind(entry.subject.as_deref().map(without_nul))
                    .push_bind(entry.shown_by.name())
                    .push_bind(entry.token_id.as_deref().map(without_nul))
                    .push_bind(entry.address.as_deref())
                    .push_bind(entry.study_id);
            });
            insert.push(" ON CONFLICT (entry_id) DO NOTHING").build().execute(pool).await?;
        });
        Ok(())
    }

    /// Up to `limit` entries that `filter` lets through, in order of time, after the entry `after`.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&AuditEntry>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, CatalogError> {
        // Nobody has such a name, and Postgres takes none.
        if filter.subject.as_ref().is_some_and(|subject| subject.contains('\0')) {
            return Ok(Vec::new());
        }
        let rows: Vec<AuditRow> = on_reader!(&self.pool, Db, pool => {
            let mut select: QueryBuilder<Db> = QueryBuilder::new(
                "SELECT entry_id, at, subject, shown_by, token_id, address, study_id FROM audit WHERE TRUE",
            );
            if let Some(since) = filter.since {
                select.push(" AND at >= ").push_bind(since.timestamp_micros());
            }
            if let Some(until) = filter.until {
                select.push(" AND at < ").push_bind(until.timestamp_micros());
            }
            if let Some(study_id) = filter.study_id {
                select.push(" AND study_id = ").push_bind(study_id);
            }
            if let Some(subject) = &filter.subject {
                select.push(" AND subject = ").push_bind(subject);
            }
            if let Some(after) = after {
                select.push(" AND (at, entry_id) > (").push_bind(after.at.timestamp_micros());
                select.push(", ").push_bind(after.entry_id).push(")");
            }
            select.push(" ORDER BY at, entry_id LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            select.build_query_as().fetch_all(pool).await?
        });
        rows.into_iter().map(AuditEntry::try_from).collect()
    }

    /// Deletes the entries of before `moment`; how many.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn forget_audit_before(&self, moment: DateTime<chrono::Utc>) -> Result<u64, CatalogError> {
        let deleted = on_writer!(&self.pool, Db, pool => {
            let delete = sqlx::query::<Db>("DELETE FROM audit WHERE at < $1").bind(moment.timestamp_micros());
            delete.execute(pool).await?.rows_affected()
        });
        Ok(deleted)
    }
}
