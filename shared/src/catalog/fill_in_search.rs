//! Rows of earlier releases get what searches match, from the header of one of their instances.
//!
//! A batch is a transaction of its own, so that a process which ends in between has not worked in vain.

use uuid::Uuid;

use super::{
    CatalogError,
    fill_in::lock,
    pool::{Pool, in_transaction},
    search_facts::{SeriesSearchFacts, StudySearchFacts},
};

/// Rows of a batch; a header is some KB mostly, and of a longer one nothing is read.
const ROWS_MAX: i64 = 200;

const STUDIES: &str = "SELECT study_id, (SELECT one.header_json FROM series AS its \
     JOIN instances AS one ON one.series_id = its.series_id WHERE its.study_id = studies.study_id \
     AND one.other_patient IS NULL AND octet_length(one.header_json) <= 1048576 LIMIT 1) AS header \
     FROM studies WHERE referring_physician_plain IS NULL ORDER BY study_id LIMIT $1";
const SERIES: &str = "SELECT series_id, (SELECT one.header_json FROM instances AS one \
     WHERE one.series_id = series.series_id AND octet_length(one.header_json) <= 1048576 LIMIT 1) AS header \
     FROM series WHERE performed_date IS NULL ORDER BY series_id LIMIT $1";

/// Fills in what rows lack, if any does.
pub(super) async fn fill_in(pool: &Pool) -> Result<(), CatalogError> {
    while fill_in_studies(pool).await? {}
    while fill_in_series(pool).await? {}
    Ok(())
}

/// Whether there was a study that lacked something.
async fn fill_in_studies(pool: &Pool) -> Result<bool, CatalogError> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let count = in_transaction!(&mut transaction, Db, connection => {
        let rows: Vec<(Uuid, Option<String>)> =
            sqlx::query_as::<Db, _>(STUDIES).bind(ROWS_MAX).fetch_all(&mut *connection).await?;
        for (study_id, header) in &rows {
            let facts = StudySearchFacts::read(header.as_deref().unwrap_or_default());
            sqlx::query::<Db>(
                "UPDATE studies SET referring_physician_plain = $1, study_number_folded = $2 WHERE study_id = $3",
            )
            .bind(facts.referring_physician)
            .bind(facts.study_number)
            .bind(study_id)
            .execute(&mut *connection)
            .await?;
        }
        rows.len()
    });
    transaction.commit().await?;
    Ok(count > 0)
}

/// Whether there was a series that lacked something.
async fn fill_in_series(pool: &Pool) -> Result<bool, CatalogError> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let count = in_transaction!(&mut transaction, Db, connection => {
        let rows: Vec<(Uuid, Option<String>)> =
            sqlx::query_as::<Db, _>(SERIES).bind(ROWS_MAX).fetch_all(&mut *connection).await?;
        for (series_id, header) in &rows {
            let facts = SeriesSearchFacts::read(header.as_deref().unwrap_or_default());
            sqlx::query::<Db>(
                "UPDATE series SET performed_date = $1, performed_time = $2, scheduled_steps = $3, \
                 requested_procedures = $4 WHERE series_id = $5",
            )
            .bind(facts.performed_date)
            .bind(facts.performed_time)
            .bind(facts.scheduled_steps)
            .bind(facts.requested_procedures)
            .bind(series_id)
            .execute(&mut *connection)
            .await?;
        }
        rows.len()
    });
    transaction.commit().await?;
    Ok(count > 0)
}
