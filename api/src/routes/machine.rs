//! The state of the machine, for operators: now, and as it goes on.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use noctis_shared::{
    lane::Lane,
    presence::{RecentFailure, Stages, Worker},
    queue::DeadLetter,
};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::jobs::UNBUFFERED;
use crate::{
    allowance::Allowed,
    api::Api,
    caller::Caller,
    jobs::JobAnswer,
    machine::{ANSWER_MAX, BackEndsHealth, Look},
    numbers::Seen,
    problem::{Document, Problem},
    query::NoParameters,
};

/// How often a stream tells.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How long a stream lasts. Who listens comes back by itself, with the token it has by then.
const STREAM_LASTS: Duration = Duration::from_secs(300);
/// When who listens comes back to a stream that ended.
const COMES_BACK_AFTER: Duration = Duration::from_secs(2);
/// Jobs that are told, the newest.
const JOBS_MAX: u32 = 20;
/// Failures that are told, the newest.
const FAILURES_MAX: usize = 50;

const QUEUE_AWAY: &str = "The queue does not answer.";
const COORDINATION_AWAY: &str = "Redis does not answer.";
const CATALOG_AWAY: &str = "The catalog does not answer.";

/// The state of the machine. What could not be looked at is `null`, and `missing` says why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Machine {
    /// When it was looked at.
    at: DateTime<Utc>,
    /// How each back end is.
    back_ends: BackEndsHealth,
    /// Members that are `null`, each with the reason.
    missing: BTreeMap<&'static str, &'static str>,
    /// Every lane.
    lanes: Option<Vec<LaneState>>,
    /// Every worker that says it is there, by name.
    workers: Option<Vec<Worker>>,
    /// Where the time of the last pictures of all workers went.
    stages: Option<Stages>,
    /// What workers could not make last, the newest first.
    failures: Option<Vec<RecentFailure>>,
    /// The process of the API that answers.
    api: ApiState,
    /// Messages that nobody tries again.
    dead_letters: Option<DeadLetterState>,
    /// The newest jobs, as `/api/v1/jobs` has them.
    jobs: Option<Vec<JobAnswer>>,
}

/// A lane.
#[derive(Debug, Serialize, ToSchema)]
struct LaneState {
    /// Its name.
    #[schema(value_type = String)]
    lane: Lane,
    /// Messages that wait in it.
    depth: u64,
    /// Seconds of one worker's work that they are, estimated from recent renders; `null` of lanes that are not of renders.
    queued_work_seconds: Option<f64>,
    /// Workers that take it; `null` where nobody knows.
    workers: Option<usize>,
}

/// A process of the API since it started.
#[derive(Debug, Serialize, ToSchema)]
struct ApiState {
    /// The version that runs.
    version: &'static str,
    /// Requests answered.
    requests_total: u64,
    /// Those answered with a status of 500 or more, without 501 of routes that are not built.
    requests_failed: u64,
    /// Requests under way.
    active_requests: i64,
    /// Mean, in seconds.
    avg_response_time: f64,
    /// Pictures by where they were when they were asked for, from the nearest tier to those that had to be made.
    tiers: Vec<TierState>,
    /// Renders that somebody waits for.
    renders_awaited: usize,
    /// Bytes that answers hold since nobody has read them yet.
    answer_bytes_unread: u64,
}

/// A tier.
#[derive(Debug, Serialize, ToSchema)]
struct TierState {
    /// Its name, as in `Server-Timing`; `render` of pictures that were made.
    #[schema(value_type = String)]
    tier: &'static str,
    /// Pictures that were there.
    pictures: u64,
}

/// Messages that nobody tries again.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterState {
    /// How many there are; for who does not see every study, how many of those below are told.
    total: u64,
    /// The oldest, without their bodies; `/api/v1/dead-letters` has all.
    oldest: Vec<DeadLetter>,
}

impl Machine {
    /// As it is told to `caller`.
    async fn of(api: &Api, caller: &Caller) -> Self {
        let visible = api.visible_to(caller);
        let jobs = timeout(ANSWER_MAX, visible.jobs(JOBS_MAX, None));
        let (look, jobs) = tokio::join!(api.machine.look(api), jobs);
        let jobs = jobs.ok().and_then(Result::ok).map(|(jobs, ..)| jobs.iter().map(JobAnswer::of).collect());
        let (workers, failures) = workers(&look, caller).unzip();
        let mut machine = Self {
            at: look.at,
            back_ends: look.back_ends,
            missing: BTreeMap::new(),
            lanes: lanes(api, &look),
            stages: workers.as_ref().map(|workers: &Vec<Worker>| {
                workers.iter().map(|worker| worker.stages).fold(Stages::default(), Stages::with)
            }),
            workers,
            failures,
            api: ApiState::of(api),
            dead_letters: dead_letters(&look, caller),
            jobs,
        };
        machine.missing = machine.missing();
        machine
    }

    fn missing(&self) -> BTreeMap<&'static str, &'static str> {
        let members = [
            ("lanes", self.lanes.is_none(), QUEUE_AWAY),
            ("dead_letters", self.dead_letters.is_none(), QUEUE_AWAY),
            ("workers", self.workers.is_none(), COORDINATION_AWAY),
            ("stages", self.stages.is_none(), COORDINATION_AWAY),
            ("failures", self.failures.is_none(), COORDINATION_AWAY),
            ("jobs", self.jobs.is_none(), CATALOG_AWAY),
        ];
        members
            .into_iter()
            .filter(|(_, is_missing, _)| *is_missing)
            .map(|(name, _, why)| (name, why))
            .collect()
    }
}

impl ApiState {
    fn of(api: &Api) -> Self {
        let Seen { requests, failed, active, mean_seconds, success_rate: _, hit_rate: _, tiers } =
            api.numbers.seen();
        let tiers = tiers.into_iter().map(|(tier, pictures)| TierState { tier: tier.name(), pictures });
        Self {
            version: env!("CARGO_PKG_VERSION"),
            requests_total: requests,
            requests_failed: failed,
            active_requests: active,
            avg_response_time: mean_seconds,
            tiers: tiers.collect(),
            renders_awaited: api.submit.flight_count(),
            answer_bytes_unread: api.outgoing_bytes(),
        }
    }
}

fn lanes(api: &Api, look: &Look) -> Option<Vec<LaneState>> {
    let takes = |lane| {
        let workers = look.workers.as_ref()?;
        Some(workers.iter().filter(|present| present.worker.lanes.contains(&lane)).count())
    };
    let lane = |&(lane, depth): &(Lane, u64)| LaneState {
        lane,
        depth,
        queued_work_seconds: lane.is_of_renders().then(|| api.numbers.work_seconds(lane, depth)),
        workers: takes(lane),
    };
    Some(look.depths.as_ref()?.iter().map(lane).collect())
}

/// Who works, and the newest of what they could not make, of studies that the caller may see.
fn workers(look: &Look, caller: &Caller) -> Option<(Vec<Worker>, Vec<RecentFailure>)> {
    let present = look.workers.as_ref()?;
    let failures = present.iter().flat_map(|present| &present.failures);
    let mut failures: Vec<_> =
        failures.filter(|failure| caller.sight.reaches(failure.study_id)).cloned().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.at));
    failures.truncate(FAILURES_MAX);
    Some((present.iter().map(|present| present.worker.clone()).collect(), failures))
}

fn dead_letters(look: &Look, caller: &Caller) -> Option<DeadLetterState> {
    let letters = look.dead_letters.as_ref()?;
    let there = letters.oldest.iter().filter(|letter| caller.sight.reaches_letter(letter));
    let oldest: Vec<DeadLetter> = there.cloned().collect();
    let total = if caller.sight.is_everything() { letters.total } else { oldest.len() as u64 };
    Some(DeadLetterState { total, oldest })
}

/// Tells the state of the machine: lanes, workers, tiers, stages, dead letters, failures, jobs.
#[utoipa::path(
    get,
    path = "/api/v1/machine",
    operation_id = "getMachine",
    tag = "operation",
    responses(
        (status = 200, description = "The state, as far as the back ends tell it", body = Machine),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn machine(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> impl IntoResponse {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Json(Machine::of(&api, &caller).await))
}

/// The state of the machine as it goes on: every two seconds a server-sent event of the type `machine`, each with the whole
/// state. A stream lasts five minutes at most.
#[utoipa::path(
    get,
    path = "/api/v1/machine/events",
    operation_id = "followMachine",
    tag = "operation",
    responses(
        (status = 200, description = "Events, each with the state as data", body = Machine, content_type = "text/event-stream"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many streams", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    let permit = api.streams.begin(&caller.name)?;
    let watch = Watch {
        drains: api.drains.clone(),
        api: Arc::downgrade(&api),
        caller,
        ends_at: Instant::now() + STREAM_LASTS,
        is_first: true,
        _while_it_streams: permit,
    };
    Ok(([UNBUFFERED], Sse::new(watch.stream())).into_response())
}

/// One who watches.
struct Watch {
    /// Not kept from its end by who watches.
    api: Weak<Api>,
    caller: Arc<Caller>,
    ends_at: Instant,
    drains: CancellationToken,
    is_first: bool,
    _while_it_streams: Allowed,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut watch| {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        let event = Event::default().event("machine");
        let event = if std::mem::take(&mut self.is_first) {
            event.retry(COMES_BACK_AFTER)
        } else {
            tokio::select! {
                () = sleep(TELL_EVERY) => event,
                () = self.drains.cancelled() => return None,
            }
        };
        if Instant::now() >= self.ends_at {
            return None;
        }
        let api = self.api.upgrade()?;
        let told = serde_json::to_string(&Machine::of(&api, &self.caller).await).unwrap_or_default();
        Some(event.data(told))
    }
}
