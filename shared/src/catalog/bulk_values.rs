//! Where the values of a header lie that it does not keep.

use uuid::Uuid;

use super::{
    Catalog, CatalogError, NewInstance, frame_index,
    pool::{Pool, in_transaction, on_reader},
};
use crate::bulk::BulkValue;

/// As the column has them.
pub(super) fn to_json(values: &[BulkValue]) -> String {
    // Texts and numbers are always written.
    serde_json::to_string(values).unwrap_or_else(|_| "[]".to_owned())
}

impl Catalog {
    /// The long binary values of the instance with this key, in the order of its header; `None` when it is unknown, and where
    /// a release recorded it that did not look for them.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn bulk_values(&self, key: Uuid) -> Result<Option<Vec<BulkValue>>, CatalogError> {
        const SELECT: &str = "SELECT bulk_values FROM instances WHERE image_id = $1";
        let json: Option<Option<String>> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>(SELECT).bind(key).fetch_optional(pool).await?
        });
        let values = json.flatten().map(|json| serde_json::from_str(&json));
        values.transpose().map_err(|error| CatalogError::Failed(format!("bulk values do not read: {error}")))
    }

    /// Completes the row with this key, if a release recorded it that did not look for such values, and `instance` is what was
    /// read again of the same file.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn complete_bulk_values(&self, key: Uuid, instance: &NewInstance) -> Result<(), CatalogError> {
        if self.bulk_values(key).await?.is_none() {
            complete(&self.pool, &[(key, instance)]).await?;
        }
        Ok(())
    }
}

/// Completes rows that a release recorded which did not look for such values, of files that were read again and are the same.
pub(super) async fn complete(pool: &Pool, rows: &[(Uuid, &NewInstance)]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    const UPDATE: &str = "UPDATE instances SET header_json = $1, bulk_values = $2, frame_ranges = $3 \
         WHERE image_id = $4 AND content_digest = $5 AND bulk_values IS NULL";
    // In one order, so that two of these never wait for each other.
    let mut rows = rows.to_vec();
    rows.sort_unstable_by_key(|(key, _)| *key);
    let mut transaction = pool.begin().await?;
    in_transaction!(&mut transaction, Db, connection => {
        for (key, instance) in rows {
            sqlx::query::<Db>(UPDATE)
                .bind(instance.header_json.replace('\0', ""))
                .bind(to_json(&instance.bulk_values))
                // Those of a video were not found before.
                .bind(frame_index::pack(&instance.frames))
                .bind(key)
                .bind(&instance.content_digest.0[..])
                .execute(&mut *connection)
                .await?;
        }
    });
    transaction.commit().await
}
