//! Every id under which answers about series and instances may be kept, for those who forget them.
//!
//! Answers are kept under the id that was asked for, and a row answers to several. Where UIDs are shared, what lists
//! call a row changes when another row of its UID comes or goes, so answers about the others are stale then.

use std::collections::HashSet;

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Catalog, CatalogError, Scope, pool::on_reader};

/// Ids in one statement.
const IDS_PER_STATEMENT: usize = 500;

/// Ids of series and instances: keys, own ids, and ids of shared UIDs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// Of series.
    pub series: Vec<Uuid>,
    /// Of instances.
    pub images: Vec<Uuid>,
}

/// Rows that share a UID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sharing {
    /// The studies they are in.
    pub studies: Vec<Uuid>,
    /// What they and their series are called.
    pub ids: Ids,
}

#[derive(sqlx::FromRow)]
struct Names {
    key: Uuid,
    own_id: Option<Uuid>,
    uid_id: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct SharedSeries {
    study_id: Uuid,
    #[sqlx(flatten)]
    names: Names,
}

#[derive(sqlx::FromRow)]
struct SharedImage {
    #[sqlx(flatten)]
    names: Names,
    study_id: Uuid,
    series_key: Uuid,
    series_own_id: Option<Uuid>,
    series_uid_id: Option<Uuid>,
}

impl Names {
    fn all(&self) -> impl Iterator<Item = Uuid> + use<> {
        let key = self.key;
        [self.own_id, self.uid_id].into_iter().flatten().filter(move |id| *id != key).chain([key])
    }
}

impl SharedImage {
    fn series(&self) -> Names {
        Names { key: self.series_key, own_id: self.series_own_id, uid_id: self.series_uid_id }
    }
}

/// Each id once, in no order.
fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    ids.collect::<HashSet<Uuid>>().into_iter().collect()
}

impl Catalog {
    /// Every id of the series and the instances in `scope`. The series of a scope that is one image are none.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn ids(&self, scope: &Scope) -> Result<Ids, CatalogError> {
        let images: Vec<Names> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> =
                scope.statement("SELECT image_id AS key, own_id, uid_id FROM instances");
            query.build_query_as().fetch_all(pool).await?
        });
        let (condition, id) = match scope {
            Scope::Everything | Scope::Image(_) => {
                return Ok(Ids { series: Vec::new(), images: distinct(images.iter().flat_map(Names::all)) });
            }
            Scope::Study(study_id) => ("study_id = ", *study_id),
            Scope::Series(series_id) => ("series_id = ", *series_id),
        };
        let series: Vec<Names> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> =
                QueryBuilder::new("SELECT series_id AS key, own_id, uid_id FROM series WHERE ");
            query.push(condition).push_bind(id).build_query_as().fetch_all(pool).await?
        });
        Ok(Ids {
            series: distinct(series.iter().flat_map(Names::all)),
            images: distinct(images.iter().flat_map(Names::all)),
        })
    }

    /// The rows whose UID is one of `uids` (UUID version 5 of each) and stands, or stood, in another row too. Mostly
    /// there are none.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn sharing(&self, uids: &Ids) -> Result<Sharing, CatalogError> {
        let series: Vec<SharedSeries> = self.shared_series(&uids.series).await?;
        let images: Vec<SharedImage> = self.shared_images(&uids.images).await?;
        let studies =
            series.iter().map(|series| series.study_id).chain(images.iter().map(|image| image.study_id));
        let of_series = series.iter().flat_map(|series| series.names.all());
        Ok(Sharing {
            studies: distinct(studies),
            ids: Ids {
                series: distinct(of_series.chain(images.iter().flat_map(|image| image.series().all()))),
                images: distinct(images.iter().flat_map(|image| image.names.all())),
            },
        })
    }

    async fn shared_series(&self, uid_ids: &[Uuid]) -> Result<Vec<SharedSeries>, CatalogError> {
        let mut shared = Vec::new();
        on_reader!(&self.pool, Db, pool => {
            for ids in uid_ids.chunks(IDS_PER_STATEMENT) {
                let mut query: QueryBuilder<Db> = QueryBuilder::new(
                    "SELECT study_id, series_id AS key, own_id, uid_id FROM series WHERE uid_id IN (",
                );
                push_list(&mut query, ids);
                shared.extend(query.build_query_as().persistent(false).fetch_all(pool).await?);
            }
        });
        Ok(shared)
    }

    async fn shared_images(&self, uid_ids: &[Uuid]) -> Result<Vec<SharedImage>, CatalogError> {
        let mut shared = Vec::new();
        on_reader!(&self.pool, Db, pool => {
            for ids in uid_ids.chunks(IDS_PER_STATEMENT) {
                let mut query: QueryBuilder<Db> = QueryBuilder::new(
                    "SELECT instances.image_id AS key, instances.own_id, instances.uid_id, series.study_id, \
                     series.series_id AS series_key, series.own_id AS series_own_id, \
                     series.uid_id AS series_uid_id \
                     FROM instances JOIN series ON series.series_id = instances.series_id \
                     WHERE instances.uid_id IN (",
                );
                push_list(&mut query, ids);
                shared.extend(query.build_query_as().persistent(false).fetch_all(pool).await?);
            }
        });
        Ok(shared)
    }
}

/// `a, b, c)` with a parameter for each id.
fn push_list<DB: sqlx::Database>(query: &mut QueryBuilder<DB>, ids: &[Uuid])
where
    Uuid: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
{
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    list.push_unseparated(")");
}
