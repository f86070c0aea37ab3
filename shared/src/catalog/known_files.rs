//! Where the files of known instances lie, for those who find them again.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
};

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

impl Catalog {
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
