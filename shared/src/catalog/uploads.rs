//! Uploads: who sent which, how far each is, and what became of its files.

use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
    text::clean,
};
use crate::upload::{UPLOAD_TOLD_AGAIN, Upload, UploadState, UploadedInstance};

#[derive(sqlx::FromRow)]
struct UploadRow {
    event_id: Uuid,
    owner: String,
    admits: String,
    state: String,
    instances: String,
}

impl TryFrom<UploadRow> for Upload {
    type Error = CatalogError;

    fn try_from(row: UploadRow) -> Result<Self, CatalogError> {
        let does_not_read = || CatalogError::Failed("an upload does not read".to_owned());
        Ok(Upload {
            event_id: row.event_id,
            owner: row.owner,
            admits: serde_json::from_str(&row.admits).map_err(|_| does_not_read())?,
            state: UploadState::of_name(&row.state).ok_or_else(does_not_read)?,
            instances: serde_json::from_str(&row.instances).map_err(|_| does_not_read())?,
        })
    }
}

impl Catalog {
    /// Notes that the files of an upload begin to come.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn begin_upload(&self, upload: &Upload) -> Result<(), CatalogError> {
        const INSERT: &str = "INSERT INTO uploads (event_id, owner, admits, state, instances, created_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let (admits, instances) = (json(&upload.admits)?, json(&upload.instances)?);
        on_writer!(&self.pool, Db, pool => {
            let insert = sqlx::query::<Db>(INSERT).bind(upload.event_id).bind(clean(&upload.owner)).bind(admits);
            let insert = insert.bind(upload.state.name()).bind(instances).bind(Utc::now().timestamp_micros());
            insert.execute(pool).await?;
        });
        Ok(())
    }

    /// Notes that all files of an upload are there.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn upload_arrived(&self, event_id: Uuid) -> Result<(), CatalogError> {
        const UPDATE: &str = "UPDATE uploads SET state = $2, due_at = $4 WHERE event_id = $1 AND state = $3";
        let (from, to) = (UploadState::Arriving.name(), UploadState::Arrived.name());
        let due_at = (Utc::now() + UPLOAD_TOLD_AGAIN).timestamp_micros();
        on_writer!(&self.pool, Db, pool => {
            let update = sqlx::query::<Db>(UPDATE).bind(event_id).bind(to).bind(from).bind(due_at);
            update.execute(pool).await?;
        });
        Ok(())
    }

    /// Notes what became of the files of an upload. What was noted first stays.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn upload_done(
        &self,
        event_id: Uuid,
        instances: &[UploadedInstance],
    ) -> Result<(), CatalogError> {
        const UPDATE: &str =
            "UPDATE uploads SET state = $2, instances = $3 WHERE event_id = $1 AND state <> $2";
        let instances = json(&instances)?;
        on_writer!(&self.pool, Db, pool => {
            let update = sqlx::query::<Db>(UPDATE).bind(event_id).bind(UploadState::Done.name()).bind(instances);
            update.execute(pool).await?;
        });
        Ok(())
    }

    /// The upload of this name, as long as it is told of.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn upload(&self, event_id: Uuid) -> Result<Option<Upload>, CatalogError> {
        const SELECT: &str =
            "SELECT event_id, owner, admits, state, instances FROM uploads WHERE event_id = $1";
        let row: Option<UploadRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT).bind(event_id).fetch_optional(pool).await?
        });
        row.map(Upload::try_from).transpose()
    }

    /// Whether all files of an upload were looked at, without what became of them.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn is_upload_done(&self, event_id: Uuid) -> Result<bool, CatalogError> {
        const SELECT: &str = "SELECT 1 FROM uploads WHERE event_id = $1 AND state = $2";
        on_reader!(&self.pool, Db, pool => {
            let select = sqlx::query::<Db>(SELECT).bind(event_id).bind(UploadState::Done.name());
            Ok(select.fetch_optional(pool).await?.is_some())
        })
    }

    /// Up to `limit` uploads that arrived, and of which nothing was heard since: workers are to be told of them again. This
    /// caller alone has them for a while, longer each time.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn take_untaken_uploads(&self, limit: u32) -> Result<Vec<Uuid>, CatalogError> {
        const ANY: &str = "SELECT 1 FROM uploads WHERE state = 'arrived' AND due_at < $1 LIMIT 1";
        const TAKE: &str = "UPDATE uploads SET due_at = $1 + ($1 - created_at) \
            WHERE state = 'arrived' AND due_at < $1 AND event_id IN \
            (SELECT event_id FROM uploads WHERE state = 'arrived' AND due_at < $1 ORDER BY due_at LIMIT $2) \
            RETURNING event_id";
        let now = Utc::now().timestamp_micros();
        if !self.has_any(ANY, now).await? {
            return Ok(Vec::new());
        }
        on_writer!(&self.pool, Db, pool => {
            Ok(sqlx::query_scalar::<Db, Uuid>(TAKE).bind(now).bind(i64::from(limit)).fetch_all(pool).await?)
        })
    }

    /// Up to `limit` uploads that began longer ago than `kept`, which are told of no more. One that arrived and was never
    /// looked at is not among them: its files were promised to be.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn stale_uploads(&self, kept: Duration, limit: u32) -> Result<Vec<Uuid>, CatalogError> {
        const SELECT: &str = "SELECT event_id FROM uploads WHERE created_at < $1 AND state <> 'arrived' \
            ORDER BY created_at LIMIT $2";
        let before = (Utc::now() - kept).timestamp_micros();
        on_reader!(&self.pool, Db, pool => {
            let select = sqlx::query_scalar::<Db, Uuid>(SELECT).bind(before).bind(i64::from(limit));
            Ok(select.fetch_all(pool).await?)
        })
    }

    /// Forgets an upload.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn forget_upload(&self, event_id: Uuid) -> Result<(), CatalogError> {
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("DELETE FROM uploads WHERE event_id = $1").bind(event_id).execute(pool).await?;
        });
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|_| CatalogError::Failed("an upload does not serialise".to_owned()))
}
