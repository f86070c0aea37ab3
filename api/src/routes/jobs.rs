//! Jobs: what there is, how far one is, as it goes on, and taking one back.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use noctis_shared::{
    auth::Scope,
    catalog::{Catalog, CatalogError},
    client_job::ClientJob,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{
    documents::{body_of, tell},
    portion::{Portion, no_such_page},
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    jobs::JobAnswer,
    problem::{Document, Kind, Problem},
    query::{NoParameters, Query},
    visible::Permitted,
};

/// Jobs on a page when no limit is asked.
const LIMIT: u32 = 100;
/// How often a stream looks for news.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How long a stream lasts. Who listens comes back by itself, with the token it has by then.
const STREAM_LASTS: Duration = Duration::from_secs(300);
/// How often a stream without news says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When who listens comes back to a stream that ended before its job.
const COMES_BACK_AFTER: Duration = Duration::from_secs(2);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that gather answers would hold the news back.
pub(super) const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// One page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Jobs)]
pub(super) struct JobList {
    /// Newest first.
    jobs: Vec<JobAnswer>,
    /// Jobs that the caller is told of, on all pages.
    total: u64,
    /// `cursor` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Lists jobs, newest first: the caller's own, and the prerenders of every study that it may see.
///
/// Jobs are told of for a day after their end.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    operation_id = "listJobs",
    tag = "jobs",
    params(
        ("limit" = Option<u32>, Query, description = "Jobs on the page, 1 to 500, default 100", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = JobList, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(query.as_deref())?;
    let Portion { limit, cursor } = Portion::take(&mut query)?;
    query.finish("limit and cursor")?;
    let page = api.visible_to(&caller).jobs(limit.unwrap_or(LIMIT), cursor).await;
    let (jobs, total, next) = page.map_err(|error| match error {
        CatalogError::Invalid(_) => no_such_page(),
        error => catalog_problem(&error),
    })?;
    let jobs = jobs.iter().map(JobAnswer::of).collect();
    tell(body_of(&JobList { jobs, total, next })?, &headers, api.outgoing.to(&caller.name))
}

/// Tells how far a job is.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job_id}",
    operation_id = "getJob",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "As the answer to the order told it")),
    responses(
        (status = 200, description = "The job", body = JobAnswer, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(job_id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = api.visible_to(&caller).job(&job_id).await?;
    tell(body_of(&JobAnswer::of(&job))?, &headers, api.outgoing.to(&caller.name))
}

/// Takes a job back: nothing more of it is begun, and what waits in the queue is withdrawn. What is being made is made.
///
/// For who ordered it, and for tokens with `studies:write`. A job that has ended stays as it is.
#[utoipa::path(
    delete,
    path = "/api/v1/jobs/{job_id}",
    operation_id = "cancelJob",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "As the answer to the order told it")),
    responses(
        (status = 200, description = "The job as it stands now", body = JobAnswer),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The job is another's, and the token lacks `studies:write`", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Path(job_id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visible = api.visible_to(&caller);
    let job = visible.job(&job_id).await?;
    if job.owner != caller.name && !caller.scopes.has(Scope::StudiesWrite) {
        let detail = "The job was ordered by another: to take it back needs the scope studies:write.";
        return Err(Problem::new(Kind::InsufficientScope, detail).with("scope", Scope::StudiesWrite.name()));
    }
    api.jobs.cancel(job.job_id).await.map_err(|error| catalog_problem(&error))?;
    let job = visible.job(&job_id).await?;
    tell(body_of(&JobAnswer::of(&job))?, &no_conditions(headers), api.outgoing.to(&caller.name))
}

/// What a change answers is told whatever the client has.
fn no_conditions(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(header::IF_NONE_MATCH);
    headers
}

/// A job as it goes on: server-sent events of the type `job`, each with the whole job as it stands, up to its end.
///
/// The id of an event is the version of the job: who comes back with `Last-Event-ID` hears what is newer, and 204 when the
/// job has ended and it knows. A stream lasts five minutes at most.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job_id}/events",
    operation_id = "followJob",
    tag = "jobs",
    params(
        ("job_id" = Uuid, Path, description = "As the answer to the order told it"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was heard"),
    ),
    responses(
        (status = 200, description = "Events, each with a job as data", body = JobAnswer, content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and the client has heard of it"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many streams", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    Path(job_id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = api.visible_to(&caller).job(&job_id).await?;
    let heard = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    if job.state.is_final() && heard == Some(job.version) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let permit = api.streams.begin(&caller.name)?;
    let news = News {
        catalog: api.catalog.clone(),
        heard,
        ends_at: Instant::now() + STREAM_LASTS,
        drains: api.drains.clone(),
        ended: false,
        is_first: true,
        job,
        _while_it_streams: permit,
    };
    drop(api);
    let events = Sse::new(news.stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([UNBUFFERED], events).into_response())
}

/// One who listens to a job.
struct News {
    catalog: Catalog,
    job: Permitted<ClientJob>,
    heard: Option<u64>,
    ends_at: Instant,
    drains: CancellationToken,
    ended: bool,
    is_first: bool,
    _while_it_streams: Allowed,
}

impl News {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut news| {
            let event = news.next().await?;
            Some((Ok(event), news))
        })
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            self.ended = self.job.state.is_final();
            if self.heard != Some(self.job.version) {
                self.heard = Some(self.job.version);
                return Some(self.event());
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                () = sleep(LOOK_PAUSE) => {}
                () = self.drains.cancelled() => return None,
            }
            if Instant::now() >= self.ends_at {
                return None;
            }
            match self.catalog.job(self.job.job_id).await {
                Ok(Some(job)) => self.job = self.job.told_as(job),
                // It was forgotten.
                Ok(None) => return None,
                // It may be back the next time.
                Err(_) => {}
            }
        }
    }

    fn event(&mut self) -> Event {
        let event = Event::default().id(self.job.version.to_string()).event("job");
        let event = if std::mem::take(&mut self.is_first) { event.retry(COMES_BACK_AFTER) } else { event };
        let told = serde_json::to_string(&JobAnswer::of(&self.job)).unwrap_or_default();
        event.data(told)
    }
}
