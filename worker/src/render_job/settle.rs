//! The one place that decides what a failure of a render job means.
//!
//! A file is blamed for what a decoder did with bytes that are the indexed ones, and for nothing else. That bytes are
//! away, late or other than indexed is told to those who wait, for now, and remembered by nobody.

use noctis_shared::{
    catalog::CatalogError,
    job::RenderJob,
    queue::{Delivery, RetryOutcome},
    render::{FailureKind, Outcome, RenderFailure},
    storage::StorageError,
};
use tracing::{debug, error, warn};

use super::{Done, RenderJobs};
use crate::{
    settlement,
    slot::{ReadError, SlotError},
};

/// Attempts after which a storage that answers with faults is away: a short fault is ridden out, and whoever waits
/// hears of a longer one in time.
const STORAGE_ATTEMPTS_MAX: u32 = 2;

const MISSING: &str = "nothing is stored where the file was; it may come back";
const AWAY: &str = "the storage could not read the file; it may be away for a moment";
const HUNG: &str = "the storage did not answer in time; it may be away for a moment";
const ELSEWHERE: &str = "the file lies outside the storage and every ingest root of this worker";
const CHANGED: &str = "the file is no longer as it was when it was indexed";

/// Why a render job did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the file is no longer as it was when it was indexed")]
    FileChanged,
    #[error(transparent)]
    Slot(SlotError),
    #[error(transparent)]
    Catalog(CatalogError),
    #[error("the job panicked")]
    Panicked,
    #[error("every worker that began it died")]
    WorkersDied,
}

impl JobError {
    /// Whether a storage is away, and not a file of it.
    fn is_of_storage(&self) -> bool {
        match self {
            JobError::Storage(error) => error.is_transient(),
            JobError::Slot(error) => {
                matches!(error, SlotError::ReadTimedOut | SlotError::NotRead(ReadError::Failed(_)))
            }
            _ => false,
        }
    }
}

/// What to do with the delivery.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Ack,
    Retry(String),
    /// Answered as a failure and kept for a look.
    DeadLetter {
        reason: &'static str,
        told: &'static str,
    },
    /// Told to those who wait for this very job; the next request tries again.
    ForNow {
        kind: FailureKind,
        told: &'static str,
    },
}

fn for_now(kind: FailureKind, told: &'static str) -> Verdict {
    Verdict::ForNow { kind, told }
}

/// What went before this delivery.
#[derive(Debug, Clone, Copy)]
struct Past<'a> {
    /// Which attempt it is, from 1.
    attempt: u32,
    /// Why the one before failed.
    last_cause: Option<&'a str>,
}

impl<'a> Past<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        Self { attempt: delivery.attempt, last_cause: delivery.last_cause.as_deref() }
    }

    /// Whether the attempt before failed for the same reason, so that it is not for something that passes.
    fn was_the_same(self, cause: &str) -> bool {
        self.last_cause == Some(cause)
    }
}

fn verdict(result: Result<Done, JobError>, past: Past<'_>) -> Verdict {
    match result {
        Ok(_) => Verdict::Ack,
        Err(JobError::Storage(error)) => of_storage(&error, past.attempt),
        Err(JobError::FileChanged) => for_now(FailureKind::FileChanged, CHANGED),
        Err(JobError::Slot(error)) => of_slot(&error, past),
        Err(error @ JobError::Catalog(_)) => Verdict::Retry(error.to_string()),
        Err(error @ JobError::Panicked) if past.was_the_same(&error.to_string()) => {
            Verdict::DeadLetter { reason: "panicked", told: "the worker failed on this file, each time" }
        }
        Err(error @ JobError::Panicked) => Verdict::Retry(error.to_string()),
        Err(JobError::WorkersDied) => Verdict::DeadLetter {
            reason: "workers_died",
            told: "the workers that began this picture died, each time",
        },
    }
}

fn of_storage(error: &StorageError, attempt: u32) -> Verdict {
    match error {
        StorageError::NotFound => for_now(FailureKind::FileMissing, MISSING),
        StorageError::NotAllowed | StorageError::Invalid(_) => for_now(FailureKind::FileMissing, ELSEWHERE),
        StorageError::Truncated => for_now(FailureKind::FileChanged, CHANGED),
        StorageError::Unreadable(_) | StorageError::TooLarge(_) => for_now(FailureKind::StorageAway, AWAY),
        // Another attempt would hang as long as this one, and nobody would wait for its end.
        StorageError::Hung => for_now(FailureKind::StorageAway, HUNG),
        StorageError::Transient(_) if attempt >= STORAGE_ATTEMPTS_MAX => {
            for_now(FailureKind::StorageAway, AWAY)
        }
        StorageError::Transient(_) => Verdict::Retry(error.to_string()),
    }
}

fn of_slot(error: &SlotError, past: Past<'_>) -> Verdict {
    let attempt = past.attempt;
    // Only what a decoder did twice in a row is of the file: what failed for another reason before has tried it once.
    let again = past.was_the_same(&error.to_string());
    match error {
        SlotError::Crashed if again => {
            Verdict::DeadLetter { reason: "crashed", told: "the decoder crashed on this file, each time" }
        }
        SlotError::TimedOut(_) if again => Verdict::DeadLetter {
            reason: "timed_out",
            told: "the decoder did not finish with this file, each time",
        },
        SlotError::NotRead(ReadError::NotFound) => for_now(FailureKind::FileMissing, MISSING),
        SlotError::NotRead(ReadError::NotAllowed) => for_now(FailureKind::FileMissing, ELSEWHERE),
        SlotError::NotRead(ReadError::Failed(_)) if attempt >= STORAGE_ATTEMPTS_MAX => {
            for_now(FailureKind::StorageAway, AWAY)
        }
        SlotError::ReadTimedOut => for_now(FailureKind::StorageAway, HUNG),
        SlotError::Crashed
        | SlotError::TimedOut(_)
        | SlotError::NotRead(ReadError::Failed(_))
        | SlotError::Gone
        | SlotError::NoProcess(_) => Verdict::Retry(error.to_string()),
    }
}

/// Whether what failed is a back end that is away and has said so. Says so for the storage, of which jobs alone know.
fn is_known(jobs: &RenderJobs, job: &RenderJob, error: &JobError) -> bool {
    match error {
        JobError::Catalog(error) => error.is_transient(),
        error if error.is_of_storage() => {
            jobs.storage_watch.failed(jobs.storage.is_its_own(&job.source.location), error);
            true
        }
        _ => false,
    }
}

/// Settles `delivery` by what became of its job. Each failure is logged once, here; that a back end is away, once for all
/// jobs.
pub(super) async fn settle(
    jobs: &RenderJobs,
    job: &RenderJob,
    delivery: Delivery,
    result: Result<Done, JobError>,
) {
    let is_known = result.as_ref().is_err_and(|error| is_known(jobs, job, error));
    let verdict = verdict(result, Past::of(&delivery));
    match verdict {
        Verdict::Ack => settlement::note(delivery.ack().await),
        Verdict::ForNow { kind, told } => {
            if is_known {
                debug!(reason = told, "render job answered for now");
            } else {
                warn!(reason = told, "render job answered for now");
            }
            jobs.tally.failed(job, kind, told);
            let failure = RenderFailure { job_id: Some(job.job_id), ..RenderFailure::new(kind, told) };
            let _they_ask_again = jobs.coordination.tell(&job.render_key, &failure).await;
            if kind == FailureKind::FileChanged {
                jobs.changed.read_again(&job.source.location);
                // Which of them it is, is not told; one that is as it was stays so.
                job.locations_beside().for_each(|location| jobs.changed.read_again(location));
            }
            settlement::note(delivery.ack().await);
        }
        Verdict::DeadLetter { reason, told } => {
            error!(reason, "render job dead-lettered");
            jobs.tally.failed(job, FailureKind::Crashed, told);
            let outcome = Outcome::Failure(RenderFailure::new(FailureKind::Crashed, told));
            // Stored before the delivery goes: whoever waits, now or later, gets the answer.
            if let Err(error) = jobs.store(job, &outcome).await {
                warn!(%error, "the failure could not be remembered");
            }
            settlement::note(delivery.dead_letter(reason).await);
        }
        Verdict::Retry(cause) => retry(jobs, job, delivery, &cause, is_known).await,
    }
}

async fn retry(jobs: &RenderJobs, job: &RenderJob, delivery: Delivery, cause: &str, is_known: bool) {
    match delivery.retry(cause).await {
        Ok(RetryOutcome::Scheduled { delay }) if is_known => {
            debug!(cause, ?delay, "render job will be tried again");
        }
        Ok(RetryOutcome::Scheduled { delay }) => warn!(cause, ?delay, "render job will be tried again"),
        Ok(RetryOutcome::Exhausted) => {
            if is_known {
                debug!(cause, "render job failed for the last time");
            } else {
                error!(cause, "render job failed for the last time");
            }
            // Not remembered: what is transient may be gone at the next request. The claim goes with it.
            let _lease_runs_out = jobs.coordination.release(&job.render_key, job.job_id).await;
        }
        Err(error) => {
            settlement::said(&error, "render job could not be retried; the queue delivers it again")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FIRST: Past<'_> = Past { attempt: 1, last_cause: None };

    fn after(last_cause: &str) -> Past<'_> {
        Past { attempt: 2, last_cause: Some(last_cause) }
    }

    /// A storage that fails, and what else is no fault of a file.
    fn passing() -> Vec<(JobError, FailureKind)> {
        let failed = ReadError::Failed("stale handle".to_owned());
        let transient = StorageError::Transient("reset".to_owned());
        vec![
            (JobError::Storage(StorageError::NotFound), FailureKind::FileMissing),
            (JobError::Storage(StorageError::NotAllowed), FailureKind::FileMissing),
            (JobError::Storage(StorageError::Truncated), FailureKind::FileChanged),
            (JobError::Storage(StorageError::Unreadable("denied".to_owned())), FailureKind::StorageAway),
            (JobError::Storage(transient), FailureKind::StorageAway),
            (JobError::Storage(StorageError::Hung), FailureKind::StorageAway),
            (JobError::FileChanged, FailureKind::FileChanged),
            (JobError::Slot(SlotError::ReadTimedOut), FailureKind::StorageAway),
            (JobError::Slot(SlotError::NotRead(ReadError::NotFound)), FailureKind::FileMissing),
            (JobError::Slot(SlotError::NotRead(ReadError::NotAllowed)), FailureKind::FileMissing),
            (JobError::Slot(SlotError::NotRead(failed)), FailureKind::StorageAway),
        ]
    }

    /// Only a decoder that dies or hangs is remembered under the key of the picture.
    #[test]
    fn storage_that_is_away_is_never_a_lasting_failure() {
        for (error, expected) in passing() {
            let what = error.to_string();
            match verdict(Err(error), after(&what)) {
                Verdict::ForNow { kind, told } => {
                    assert_eq!(kind, expected, "{what}");
                    assert!(kind.passes() && !told.contains("decoder"), "{what}: {told}");
                }
                other => panic!("{what}: {other:?}"),
            }
        }
    }

    /// Whoever waits hears of it at once, and not after a second read that hangs as long.
    #[test]
    fn storage_that_hangs_is_told_after_the_first_attempt() {
        for error in [JobError::Storage(StorageError::Hung), JobError::Slot(SlotError::ReadTimedOut)] {
            let expected = for_now(FailureKind::StorageAway, HUNG);
            assert_eq!(verdict(Err(error), FIRST), expected);
        }
    }

    #[test]
    fn a_short_fault_is_tried_again_before_anybody_hears_of_it() {
        let fault = SlotError::NotRead(ReadError::Failed("stale handle".to_owned()));
        for error in [
            JobError::Slot(fault),
            JobError::Storage(StorageError::Transient("reset".to_owned())),
            JobError::Slot(SlotError::Gone),
            JobError::Slot(SlotError::NoProcess("too many".to_owned())),
            JobError::Slot(SlotError::Crashed),
            JobError::Slot(SlotError::TimedOut(Duration::from_secs(30))),
            JobError::Panicked,
            JobError::Catalog(CatalogError::Unavailable("away".to_owned())),
        ] {
            let what = error.to_string();
            assert_eq!(verdict(Err(error), FIRST), Verdict::Retry(what));
        }
    }

    fn dying() -> [(JobError, &'static str); 3] {
        [
            (JobError::Slot(SlotError::Crashed), "crashed"),
            (JobError::Slot(SlotError::TimedOut(Duration::from_secs(30))), "timed_out"),
            (JobError::Panicked, "panicked"),
        ]
    }

    #[test]
    fn what_dies_or_hangs_twice_in_a_row_is_a_dead_letter_and_an_answer() {
        for (error, expected) in dying() {
            let what = error.to_string();
            match verdict(Err(error), after(&what)) {
                Verdict::DeadLetter { reason, told } => {
                    assert_eq!(reason, expected);
                    assert!(told.contains("each time"), "{told}");
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_dies_once_after_an_unrelated_fault_is_tried_again() {
        for (error, what) in dying() {
            let verdict = verdict(Err(error), after("the catalog does not answer: connection"));
            assert!(matches!(verdict, Verdict::Retry(_)), "{what}: {verdict:?}");
        }
    }

    #[test]
    fn a_job_whose_workers_died_each_time_is_answered_and_kept_for_a_look() {
        let Verdict::DeadLetter { reason, .. } = verdict(Err(JobError::WorkersDied), FIRST) else {
            panic!("a dead letter")
        };
        assert_eq!(reason, "workers_died");
    }
}
