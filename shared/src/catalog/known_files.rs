//! Where the files of known instances lie, for those who find them again.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    images::content_digest,
    pool::{on_reader, on_writer},
};
use crate::render_key::ContentDigest;

/// Own ids in one statement.
const IDS_PER_STATEMENT: usize = 500;

/// Where the file of a known instance lies.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownFile {
    /// The instance's own id (`shared/src/own_id.rs`).
    pub own_id: Uuid,
    /// Key of its row.
    pub key: Uuid,
    /// URL of the file.
    pub location: String,
}

/// A file of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOfStudy {
    /// Key of its row.
    pub key: Uuid,
    /// Series Instance UID.
    pub series_instance_uid: String,
    /// SOP Instance UID.
    pub sop_instance_uid: String,
    /// URL of the file.
    pub location: String,
    /// Digest of the file when it was indexed.
    pub content_digest: ContentDigest,
    /// Bytes of the file when it was indexed.
    pub file_byte_count: u64,
}

/// A file of a study, and what it is told as where it is handed out by its UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstance {
    /// The file.
    pub file: FileOfStudy,
    /// Study Instance UID.
    pub study_instance_uid: String,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax_uid: Option<String>,
}

#[derive(sqlx::FromRow)]
struct StoredRow {
    study_instance_uid: String,
    transfer_syntax_uid: Option<String>,
    #[sqlx(flatten)]
    file: FileRow,
}

#[derive(sqlx::FromRow)]
struct FileRow {
    key: Uuid,
    series_instance_uid: String,
    sop_instance_uid: String,
    location: String,
    content_digest: Vec<u8>,
    file_byte_count: i64,
}

impl TryFrom<FileRow> for FileOfStudy {
    type Error = CatalogError;

    fn try_from(row: FileRow) -> Result<Self, CatalogError> {
        Ok(FileOfStudy {
            key: row.key,
            series_instance_uid: row.series_instance_uid,
            sop_instance_uid: row.sop_instance_uid,
            location: row.location,
            content_digest: content_digest(row.content_digest)?,
            file_byte_count: row.file_byte_count.cast_unsigned(),
        })
    }
}

impl Catalog {
    /// Up to `limit` files of a study by the keys of their rows, those after `after`.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn files_of_study(
        &self,
        study_id: Uuid,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<FileOfStudy>, CatalogError> {
        const SELECT: &str = "SELECT image_id AS key, series_instance_uid, sop_instance_uid, location, \
            content_digest, file_byte_count FROM instances JOIN series ON series.series_id = instances.series_id \
            WHERE series.study_id = $1 AND image_id > $2 ORDER BY image_id LIMIT $3";
        let rows: Vec<FileRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT)
                .bind(study_id)
                // No key is nil.
                .bind(after.unwrap_or(Uuid::nil()))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await?
        });
        rows.into_iter().map(FileOfStudy::try_from).collect()
    }

    /// Up to `limit` files of all instances by the keys of their rows, those after `after`.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn files(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<FileOfStudy>, CatalogError> {
        const SELECT: &str = "SELECT image_id AS key, series_instance_uid, sop_instance_uid, location, \
            content_digest, file_byte_count FROM instances JOIN series ON series.series_id = instances.series_id \
            WHERE image_id > $1 ORDER BY image_id LIMIT $2";
        let rows: Vec<FileRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT)
                .bind(after.unwrap_or(Uuid::nil()))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await?
        });
        rows.into_iter().map(FileOfStudy::try_from).collect()
    }

    /// Whether an instance has the file at `location`, or it is owed to be removed. Looks at every row: for a few.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn accounts_for(&self, location: &str) -> Result<bool, CatalogError> {
        const SELECT: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM instances WHERE location = $1) \
            OR EXISTS (SELECT 1 FROM objects_owed WHERE location = $1)";
        on_reader!(&self.pool, Db, pool => {
            Ok(sqlx::query::<Db>(SELECT).bind(location).fetch_optional(pool).await?.is_some())
        })
    }

    /// The files of the instances with these keys, in no order; those that went are left out.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn stored_instances(&self, keys: &[Uuid]) -> Result<Vec<StoredInstance>, CatalogError> {
        let mut stored = Vec::with_capacity(keys.len());
        for keys in keys.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<StoredRow> = on_reader!(&self.pool, Db, pool => {
                let select = "SELECT image_id AS key, study_instance_uid, series_instance_uid, sop_instance_uid, \
                    NULLIF(transfer_syntax_uid, '') AS transfer_syntax_uid, location, content_digest, \
                    file_byte_count FROM instances JOIN series ON series.series_id = instances.series_id \
                    JOIN studies ON studies.study_id = series.study_id WHERE image_id IN (";
                let mut query: QueryBuilder<Db> = QueryBuilder::new(select);
                let mut list = query.separated(", ");
                for key in keys {
                    list.push_bind(*key);
                }
                query.push(")");
                query.build_query_as().persistent(false).fetch_all(pool).await?
            });
            for StoredRow { study_instance_uid, transfer_syntax_uid, file } in rows {
                let file = file.try_into()?;
                stored.push(StoredInstance { file, study_instance_uid, transfer_syntax_uid });
            }
        }
        Ok(stored)
    }

    /// The files of the instances with these own ids, in no order; unknown ones are left out.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn known_files(&self, own_ids: &[Uuid]) -> Result<Vec<KnownFile>, CatalogError> {
        let mut known = Vec::with_capacity(own_ids.len());
        for ids in own_ids.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<KnownFile> = on_reader!(&self.pool, Db, pool => {
                let select = "SELECT own_id, image_id AS key, location FROM instances WHERE own_id IN (";
                let mut query: QueryBuilder<Db> = QueryBuilder::new(select);
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                query.push(")");
                query.build_query_as().fetch_all(pool).await?
            });
            known.extend(rows);
        }
        Ok(known)
    }

    /// Notes that the file of the instance with this key lies at `location` now, with the same bytes. Nothing happens
    /// for an unknown one.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer; [`CatalogError::Invalid`] for a location with
    /// a NUL in it.
    pub async fn relocate(&self, image_id: Uuid, location: &str) -> Result<(), CatalogError> {
        if location.contains('\0') {
            return Err(CatalogError::Invalid("a location has no NUL".to_owned()));
        }
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>("UPDATE instances SET location = $1 WHERE image_id = $2")
                .bind(location)
                .bind(image_id)
                .execute(pool)
                .await?;
        });
        Ok(())
    }
}
