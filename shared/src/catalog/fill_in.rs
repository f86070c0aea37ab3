//! Rows of earlier releases get what they lack: own ids, and the facts of display order, from the header they hold; then
//! what `fill_in_facts` and `fill_in_search` know of.
//!
//! Earlier releases also put an instance under the first study that its Series Instance UID was seen in. Such rows go:
//! a picture must never stand under another patient, and the file is recorded in its own study when it is indexed
//! again.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{
    CatalogError, OrderFacts, Plane, fill_in_facts, fill_in_search,
    pool::{Pool, WriteTransaction, in_transaction, on_reader},
};
use crate::own_id;

/// Rows that are read at a time; headers are some KB each.
const ROWS_MAX: i64 = 500;
/// Names the lock that processes which start at once take in turn.
const POSTGRES_LOCK: i64 = 0x006e_6f63_7469_7301;

#[derive(sqlx::FromRow)]
struct SeriesRow {
    series_id: Uuid,
    study_instance_uid: String,
    series_instance_uid: String,
}

#[derive(sqlx::FromRow)]
struct InstanceRow {
    image_id: Uuid,
    sop_instance_uid: String,
    series_id: Uuid,
    study_instance_uid: String,
    series_instance_uid: String,
    header_json: String,
}

/// Fills in what rows lack, if any does. Safe for processes that start at once.
pub(super) async fn fill_in(pool: &Pool) -> Result<(), CatalogError> {
    fill_in_ids_and_order(pool).await?;
    fill_in_facts::fill_in(pool).await?;
    fill_in_search::fill_in(pool).await
}

/// Takes the lock that processes which start at once take in turn. Whoever waits waits for as long as the one before
/// takes, which may be minutes over a large archive.
pub(super) async fn lock(transaction: &mut WriteTransaction) -> Result<(), sqlx::Error> {
    if let WriteTransaction::Postgres(transaction) = transaction {
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut **transaction).await?;
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(POSTGRES_LOCK);
        lock.execute(&mut **transaction).await?;
    }
    Ok(())
}

async fn fill_in_ids_and_order(pool: &Pool) -> Result<(), CatalogError> {
    let lacking: bool = on_reader!(pool, Db, pool => {
        sqlx::query_scalar::<Db, bool>(
            "SELECT EXISTS (SELECT 1 FROM instances WHERE own_id IS NULL) \
             OR EXISTS (SELECT 1 FROM series WHERE own_id IS NULL)",
        )
        .fetch_one(pool)
        .await?
    });
    if !lacking {
        return Ok(());
    }
    tracing::info!("rows of an earlier release get what they lack");
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    fill_in_series(&mut transaction).await?;
    let misplaced = fill_in_instances(&mut transaction).await?;
    let count: i64 = misplaced.values().sum();
    if count > 0 {
        remove_misplaced(&mut transaction, misplaced).await?;
        tracing::warn!(
            count,
            "instances stood under another study than theirs and were removed: index their files again"
        );
    }
    transaction.commit().await?;
    Ok(())
}

async fn fill_in_series(transaction: &mut WriteTransaction) -> Result<(), sqlx::Error> {
    in_transaction!(transaction, Db, connection => {
        loop {
            let rows: Vec<SeriesRow> = sqlx::query_as::<Db, _>(
                "SELECT series_id, study_instance_uid, series_instance_uid FROM series \
                 JOIN studies USING (study_id) WHERE own_id IS NULL LIMIT $1",
            )
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                sqlx::query::<Db>("UPDATE series SET own_id = $1 WHERE series_id = $2")
                    .bind(own_id::of_series(&row.study_instance_uid, &row.series_instance_uid))
                    .bind(row.series_id)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    })
}

/// How many instances were removed from each series, since their headers name another study.
async fn fill_in_instances(transaction: &mut WriteTransaction) -> Result<BTreeMap<Uuid, i64>, sqlx::Error> {
    let mut misplaced: BTreeMap<Uuid, i64> = BTreeMap::new();
    in_transaction!(transaction, Db, connection => {
        loop {
            let rows: Vec<InstanceRow> = sqlx::query_as::<Db, _>(
                "SELECT image_id, sop_instance_uid, instances.series_id, study_instance_uid, series_instance_uid, \
                 header_json FROM instances JOIN series ON series.series_id = instances.series_id \
                 JOIN studies USING (study_id) WHERE instances.own_id IS NULL LIMIT $1",
            )
            .bind(ROWS_MAX)
            .fetch_all(&mut *connection)
            .await?;
            if rows.is_empty() {
                return Ok(misplaced);
            }
            for row in rows {
                let header: Value = serde_json::from_str(&row.header_json).unwrap_or_default();
                if is_of_another_study(&header, &row.study_instance_uid) {
                    *misplaced.entry(row.series_id).or_default() += 1;
                    let delete = sqlx::query::<Db>("DELETE FROM instances WHERE image_id = $1");
                    delete.bind(row.image_id).execute(&mut *connection).await?;
                    continue;
                }
                let order = order_facts(&header);
                sqlx::query::<Db>(
                    "UPDATE instances SET own_id = $1, plane = $2, temporal_position = $3, trigger_time = $4, \
                     acquisition_number = $5, slice_location = $6 WHERE image_id = $7",
                )
                .bind(own_id::of_image(
                    &row.study_instance_uid,
                    &row.series_instance_uid,
                    &row.sop_instance_uid,
                ))
                .bind(order.plane.as_ref().map(Plane::pack))
                .bind(order.temporal_position)
                .bind(order.trigger_time)
                .bind(order.acquisition_number)
                .bind(order.slice_location)
                .bind(row.image_id)
                .execute(&mut *connection)
                .await?;
            }
        }
    })
}

/// Takes the removed instances off the counts, and removes what is empty then.
async fn remove_misplaced(
    transaction: &mut WriteTransaction,
    counts: BTreeMap<Uuid, i64>,
) -> Result<(), sqlx::Error> {
    in_transaction!(transaction, Db, connection => {
        for (series_id, count) in counts {
            sqlx::query::<Db>("UPDATE series SET image_count = image_count - $2 WHERE series_id = $1")
                .bind(series_id)
                .bind(count)
                .execute(&mut *connection)
                .await?;
        }
        for delete in [
            "DELETE FROM series WHERE image_count = 0",
            "DELETE FROM studies WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.study_id = studies.study_id)",
        ] {
            sqlx::query::<Db>(delete).execute(&mut *connection).await?;
        }
        Ok(())
    })
}

fn is_of_another_study(header: &Value, study_instance_uid: &str) -> bool {
    let uid = header["0020000D"]["Value"][0].as_str().map(|uid| uid.trim_matches([' ', '\0']));
    uid.is_some_and(|uid| !uid.is_empty() && uid != study_instance_uid)
}

/// The facts of display order in a header as DICOM JSON (PS3.18 annex F).
fn order_facts(header: &Value) -> OrderFacts {
    let plane = || {
        // Image Position (Patient), Image Orientation (Patient).
        Plane::new(numbers(header, "00200032")?, numbers(header, "00200037")?)
    };
    let number = |tag: &str| numbers::<1>(header, tag).map(|[number]| number);
    let integer =
        |tag: &str| number(tag).filter(|number| number.abs() <= f64::from(i32::MAX)).map(|n| n as i32);
    OrderFacts {
        plane: plane(),
        temporal_position: integer("00200100").or_else(|| integer("00209128")),
        trigger_time: number("00181060"),
        acquisition_number: integer("00200012"),
        slice_location: number("00201041"),
    }
}

/// Every value of an element as a number; `None` unless there are `N`, all finite. Decimal strings are numbers or text.
fn numbers<const N: usize>(header: &Value, tag: &str) -> Option<[f64; N]> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let values: Vec<f64> = header[tag]["Value"].as_array()?.iter().map(number).collect::<Option<_>>()?;
    values.try_into().ok().filter(|values: &[f64; N]| values.iter().all(|value| value.is_finite()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_facts_of_order_are_read_from_the_header() {
        let header = json!({
            "00200032": {"vr": "DS", "Value": [1.5, "2", -3.0]},
            "00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]},
            "00200012": {"vr": "IS", "Value": ["4"]},
            "00181060": {"vr": "DS", "Value": [33.5]},
            "00201041": {"vr": "DS"},
        });
        let facts = order_facts(&header);
        assert_eq!(facts.plane, Plane::new([1.5, 2.0, -3.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
        assert_eq!((facts.acquisition_number, facts.trigger_time), (Some(4), Some(33.5)));
        assert_eq!((facts.temporal_position, facts.slice_location), (None, None));
        assert_eq!(order_facts(&Value::Null), OrderFacts::default());
    }

    #[test]
    fn a_header_tells_which_study_it_is_of() {
        let header = json!({"0020000D": {"vr": "UI", "Value": ["1.2.3"]}});
        assert!(!is_of_another_study(&header, "1.2.3"));
        assert!(is_of_another_study(&header, "1.2.4"));
        assert!(!is_of_another_study(&json!({}), "1.2.4"), "a header that was too long is kept as {{}}");
    }
}
