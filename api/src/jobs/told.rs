//! How a job is told: its document, and the answer to who ordered it.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use noctis_shared::client_job::{ClientJob, ClientWork, FailureCount, JobKind, JobState};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{problem::Problem, visible::Permitted};

/// RFC 7240 3.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobAnswer {
    /// Names it.
    job_id: Uuid,
    /// One picture that is awaited, or the pictures of a study ahead of their viewers.
    kind: JobKind,
    /// How it stands; `done`, `failed` and `cancelled` stay. One that made some of its pictures is `done`.
    state: JobState,
    /// Pictures that are there.
    done: u32,
    /// Pictures that cannot be made.
    failed: u32,
    /// All pictures.
    total: u32,
    /// Why pictures cannot be made, and how many for each reason.
    failures: Vec<FailureCount>,
    /// The study they are of.
    study_id: Uuid,
    /// Of a prerender: the views.
    presets: Option<Vec<String>>,
    /// Of a prerender: whether small pictures are made, too.
    thumbnails: Option<bool>,
    /// Of a single picture: where it is shown.
    url: Option<String>,
    /// When it was ordered.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
    /// When it is forgotten; `null` until it has ended.
    expires_at: Option<DateTime<Utc>>,
}

impl JobAnswer {
    pub(crate) fn of(job: &Permitted<ClientJob>) -> Self {
        let job: &ClientJob = job;
        let (presets, thumbnails, url) = match &job.work {
            ClientWork::Render { url, .. } => (None, None, Some(url.clone())),
            ClientWork::Prerender { presets, thumbnails } => (Some(presets.clone()), Some(*thumbnails), None),
        };
        Self {
            job_id: job.job_id,
            kind: job.work.kind(),
            state: job.state,
            done: job.progress.done,
            failed: job.progress.failed,
            total: job.progress.total,
            failures: job.progress.failures.clone(),
            study_id: job.study_id,
            presets,
            thumbnails,
            url,
            created_at: job.created_at,
            updated_at: job.updated_at,
            expires_at: job.expires_at,
        }
    }
}

/// Where a job is told of.
pub(crate) fn path_of(job_id: Uuid) -> String {
    format!("/api/v1/jobs/{job_id}")
}

/// 202 with the job, to one who preferred not to wait (`preference`), or ordered it.
///
/// # Errors
/// A problem when the path of the job is no header, which never happens.
pub(crate) fn accepted(
    job: &Permitted<ClientJob>,
    preference: Option<HeaderValue>,
) -> Result<Response, Problem> {
    let mut headers = HeaderMap::new();
    let location = HeaderValue::try_from(path_of(job.job_id)).map_err(|error| Problem::internal(&error))?;
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(preference) = preference {
        headers.insert(PREFERENCE_APPLIED, preference);
    }
    Ok((StatusCode::ACCEPTED, headers, Json(JobAnswer::of(job))).into_response())
}
