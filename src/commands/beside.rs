//! What programs on one data folder know of each other: there is one server at a time, and it learns what another
//! program changed.
//!
//! Without Redis each process has a cache of its own, and nobody would tell it. So whoever changes the catalog beside a
//! server leaves a note in the folder, and the server looks for it.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use noctis_shared::{cache::Cache, program::Failure, settings::Settings};

/// How often a server looks for the note.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The right to serve from a data folder, until it is dropped.
pub(super) struct Tenancy {
    _lock: File,
}

/// Takes the data folder of `settings` for this server, if its catalog lies there.
///
/// # Errors
/// [`Failure::Setting`] when another server has it, or it cannot be written to.
pub(super) fn take(settings: &Settings) -> Result<Option<Tenancy>, Failure> {
    if !settings.catalog_is_in_data() {
        return Ok(None);
    }
    let data = settings.data.display();
    let refused = |reason: String| Failure::usage("NOCTIS_DATA", &format!("{data}: {reason}"));
    let lock = File::create(settings.data.join("lock")).map_err(|error| refused(error.to_string()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Tenancy { _lock: lock })),
        Err(TryLockError::WouldBlock) => Err(refused(
            "another noctis serve works in this folder; give one of them another with --data".to_owned(),
        )),
        Err(TryLockError::Error(error)) => Err(refused(error.to_string())),
    }
}

fn note(data: &Path) -> PathBuf {
    data.join("changed")
}

/// Leaves a note that the catalog in `data` was changed.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn leave_note(data: &Path) -> io::Result<()> {
    std::fs::write(note(data), [])
}

/// Forgets what the cache of this server holds whenever another program leaves a note. Runs until its task is dropped.
pub(super) async fn follow_notes(data: PathBuf, cache: Cache) {
    let left_at = || std::fs::metadata(note(&data)).and_then(|note| note.modified()).ok();
    let mut seen: Option<SystemTime> = left_at();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let left = left_at();
        if left != seen {
            seen = left;
            // What was read from the catalog just before the note may still be on its way into the cache.
            for pause in [Duration::ZERO, LOOK_EVERY] {
                tokio::time::sleep(pause).await;
                // The memory of this process forgets always; a Redis beside SQLite that is away forgets by time.
                let _it_expires = cache.clear().await;
            }
        }
    }
}
