//! What this worker says of itself: every few seconds while it lives, for operators to see who works and how.
//!
//! What must not be here: metrics, which are for Prometheus and told by `/metrics`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use noctis_shared::{
    coordination::Coordination,
    job::RenderJob,
    lane::Lane,
    presence::{Presence, RecentFailure, Stages, Worker},
    render::{FailureKind, StageTimings},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;

use crate::slot::{SlotUse, Slots};

/// How often it says so.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// How long a word holds: one may be lost.
const HOLDS: Duration = Duration::from_secs(15);

/// Pictures whose stages are told.
const PICTURES_MAX: usize = 256;
/// Failures that are told.
const FAILURES_MAX: usize = 20;

/// What became of the renders of a worker. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    rendered: u64,
    failed: u64,
    /// The newest last.
    timings: VecDeque<StageTimings>,
    /// The newest first.
    failures: VecDeque<RecentFailure>,
}

impl Tally {
    pub(crate) fn rendered(&self, timings: StageTimings) {
        let mut counts = self.lock();
        counts.rendered += 1;
        if counts.timings.len() == PICTURES_MAX {
            counts.timings.pop_front();
        }
        counts.timings.push_back(timings);
    }

    pub(crate) fn failed(&self, job: &RenderJob, kind: FailureKind, reason: &str) {
        let (image_id, study_id) = (job.image_id, job.study_id);
        let failure = RecentFailure { at: Utc::now(), image_id, study_id, kind, reason: reason.to_owned() };
        let mut counts = self.lock();
        counts.failed += 1;
        counts.failures.truncate(FAILURES_MAX - 1);
        counts.failures.push_front(failure);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stages(timings: &VecDeque<StageTimings>) -> Stages {
    let of_one = |timings: &StageTimings| Stages { pictures: 1, mean: *timings, longest: *timings };
    timings.iter().map(of_one).fold(Stages::default(), Stages::with)
}

/// A worker that says what it is.
pub(crate) struct Present {
    pub(crate) coordination: Coordination,
    /// Host and process.
    pub(crate) name: String,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) lanes: Vec<Lane>,
    /// When it takes none of them any more.
    pub(crate) shutdown: CancellationToken,
    pub(crate) slots: Slots,
    pub(crate) tally: Tally,
}

impl Present {
    /// Says so until `gone`, then takes it back.
    pub(crate) async fn run(self, gone: CancellationToken) {
        let worker_id = Uuid::new_v4();
        loop {
            let drains = self.shutdown.is_cancelled();
            let said = self.coordination.be_present(worker_id, &self.now(), HOLDS).await;
            // A Redis that is away has said so, and this is said again.
            if let Err(error) = said {
                debug!(%error, "this worker could not say that it is there");
            }
            tokio::select! {
                () = sleep(SAY_EVERY) => {}
                () = self.shutdown.cancelled(), if !drains => {}
                () = gone.cancelled() => break,
            }
        }
        let _it_runs_out = self.coordination.be_gone(worker_id).await;
    }

    fn now(&self) -> Presence {
        let SlotUse { slots, busy, waiting } = self.slots.in_use();
        let counts = self.tally.lock();
        let worker = Worker {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            lanes: if self.shutdown.is_cancelled() { Vec::new() } else { self.lanes.clone() },
            slots,
            busy,
            waiting,
            rendered: counts.rendered,
            failed: counts.failed,
            stages: stages(&counts.timings),
        };
        Presence { worker, failures: counts.failures.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_of_the_last_pictures() {
        let tally = Tally::default();
        assert_eq!(stages(&tally.lock().timings), Stages::default());
        for nth in 0..PICTURES_MAX + 4 {
            let decode_ms = if nth < 4 { 1e6 } else { 2.0 + (nth % 2) as f64 };
            tally.rendered(StageTimings { decode_ms, ..StageTimings::default() });
        }
        let told = stages(&tally.lock().timings);
        assert_eq!((told.pictures, told.longest.decode_ms), (PICTURES_MAX as u64, 3.0));
        assert!((told.mean.decode_ms - 2.5).abs() < 1e-9, "{told:?}");
        assert_eq!(tally.lock().rendered, PICTURES_MAX as u64 + 4);
    }
}
