//! New studies: files into the catalog, by event or by path.
//!
//! [`Indexer`] records the files under a location; [`read_ahead`] reads them, [`reading`] one of them, [`instance`] makes a
//! row of it, [`files_in_hand`] bounds how many there are at a time; [`event`] handles messages.

mod checksums;
mod dicom_text;
mod elements;
mod event;
mod file_state;
mod files_in_hand;
mod header_json;
mod identity;
pub mod instance;
mod order_facts;
mod prerender;
mod read_ahead;
mod reading;
mod rejected;

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    sync::Arc,
};

use futures::StreamExt;
use noctis_shared::{
    catalog::{Catalog, CatalogError, KnownFile, NewInstance, Recorded},
    dicom_uid::public_id,
    event::{RejectedFile, StudyIndexed},
    forget::{Change, ForgetError, Forgetting},
    presets::Presets,
    storage::{Storage, StorageError, Stored},
    webhook::StudyNews,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

pub(crate) use read_ahead::Read;

pub use event::IndexJobs;
pub use file_state::FileState;
pub use files_in_hand::{FilesInHand, IN_HAND_BYTES_MAX};
pub use identity::MissingUids;
pub use reading::read_instance;
pub use rejected::Rejected;

/// Instances that are recorded in one transaction. Headers are some 10 KB each, so a batch is some MB.
pub(crate) const BATCH_MAX: usize = 256;

/// Reasons that a summary names; the counts go on.
const REASONS_MAX: usize = 1000;

/// Reads files into the catalog. Cheap to clone.
#[derive(Clone)]
pub struct Indexer {
    /// Where instances are recorded.
    pub catalog: Catalog,
    /// What has stale answers forgotten.
    pub forgetting: Forgetting,
    /// Where files lie.
    pub storage: Storage,
    /// What bounds the files that are read at a time, in all runs of this process.
    pub files: FilesInHand,
    /// Whether pictures without UIDs are shown.
    pub missing_uids: MissingUids,
    /// The windows that have names, for what events have made ahead.
    pub presets: Arc<Presets>,
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

impl FileOutcome {
    /// Why the file was not taken.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            FileOutcome::Accepted | FileOutcome::Duplicate => None,
            FileOutcome::Conflict => {
                Some("the SOP Instance UID is known with other bytes; the first stays".to_owned())
            }
            FileOutcome::Rejected(reason) | FileOutcome::Away(reason) => Some(reason.clone()),
        }
    }
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

impl Indexer {
    /// Indexes every file under each of `locations`. `progress` hears of each file as it is decided. Memory stays
    /// bounded by [`FilesInHand`]: some files are read ahead, and a batch is recorded before the next is gathered.
    ///
    /// # Errors
    /// [`IndexError`]; what was recorded before stays.
    pub async fn index(
        &self,
        locations: &[String],
        replace: bool,
        shutdown: &CancellationToken,
        progress: impl FnMut(&str, &FileOutcome),
    ) -> Result<StudyIndexed, IndexError> {
        self.index_studies(locations, replace, shutdown, &mut BTreeSet::new(), progress).await
    }

    /// The same, and adds to `study_ids` the studies that the files are of.
    ///
    /// # Errors
    /// As [`index`](Self::index).
    pub async fn index_studies(
        &self,
        locations: &[String],
        replace: bool,
        shutdown: &CancellationToken,
        study_ids: &mut BTreeSet<Uuid>,
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
                let mut shares = Vec::with_capacity(chunk.len());
                for read in chunk {
                    let Read { location, instance, share } = match read {
                        Err(error) if is_of_one_file(&error) => {
                            count(&mut summary, location, outcome_of(&error), &mut progress);
                            continue;
                        }
                        read => read?,
                    };
                    match instance {
                        Ok(instance) => {
                            batch.push(instance);
                            shares.push(share);
                        }
                        Err(rejected) => {
                            count(&mut summary, &location, rejected.into(), &mut progress);
                        }
                    }
                }
                study_ids.extend(batch.iter().map(|instance| public_id(&instance.study_instance_uid)));
                self.record(batch, replace, &mut summary, &mut progress).await?;
                drop(shares);
            }
        }
        Ok(summary)
    }

    /// Records a batch. `progress` hears of each file, in their order.
    pub(crate) async fn record(
        &self,
        batch: Vec<NewInstance>,
        replace: bool,
        summary: &mut StudyIndexed,
        progress: &mut impl FnMut(&str, &FileOutcome),
    ) -> Result<(), IndexError> {
        if batch.is_empty() {
            return Ok(());
        }
        let is_ours = |location: &str, stored: &Stored<'_>| self.storage.is_ours(location, stored);
        let mut recorded = self.catalog.record_instances_owing(&batch, replace, &is_ours).await?;
        self.follow_changed(&batch, &mut recorded).await?;
        self.follow_moved(&batch, &recorded).await?;
        self.forgetting.forget(Change::Recorded { instances: &batch, recorded: &recorded }).await?;
        let strangers = recorded.iter().filter(|recorded| **recorded == Recorded::OtherPatient).count();
        if strangers > 0 {
            warn!(strangers, "files name another patient than their study: each is told with its own");
        }
        self.note(&batch, &recorded).await?;
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

    /// Notes which studies came or changed, for webhooks. One is new when all it has came just now.
    async fn note(&self, batch: &[NewInstance], recorded: &[Recorded]) -> Result<(), IndexError> {
        if self.catalog.webhooks().await?.is_empty() {
            return Ok(());
        }
        let mut came: HashMap<&str, (u32, bool)> = HashMap::new();
        for (instance, recorded) in batch.iter().zip(recorded) {
            match recorded {
                Recorded::Accepted | Recorded::OtherPatient => {
                    came.entry(&instance.study_instance_uid).or_default().0 += 1;
                }
                Recorded::Replaced { .. } => came.entry(&instance.study_instance_uid).or_default().1 = true,
                Recorded::Duplicate | Recorded::Conflict => {}
            }
        }
        for (study_instance_uid, (accepted, any_replaced)) in came {
            let study = self.catalog.study(public_id(study_instance_uid)).await?;
            let is_new = study.is_some_and(|study| study.image_count == accepted) && !any_replaced;
            let news = if is_new { StudyNews::New } else { StudyNews::Changed };
            self.catalog.note_study(news, study_instance_uid).await?;
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
            let file = known.get(&instance.own_id()).filter(|_| *recorded == Recorded::Conflict);
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
            let Some(file) = known.get(&instance.own_id()) else { continue };
            if file.location != instance.location && !self.may_be_there(&file.location).await {
                self.catalog.relocate(file.key, &instance.location).await?;
                moved.push(file.key);
            }
        }
        if !moved.is_empty() {
            self.forgetting.forget(Change::Moved(&moved)).await?;
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
        let own_ids: Vec<Uuid> = of_these.map(|(instance, _)| instance.own_id()).collect();
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

/// Whether an error is about one file, so that the others are still worth reading.
pub(crate) fn is_of_one_file(error: &StorageError) -> bool {
    match error {
        StorageError::NotFound
        | StorageError::Unreadable(_)
        | StorageError::Truncated
        | StorageError::TooLarge(_) => true,
        StorageError::NotAllowed
        | StorageError::Invalid(_)
        | StorageError::Hung
        | StorageError::Transient(_) => false,
    }
}

/// What an error about one file makes of it. What is not there may be on a share that is away for a moment.
fn outcome_of(error: &StorageError) -> FileOutcome {
    match error {
        StorageError::NotFound => FileOutcome::Away(error.to_string()),
        _ => FileOutcome::Rejected(error.to_string()),
    }
}

/// Counts a file; answers why it was not taken.
pub(crate) fn count(
    summary: &mut StudyIndexed,
    location: &str,
    outcome: FileOutcome,
    progress: &mut impl FnMut(&str, &FileOutcome),
) -> Option<String> {
    progress(location, &outcome);
    let counted = match outcome {
        FileOutcome::Accepted => &mut summary.accepted,
        FileOutcome::Duplicate => &mut summary.duplicate,
        FileOutcome::Conflict => &mut summary.conflict,
        FileOutcome::Rejected(_) | FileOutcome::Away(_) => &mut summary.rejected,
    };
    *counted += 1;
    let reason = outcome.reason()?;
    if summary.reasons.len() < REASONS_MAX {
        summary.reasons.push(RejectedFile { location: location.to_owned(), reason: reason.clone() });
    }
    Some(reason)
}
