//! Files that the API left in the storage: each read, held against what the upload may bring and what is known, put where it
//! belongs, and recorded.
//!
//! A worker that dies on the way leaves the files where they lie: the next begins anew, and finds as duplicates what was recorded.

use std::{collections::HashMap, pin::pin};

use futures::StreamExt;
use noctis_shared::{
    catalog::NewInstance,
    event::StudyIndexed,
    render_key::ContentDigest,
    storage::StorageError,
    upload::{InstanceUids, Upload, UploadResult, UploadedInstance},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{keep_from_removal, known};
use crate::index::{BATCH_MAX, FileOutcome, IndexError, Indexer, Read, Rejected, count, is_of_one_file};

/// What became of an upload.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Of each file, in their order.
    pub(crate) instances: Vec<UploadedInstance>,
    /// The same in numbers.
    pub(crate) summary: StudyIndexed,
    /// What was admitted, by own id: of two with one UID the first stays.
    admitted: HashMap<Uuid, ContentDigest>,
}

/// Takes the files of `upload`.
///
/// # Errors
/// [`IndexError`]; what was recorded before stays.
pub(crate) async fn take(
    indexer: &Indexer,
    upload: &Upload,
    shutdown: &CancellationToken,
) -> Result<Taken, IndexError> {
    let mut taken = Taken::default();
    let folder = indexer.storage.incoming(upload.event_id).ok_or(StorageError::NotAllowed)?;
    let mut reads = pin!(indexer.read_all(&folder).await?.ready_chunks(BATCH_MAX));
    loop {
        let chunk = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Err(IndexError::Stopped),
            chunk = reads.next() => chunk,
        };
        let Some(chunk) = chunk else { return Ok(taken) };
        let (mut batch, mut shares) = (Vec::with_capacity(chunk.len()), Vec::with_capacity(chunk.len()));
        for read in chunk {
            let Read { location, instance, share } = match read {
                Err(error) if is_of_one_file(&error) => {
                    taken.refuse(None, UploadResult::Rejected, FileOutcome::Rejected(error.to_string()));
                    continue;
                }
                read => read?,
            };
            if let Some(instance) = admitted(indexer, upload, &location, instance, &mut taken).await? {
                // What becomes of it is known once it is recorded.
                let place = taken.note(Some(uids(&instance)), UploadResult::Accepted, None);
                batch.push((place, instance));
                shares.push(share);
            }
        }
        taken.record(indexer, batch).await?;
        drop(shares);
    }
}

/// The instance of a file that is new, at its place in the storage; of another it is noted what became of it.
async fn admitted(
    indexer: &Indexer,
    upload: &Upload,
    location: &str,
    instance: Result<NewInstance, Rejected>,
    taken: &mut Taken,
) -> Result<Option<NewInstance>, IndexError> {
    let Indexer { catalog, storage, .. } = indexer;
    let mut instance = match instance {
        Ok(instance) => instance,
        // It came a moment ago, and comes again with the event.
        Err(Rejected::Away(reason)) => return Err(StorageError::Transient(reason).into()),
        Err(rejected) => {
            taken.refuse(None, UploadResult::Rejected, rejected.into());
            return Ok(None);
        }
    };
    if let Some(result) = upload.admits.refuses(&instance.study_instance_uid) {
        let reason = match result {
            UploadResult::OtherStudy => "it is of another study than the one that was named",
            _ => "it is of a study that the sender may not write",
        };
        taken.refuse(Some(uids(&instance)), result, FileOutcome::Rejected(reason.to_owned()));
        return Ok(None);
    }
    let own_id = instance.own_id();
    let known = match taken.admitted.get(&own_id) {
        Some(digest) => Some(*digest),
        None => known::digest(catalog, storage, &instance).await?,
    };
    match known::outcome(known, &instance, false) {
        FileOutcome::Accepted => {}
        FileOutcome::Duplicate => {
            taken.refuse(Some(uids(&instance)), UploadResult::Duplicate, FileOutcome::Duplicate);
            return Ok(None);
        }
        outcome => {
            taken.refuse(Some(uids(&instance)), UploadResult::Conflict, outcome);
            return Ok(None);
        }
    }
    let name = instance.stored().name();
    keep_from_removal(catalog, storage, &name).await?;
    instance.location = storage.admit(location, &name).await?;
    taken.admitted.insert(own_id, instance.content_digest);
    Ok(Some(instance))
}

impl Taken {
    /// Notes what became of a file; answers its place.
    fn note(&mut self, named: Option<InstanceUids>, result: UploadResult, reason: Option<String>) -> usize {
        self.instances.push(UploadedInstance { named, result, reason });
        self.instances.len() - 1
    }

    /// Notes a file that is not recorded.
    fn refuse(&mut self, named: Option<InstanceUids>, result: UploadResult, outcome: FileOutcome) {
        // Of an upload nobody knows the location that it lay at for a moment.
        let reason = count(&mut self.summary, "", outcome, &mut |_, _| {});
        self.note(named, result, reason);
    }

    async fn record(
        &mut self,
        indexer: &Indexer,
        batch: Vec<(usize, NewInstance)>,
    ) -> Result<(), IndexError> {
        let (places, batch): (Vec<usize>, Vec<NewInstance>) = batch.into_iter().unzip();
        let mut outcomes = Vec::with_capacity(places.len());
        let mut note = |_: &str, outcome: &FileOutcome| outcomes.push(outcome.clone());
        indexer.record(batch, false, &mut self.summary, &mut note).await?;
        for (place, outcome) in places.into_iter().zip(outcomes) {
            // Another came with this UID meanwhile.
            self.instances[place].result = match outcome {
                FileOutcome::Accepted => UploadResult::Accepted,
                FileOutcome::Duplicate => UploadResult::Duplicate,
                FileOutcome::Conflict => UploadResult::Conflict,
                FileOutcome::Rejected(_) | FileOutcome::Away(_) => UploadResult::Rejected,
            };
            self.instances[place].reason = outcome.reason();
        }
        Ok(())
    }
}

fn uids(instance: &NewInstance) -> InstanceUids {
    InstanceUids {
        study_instance_uid: instance.study_instance_uid.clone(),
        series_instance_uid: instance.series_instance_uid.clone(),
        sop_class_uid: instance.sop_class_uid.clone(),
        sop_instance_uid: instance.sop_instance_uid.clone(),
    }
}
