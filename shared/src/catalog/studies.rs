//! Studies and their series: lists and single ones.

use chrono::{DateTime, SecondsFormat};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Catalog, CatalogError, StudyFilter, StudyOrder,
    fact_columns::{series_columns, study_columns},
    pool::on_reader,
    study_order::Position,
};
use crate::{
    answer::{Series, Study},
    facts::{SeriesFacts, StudyFacts},
};

/// One page of studies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyPage {
    /// In the order asked for.
    pub studies: Vec<Study>,
    /// Studies that the filter lets through, on all pages.
    pub total: u64,
    /// For [`StudyFilter::after`] of the next page; `None` on the last one.
    pub next: Option<String>,
}

pub(super) const SELECT_STUDIES: &str = concat!(
    "SELECT study_id, study_instance_uid, ",
    study_columns!(read),
    ", (SELECT string_agg(modality, '\\') FROM \
        (SELECT DISTINCT modality FROM series WHERE series.study_id = studies.study_id) AS kinds) AS modalities, \
    (SELECT count(*) FROM series WHERE series.study_id = studies.study_id) AS series_count, \
    (SELECT CAST(COALESCE(sum(image_count), 0) AS BIGINT) FROM series \
        WHERE series.study_id = studies.study_id) AS image_count, \
    (SELECT count(*) FROM series JOIN instances ON instances.series_id = series.series_id \
        WHERE series.study_id = studies.study_id AND other_patient IS NOT NULL) AS other_patient_count, changed_at \
    FROM studies",
);

#[derive(sqlx::FromRow)]
pub(super) struct StudyRow {
    study_id: Uuid,
    study_instance_uid: String,
    #[sqlx(flatten)]
    facts: StudyFacts,
    /// Separated by `\`, as DICOM separates values.
    modalities: Option<String>,
    series_count: i64,
    image_count: i64,
    other_patient_count: i64,
    /// In ms since 1970; 0 where nobody knows.
    changed_at: i64,
}

impl From<StudyRow> for Study {
    fn from(row: StudyRow) -> Self {
        let mut modalities: Vec<String> =
            row.modalities.iter().flat_map(|all| all.split('\\')).map(str::to_owned).collect();
        modalities.sort_unstable();
        modalities.dedup();
        Study {
            study_id: row.study_id,
            study_instance_uid: row.study_instance_uid,
            facts: row.facts,
            modalities,
            series_count: count(row.series_count),
            image_count: count(row.image_count),
            other_patient_count: count(row.other_patient_count),
            changed_at: DateTime::from_timestamp_millis(row.changed_at)
                .filter(|_| row.changed_at > 0)
                .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SeriesRow {
    series_id: Uuid,
    series_instance_uid: String,
    study_id: Uuid,
    #[sqlx(flatten)]
    facts: SeriesFacts,
    image_count: i64,
}

impl From<SeriesRow> for Series {
    fn from(row: SeriesRow) -> Self {
        Series {
            series_id: row.series_id,
            series_instance_uid: row.series_instance_uid,
            study_id: row.study_id,
            facts: row.facts,
            image_count: count(row.image_count),
        }
    }
}

/// How a series is called: by the id of its UID, or by its own id while series of other studies have that UID.
macro_rules! shown_series_id {
    () => {
        "CASE WHEN series.uid_id IS NULL THEN series.series_id \
         WHEN EXISTS (SELECT 1 FROM series AS other WHERE other.uid_id = series.uid_id \
         AND other.series_id <> series.series_id) THEN COALESCE(series.own_id, series.series_id) \
         ELSE series.uid_id END"
    };
}

pub(super) use shown_series_id;

pub(super) fn count(column: i64) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX)
}

impl Catalog {
    /// One page of the studies that `filter` lets through, in its order.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a [`StudyFilter::after`] that no page gave; [`CatalogError::Unavailable`] when
    /// the database does not answer.
    pub async fn studies(&self, filter: &StudyFilter) -> Result<StudyPage, CatalogError> {
        let page_size = filter.page_size();
        let rows: Vec<StudyRow> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT_STUDIES);
            filter.push_condition(&mut query);
            filter.push_after(&mut query)?;
            filter.order.push_order(&mut query);
            query.push(" LIMIT ").push_bind(i64::from(page_size) + 1);
            query.build_query_as().fetch_all(pool).await?
        });
        let mut studies: Vec<Study> = rows.into_iter().map(Study::from).collect();
        let is_last = studies.len() <= page_size as usize;
        studies.truncate(page_size as usize);
        let next = match studies.last().filter(|_| !is_last) {
            Some(last) => self.position(filter.order, last).await?.map(|position| position.to_string()),
            None => None,
        };
        let is_whole = is_last && filter.after.is_none();
        let total = if is_whole { studies.len() as u64 } else { self.count_studies(filter).await? };
        Ok(StudyPage { studies, total, next })
    }

    /// Where a study stands in an order; `None` when it went just now, which ends the list.
    async fn position(&self, order: StudyOrder, study: &Study) -> Result<Option<Position>, CatalogError> {
        if let Some(position) = order.position_told_by(study) {
            return Ok(Some(position));
        }
        let key: Option<String> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT ");
            query.push(order.key()).push(" FROM studies WHERE study_id = ").push_bind(study.study_id);
            query.build_query_scalar().fetch_optional(pool).await?
        });
        Ok(key.map(|key| Position { order, key, study_id: study.study_id }))
    }

    async fn count_studies(&self, filter: &StudyFilter) -> Result<u64, CatalogError> {
        let total: i64 = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT count(*) FROM studies");
            filter.push_condition(&mut query);
            query.build_query_scalar().fetch_one(pool).await?
        });
        Ok(total.cast_unsigned())
    }

    /// One study; `None` when it is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn study(&self, study_id: Uuid) -> Result<Option<Study>, CatalogError> {
        let row: Option<StudyRow> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT_STUDIES);
            query.push(" WHERE study_id = ").push_bind(study_id);
            query.build_query_as().fetch_optional(pool).await?
        });
        Ok(row.map(Study::from))
    }

    /// The series of a study by number, then UID; `None` when the study is unknown.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn series_of_study(&self, study_id: Uuid) -> Result<Option<Vec<Series>>, CatalogError> {
        const SELECT: &str = concat!(
            "SELECT ",
            shown_series_id!(),
            " AS series_id, series_instance_uid, study_id, ",
            series_columns!(),
            ", image_count FROM series WHERE study_id = $1 ORDER BY series_number NULLS LAST, series_instance_uid",
        );
        let rows: Vec<SeriesRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT).bind(study_id).fetch_all(pool).await?
        });
        // A study is there as long as it has a series.
        Ok((!rows.is_empty()).then(|| rows.into_iter().map(Series::from).collect()))
    }
}
