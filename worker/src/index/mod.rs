//! New studies: files into the catalog, by event or by path.
//!
//! [`Indexer`] reads the files under a location; [`instance`] turns one file into a row; [`event`] handles messages.

mod dicom_text;
mod event;
pub mod instance;
mod slice_position;

use std::{pin::pin, sync::Arc};

use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    cache::{Cache, Forget},
    catalog::{Catalog, CatalogError, NewInstance, Recorded},
    dicom_uid::public_id,
    event::{RejectedFile, StudyIndexed},
    metadata_names,
    storage::{Storage, StorageError},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use event::IndexJobs;
pub use instance::{Rejected, read_instance};

/// Instances that are recorded in one transaction. Headers are some 10 KB each, so a batch is some MB.
const BATCH_MAX: usize = 256;

/// Files that are read ahead while a batch is recorded.
const READ_AHEAD: usize = 64;

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
            let mut reads = pin!(self.read_all(location)?.ready_chunks(BATCH_MAX));
            loop {
                let chunk = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return Err(IndexError::Stopped),
                    chunk = reads.next() => chunk,
                };
                let Some(chunk) = chunk else { break };
                let mut batch = Vec::with_capacity(chunk.len());
                for read in chunk {
                    let Read { location, instance } = read?;
                    match instance {
                        Ok(instance) => batch.push(instance),
                        Err(rejected) => {
                            let outcome = FileOutcome::Rejected(rejected.to_string());
                            count(&mut summary, &location, outcome, &mut progress);
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
    fn read_all(
        &self,
        location: &str,
    ) -> Result<impl Stream<Item = Result<Read, StorageError>> + use<>, IndexError> {
        let listing = self.storage.list(location)?;
        let locations = stream::unfold(listing, async |mut listing| Some((listing.next().await?, listing)));
        let storage = self.storage.clone();
        let places = Arc::new(Semaphore::new(self.readers));
        let reads = locations.map(move |location| {
            let (storage, places) = (storage.clone(), Arc::clone(&places));
            // A task of its own, so that files are read while a batch is recorded; few at a time, since each is in memory.
            let read = tokio::spawn(async move {
                let _place = places.acquire().await;
                read_one(&storage, location?).await
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
        let recorded = self.catalog.record_instances(&batch, replace).await?;
        self.forget_stale(&batch, &recorded).await;
        for (instance, recorded) in batch.into_iter().zip(recorded) {
            let outcome = match recorded {
                Recorded::Accepted | Recorded::Replaced { .. } => FileOutcome::Accepted,
                Recorded::Duplicate => FileOutcome::Duplicate,
                Recorded::Conflict => FileOutcome::Conflict,
            };
            count(summary, &instance.location, outcome, progress);
        }
        Ok(())
    }

    /// Answers about studies that changed, and pictures of instances that were replaced.
    async fn forget_stale(&self, batch: &[NewInstance], recorded: &[Recorded]) {
        let changed =
            |recorded: &Recorded| matches!(recorded, Recorded::Accepted | Recorded::Replaced { .. });
        let mut names: Vec<String> = batch
            .iter()
            .zip(recorded)
            .filter(|(_, recorded)| changed(recorded))
            .flat_map(|(instance, _)| {
                metadata_names::all_of_study(
                    public_id(&instance.study.uid),
                    &[public_id(&instance.series.uid)],
                    &[public_id(&instance.sop_instance_uid)],
                )
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        let replaced: Vec<_> = recorded
            .iter()
            .filter_map(|recorded| match recorded {
                Recorded::Replaced { image_id } => Some(*image_id),
                _ => None,
            })
            .collect();
        if let Err(error) = self.cache.forget_metadata(&names).await {
            tracing::warn!(%error, "stale answers stay in the cache until they expire");
        }
        if !replaced.is_empty() {
            let forgotten = self.cache.forget_images(&replaced).await;
            let told = self.cache.broadcast_forget(Forget::Images(replaced.into())).await;
            if let Err(error) = forgotten.and(told) {
                tracing::warn!(%error, "renders of replaced instances stay in the cache until they expire");
            }
        }
    }
}

async fn read_one(storage: &Storage, location: String) -> Result<Read, StorageError> {
    let file = match storage.local_file(&location).await {
        Ok(file) => file,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => {
            let instance = Err(Rejected::Unreadable(error.to_string()));
            return Ok(Read { location, instance });
        }
    };
    let for_row = location.clone();
    let read = tokio::task::spawn_blocking(move || read_instance(&file.path, &for_row));
    let instance = read.await.unwrap_or_else(|_| Err(Rejected::Unreadable("the parser failed on it".into())));
    Ok(Read { location, instance })
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
        FileOutcome::Rejected(reason) => {
            summary.rejected += 1;
            reason
        }
    };
    if summary.reasons.len() < REASONS_MAX {
        summary.reasons.push(RejectedFile { location: location.to_owned(), reason });
    }
}
