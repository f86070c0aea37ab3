//! What a search reads of the rows it goes through.

use uuid::Uuid;

use super::{Hit, SearchLevel};

/// A row that the columns let through.
#[derive(sqlx::FromRow)]
pub(super) struct Candidate {
    study_id: Uuid,
    series_key: Option<Uuid>,
    image_key: Option<Uuid>,
}

impl Candidate {
    pub(super) fn hit(&self) -> Hit {
        let [series_key, image_key] = [self.series_key, self.image_key].map(Option::unwrap_or_default);
        Hit { study_id: self.study_id, series_key, image_key }
    }
}

/// The keys of the rows of a match.
pub(super) const fn keys(level: SearchLevel) -> &'static str {
    match level {
        SearchLevel::Study => {
            "studies.study_id, CAST(NULL AS UUID) AS series_key, CAST(NULL AS UUID) AS image_key"
        }
        SearchLevel::Series => {
            "studies.study_id, series.series_id AS series_key, CAST(NULL AS UUID) AS image_key"
        }
        SearchLevel::Instance => {
            "studies.study_id, series.series_id AS series_key, instances.image_id AS image_key"
        }
    }
}

/// The tables of a level, up to the rest of a condition. Studies newest first, and what is in each, where nothing else
/// narrows it: without a hint SQLite would go through all instances and sort them.
pub(super) const fn tables(level: SearchLevel, from_studies: bool) -> &'static str {
    match (level, from_studies) {
        (SearchLevel::Study, _) => " FROM studies WHERE TRUE",
        (SearchLevel::Series, true) => {
            " FROM studies CROSS JOIN series WHERE series.study_id = studies.study_id"
        }
        (SearchLevel::Series, false) => {
            " FROM studies JOIN series ON series.study_id = studies.study_id WHERE TRUE"
        }
        (SearchLevel::Instance, true) => {
            " FROM studies CROSS JOIN series CROSS JOIN instances \
             WHERE series.study_id = studies.study_id AND instances.series_id = series.series_id"
        }
        (SearchLevel::Instance, false) => {
            " FROM studies JOIN series ON series.study_id = studies.study_id \
             JOIN instances ON instances.series_id = series.series_id WHERE TRUE"
        }
    }
}

/// A header that stands for a match, of 1 MiB at most: that of one of its instances, which is of the patient of its study.
pub(super) const fn header(level: SearchLevel) -> &'static str {
    match level {
        SearchLevel::Study => {
            ", (SELECT one.header_json FROM series AS its JOIN instances AS one ON one.series_id = its.series_id \
             WHERE its.study_id = studies.study_id AND one.other_patient IS NULL \
             AND octet_length(one.header_json) <= 1048576 LIMIT 1) AS header"
        }
        SearchLevel::Series => {
            ", (SELECT one.header_json FROM instances AS one WHERE one.series_id = series.series_id \
             AND one.other_patient IS NULL AND octet_length(one.header_json) <= 1048576 LIMIT 1) AS header"
        }
        SearchLevel::Instance => {
            ", CASE WHEN octet_length(instances.header_json) <= 1048576 THEN instances.header_json END AS header"
        }
    }
}

/// What names a row of a level, and its table.
pub(super) const fn row_of(level: SearchLevel) -> (&'static str, &'static str) {
    match level {
        SearchLevel::Study => ("studies.study_id", "studies"),
        SearchLevel::Series => ("series.series_id", "series"),
        SearchLevel::Instance => ("instances.image_id", "instances"),
    }
}
