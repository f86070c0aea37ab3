//! The jobs that clients are told of: one picture that is awaited, or all pictures of a study ahead of their viewers.
//!
//! Such a job is a row of the catalog, and is carried out by asking for renders; a [`RenderJob`](crate::job::RenderJob)
//! is the message that makes one of them. What must not be here: how a job is driven, and who may see it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{render::FailureKind, render_key::RenderKey, request::FrameRequest};

/// How long a job that has ended is told of.
pub const KEPT_AFTER_END: TimeDelta = TimeDelta::hours(24);
/// Reasons that are told apart; what fails for another counts under [`OTHER_REASONS`].
const REASONS_MAX: usize = 16;
/// Where the count of further reasons goes.
const OTHER_REASONS: &str = "other";

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientJob {
    /// Names it.
    pub job_id: Uuid,
    /// The study its pictures are of: who may not see that, finds no job.
    pub study_id: Uuid,
    /// The caller that ordered it.
    pub owner: String,
    /// What it makes.
    pub work: ClientWork,
    /// How it stands.
    pub state: JobState,
    /// How far it is.
    pub progress: Progress,
    /// Raised with each change: who knows a version has missed nothing before it.
    pub version: u64,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it is forgotten; `None` until it has ended.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a job makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a job is held one at a time, on its way to or from a row")]
pub enum ClientWork {
    /// One picture that somebody waits for.
    Render {
        /// Key of the instance.
        image_id: Uuid,
        /// What is asked of it.
        request: FrameRequest,
        /// Path and query that show the picture.
        url: String,
        /// How long it is waited for, in seconds.
        patience_seconds: u32,
    },
    /// The pictures of a study, before anybody asks for them.
    Prerender {
        /// The views by name.
        presets: Vec<String>,
        /// Whether small pictures are made, too.
        thumbnails: bool,
    },
}

/// Which kind of work, as a column and in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// One picture that somebody waits for.
    Render,
    /// The pictures of a study, ahead of its viewers.
    Prerender,
}

/// How a job stands. It changes in this order, and the last three stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun it.
    Queued,
    /// It is being made.
    Running,
    /// It has ended, and there is a picture.
    Done,
    /// It has ended without a picture.
    Failed,
    /// A client took it back.
    Cancelled,
}

/// How far a job is, in pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// All of them.
    pub total: u32,
    /// Those that are there.
    pub done: u32,
    /// Those that cannot be made.
    pub failed: u32,
    /// Why not, the first reason met first.
    pub failures: Vec<FailureCount>,
}

/// How many pictures failed for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureCount {
    /// A slug.
    pub reason: String,
    /// Pictures.
    pub count: u32,
}

impl ClientWork {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> JobKind {
        match self {
            ClientWork::Render { .. } => JobKind::Render,
            ClientWork::Prerender { .. } => JobKind::Prerender,
        }
    }
}

impl ClientJob {
    /// A job nobody has begun.
    #[must_use]
    pub fn new(job_id: Uuid, study_id: Uuid, owner: &str, work: ClientWork, total: u32) -> Self {
        let now = Utc::now();
        let progress = Progress { total, ..Progress::default() };
        let (owner, state, version) = (owner.to_owned(), JobState::Queued, 1);
        let (created_at, updated_at, expires_at) = (now, now, None);
        Self { job_id, study_id, owner, work, state, progress, version, created_at, updated_at, expires_at }
    }

    /// The id of the job of `owner` for the picture under `key`: who asks for it again while it is made has one job.
    #[must_use]
    pub fn id_of_render(key: &RenderKey, owner: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:noctis:render-job:{key}:{owner}").as_bytes())
    }

    /// The id of the prerender of a study that an event orders: the same event again orders nothing more.
    #[must_use]
    pub fn id_of_event(source: &str, event_id: &str, study_id: Uuid) -> Uuid {
        let name = format!("urn:noctis:prerender-job:{study_id}:{}:{source}:{event_id}", source.len());
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
    }
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 5] =
        [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed, JobState::Cancelled];

    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// Whether it stays so.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            JobState::Queued | JobState::Running => false,
            JobState::Done | JobState::Failed | JobState::Cancelled => true,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let state = JobState::ALL.into_iter().find(|state| state.name() == name);
        state.ok_or_else(|| "no state of a job".to_owned())
    }
}

impl JobKind {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JobKind::Render => "render",
            JobKind::Prerender => "prerender",
        }
    }
}

impl Progress {
    /// Pictures that are there or cannot be: so many of the job's, in its order.
    #[must_use]
    pub fn settled(&self) -> u32 {
        self.done.saturating_add(self.failed)
    }

    /// Counts a picture that cannot be made.
    pub fn count_failure(&mut self, reason: &str) {
        self.failed += 1;
        let known = self.failures.iter().position(|failure| failure.reason == reason);
        let reason =
            if known.is_none() && self.failures.len() >= REASONS_MAX { OTHER_REASONS } else { reason };
        match self.failures.iter_mut().find(|failure| failure.reason == reason) {
            Some(failure) => failure.count += 1,
            None => self.failures.push(FailureCount { reason: reason.to_owned(), count: 1 }),
        }
    }

    /// How a job ends that has come this far.
    #[must_use]
    pub fn end(&self) -> JobState {
        if self.failed > 0 && self.done == 0 { JobState::Failed } else { JobState::Done }
    }
}

/// The slug of a kind of failure.
#[must_use]
pub fn reason_of(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Unrenderable => "unrenderable",
        FailureKind::NotAPicture => "not_a_picture",
        FailureKind::NoSuchFrame => "no_such_frame",
        FailureKind::InvalidRequest => "invalid_request",
        FailureKind::Crashed => "crashed",
        FailureKind::FileChanged => "file_changed",
        FailureKind::FileMissing => "file_missing",
        FailureKind::StorageAway => "storage_away",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back_and_the_last_three_stay() {
        for state in JobState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.name());
        }
        assert_eq!(JobState::ALL.map(JobState::is_final), [false, false, true, true, true]);
    }

    #[test]
    fn failures_are_counted_by_reason_and_reasons_are_bounded() {
        let mut progress = Progress { total: 100, ..Progress::default() };
        for number in 0..40 {
            progress.count_failure(&format!("reason-{}", number % 20));
        }
        assert_eq!((progress.failed, progress.settled()), (40, 40));
        assert_eq!(progress.failures.len(), REASONS_MAX + 1);
        let counted: u32 = progress.failures.iter().map(|failure| failure.count).sum();
        assert_eq!(counted, 40);
        assert_eq!(progress.failures[REASONS_MAX], FailureCount { reason: "other".to_owned(), count: 8 });
    }

    #[test]
    fn a_job_has_failed_when_nothing_came_of_it() {
        let end = |done, failed| Progress { total: 3, done, failed, failures: Vec::new() }.end();
        assert_eq!([end(0, 3), end(1, 2), end(3, 0)], [JobState::Failed, JobState::Done, JobState::Done]);
        assert_eq!(Progress::default().end(), JobState::Done, "there was nothing to make");
    }

    #[test]
    fn ids_tell_owners_and_events_apart() {
        let key: RenderKey = "0123456789abcdef0123456789abcdef".parse().expect("32 digits");
        assert_eq!(ClientJob::id_of_render(&key, "ada"), ClientJob::id_of_render(&key, "ada"));
        assert_ne!(ClientJob::id_of_render(&key, "ada"), ClientJob::id_of_render(&key, "eve"));
        let study = Uuid::from_u128(1);
        assert_ne!(ClientJob::id_of_event("a", "b:c", study), ClientJob::id_of_event("a:b", "c", study));
    }
}
