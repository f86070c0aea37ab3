//! Files whose bytes are not those of the index: they are read again, so that the next request shows what is there now.
//!
//! Only files that others write to, read where they lie. What was put into the storage itself is never written again,
//! so that other bytes there are damage, and damage must not become a picture.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use noctis_shared::storage::Storage;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::index::{FileOutcome, FileState, IndexError, Indexer};

/// Files that are being read again, and files that were and are remembered, so that one which no reading mends is not
/// read for each request.
const REMEMBERED_MAX: usize = 1000;
/// Files that are read again at a time.
const READS_MAX: usize = 2;
/// How long a file must have been left alone: half of a file that is being written is no picture.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// How often a file that goes on changing is looked at before it is left to the next request.
const LOOKS_MAX: u32 = 5;

/// What reads changed files again. Cheap to clone.
#[derive(Clone)]
pub struct ChangedFiles {
    indexer: Indexer,
    known: Arc<Mutex<Known>>,
    reads: Arc<Semaphore>,
}

/// Files by location.
#[derive(Default)]
struct Known {
    being_read: HashSet<String>,
    /// In which state each was read again.
    read: HashMap<String, FileState>,
}

impl ChangedFiles {
    /// Reads by `indexer`.
    #[must_use]
    pub fn new(indexer: Indexer) -> Self {
        Self { indexer, known: Arc::default(), reads: Arc::new(Semaphore::new(READS_MAX)) }
    }

    /// Has the file at `location` read again, in the background, unless it is the storage's own, is being read, or was
    /// read in the state in which it is.
    pub(super) fn read_again(&self, location: &str) {
        if self.indexer.storage.is_its_own(location) || !self.begin(location) {
            return;
        }
        let (changed, location) = (self.clone(), location.to_owned());
        tokio::spawn(async move {
            let read = changed.read(&location).await;
            changed.end(&location, read);
        });
    }

    fn begin(&self, location: &str) -> bool {
        let mut known = self.lock();
        known.being_read.len() < REMEMBERED_MAX && known.being_read.insert(location.to_owned())
    }

    fn end(&self, location: &str, read: Result<Option<FileState>, IndexError>) {
        let mut known = self.lock();
        known.being_read.remove(location);
        match read {
            Ok(Some(state)) => {
                if known.read.len() >= REMEMBERED_MAX {
                    known.read.clear();
                }
                known.read.insert(location.to_owned(), state);
            }
            Ok(None) => {}
            Err(error) => {
                warn!(%error, "a file that changed could not be read again; the next request tries it")
            }
        }
    }

    /// The state in which it was read; `None` when it could not be seen to rest.
    async fn read(&self, location: &str) -> Result<Option<FileState>, IndexError> {
        let Ok(_turn) = self.reads.acquire().await else { return Ok(None) };
        let Some(state) = at_rest(&self.indexer.storage, location).await? else { return Ok(None) };
        if self.lock().read.get(location) == Some(&state) {
            return Ok(Some(state));
        }
        let nobody_stops_it = CancellationToken::new();
        let locations = [location.to_owned()];
        let mut is_away = false;
        let note = |_: &str, outcome: &FileOutcome| is_away |= matches!(outcome, FileOutcome::Away(_));
        let summary = self.indexer.index(&locations, false, &nobody_stops_it, note).await?;
        if is_away {
            return Ok(None);
        }
        info!(
            accepted = summary.accepted,
            duplicate = summary.duplicate,
            rejected = summary.rejected + summary.conflict,
            "a file that changed was read again"
        );
        Ok(Some(state))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a file once nobody has written to it for a while; `None` while somebody does, and for an object.
async fn at_rest(storage: &Storage, location: &str) -> Result<Option<FileState>, IndexError> {
    for _ in 0..LOOKS_MAX {
        let Some(metadata) = storage.local_metadata(location).await? else { return Ok(None) };
        let state = FileState::of(&metadata);
        if state.rests_for(SETTLED_AFTER) {
            return Ok(Some(state));
        }
        tokio::time::sleep(SETTLED_AFTER).await;
    }
    Ok(None)
}
