//! Jobs that clients are told of: ordered, advanced by whoever drives them, cancelled, listed, and forgotten a day after
//! their end.
//!
//! A job changes only from the version that the writer knows, so that of two who drive one the second notices. What must
//! not be here: who drives a job (`coordination`), and who may see it.

use chrono::{DateTime, Utc};
use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::{
    Catalog, CatalogError,
    pool::{on_reader, on_writer},
    text::clean,
};
use crate::{
    client_job::{ClientJob, JobKind, JobState, KEPT_AFTER_END, Progress},
    render_key::RenderKey,
};

/// Most jobs on one page.
pub const JOBS_PER_PAGE_MAX: u32 = 500;
/// Rows that one order takes away in passing.
const SWEPT_MAX: i64 = 100;

/// What came of ordering a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// It is there: new, begun anew, or as it was.
    Job(Box<ClientJob>),
    /// Its owner has as many under way as anybody may.
    TooMany,
}

/// What happens when a job of this id has ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It begins anew.
    Anew,
    /// It stays as it is.
    Never,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Whose jobs for single pictures are told; prerenders are told whoever ordered them.
    pub owner: String,
    /// Only jobs of these studies; `None` lets through all.
    pub among: Option<Vec<Uuid>>,
    /// Jobs on the page: 1 to [`JOBS_PER_PAGE_MAX`], cut to that.
    pub limit: u32,
    /// [`JobPage::next`] of the page before.
    pub after: Option<String>,
}

impl JobFilter {
    /// Completes [`SELECT`] or [`COUNT`] to the jobs that are let through, on whichever page.
    fn push_condition<DB: sqlx::Database>(&self, query: &mut QueryBuilder<DB>, now: i64)
    where
        String: for<'q> Encode<'q, DB> + Type<DB>,
        for<'q> &'q str: Encode<'q, DB> + Type<DB>,
        i64: for<'q> Encode<'q, DB> + Type<DB>,
        Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    {
        query.push_bind(now).push(") AND (kind = ").push_bind(JobKind::Prerender.name());
        query.push(" OR owner = ").push_bind(clean(&self.owner)).push(")");
        let Some(study_ids) = &self.among else { return };
        query.push(" AND study_id IN (");
        let mut listed = query.separated(", ");
        for study_id in study_ids {
            listed.push_bind(*study_id);
        }
        query.push(")");
    }
}

/// One page of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<ClientJob>,
    /// Jobs that the filter lets through, on all pages.
    pub total: u64,
    /// For [`JobFilter::after`] of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// An instance as a job counts its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramesOfImage {
    /// Its key.
    pub image_id: Uuid,
    /// Its frames; none without pixel data.
    pub frame_count: u32,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    job_id: Uuid,
    study_id: Uuid,
    owner: String,
    work: String,
    state: String,
    total: i64,
    done: i64,
    failed: i64,
    failures: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<JobRow> for ClientJob {
    type Error = CatalogError;

    fn try_from(row: JobRow) -> Result<Self, CatalogError> {
        let does_not_read = || CatalogError::Failed("a job does not read".to_owned());
        let time = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(does_not_read);
        let count = |column| u32::try_from(column).map_err(|_| does_not_read());
        Ok(ClientJob {
            job_id: row.job_id,
            study_id: row.study_id,
            owner: row.owner,
            work: serde_json::from_str(&row.work).map_err(|_| does_not_read())?,
            state: row.state.parse().map_err(|_| does_not_read())?,
            progress: Progress {
                total: count(row.total)?,
                done: count(row.done)?,
                failed: count(row.failed)?,
                failures: serde_json::from_str(&row.failures).map_err(|_| does_not_read())?,
            },
            version: row.version.cast_unsigned(),
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            expires_at: row.expires_at.map(time).transpose()?,
        })
    }
}

const SELECT: &str = "SELECT job_id, study_id, owner, work, state, total, done, failed, failures, version, created_at, \
    updated_at, expires_at FROM jobs WHERE (expires_at IS NULL OR expires_at > ";
const COUNT: &str = "SELECT count(*) FROM jobs WHERE (expires_at IS NULL OR expires_at > ";

impl Catalog {
    /// Orders `job`, unless its owner has `open_max` under way, and forgets some that ended long ago. One of the same id
    /// that is under way stays as it is; of one that has ended `again` tells.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn order_job(
        &self,
        job: &ClientJob,
        again: Again,
        open_max: u32,
    ) -> Result<Ordered, CatalogError> {
        const SWEEP: &str = "DELETE FROM jobs WHERE job_id IN \
            (SELECT job_id FROM jobs WHERE expires_at < $1 LIMIT $2)";
        const INSERT: &str = "INSERT INTO jobs (job_id, kind, study_id, owner, work, state, total, done, failed, \
            failures, version, created_at, updated_at) \
            SELECT $1, $2, $3, $4, $5, 'queued', $6, 0, 0, '[]', 1, $7, $7 \
            WHERE (SELECT count(*) FROM jobs WHERE owner = $4 AND expires_at IS NULL) < $8 \
            ON CONFLICT (job_id) DO UPDATE SET work = excluded.work, state = 'queued', total = excluded.total, \
            done = 0, failed = 0, failures = '[]', version = jobs.version + 1, created_at = excluded.created_at, \
            updated_at = excluded.updated_at, expires_at = NULL WHERE jobs.expires_at IS NOT NULL AND $9";
        let now = job.created_at.timestamp_micros();
        let work = json(&job.work)?;
        on_writer!(&self.pool, Db, pool => {
            sqlx::query::<Db>(SWEEP).bind(now).bind(SWEPT_MAX).execute(pool).await?;
            sqlx::query::<Db>(INSERT)
                .bind(job.job_id)
                .bind(job.work.kind().name())
                .bind(job.study_id)
                .bind(clean(&job.owner))
                .bind(work)
                .bind(i64::from(job.progress.total))
                .bind(now)
                .bind(i64::from(open_max))
                .bind(again == Again::Anew)
                .execute(pool)
                .await?;
        });
        let there = self.job(job.job_id).await?;
        let there = there.filter(|there| again == Again::Never || !there.state.is_final());
        Ok(there.map_or(Ordered::TooMany, |there| Ordered::Job(Box::new(there))))
    }

    /// The job with this id; `None` for one that is unknown or forgotten.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn job(&self, job_id: Uuid) -> Result<Option<ClientJob>, CatalogError> {
        let row: Option<JobRow> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT);
            query.push_bind(Utc::now().timestamp_micros()).push(") AND job_id = ").push_bind(job_id);
            query.build_query_as().fetch_optional(pool).await?
        });
        row.map(ClientJob::try_from).transpose()
    }

    /// Jobs of a kind that have not ended: the oldest of each owner, then the next of each, so that nobody waits behind all
    /// that another ordered. One that does not read is left to the release that wrote it.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn open_jobs(&self, kind: JobKind, limit: u32) -> Result<Vec<ClientJob>, CatalogError> {
        const SELECT: &str = "SELECT job_id, study_id, owner, work, state, total, done, failed, failures, version, \
            created_at, updated_at, expires_at FROM (SELECT jobs.*, \
            row_number() OVER (PARTITION BY owner ORDER BY created_at, job_id) AS turn \
            FROM jobs WHERE expires_at IS NULL AND kind = $1) AS open ORDER BY turn, created_at LIMIT $2";
        let rows: Vec<JobRow> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT).bind(kind.name()).bind(i64::from(limit)).fetch_all(pool).await?
        });
        Ok(rows.into_iter().filter_map(|row| ClientJob::try_from(row).ok()).collect())
    }

    /// One page of the jobs that `filter` lets through, newest first.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for a [`JobFilter::after`] that no page gave; [`CatalogError::Unavailable`] when the
    /// database does not answer.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, CatalogError> {
        let page_size = filter.limit.clamp(1, JOBS_PER_PAGE_MAX);
        let after = filter.after.as_deref().map(parse_cursor).transpose()?;
        if filter.among.as_ref().is_some_and(Vec::is_empty) {
            return Ok(JobPage { jobs: Vec::new(), total: 0, next: None });
        }
        let now = Utc::now().timestamp_micros();
        let (rows, total): (Vec<JobRow>, i64) = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> = QueryBuilder::new(COUNT);
            filter.push_condition(&mut query, now);
            let total = query.build_query_scalar().fetch_one(pool).await?;
            let mut query: QueryBuilder<Db> = QueryBuilder::new(SELECT);
            filter.push_condition(&mut query, now);
            if let Some((created_at, job_id)) = after {
                query.push(" AND (created_at < ").push_bind(created_at);
                query.push(" OR (created_at = ").push_bind(created_at);
                query.push(" AND job_id > ").push_bind(job_id).push("))");
            }
            query.push(" ORDER BY created_at DESC, job_id LIMIT ").push_bind(i64::from(page_size) + 1);
            (query.build_query_as().fetch_all(pool).await?, total)
        });
        let jobs: Result<Vec<_>, _> = rows.into_iter().map(ClientJob::try_from).collect();
        let mut jobs = jobs?;
        let is_last = jobs.len() <= page_size as usize;
        jobs.truncate(page_size as usize);
        let next = jobs.last().filter(|_| !is_last).map(cursor);
        Ok(JobPage { jobs, total: total.cast_unsigned(), next })
    }

    /// Writes how far a job is that still is as `job` tells; the version it then has. `None` when it is not: it was
    /// cancelled, or somebody else drives it.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn advance_job(
        &self,
        job: &ClientJob,
        state: JobState,
        progress: &Progress,
    ) -> Result<Option<u64>, CatalogError> {
        const UPDATE: &str = "UPDATE jobs SET state = $3, total = $4, done = $5, failed = $6, failures = $7, \
            version = version + 1, updated_at = $8, expires_at = $9 \
            WHERE job_id = $1 AND version = $2 AND expires_at IS NULL RETURNING version";
        let failures = json(&progress.failures)?;
        let now = Utc::now();
        let version: Option<i64> = on_writer!(&self.pool, Db, pool => {
            sqlx::query_scalar::<Db, _>(UPDATE)
                .bind(job.job_id)
                .bind(job.version.cast_signed())
                .bind(state.name())
                .bind(i64::from(progress.total))
                .bind(i64::from(progress.done))
                .bind(i64::from(progress.failed))
                .bind(failures)
                .bind(now.timestamp_micros())
                .bind(state.is_final().then(|| (now + KEPT_AFTER_END).timestamp_micros()))
                .fetch_optional(pool)
                .await?
        });
        Ok(version.map(i64::cast_unsigned))
    }

    /// Takes a job back; whether it was under way.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn cancel_job(&self, job_id: Uuid) -> Result<bool, CatalogError> {
        const UPDATE: &str = "UPDATE jobs SET state = 'cancelled', version = version + 1, updated_at = $2, \
            expires_at = $3 WHERE job_id = $1 AND expires_at IS NULL";
        let now = Utc::now();
        on_writer!(&self.pool, Db, pool => {
            let cancelled = sqlx::query::<Db>(UPDATE)
                .bind(job_id)
                .bind(now.timestamp_micros())
                .bind((now + KEPT_AFTER_END).timestamp_micros())
                .execute(pool)
                .await?;
            Ok(cancelled.rows_affected() == 1)
        })
    }

    /// The instances of a study in one order, with their frames; none for an unknown one.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn frames_of_study(&self, study_id: Uuid) -> Result<Vec<FramesOfImage>, CatalogError> {
        const SELECT: &str = "SELECT instances.image_id, frame_count FROM instances \
            JOIN series ON series.series_id = instances.series_id WHERE study_id = $1 \
            ORDER BY series_number NULLS LAST, series_instance_uid, instance_number NULLS LAST, sop_instance_uid, \
            instances.image_id";
        let rows: Vec<(Uuid, i64)> = on_reader!(&self.pool, Db, pool => {
            sqlx::query_as::<Db, _>(SELECT).bind(study_id).fetch_all(pool).await?
        });
        let frames = |(image_id, frame_count)| FramesOfImage {
            image_id,
            frame_count: u32::try_from(frame_count).unwrap_or(0),
        };
        Ok(rows.into_iter().map(frames).collect())
    }

    /// Those of `keys` under which a picture is kept.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`] when the database does not answer.
    pub async fn pictures_there(&self, keys: &[RenderKey]) -> Result<Vec<RenderKey>, CatalogError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let there: Vec<String> = on_reader!(&self.pool, Db, pool => {
            let mut query: QueryBuilder<Db> =
                QueryBuilder::new("SELECT render_key FROM renders WHERE is_picture AND render_key IN (");
            let mut listed = query.separated(", ");
            for key in keys {
                listed.push_bind(key.to_string());
            }
            query.push(")");
            query.build_query_scalar().fetch_all(pool).await?
        });
        Ok(there.iter().filter_map(|key| key.parse().ok()).collect())
    }
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|_| CatalogError::Failed("a job does not serialise".to_owned()))
}

/// Where the page after the one that ends with `job` starts.
fn cursor(job: &ClientJob) -> String {
    format!("{}.{}", job.created_at.timestamp_micros(), job.job_id.simple())
}

fn parse_cursor(cursor: &str) -> Result<(i64, Uuid), CatalogError> {
    let parsed = cursor
        .split_once('.')
        .and_then(|(created_at, job_id)| Some((created_at.parse().ok()?, Uuid::try_parse(job_id).ok()?)));
    parsed.ok_or_else(|| CatalogError::Invalid("the page to continue from is none that it gave".to_owned()))
}
