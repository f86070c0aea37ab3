//! Rows of earlier releases get what viewers measure and show with, from the header they hold, and their words for searches.
//!
//! A batch is a transaction of its own, so that a process which ends in between has not worked in vain.

use serde_json::Value;
use uuid::Uuid;

use super::{
    CatalogError,
    fill_in::lock,
    pool::{Pool, in_transaction},
    text::plain,
};
use crate::image_facts::ImageFacts;

/// Rows of a batch; a header has 4 MB at most, and some KB mostly.
const INSTANCES_MAX: i64 = 100;
const STUDIES_MAX: i64 = 500;

#[derive(sqlx::FromRow)]
struct StudyRow {
    study_id: Uuid,
    patient_name: Option<String>,
    study_description: Option<String>,
}

/// Fills in what rows lack, if any does.
pub(super) async fn fill_in(pool: &Pool) -> Result<(), CatalogError> {
    while fill_in_instances(pool).await? {}
    while fill_in_studies(pool).await? {}
    Ok(())
}

/// Whether there was an instance that lacked something.
async fn fill_in_instances(pool: &Pool) -> Result<bool, CatalogError> {
    const SELECT: &str =
        "SELECT image_id, header_json FROM instances WHERE facts IS NULL ORDER BY image_id LIMIT $1";
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let count = in_transaction!(&mut transaction, Db, connection => {
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as::<Db, _>(SELECT).bind(INSTANCES_MAX).fetch_all(&mut *connection).await?;
        for (image_id, header_json) in &rows {
            let header: Value = serde_json::from_str(header_json).unwrap_or_default();
            sqlx::query::<Db>("UPDATE instances SET facts = $1 WHERE image_id = $2")
                .bind(ImageFacts::read(&header).to_json())
                .bind(image_id)
                .execute(&mut *connection)
                .await?;
        }
        rows.len()
    });
    transaction.commit().await?;
    Ok(count > 0)
}

/// Whether there was a study that lacked something.
async fn fill_in_studies(pool: &Pool) -> Result<bool, CatalogError> {
    const SELECT: &str = "SELECT study_id, patient_name, study_description FROM studies \
         WHERE (patient_name IS NOT NULL AND patient_name_plain IS NULL) \
         OR (study_description IS NOT NULL AND study_description_plain IS NULL) ORDER BY study_id LIMIT $1";
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let count = in_transaction!(&mut transaction, Db, connection => {
        let rows: Vec<StudyRow> =
            sqlx::query_as::<Db, _>(SELECT).bind(STUDIES_MAX).fetch_all(&mut *connection).await?;
        for StudyRow { study_id, patient_name, study_description } in &rows {
            let update = "UPDATE studies SET patient_name_plain = $1, study_description_plain = $2 WHERE study_id = $3";
            sqlx::query::<Db>(update)
                .bind(patient_name.as_deref().map(plain))
                .bind(study_description.as_deref().map(plain))
                .bind(study_id)
                .execute(&mut *connection)
                .await?;
        }
        rows.len()
    });
    transaction.commit().await?;
    Ok(count > 0)
}
