//! The statements behind [`record`](super::record): many rows each, the same text for both databases.
//!
//! Multi-row VALUES serves both: on Postgres arrays through UNNEST would save a fifth of the time of the insert,
//! which is a small part of an index run.

use std::collections::{BTreeMap, HashSet};

use chrono::Utc;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    batch_rows::{ImageIdentity, InstanceRow, KeyedInstance, SeriesIdentity, SeriesRow, StudyRow},
    bulk_values,
    fact_columns::{merged, push_series, push_study, series_columns, study_columns},
    order_facts::Plane,
    other_facts,
    patient::PatientOfStudy,
    pool::{Pool, WriteTransaction, in_transaction, on_reader},
    row_keys::KnownRow,
    search_facts,
    text::{clean, clean_option},
};

/// Rows in one statement: 32 parameters each at most stay well below SQLite's 32,766.
const ROWS_PER_STATEMENT: usize = 250;

/// An instance that has a UID of the batch, in whichever study and series.
#[derive(sqlx::FromRow)]
pub(super) struct KnownInstance {
    key: Uuid,
    uid_id: Option<Uuid>,
    series_uid_id: Uuid,
    study_id: Uuid,
    pub(super) content_digest: Vec<u8>,
    pub(super) series_key: Uuid,
    /// Whether it was recorded by a release that knew of no bulk values.
    pub(super) lacks_bulk_values: bool,
}

impl KnownInstance {
    pub(super) fn identity(&self) -> ImageIdentity {
        ((self.study_id, self.series_uid_id), self.row().uid_id)
    }

    pub(super) fn row(&self) -> KnownRow {
        let Self { key, uid_id, .. } = *self;
        KnownRow { key, uid_id: uid_id.unwrap_or(key), is_marked: uid_id.is_some() }
    }
}

/// A series that has a UID of the batch, in whichever study.
#[derive(sqlx::FromRow)]
struct KnownSeries {
    key: Uuid,
    uid_id: Option<Uuid>,
    study_id: Uuid,
}

/// What decides about the instances of a batch.
pub(super) struct Known {
    pub(super) instances: Vec<KnownInstance>,
    /// Of the studies that are there; empty when every instance is.
    pub(super) patients: Vec<PatientOfStudy>,
}

/// ` (a, b, c)` with a parameter for each id. Whole statements are kept prepared, odd ones are not.
macro_rules! push_ids {
    ($query:expr, $ids:expr) => {{
        let mut list = $query.separated(", ");
        list.push_unseparated("(");
        for id in $ids {
            list.push_bind(*id);
        }
        list.push_unseparated(")");
    }};
}

/// Up to the condition on the ids.
const SELECT_KNOWN: &str = "SELECT instances.image_id AS key, instances.uid_id, \
    COALESCE(series.uid_id, series.series_id) AS series_uid_id, series.study_id, instances.content_digest, \
    instances.series_id AS series_key, instances.bulk_values IS NULL AS lacks_bulk_values \
    FROM instances JOIN series ON series.series_id = instances.series_id WHERE ";

macro_rules! select_known {
    ($db:ident, $executor:expr, $rows:expr) => {{
        let mut known = Known { instances: Vec::new(), patients: Vec::new() };
        for rows in $rows.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<$db> = QueryBuilder::new(SELECT_KNOWN);
            query.push("instances.image_id IN ");
            push_ids!(query, rows.iter().map(|row| &row.image_uid_id));
            query.push(" UNION ALL ").push(SELECT_KNOWN);
            query.push("instances.uid_id <> instances.image_id AND instances.uid_id IN ");
            push_ids!(query, rows.iter().map(|row| &row.image_uid_id));
            let query = query.build_query_as::<KnownInstance>().persistent(rows.len() == ROWS_PER_STATEMENT);
            known.instances.extend(query.fetch_all($executor).await?);
        }
        for ids in studies_to_look_at($rows, &known.instances).chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<$db> = QueryBuilder::new(
                "SELECT study_id, patient_id_folded, patient_name_folded, patient_birth_date FROM studies \
                 WHERE study_id IN ",
            );
            push_ids!(query, ids);
            let query = query.build_query_as::<PatientOfStudy>().persistent(ids.len() == 1);
            known.patients.extend(query.fetch_all($executor).await?);
        }
        Ok(known)
    }};
}

/// The studies of the instances that are not known with these bytes.
fn studies_to_look_at(rows: &[InstanceRow<'_>], known: &[KnownInstance]) -> Vec<Uuid> {
    let known: HashSet<(ImageIdentity, &[u8])> =
        known.iter().map(|known| (known.identity(), &known.content_digest[..])).collect();
    let new = rows.iter().filter(|row| !known.contains(&(row.identity(), row.content_digest())));
    new.map(|row| row.study_id).collect::<HashSet<Uuid>>().into_iter().collect()
}

/// What is known, outside of any transaction.
pub(super) async fn known_before(pool: &Pool, rows: &[InstanceRow<'_>]) -> Result<Known, sqlx::Error> {
    on_reader!(pool, Db, pool => select_known!(Db, pool, rows))
}

/// What is known inside the transaction.
pub(super) async fn known(
    transaction: &mut WriteTransaction,
    rows: &[InstanceRow<'_>],
) -> Result<Known, sqlx::Error> {
    in_transaction!(transaction, Db, connection => select_known!(Db, &mut *connection, rows))
}

/// The series that have one of these UIDs, by UUID version 5 of it.
pub(super) async fn known_series(
    transaction: &mut WriteTransaction,
    uid_ids: HashSet<Uuid>,
) -> Result<Vec<(SeriesIdentity, KnownRow)>, sqlx::Error> {
    const SELECT: &str = "SELECT series_id AS key, uid_id, study_id FROM series WHERE ";
    let uid_ids: Vec<Uuid> = uid_ids.into_iter().collect();
    in_transaction!(transaction, Db, connection => {
        let mut known: Vec<KnownSeries> = Vec::new();
        for ids in uid_ids.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT);
            query.push("series_id IN ");
            push_ids!(query, ids);
            query.push(" UNION ALL ").push(SELECT).push("uid_id <> series_id AND uid_id IN ");
            push_ids!(query, ids);
            let query = query.build_query_as::<KnownSeries>().persistent(ids.len() == 1);
            known.extend(query.fetch_all(&mut *connection).await?);
        }
        Ok(known.into_iter().map(KnownSeries::identified).collect())
    })
}

impl KnownSeries {
    fn identified(self) -> (SeriesIdentity, KnownRow) {
        let Self { key, uid_id, study_id } = self;
        let row = KnownRow { key, uid_id: uid_id.unwrap_or(key), is_marked: uid_id.is_some() };
        ((study_id, row.uid_id), row)
    }
}

/// Notes in rows that were alone with their UID that they are no longer: `table` and `key` name them.
pub(super) async fn mark_shared(
    transaction: &mut WriteTransaction,
    [table, key]: [&'static str; 2],
    keys: &[Uuid],
) -> Result<(), sqlx::Error> {
    in_transaction!(transaction, Db, connection => {
        for keys in keys.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("UPDATE ");
            query.push(table).push(" SET uid_id = ").push(key).push(" WHERE uid_id IS NULL AND ").push(key);
            query.push(" IN ");
            push_ids!(query, keys);
            query.build().persistent(false).execute(&mut *connection).await?;
        }
        Ok(())
    })
}

/// Inserts the studies or completes their rows, and so locks them until the end of the transaction.
pub(super) async fn upsert_studies(
    transaction: &mut WriteTransaction,
    studies: &[StudyRow],
    newest_wins: bool,
) -> Result<(), sqlx::Error> {
    let merged = merged("studies", study_columns!(written), newest_wins);
    let searched = search_facts::merged("studies", search_facts::STUDY_COLUMNS, newest_wins);
    let conflict = format!(
        " ON CONFLICT (study_id) DO UPDATE SET {merged}, {searched}, changed_at = excluded.changed_at"
    );
    let now = Utc::now().timestamp_millis();
    in_transaction!(transaction, Db, connection => {
        for rows in studies.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(concat!(
                "INSERT INTO studies (study_id, study_instance_uid, changed_at, ",
                study_columns!(written),
                ", "
            ));
            query.push(search_facts::STUDY_COLUMNS).push(") ");
            query.push_values(rows, |mut row, StudyRow { study_id, study_instance_uid, facts, search }| {
                row.push_bind(*study_id).push_bind(study_instance_uid).push_bind(now);
                push_study(&mut row, facts);
                row.push_bind(&search.referring_physician).push_bind(&search.study_number);
            });
            query.push(&conflict).build().persistent(rows.len() == 1).execute(&mut *connection).await?;
        }
        Ok(())
    })
}

/// Inserts the series or completes their rows, and adds the new instances to their counts. `false` when another
/// writer had taken one of the keys for the series of another study.
pub(super) async fn upsert_series(
    transaction: &mut WriteTransaction,
    series: &[SeriesRow],
    newest_wins: bool,
) -> Result<bool, sqlx::Error> {
    let merged = merged("series", series_columns!(), newest_wins);
    let searched = search_facts::merged("series", search_facts::SERIES_COLUMNS, newest_wins);
    let conflict = format!(
        " ON CONFLICT (series_id) DO UPDATE SET {merged}, {searched}, \
         uid_id = COALESCE(series.uid_id, excluded.uid_id), own_id = excluded.own_id, \
         image_count = series.image_count + excluded.image_count WHERE series.study_id = excluded.study_id"
    );
    in_transaction!(transaction, Db, connection => {
        let mut written = 0;
        for rows in series.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(concat!(
                "INSERT INTO series (series_id, uid_id, own_id, series_instance_uid, study_id, image_count, ",
                series_columns!(),
                ", "
            ));
            query.push(search_facts::SERIES_COLUMNS).push(") ");
            query.push_values(rows, |mut row, series| {
                row.push_bind(series.key)
                    .push_bind(series.uid_id)
                    .push_bind(series.own_id)
                    .push_bind(&series.series_instance_uid)
                    .push_bind(series.study_id)
                    .push_bind(series.image_count);
                push_series(&mut row, &series.facts);
                row.push_bind(&series.search.performed_date)
                    .push_bind(&series.search.performed_time)
                    .push_bind(&series.search.scheduled_steps)
                    .push_bind(&series.search.requested_procedures);
            });
            let query = query.push(&conflict).build().persistent(rows.len() == 1);
            written += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(usize::try_from(written) == Ok(series.len()))
    })
}

/// Inserts the instances; `false` when another writer had inserted one of them, or taken its key.
pub(super) async fn insert_instances(
    transaction: &mut WriteTransaction,
    instances: &[KeyedInstance<'_>],
) -> Result<bool, sqlx::Error> {
    in_transaction!(transaction, Db, connection => {
        let mut inserted = 0;
        for rows in instances.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(
                "INSERT INTO instances (image_id, uid_id, own_id, sop_instance_uid, sop_class_uid, series_id, \
                 instance_number, plane, temporal_position, trigger_time, acquisition_number, slice_location, \
                 other_patient, \
                 pixel_rows, pixel_columns, samples_per_pixel, bits_allocated, frame_count, transfer_syntax_uid, \
                 photometric_interpretation, window_center, window_width, content_digest, file_byte_count, \
                 header_byte_count, header_checksum, deflated, location, facts, header_json, frame_ranges, bulk_values) ",
            );
            query.push_values(rows, |mut row, keyed| {
                let KeyedInstance { key, uid_id, series_key, is_of_other_patient, row: of_file } = keyed;
                let instance = of_file.instance;
                let order = &instance.order;
                row.push_bind(*key)
                    .push_bind(*uid_id)
                    .push_bind(of_file.own_id())
                    .push_bind(clean(&instance.sop_instance_uid))
                    .push_bind(clean_option(instance.sop_class_uid.as_ref()))
                    .push_bind(*series_key)
                    .push_bind(instance.instance_number)
                    .push_bind(order.plane.as_ref().map(Plane::pack))
                    .push_bind(order.temporal_position)
                    .push_bind(order.trigger_time.filter(|time| time.is_finite()))
                    .push_bind(order.acquisition_number)
                    .push_bind(order.slice_location.filter(|location| location.is_finite()))
                    .push_bind(is_of_other_patient.then(|| other_facts::to_json(&instance.study)))
                    .push_bind(instance.rows.map(i64::from))
                    .push_bind(instance.columns.map(i64::from))
                    .push_bind(i64::from(instance.samples_per_pixel))
                    .push_bind(i64::from(instance.bits_allocated))
                    .push_bind(i64::from(instance.frame_count))
                    .push_bind(clean(&instance.transfer_syntax_uid))
                    .push_bind(clean_option(instance.photometric_interpretation.as_ref()))
                    .push_bind(instance.window.map(|window| window.center()))
                    .push_bind(instance.window.map(|window| window.width()))
                    .push_bind(&instance.content_digest.0[..])
                    .push_bind(instance.file_byte_count.cast_signed())
                    .push_bind(instance.header_byte_count.cast_signed())
                    .push_bind(instance.header_checksum.cast_signed())
                    .push_bind(instance.deflated)
                    .push_bind(&instance.location)
                    .push_bind(instance.facts.to_json())
                    .push_bind(instance.header_json.replace('\0', ""))
                    .push_bind(super::frame_index::pack(&instance.frames))
                    .push_bind(bulk_values::to_json(&instance.bulk_values));
            });
            let query = query.push(" ON CONFLICT (image_id) DO NOTHING").build();
            let query = query.persistent(rows.len() == ROWS_PER_STATEMENT);
            inserted += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(usize::try_from(inserted) == Ok(instances.len()))
    })
}

/// The file of an instance that was removed.
#[derive(sqlx::FromRow)]
pub(super) struct GoneFile {
    pub(super) image_id: Uuid,
    pub(super) location: String,
    pub(super) content_digest: Vec<u8>,
}

/// Removes instances, given with the series they are in, and their renders; takes them off the counts. Tells their files;
/// `None` when another writer had removed one of them.
pub(super) async fn remove_instances(
    transaction: &mut WriteTransaction,
    series_of_instances: &BTreeMap<Uuid, Uuid>,
) -> Result<Option<Vec<GoneFile>>, sqlx::Error> {
    let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
    series_of_instances.values().for_each(|series_id| *counts.entry(*series_id).or_default() += 1);
    let ids: Vec<&Uuid> = series_of_instances.keys().collect();
    in_transaction!(transaction, Db, connection => {
        let mut gone: Vec<GoneFile> = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new("DELETE FROM instances WHERE image_id IN ");
            push_ids!(query, ids.iter().copied());
            query.push(" RETURNING image_id, location, content_digest");
            gone.extend(query.build_query_as::<GoneFile>().persistent(false).fetch_all(&mut *connection).await?);
        }
        for (series_id, count) in counts {
            sqlx::query("UPDATE series SET image_count = image_count - $2 WHERE series_id = $1")
                .bind(series_id)
                .bind(count)
                .execute(&mut *connection)
                .await?;
        }
        Ok((gone.len() == ids.len()).then_some(gone))
    })
}

/// Removes those of the studies that have no series: the lock of a study that gained nothing.
pub(super) async fn remove_empty_studies(
    transaction: &mut WriteTransaction,
    study_ids: HashSet<Uuid>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = study_ids.into_iter().collect();
    in_transaction!(transaction, Db, connection => {
        for ids in ids.chunks(ROWS_PER_STATEMENT) {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(
                "DELETE FROM studies WHERE NOT EXISTS \
                 (SELECT 1 FROM series WHERE series.study_id = studies.study_id) AND study_id IN ",
            );
            push_ids!(query, ids);
            query.build().persistent(ids.len() == 1).execute(&mut *connection).await?;
        }
        Ok(())
    })
}

/// Of each study whose instances all name one and the same patient, who is not that of the study: makes it the study's.
/// So a correction that came in several batches ends as one that came at once.
pub(super) async fn follow_corrections(
    transaction: &mut WriteTransaction,
    study_ids: &HashSet<Uuid>,
) -> Result<(), sqlx::Error> {
    const SELECT: &str = "SELECT other_patient FROM instances JOIN series USING (series_id) \
         WHERE study_id = $1 GROUP BY other_patient LIMIT 2";
    const UNMARK: &str = "UPDATE instances SET other_patient = NULL \
         WHERE series_id IN (SELECT series_id FROM series WHERE study_id = $1)";
    in_transaction!(transaction, Db, connection => {
        for study_id in study_ids {
            let told: Vec<Option<String>> =
                sqlx::query_scalar::<Db, _>(SELECT).bind(study_id).fetch_all(&mut *connection).await?;
            let [Some(json)] = &told[..] else { continue };
            let mut update: QueryBuilder<Db> =
                QueryBuilder::new(concat!("UPDATE studies SET (", study_columns!(written), ") = ("));
            push_study(&mut update.separated(", "), &other_facts::from_json(json));
            update.push(") WHERE study_id = ").push_bind(*study_id);
            update.build().execute(&mut *connection).await?;
            sqlx::query::<Db>(UNMARK).bind(study_id).execute(&mut *connection).await?;
        }
        Ok(())
    })
}
