//! What an id from outside names: a row by its key, its own id, or the id of its UID, which may be that of several.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Catalog, CatalogError, pool::on_reader};

/// Rows that are told of one shared UID.
pub const CHOICES_MAX: usize = 100;

/// What an id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// Nothing that is known.
    Nothing,
    /// One thing.
    One(T),
    /// The UID behind it stands in several studies or series: these, up to [`CHOICES_MAX`] of them.
    Several(Vec<Choice>),
}

/// One of the things that a shared UID names, by ids that name it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Its study.
    pub study_id: Uuid,
    /// Its series, or itself.
    pub series_id: Uuid,
    /// Itself, if it is an instance.
    pub image_id: Option<Uuid>,
}

/// A series, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesPlace {
    /// Its key.
    pub key: Uuid,
    /// The public id that names it alone, whatever else comes.
    pub own_id: Uuid,
    /// Its study.
    pub study_id: Uuid,
}

/// A row that an id may name.
#[derive(Clone, Copy, sqlx::FromRow)]
struct Candidate {
    row_key: Uuid,
    own_id: Option<Uuid>,
    study_id: Uuid,
    series_own_id: Uuid,
    image_own_id: Option<Uuid>,
}

impl<T> Found<T> {
    /// The same of something else: what `change` makes of the one thing.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Found::Nothing => Found::Nothing,
            Found::One(found) => Found::One(change(found)),
            Found::Several(choices) => Found::Several(choices),
        }
    }

    /// The one thing; `None` for nothing and for several.
    pub fn one(self) -> Option<T> {
        match self {
            Found::One(found) => Some(found),
            Found::Nothing | Found::Several(_) => None,
        }
    }
}

impl<T> From<Option<T>> for Found<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Found::Nothing, Found::One)
    }
}

/// The row whose own id it is, else all that have the UID.
fn settle(id: Uuid, candidates: &[Candidate]) -> Found<Candidate> {
    if let Some(row) = candidates.iter().find(|row| row.own_id == Some(id)) {
        return Found::One(*row);
    }
    match candidates {
        [] => Found::Nothing,
        [row] => Found::One(*row),
        several => Found::Several(several.iter().map(Candidate::choice).collect()),
    }
}

impl Candidate {
    fn choice(&self) -> Choice {
        Choice { study_id: self.study_id, series_id: self.series_own_id, image_id: self.image_own_id }
    }
}

/// Of a series, up to the condition.
const SERIES: &str = "SELECT series_id AS row_key, own_id, study_id, \
    COALESCE(own_id, series_id) AS series_own_id, CAST(NULL AS UUID) AS image_own_id FROM series WHERE ";

/// Of an instance, up to the condition.
const IMAGES: &str = "SELECT instances.image_id AS row_key, instances.own_id, series.study_id, \
    COALESCE(series.own_id, series.series_id) AS series_own_id, \
    COALESCE(instances.own_id, instances.image_id) AS image_own_id \
    FROM instances JOIN series ON series.series_id = instances.series_id WHERE ";

impl Catalog {
    /// The series that a public id names.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn find_series(&self, id: Uuid) -> Result<Found<SeriesPlace>, CatalogError> {
        let found = self.find(SERIES, ["series.series_id", "series.own_id", "series.uid_id"], id).await?;
        Ok(found.map(|row| SeriesPlace {
            key: row.row_key,
            own_id: row.series_own_id,
            study_id: row.study_id,
        }))
    }

    /// The key of the instance that a public id names.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn find_image(&self, id: Uuid) -> Result<Found<Uuid>, CatalogError> {
        let found =
            self.find(IMAGES, ["instances.image_id", "instances.own_id", "instances.uid_id"], id).await?;
        Ok(found.map(|row| row.row_key))
    }

    async fn find(
        &self,
        select: &'static str,
        [key, own_id, uid_id]: [&'static str; 3],
        id: Uuid,
    ) -> Result<Found<Candidate>, CatalogError> {
        let candidates: Vec<Candidate> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(select);
            query.push(key).push(" = ").push_bind(id);
            query.push(" OR ").push(own_id).push(" = ").push_bind(id);
            query.push(" OR ").push(uid_id).push(" = ").push_bind(id);
            query.push(" ORDER BY study_id, series_own_id, image_own_id LIMIT ").push_bind(CHOICES_MAX as i64);
            query.build_query_as().fetch_all(pool).await?
        });
        Ok(settle(id, &candidates))
    }
}
