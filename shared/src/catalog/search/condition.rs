//! The tables and the condition of a search, as part of a statement.
//!
//! A key of a level above is asked of the rows that the row belongs to; one of a level below, whether something in it
//! matches: all keys of the levels below by one and the same.

use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::{
    Among, Search, SearchLevel,
    column::{Column, Kind},
    key::{Test, Wanted},
    rows,
};

/// Appends ` FROM … WHERE …`.
pub(super) fn push<DB: Database>(search: &Search, query: &mut QueryBuilder<DB>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    let columns = || {
        search.keys.iter().filter_map(|key| match &key.0 {
            Wanted::InColumn(column, test) => Some((*column, test)),
            Wanted::InHeader { .. } => None,
        })
    };
    let is_narrowed = search.series_own_id.is_some()
        || matches!(search.among, Among::Series(_) | Among::Instance(_))
        || columns().any(|(column, _)| column.level > SearchLevel::Study);
    query.push(rows::tables(search.level, !is_narrowed));
    push_place(search, query);
    for (column, test) in columns().filter(|(column, _)| column.level <= search.level) {
        query.push(" AND ");
        push_test(column, test, query);
    }
    let lowest = columns().map(|(column, _)| column.level).max();
    let Some(lowest) = lowest.filter(|level| *level > search.level) else { return };
    query.push(something_in_it(search.level, lowest));
    for (column, test) in columns().filter(|(column, _)| column.level > search.level) {
        query.push(" AND ");
        push_test(column, test, query);
    }
    query.push(")");
}

/// Up to its condition: what has something at a level below.
const fn something_in_it(level: SearchLevel, lowest: SearchLevel) -> &'static str {
    match (level, lowest) {
        (SearchLevel::Study, SearchLevel::Instance) => {
            " AND studies.study_id IN (SELECT series.study_id FROM series \
             JOIN instances ON instances.series_id = series.series_id WHERE TRUE"
        }
        (SearchLevel::Study, _) => " AND studies.study_id IN (SELECT series.study_id FROM series WHERE TRUE",
        _ => " AND series.series_id IN (SELECT instances.series_id FROM instances WHERE TRUE",
    }
}

/// Where is searched, and for whom.
fn push_place<DB: Database>(search: &Search, query: &mut QueryBuilder<DB>)
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(study_id) = search.study_id {
        query.push(" AND studies.study_id = ").push_bind(study_id);
    }
    if let Some(own_id) = search.series_own_id.filter(|_| search.level > SearchLevel::Study) {
        query.push(" AND series.own_id = ").push_bind(own_id);
    }
    match (&search.among, search.level) {
        (Among::Everything, _) => {}
        (Among::Studies(study_ids), _) if !study_ids.is_empty() => {
            query.push(" AND studies.study_id IN ");
            push_list(study_ids.iter().copied(), query);
        }
        (Among::Series(own_id), SearchLevel::Series | SearchLevel::Instance) => {
            query.push(" AND series.own_id = ").push_bind(*own_id);
        }
        (Among::Instance(own_id), SearchLevel::Instance) => {
            query.push(" AND instances.own_id = ").push_bind(*own_id);
        }
        (Among::Studies(_) | Among::Series(_) | Among::Instance(_), _) => {
            query.push(" AND FALSE");
        }
    }
}

fn push_test<DB: Database>(column: &Column, test: &Test, query: &mut QueryBuilder<DB>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    match column.kind {
        Kind::OfItsSeries => {
            query.push("studies.study_id IN (SELECT series.study_id FROM series WHERE ");
        }
        Kind::OfItsInstances => {
            query.push(
                "studies.study_id IN (SELECT series.study_id FROM series \
                 JOIN instances ON instances.series_id = series.series_id WHERE ",
            );
        }
        _ => {}
    }
    match test {
        Test::Ids(ids) => push_ids(column.name, ids, query),
        Test::OneOf(values) => {
            query.push(column.name).push(" IN ");
            push_list(values.iter().cloned(), query);
        }
        Test::Numbers(numbers) => {
            query.push(column.name).push(" IN ");
            push_list(numbers.iter().copied(), query);
        }
        Test::Like(patterns) => push_any(patterns, query, |pattern, query| push_like(column, pattern, query)),
        Test::Name(patterns) => {
            push_any(patterns, query, |pattern, query| push_name(column.name, pattern, query))
        }
        Test::Words(patterns) => {
            query.push("(TRUE");
            for pattern in patterns {
                query.push(" AND ").push(column.name).push(" LIKE ").push_bind(pattern.clone());
                query.push(" ESCAPE '\\'");
            }
            query.push(")");
        }
        Test::Between(ranges) => {
            push_any(ranges, query, |range, query| push_range(column.name, range, query))
        }
    }
    if matches!(column.kind, Kind::OfItsSeries | Kind::OfItsInstances) {
        query.push(")");
    }
}

/// `(… OR …)` of at least one.
fn push_any<DB: Database, T>(
    values: &[T],
    query: &mut QueryBuilder<DB>,
    push: impl Fn(&T, &mut QueryBuilder<DB>),
) {
    query.push("(");
    for (place, value) in values.iter().enumerate() {
        query.push(if place > 0 { " OR " } else { "" });
        push(value, query);
    }
    query.push(")");
}

/// Rows by the ids of their UIDs: a UID that stands in several has a row for each, under other keys.
fn push_ids<DB: Database>(name: &'static str, ids: &[Uuid], query: &mut QueryBuilder<DB>)
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    let (table, key) = name.split_once('.').unwrap_or(("", name));
    query.push(name).push(" IN ");
    if table == "studies" {
        return push_list(ids.iter().copied(), query);
    }
    query.push(format_args!("(SELECT same.{key} FROM {table} AS same WHERE same.{key} IN "));
    push_list(ids.iter().copied(), query);
    query.push(format_args!(" UNION SELECT same.{key} FROM {table} AS same WHERE same.uid_id IN "));
    push_list(ids.iter().copied(), query);
    query.push(")");
}

/// Columns that no writer has folded are folded by the database, SQLite ASCII letters alone.
fn push_like<DB: Database>(column: &Column, pattern: &str, query: &mut QueryBuilder<DB>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let is_folded = matches!(column.kind, Kind::Folded | Kind::FoldedLines | Kind::Plain);
    if is_folded {
        query.push(column.name);
    } else {
        query.push("lower(").push(column.name).push(")");
    }
    // What has no wildcard is found by an index.
    if pattern.contains(['%', '_', '\\']) {
        query.push(" LIKE ").push_bind(pattern.to_owned()).push(" ESCAPE '\\'");
    } else {
        query.push(" = ").push_bind(pattern.to_owned());
    }
}

/// Of a patient's name with several component groups, which stand there one behind the other, each alone matches as well.
fn push_name<DB: Database>(name: &'static str, pattern: &str, query: &mut QueryBuilder<DB>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut push = |before: &str, pattern: String| {
        query.push(before).push(name).push(" LIKE ").push_bind(pattern).push(" ESCAPE '\\'");
    };
    push("(", pattern.to_owned());
    if name != PATIENT_NAME {
        query.push(")");
        return;
    }
    push(" OR (studies.patient_name LIKE '%=%' AND (", format!("{pattern} %"));
    push(" OR ", format!("% {pattern}"));
    push(" OR ", format!("% {pattern} %"));
    query.push(")))");
}

/// The one name that is kept as it is told, too.
const PATIENT_NAME: &str = "studies.patient_name_plain";

/// What is absent is '' or NULL, and in no range.
fn push_range<DB: Database>(
    name: &'static str,
    [from, to]: &[Option<String>; 2],
    query: &mut QueryBuilder<DB>,
) where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    query.push("(").push(name).push(" <> ''");
    if let Some(from) = from {
        query.push(" AND ").push(name).push(" >= ").push_bind(from.clone());
    }
    if let Some(to) = to {
        query.push(" AND ").push(name).push(" <= ").push_bind(to.clone());
    }
    query.push(")");
}

pub(super) fn push_list<'q, DB: Database, T: Encode<'q, DB> + Type<DB> + 'q>(
    values: impl Iterator<Item = T>,
    query: &mut QueryBuilder<DB>,
) {
    query.push("(");
    let mut listed = query.separated(", ");
    for value in values {
        listed.push_bind(value);
    }
    query.push(")");
}
