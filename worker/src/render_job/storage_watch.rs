//! Whether files can be read, so that a storage which is away is told once and not with each job that meets it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{info, warn};

/// A storage is back when files of it were read and for so long none was not: beside one file that is missing the others
/// are there.
const QUIET: Duration = Duration::from_secs(10);

/// What is known of the storage and of the ingest roots. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StorageWatch(Arc<Mutex<[Option<Instant>; 2]>>);

/// Under which setting files lie.
const SETTINGS: [&str; 2] = ["NOCTIS_STORAGE_URL", "NOCTIS_INGEST_ROOTS, or a path that is served"];

impl StorageWatch {
    /// A file could not be read, for no fault of its own. Says so unless that is known; whether it was said now.
    pub(super) fn failed(&self, is_its_own: bool, error: &dyn std::fmt::Display) -> bool {
        let mut last_failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = last_failures[usize::from(!is_its_own)].replace(Instant::now()).is_none();
        if was_there {
            warn!(
                setting = SETTINGS[usize::from(!is_its_own)],
                %error,
                "files cannot be read, whoever asks is told so"
            );
        }
        was_there
    }

    /// A file was read. Where it lies is asked only while something is away.
    pub(super) fn answered(&self, is_its_own: impl FnOnce() -> bool) {
        let mut last_failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *last_failures == [None, None] {
            return;
        }
        let is_its_own = is_its_own();
        let last_failure = &mut last_failures[usize::from(!is_its_own)];
        if last_failure.take_if(|at| at.elapsed() > QUIET).is_some() {
            info!(setting = SETTINGS[usize::from(!is_its_own)], "files can be read again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_away_is_said_once_for_each_of_the_two() {
        let watch = StorageWatch::default();
        assert_eq!(
            [true, true, false, true, false].map(|own| watch.failed(own, &"stale handle")),
            [true, false, true, false, false]
        );
        watch.answered(|| true);
        assert!(
            !watch.failed(true, &"stale handle"),
            "one file that is read beside those that are not is no return"
        );
    }
}
