//! New studies: files into the catalog, by event or by path.
//!
//! [`Indexer`] reads the files under a location; [`instance`] turns one file into a row; [`event`] handles messages.

mod checksums;
mod dicom_text;
mod event;
mod file_state;
mod identity;
pub mod instance;
mod order_facts;

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    cache::Cache,
    catalog::{Catalog, CatalogError, KnownFile, NewInstance, Recorded},
    event::{RejectedFile, StudyIndexed},
    forget::{Change, ForgetError, Forgetting},
    own_id,
    storage::{Listing, Storage, StorageError},
};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

pub use event::IndexJobs;
pub use file_state::FileState;
pub use identity::MissingUids;
pub use instance::{Rejected, read_instance};

/// Instances that are recorded in one transaction. Headers are some 10 KB each, so a batch is some MB.
const BATCH_MAX: usize = 256;

/// Files that are read ahead while a batch is recorded.
const READ_AHEAD: usize = 64;

/// How long the storage may take for a small file, or for the next entry of a folder.
const READ_MAX_LEAST: Duration = Duration::from_secs(60);

/// A storage that is slower than this on a large file is held to hang.
const SLOW_BYTES_PER_SECOND: u64 = 1 << 20;

/// Reasons that a summary names; the counts go on.
const REASONS_MAX: usize = 1000;

/// Reads files into the catalog. Cheap to clone.
#[derive(Clone)]
pub struct Indexer {
    /// Where instances are recorded.
    pub catalog: Catalog,
    /// Where stale answers are forgotten.
    pub cache: Cache,
    /// Where files lie.
    pub storage: Storage,
    /// Files that are read at a time.
    pub readers: usize,
    /// Whether pictures without UIDs are shown.
    pub missing_uids: MissingUids,
}

/// What became of one file, for progress and summaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// A new instance, or one that took the place of a known one.
    Accepted,
    /// A known instance with the same bytes.
    Duplicate,
    /// A known instance with other bytes; the first stays.
    Conflict,
    /// Not an instance, and why.
    Rejected(String),
    /// It could not be read, for a reason that may pass. Counted as rejected.
    Away(String),
}

impl From<Rejected> for FileOutcome {
    fn from(rejected: Rejected) -> Self {
        match &rejected {
            Rejected::Away(_) => FileOutcome::Away(rejected.to_string()),
            _ => FileOutcome::Rejected(rejected.to_string()),
        }
    }
}

/// Why a run stopped early. What was recorded stays; the next run skips it as duplicates.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The catalog does not take it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The location cannot be listed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What the caches still tell may be stale.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// Shutdown.
    #[error("stopped by shutdown")]
    Stopped,
}

struct Read {
    location: String,
    instance: Result<NewInstance, Rejected>,
}

impl Indexer {
    /// Indexes every file under each of `locations`. `progress` hears of each file as it is decided. Memory stays
    /// bounded: some files are read ahead, and a batch is recorded before the next is gathered.
    ///
    /// # Errors
    /// [`IndexError`]; what was recorded before stays.
    pub async fn index(
        &self,
        locations: &[String],
        replace: bool,
        shutdown: &CancellationToken,
        mut progress: impl FnMut(&str, &FileOutcome),
    ) -> Result<StudyIndexed, IndexError> {
        let mut summary = StudyIndexed::default();
        for location in locations {
            let reads = match self.read_all(location).await {
                Ok(reads) => reads,
                // One object of many that is gone or unreadable does not stop the rest.
                Err(IndexError::Storage(error)) if locations.len() > 1 && is_of_one_file(&error) => {
                    count(&mut summary, location, outcome_of(&error), &mut progress);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut reads = pin!(reads.ready_chunks(BATCH_MAX));
            loop {
                let chunk = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return Err(IndexError::Stopped),
                    chunk = reads.next() => chunk,
                };
                let Some(chunk) = chunk else { break };
                let mut batch = Vec::with_capacity(chunk.len());
                for read in chunk {
                    let Read { location, instance } = match read {
                        Err(error) if is_of_one_file(&error) => {
                            count(&mut summary, location, outcome_of(&error), &mut progress);
                            continue;
                        }
                        read => read?,
                    };
                    match instance {
                        Ok(instance) => batch.push(instance),
                        Err(rejected) => {
                            count(&mut summary, &location, rejected.into(), &mut progress);
                        }
                    }
                }
                self.record(batch, replace, &mut summary, &mut progress).await?;
            }
        }
        Ok(summary)
    }

    /// Reads the files under `location` in parallel, a bounded number ahead, and yields them in the order of the
    /// listing: which of two files with one UID comes first must not be chance.
    async fn read_all(
        &self,
        location: &str,
    ) -> Result<impl Stream<Item = Result<Read, StorageError>> + use<>, IndexError> {
        let listing = self.storage.list(location).await?;
        let locations =
            stream::unfold(listing, async |mut listing| Some((next_listed(&mut listing).await?, listing)));
        let storage = self.storage.clone();
        let places = Arc::new(Semaphore::new(self.readers));
        let missing_uids = self.missing_uids;
        let reads = locations.map(move |location| {
            let (storage, places) = (storage.clone(), Arc::clone(&places));
            // A task of its own, so that files are read while a batch is recorded; few at a time, since each is in memory.
            let read = tokio::spawn(async move {
                let _place = places.acquire().await;
                read_one(&storage, location?, missing_uids).await
            });
            async { read.await.unwrap_or_else(|error| Err(StorageError::Transient(error.to_string()))) }
        });
        Ok(reads.buffered(self.readers + READ_AHEAD))
    }

    async fn record(
        &self,
        batch: Vec<NewInstance>,
        replace: bool,
        summary: &mut StudyIndexed,
        progress: &mut impl FnMut(&str, &FileOutcome),
    ) -> Result<(), IndexError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut recorded = self.catalog.record_instances(&batch, replace).await?;
        self.follow_changed(&batch, &mut recorded).await?;
        self.follow_moved(&batch, &recorded).await?;
        let forgetting = Forgetting::new(&self.catalog, &self.cache);
        forgetting.forget(Change::Recorded { instances: &batch, recorded: &recorded }).await?;
        let strangers = recorded.iter().filter(|recorded| **recorded == Recorded::OtherPatient).count();
        if strangers > 0 {
            warn!(strangers, "files name another patient than their study: each is told with its own");
        }
        for (instance, recorded) in batch.into_iter().zip(recorded) {
            let outcome = match recorded {
                Recorded::Accepted | Recorded::OtherPatient | Recorded::Replaced { .. } => {
                    FileOutcome::Accepted
                }
                Recorded::Duplicate => FileOutcome::Duplicate,
                Recorded::Conflict => FileOutcome::Conflict,
            };
            count(summary, &instance.location, outcome, progress);
        }
        Ok(())
    }

    /// Files that were written to where they lie: the bytes that the catalog knows are no more, so that the new ones take
    /// their place. A conflict is of two files.
    async fn follow_changed(
        &self,
        batch: &[NewInstance],
        recorded: &mut [Recorded],
    ) -> Result<(), IndexError> {
        let known = self.known_files(batch, recorded, Recorded::Conflict).await?;
        for (instance, recorded) in batch.iter().zip(recorded) {
            let file = known.get(&own_id(instance)).filter(|_| *recorded == Recorded::Conflict);
            if file.is_some_and(|file| file.location == instance.location) {
                let again = self.catalog.record_instances(std::slice::from_ref(instance), true).await?;
                *recorded = again.first().copied().unwrap_or(Recorded::Conflict);
            }
        }
        Ok(())
    }

    /// Files that are known but have moved: their instances are read from where they lie now.
    async fn follow_moved(&self, batch: &[NewInstance], recorded: &[Recorded]) -> Result<(), IndexError> {
        let known = self.known_files(batch, recorded, Recorded::Duplicate).await?;
        let mut moved = Vec::new();
        for (instance, _) in
            batch.iter().zip(recorded).filter(|(_, recorded)| **recorded == Recorded::Duplicate)
        {
            let Some(file) = known.get(&own_id(instance)) else { continue };
            if file.location != instance.location && !self.may_be_there(&file.location).await {
                self.catalog.relocate(file.key, &instance.location).await?;
                moved.push(file.key);
            }
        }
        if !moved.is_empty() {
            Forgetting::new(&self.catalog, &self.cache).forget(Change::Moved(&moved)).await?;
        }
        Ok(())
    }

    /// What the catalog knows of the files of those instances of a batch of which this came, by own id.
    async fn known_files(
        &self,
        batch: &[NewInstance],
        recorded: &[Recorded],
        outcome: Recorded,
    ) -> Result<HashMap<Uuid, KnownFile>, IndexError> {
        let of_these = batch.iter().zip(recorded).filter(|(_, recorded)| **recorded == outcome);
        let own_ids: Vec<Uuid> = of_these.map(|(instance, _)| own_id(instance)).collect();
        let known = self.catalog.known_files(&own_ids).await?;
        Ok(known.into_iter().map(|file| (file.own_id, file)).collect())
    }

    /// Whether a file is where it was, or may be: a share that is away for a moment has moved nothing.
    async fn may_be_there(&self, location: &str) -> bool {
        match self.storage.local_metadata(location).await {
            Ok(metadata) => metadata.is_none_or(|metadata| metadata.is_file()),
            Err(error) => error.is_transient(),
        }
    }
}

/// What names an instance alone, whatever else has its UID.
fn own_id(instance: &NewInstance) -> Uuid {
    own_id::of_image(&instance.study.uid, &instance.series.uid, &instance.sop_instance_uid)
}

/// Whether an error is about one file, so that the others are still worth reading.
fn is_of_one_file(error: &StorageError) -> bool {
    match error {
        StorageError::NotFound
        | StorageError::Unreadable(_)
        | StorageError::Truncated
        | StorageError::TooLarge(_) => true,
        StorageError::NotAllowed | StorageError::Invalid(_) | StorageError::Transient(_) => false,
    }
}

/// What an error about one file makes of it. What is not there may be on a share that is away for a moment.
fn outcome_of(error: &StorageError) -> FileOutcome {
    match error {
        StorageError::NotFound => FileOutcome::Away(error.to_string()),
        _ => FileOutcome::Rejected(error.to_string()),
    }
}

async fn read_one(
    storage: &Storage,
    location: String,
    missing_uids: MissingUids,
) -> Result<Read, StorageError> {
    let file = match storage.local_file(&location).await {
        Ok(file) => file,
        Err(error) if error.is_transient() => return Err(error),
        // It was listed a moment ago.
        Err(error @ StorageError::NotFound) => {
            return Ok(Read { location, instance: Err(Rejected::Away(error.to_string())) });
        }
        Err(error) => {
            return Ok(Read { location, instance: Err(Rejected::Unreadable(error.to_string())) });
        }
    };
    let byte_count = storage.local_metadata(&location).await.ok().flatten().map_or(0, |file| file.len());
    let for_row = location.clone();
    let read = tokio::task::spawn_blocking(move || read_instance(&file.path, &for_row, missing_uids));
    let read = timeout(read_max(byte_count), read).await;
    // The thread stays until the storage lets go of it. The next file would hang as this one does.
    let read = read.map_err(|_| StorageError::Transient("a file could not be read in time".to_owned()))?;
    let instance = read.unwrap_or_else(|_| Err(Rejected::Unreadable("the parser failed on it".into())));
    Ok(Read { location, instance })
}

/// The next location of a listing; an error when the storage does not come up with one, and nothing after that.
async fn next_listed(listing: &mut Listing) -> Option<Result<String, StorageError>> {
    let late = || Some(Err(StorageError::Transient("a folder could not be listed in time".to_owned())));
    timeout(READ_MAX_LEAST, listing.next()).await.unwrap_or_else(|_| late())
}

/// How long the reading of a file may take before its storage is held to hang.
fn read_max(byte_count: u64) -> Duration {
    READ_MAX_LEAST + Duration::from_secs(byte_count / SLOW_BYTES_PER_SECOND)
}

fn count(
    summary: &mut StudyIndexed,
    location: &str,
    outcome: FileOutcome,
    progress: &mut impl FnMut(&str, &FileOutcome),
) {
    progress(location, &outcome);
    let reason = match outcome {
        FileOutcome::Accepted => {
            summary.accepted += 1;
            return;
        }
        FileOutcome::Duplicate => {
            summary.duplicate += 1;
            return;
        }
        FileOutcome::Conflict => {
            summary.conflict += 1;
            "the SOP Instance UID is known with other bytes; the first stays".to_owned()
        }
        FileOutcome::Rejected(reason) | FileOutcome::Away(reason) => {
            summary.rejected += 1;
            reason
        }
    };
    if summary.reasons.len() < REASONS_MAX {
        summary.reasons.push(RejectedFile { location: location.to_owned(), reason });
    }
}
