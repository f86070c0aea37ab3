//! A part of the catalog: everything, or what one id names.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Catalog, CatalogError, pool::on_reader};

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole catalog.
    Everything,
    /// The study with this public id.
    Study(Uuid),
    /// The series with this key.
    Series(Uuid),
    /// The instance with this key.
    Image(Uuid),
}

impl Scope {
    /// The condition on a table with an `image_id`, up to its parameter, and what closes it.
    fn condition(self) -> Option<(&'static str, Uuid, &'static str)> {
        match self {
            Scope::Everything => None,
            Scope::Image(image_id) => Some((" WHERE image_id = ", image_id, "")),
            Scope::Series(series_id) => Some((
                " WHERE image_id IN (SELECT image_id FROM instances WHERE series_id = ",
                series_id,
                ")",
            )),
            Scope::Study(study_id) => Some((
                " WHERE image_id IN (SELECT image_id FROM instances JOIN series USING (series_id) WHERE study_id = ",
                study_id,
                ")",
            )),
        }
    }

    /// `start` (up to the table's name), bound to this scope.
    pub(super) fn statement<DB: sqlx::Database>(self, start: &'static str) -> QueryBuilder<DB>
    where
        Uuid: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    {
        let mut query = QueryBuilder::new(start);
        if let Some((condition, id, end)) = self.condition() {
            query.push(condition).push_bind(id).push(end);
        }
        query
    }
}

impl Catalog {
    /// Keys of the instances in `scope`, in no order; none for an unknown one.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn image_ids(&self, scope: &Scope) -> Result<Vec<Uuid>, CatalogError> {
        on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = scope.statement("SELECT image_id FROM instances");
            Ok(query.build_query_scalar().fetch_all(pool).await?)
        })
    }
}
