//! The one place that decides what a failure of a render job means.

use noctis_shared::{
    catalog::CatalogError,
    job::RenderJob,
    queue::{Delivery, RetryOutcome},
    render::FailureKind,
    storage::StorageError,
};
use tracing::{error, warn};

use super::{Done, RenderJobs, refusal};
use crate::{settlement, slot::SlotError};

/// Attempts after which a decoder that dies or hangs is held to die of the file.
const SLOT_ATTEMPTS_MAX: u32 = 2;

/// Why a render job did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("storage did not answer in time")]
    FetchTimedOut,
    #[error(transparent)]
    Slot(SlotError),
    #[error(transparent)]
    Catalog(CatalogError),
}

/// What to do with the delivery.
enum Verdict {
    Ack,
    Retry(String),
    /// Answered as a failure and kept for a look.
    DeadLetter {
        reason: &'static str,
        told: &'static str,
    },
    /// Answered as a failure, remembered in the cache only: putting the file back repairs it.
    Answer {
        told: String,
    },
}

fn verdict(result: Result<Done, JobError>, delivery: &Delivery) -> Verdict {
    match result {
        Ok(_) => Verdict::Ack,
        Err(JobError::Storage(error)) if error.is_transient() => Verdict::Retry(error.to_string()),
        Err(JobError::Storage(error)) => Verdict::Answer { told: error.to_string() },
        Err(error @ (JobError::FetchTimedOut | JobError::Catalog(_) | JobError::Slot(SlotError::Io(_)))) => {
            Verdict::Retry(error.to_string())
        }
        Err(JobError::Slot(SlotError::Crashed)) if last_slot_attempt(delivery) => {
            Verdict::DeadLetter { reason: "crashed", told: "the decoder crashed on this file, each time" }
        }
        Err(JobError::Slot(SlotError::TimedOut(_))) if last_slot_attempt(delivery) => Verdict::DeadLetter {
            reason: "timed_out",
            told: "the decoder did not finish with this file, each time",
        },
        Err(JobError::Slot(error @ (SlotError::Crashed | SlotError::TimedOut(_)))) => {
            Verdict::Retry(error.to_string())
        }
    }
}

fn last_slot_attempt(delivery: &Delivery) -> bool {
    delivery.attempt >= SLOT_ATTEMPTS_MAX
}

/// Settles `delivery` by what became of its job. Each failure is logged once, here.
pub(super) async fn settle(
    jobs: &RenderJobs,
    job: &RenderJob,
    delivery: Delivery,
    result: Result<Done, JobError>,
) {
    match verdict(result, &delivery) {
        Verdict::Ack => settlement::note(delivery.ack().await),
        Verdict::Answer { told } => {
            warn!(reason = told, "render job answered with a failure");
            jobs.announce(job, &refusal(FailureKind::FileChanged, &told)).await;
            settlement::note(delivery.ack().await);
        }
        Verdict::DeadLetter { reason, told } => {
            error!(reason, "render job dead-lettered");
            let outcome = refusal(FailureKind::Crashed, told);
            // Stored before the delivery goes: whoever waits, now or later, gets the answer.
            if let Err(error) = jobs.store(job, &outcome).await {
                warn!(%error, "the failure could not be remembered");
            }
            settlement::note(delivery.dead_letter(reason).await);
        }
        Verdict::Retry(cause) => retry(jobs, job, delivery, &cause).await,
    }
}

async fn retry(jobs: &RenderJobs, job: &RenderJob, delivery: Delivery, cause: &str) {
    match delivery.retry(cause).await {
        Ok(RetryOutcome::Scheduled { delay }) => warn!(cause, ?delay, "render job will be tried again"),
        Ok(RetryOutcome::Exhausted) => {
            error!(cause, "render job failed for the last time");
            // Not remembered: what is transient may be gone at the next request. The claim goes with it.
            let _lease_runs_out = jobs.cache.release_claim(&job.render_key, job.job_id).await;
        }
        Err(error) => warn!(%error, "render job could not be retried; the queue delivers it again"),
    }
}
