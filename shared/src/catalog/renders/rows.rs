//! Rows of renders, and the statement that writes a group of them.

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use sqlx::QueryBuilder;
use tokio::time::timeout;
use uuid::Uuid;

use super::super::{
    CatalogError,
    pool::{Pool, on_writer},
    text::clean,
};
use crate::{
    render::{Outcome, StageTimings},
    render_key::{RENDERER_VERSION, RenderKey},
};

/// How long one statement may take, the wait for a connection included.
const INSERT_MAX: Duration = Duration::from_secs(15);

/// A render to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderRecord<'a> {
    /// Its name.
    pub key: RenderKey,
    /// Key of the instance it shows.
    pub image_id: Uuid,
    /// The picture, or why there is none.
    pub outcome: &'a Outcome,
    /// Which worker made it.
    pub worker: String,
}

/// A row to write.
#[derive(Debug)]
pub(super) struct RenderRow {
    key: RenderKey,
    image_id: Uuid,
    made_at: i64,
    is_picture: bool,
    media_type: Option<&'static str>,
    worker: String,
    timings: StageTimings,
    record: Bytes,
}

impl RenderRow {
    pub(super) fn of(render: &RenderRecord<'_>) -> Self {
        let (media_type, timings) = match render.outcome {
            Outcome::Picture(picture) => (Some(picture.facts.format.media_type()), picture.facts.timings),
            Outcome::Failure(_) => (None, StageTimings::default()),
        };
        Self {
            key: render.key,
            image_id: render.image_id,
            made_at: Utc::now().timestamp_micros(),
            is_picture: media_type.is_some(),
            media_type,
            worker: clean(&render.worker),
            timings,
            record: render.outcome.to_record(),
        }
    }

    pub(super) fn byte_count(&self) -> u64 {
        self.record.len() as u64
    }
}

/// What became of each row, in their order: whether it was kept.
pub(super) async fn write(pool: &Pool, rows: &[&RenderRow]) -> Vec<Result<bool, CatalogError>> {
    match insert_in_time(pool, &one_of_each_key(rows)).await {
        Ok(kept) => return rows.iter().map(|row| Ok(kept.contains(&row.key))).collect(),
        Err(error) if is_of_one_row(&error) => {}
        Err(error) => {
            let error = CatalogError::from(error);
            if error.is_transient() {
                return rows.iter().map(|_| Err(error.clone())).collect();
            }
            // Of one row, perhaps: the others are not to go with it.
        }
    }
    let mut all_kept = Vec::with_capacity(rows.len());
    for row in rows {
        all_kept.push(match insert_in_time(pool, std::slice::from_ref(row)).await {
            Ok(kept) => Ok(!kept.is_empty()),
            Err(error) if is_of_one_row(&error) => Ok(false),
            Err(error) => Err(error.into()),
        });
    }
    all_kept
}

/// A server that vanished without a word must not hold up every job of the process.
async fn insert_in_time(pool: &Pool, rows: &[&RenderRow]) -> Result<Vec<RenderKey>, sqlx::Error> {
    timeout(INSERT_MAX, insert(pool, rows)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Whether the image of a row went between the look and the write.
fn is_of_one_row(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_foreign_key_violation())
}

/// A statement must not change a row twice. Of several the one stays that would if each had a statement: the first
/// picture, or the first failure.
fn one_of_each_key<'a>(rows: &[&'a RenderRow]) -> Vec<&'a RenderRow> {
    let mut chosen: Vec<&RenderRow> = Vec::with_capacity(rows.len());
    for &row in rows {
        match chosen.iter_mut().find(|chosen| chosen.key == row.key) {
            Some(chosen) if row.is_picture && !chosen.is_picture => *chosen = row,
            Some(_) => {}
            None => chosen.push(row),
        }
    }
    // In one order everywhere, so that two workers do not wait for each other's rows.
    chosen.sort_unstable_by_key(|row| row.key.to_string());
    chosen
}

/// Inserts the rows whose images are in the catalog; the keys of those that were kept. Only a picture in place of a
/// failure changes what is there: a dead letter that was run again with success.
async fn insert(pool: &Pool, rows: &[&RenderRow]) -> Result<Vec<RenderKey>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    const START: &str = "INSERT INTO renders (render_key, image_id, made_at, byte_count, is_picture, media_type, \
        renderer_version, worker, queue_ms, fetch_ms, decode_ms, render_ms, encode_ms, record) ";
    const END: &str = " ON CONFLICT (render_key) DO UPDATE SET image_id = excluded.image_id, \
        made_at = excluded.made_at, byte_count = excluded.byte_count, is_picture = excluded.is_picture, \
        media_type = excluded.media_type, renderer_version = excluded.renderer_version, worker = excluded.worker, \
        queue_ms = excluded.queue_ms, fetch_ms = excluded.fetch_ms, decode_ms = excluded.decode_ms, \
        render_ms = excluded.render_ms, encode_ms = excluded.encode_ms, record = excluded.record \
        WHERE excluded.is_picture AND NOT renders.is_picture RETURNING render_key";
    let kept: Vec<String> = on_writer!(pool, Db, pool => {
        let mut query: QueryBuilder<Db> = QueryBuilder::new(START);
        for (number, row) in rows.iter().enumerate() {
            query.push(if number == 0 { "SELECT " } else { " UNION ALL SELECT " });
            let mut columns = query.separated(", ");
            columns.push_bind(row.key.to_string());
            columns.push("image_id");
            columns.push_bind(row.made_at);
            columns.push_bind(row.byte_count().cast_signed());
            columns.push_bind(row.is_picture);
            columns.push_bind(row.media_type);
            columns.push_bind(RENDERER_VERSION.cast_signed());
            columns.push_bind(row.worker.as_str());
            let StageTimings { queue_ms, slot_ms: _, fetch_ms, decode_ms, render_ms, encode_ms } = row.timings;
            for milliseconds in [queue_ms, fetch_ms, decode_ms, render_ms, encode_ms] {
                columns.push_bind(milliseconds);
            }
            columns.push_bind(&row.record[..]);
            query.push(" FROM instances WHERE image_id = ").push_bind(row.image_id);
        }
        query.push(END);
        query.build_query_scalar().fetch_all(pool).await?
    });
    Ok(kept.iter().filter_map(|key| key.parse().ok()).collect())
}
