//! What is told of the matches of a search: the columns of their rows, and the headers that stand for them.

use std::collections::HashMap;

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    super::{
        Catalog, CatalogError,
        fact_columns::series_columns,
        other_facts,
        pool::on_reader,
        studies::{SELECT_STUDIES, StudyRow, count},
    },
    HEADERS_PER_STATEMENT, Hit, SearchLevel,
    condition::push_list,
    rows,
};
use crate::{
    answer::Study,
    facts::{SeriesFacts, StudyFacts},
};

/// What is told of some matches.
#[derive(Debug, Default)]
pub struct ToldOf {
    /// Their studies, by id, where they are asked for.
    pub studies: HashMap<Uuid, Study>,
    /// Their series, by key, where they are asked for.
    pub series: HashMap<Uuid, ToldSeries>,
    /// Themselves by key, if they are instances.
    pub instances: HashMap<Uuid, ToldInstance>,
    /// A header for each, by id or key, as far as it is kept and not too long: its own, or that of one of its instances.
    pub headers: HashMap<Uuid, String>,
}

/// A series.
#[derive(Debug)]
pub struct ToldSeries {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// What its files tell of it.
    pub facts: SeriesFacts,
    /// How many instances it has.
    pub image_count: u32,
}

/// An instance.
#[derive(Debug)]
pub struct ToldInstance {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: Option<String>,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// Rows (0028,0010).
    pub rows: Option<u32>,
    /// Columns (0028,0011).
    pub columns: Option<u32>,
    /// Bits Allocated (0028,0100); 0 where the file does not say.
    pub bits_allocated: u32,
    /// Frames; 0 without pixel data.
    pub frame_count: u32,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax_uid: Option<String>,
    /// What the file tells of its study, where that is another patient's.
    pub other_facts: Option<StudyFacts>,
}

#[derive(sqlx::FromRow)]
struct SeriesRow {
    key: Uuid,
    study_instance_uid: String,
    series_instance_uid: String,
    #[sqlx(flatten)]
    facts: SeriesFacts,
    image_count: i64,
}

#[derive(sqlx::FromRow)]
struct InstanceRow {
    key: Uuid,
    study_instance_uid: String,
    series_instance_uid: String,
    sop_instance_uid: String,
    sop_class_uid: Option<String>,
    instance_number: Option<i32>,
    pixel_rows: Option<i64>,
    pixel_columns: Option<i64>,
    bits_allocated: i64,
    frame_count: i64,
    transfer_syntax_uid: Option<String>,
    other_patient: Option<String>,
}

impl From<SeriesRow> for ToldSeries {
    fn from(row: SeriesRow) -> Self {
        let SeriesRow { study_instance_uid, series_instance_uid, facts, image_count, .. } = row;
        Self { study_instance_uid, series_instance_uid, facts, image_count: count(image_count) }
    }
}

impl From<InstanceRow> for ToldInstance {
    fn from(row: InstanceRow) -> Self {
        Self {
            study_instance_uid: row.study_instance_uid,
            series_instance_uid: row.series_instance_uid,
            sop_instance_uid: row.sop_instance_uid,
            sop_class_uid: row.sop_class_uid,
            instance_number: row.instance_number,
            rows: row.pixel_rows.map(count),
            columns: row.pixel_columns.map(count),
            bits_allocated: count(row.bits_allocated),
            frame_count: count(row.frame_count),
            transfer_syntax_uid: row.transfer_syntax_uid,
            other_facts: row.other_patient.map(|json| other_facts::from_json(&json)),
        }
    }
}

const SELECT_SERIES: &str = concat!(
    "SELECT series_id AS key, study_instance_uid, series_instance_uid, ",
    series_columns!(),
    ", image_count FROM series JOIN studies ON studies.study_id = series.study_id WHERE series_id IN ",
);

const SELECT_INSTANCES: &str = "SELECT image_id AS key, study_instance_uid, series_instance_uid, sop_instance_uid, \
    sop_class_uid, instance_number, pixel_rows, pixel_columns, bits_allocated, frame_count, \
    NULLIF(transfer_syntax_uid, '') AS transfer_syntax_uid, other_patient \
    FROM instances JOIN series ON series.series_id = instances.series_id \
    JOIN studies ON studies.study_id = series.study_id WHERE image_id IN ";

impl Hit {
    /// What names the row of a match of a level.
    #[must_use]
    pub fn key(&self, level: SearchLevel) -> Uuid {
        match level {
            SearchLevel::Study => self.study_id,
            SearchLevel::Series => self.series_key,
            SearchLevel::Instance => self.image_key,
        }
    }
}

impl Catalog {
    /// Matches that are read at a time.
    pub const TOLD_MAX: usize = HEADERS_PER_STATEMENT;

    /// What is told of up to [`Catalog::TOLD_MAX`] matches of a level: the levels `above` are told of where that is said
    /// (studies, series). What went meanwhile is left out.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn told_of(
        &self,
        level: SearchLevel,
        hits: &[Hit],
        [with_studies, with_series]: [bool; 2],
    ) -> Result<ToldOf, CatalogError> {
        let keys = |of: SearchLevel| {
            let mut keys: Vec<Uuid> = hits.iter().map(|hit| hit.key(of)).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        let mut told = ToldOf::default();
        if hits.is_empty() {
            return Ok(told);
        }
        on_reader!(&self.pool, Db, pool => {
            if with_studies || level == SearchLevel::Study {
                let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT_STUDIES);
                query.push(" WHERE studies.study_id IN ");
                push_list(keys(SearchLevel::Study).into_iter(), &mut query);
                let rows: Vec<StudyRow> = query.build_query_as().persistent(false).fetch_all(pool).await?;
                told.studies = rows.into_iter().map(Study::from).map(|study| (study.study_id, study)).collect();
            }
            if with_series || level == SearchLevel::Series {
                let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT_SERIES);
                push_list(keys(SearchLevel::Series).into_iter(), &mut query);
                let rows: Vec<SeriesRow> = query.build_query_as().persistent(false).fetch_all(pool).await?;
                told.series = rows.into_iter().map(|row| (row.key, row.into())).collect();
            }
            if level == SearchLevel::Instance {
                let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT_INSTANCES);
                push_list(keys(level).into_iter(), &mut query);
                let rows: Vec<InstanceRow> = query.build_query_as().persistent(false).fetch_all(pool).await?;
                told.instances = rows.into_iter().map(|row| (row.key, row.into())).collect();
            }
        });
        told.headers = self.headers_of(level, hits).await?;
        Ok(told)
    }

    /// A header for each of some matches, by id or key, as far as it is kept and not too long.
    pub(super) async fn headers_of(
        &self,
        level: SearchLevel,
        hits: &[Hit],
    ) -> Result<HashMap<Uuid, String>, CatalogError> {
        let (key, table) = rows::row_of(level);
        let rows: Vec<(Uuid, Option<String>)> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("SELECT ");
            query.push(key).push(rows::header(level)).push(" FROM ").push(table);
            query.push(" WHERE ").push(key).push(" IN ");
            push_list(hits.iter().map(|hit| hit.key(level)), &mut query);
            query.build_query_as().persistent(false).fetch_all(pool).await?
        });
        Ok(rows.into_iter().filter_map(|(key, header)| Some((key, header?))).collect())
    }
}
