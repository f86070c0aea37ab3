//! In which order a search tells its matches: as asked, then newest first, then as series and instances are numbered.

use sqlx::{Database, QueryBuilder};

use super::{
    Search, SearchLevel,
    column::{Column, Kind},
};

/// One attribute to order by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchOrder {
    column: &'static Column,
    descending: bool,
}

impl SearchOrder {
    /// By the attribute of this tag; `None` for one that has no column.
    #[must_use]
    pub fn by(tag: u32, descending: bool) -> Option<Self> {
        let column = Column::of(tag)?;
        let is_one = !matches!(column.kind, Kind::OfItsSeries | Kind::OfItsInstances);
        is_one.then_some(Self { column, descending })
    }
}

/// Appends ` ORDER BY …`. What is absent comes last, whichever way.
pub(super) fn push<DB: Database>(search: &Search, query: &mut QueryBuilder<DB>) {
    query.push(" ORDER BY ");
    for SearchOrder { column, descending } in &search.order {
        // What is below has many values for a row.
        if column.level > search.level {
            continue;
        }
        let name = sorted_by(column);
        let direction = if *descending { " DESC" } else { "" };
        query.push(name).push(" IS NULL, ").push(name).push(direction).push(", ");
    }
    query.push(
        "studies.study_date DESC, studies.study_time IS NULL, studies.study_time DESC, studies.study_id",
    );
    if search.level >= SearchLevel::Series {
        query.push(
            ", series.series_number IS NULL, series.series_number, series.series_instance_uid, series.series_id",
        );
    }
    if search.level == SearchLevel::Instance {
        query.push(
            ", instances.instance_number IS NULL, instances.instance_number, instances.sop_instance_uid, \
             instances.image_id",
        );
    }
}

/// Ids are made of UIDs, and stand in no order of theirs.
fn sorted_by(column: &Column) -> &'static str {
    match column.name {
        "studies.study_id" => "studies.study_instance_uid",
        "series.series_id" => "series.series_instance_uid",
        "instances.image_id" => "instances.sop_instance_uid",
        "studies.study_date" => "NULLIF(studies.study_date, '')",
        name => name,
    }
}
