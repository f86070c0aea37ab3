//! Events about studies: index what is new, remove what was deleted, tell what came of it.

use std::collections::BTreeSet;

use noctis_shared::{
    catalog::{CatalogError, Scope},
    dicom_uid::public_id,
    event::{Event, SOURCE, STUDY_INDEXED, StudyDeleted, StudyEvent, StudyIndexed, StudyNew, StudyUploaded},
    forget::ForgetError,
    own_id,
    queue::{Delivery, PublishError, Queue, RetryOutcome, Work},
    storage::{StorageError, Stored},
    upload::UploadState,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info, info_span, warn};
use uuid::Uuid;

use super::{FileOutcome, IndexError, Indexer, prerender};
use crate::{receive::upload, settlement};

/// Attempts after which a place that is not there, and files that cannot be read, are what the event is told to have
/// found: a share may be away for some seconds.
const AWAY_ATTEMPTS_MAX: u32 = 3;

/// Takes events of the index and the upload lane. Cheap to clone.
#[derive(Clone)]
pub struct IndexJobs {
    /// Reads files into the catalog.
    pub indexer: Indexer,
    /// Where `study.indexed.v1` goes.
    pub queue: Queue,
}

/// Why an event was not carried out.
#[derive(Debug, thiserror::Error)]
enum EventError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("an event names a location or instances")]
    NamesNothing,
    #[error("the subject is no Study Instance UID, or an instance is named without its series")]
    NamesNoStudy,
    #[error("the id of the event is none of an upload")]
    NamesNoUpload,
    #[error("{0} files could not be read; the storage may be away for a moment")]
    FilesAway(u64),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Forget(#[from] ForgetError),
}

impl EventError {
    /// Whether it is of a back end that is away and has said so.
    fn is_known(&self) -> bool {
        match self {
            EventError::Catalog(error)
            | EventError::Forget(ForgetError::Catalog(error))
            | EventError::Index(
                IndexError::Catalog(error) | IndexError::Forget(ForgetError::Catalog(error)),
            ) => error.is_transient(),
            EventError::Forget(ForgetError::Cache(_))
            | EventError::Index(IndexError::Forget(ForgetError::Cache(_)))
            | EventError::Publish(PublishError::Unavailable(_)) => true,
            _ => false,
        }
    }
}

impl IndexJobs {
    /// Takes one delivery of these lanes to its end and settles it.
    pub async fn handle(&self, delivery: Delivery, shutdown: &CancellationToken) {
        let Work::Study(event) = &delivery.work else {
            settlement::note(delivery.dead_letter("not_an_event").await);
            return;
        };
        let event = event.clone();
        let span = info_span!("index", event.id = event.id(), attempt = delivery.attempt);
        delivery.trace.adopt(&span);
        async {
            let result = match &event {
                StudyEvent::New(event) => self.study_new(event, delivery.attempt, shutdown).await,
                StudyEvent::Deleted(event) => self.study_deleted(event).await,
                StudyEvent::Uploaded(event) => self.study_uploaded(event, shutdown).await,
            };
            settle(delivery, result).await;
        }
        .instrument(span)
        .await;
    }

    async fn study_new(
        &self,
        event: &Event<StudyNew>,
        attempt: u32,
        shutdown: &CancellationToken,
    ) -> Result<(), EventError> {
        let catalog = &self.indexer.catalog;
        if catalog.event_handled(&event.source, &event.id).await? {
            info!("event was handled before");
            return Ok(());
        }
        let locations: Vec<String> = match &event.data.location {
            Some(location) => vec![location.clone()],
            None => event.data.instances.iter().map(|instance| instance.location.clone()).collect(),
        };
        if locations.is_empty() {
            return Err(EventError::NamesNothing);
        }
        let mut away = 0;
        let count_away = |_: &str, outcome: &FileOutcome| {
            away += u64::from(matches!(outcome, FileOutcome::Away(_)));
        };
        let mut study_ids = BTreeSet::new();
        let indexing =
            self.indexer.index_studies(&locations, event.data.replace, shutdown, &mut study_ids, count_away);
        let mut summary = indexing.await?;
        if away > 0 && attempt < AWAY_ATTEMPTS_MAX {
            // What was read is a duplicate the next time.
            return Err(EventError::FilesAway(away));
        }
        summary.event_id.clone_from(&event.id);
        log(&summary);
        prerender::order(catalog, &self.indexer.presets, event, &study_ids).await?;
        // Told before it is recorded: an event that dies in between is told twice, never not at all.
        self.tell(event, &summary).await?;
        Ok(catalog.record_event(&event.source, &event.id, &summary).await?)
    }

    async fn tell<D>(&self, event: &Event<D>, summary: &StudyIndexed) -> Result<(), EventError> {
        let told = Event::new(STUDY_INDEXED, SOURCE, event.subject.clone(), summary.clone());
        Ok(self.queue.publish_indexed(&told).await?)
    }

    /// Takes the files of an upload. What became of them is noted before they go from where they came to.
    async fn study_uploaded(
        &self,
        event: &Event<StudyUploaded>,
        shutdown: &CancellationToken,
    ) -> Result<(), EventError> {
        let Indexer { catalog, storage, .. } = &self.indexer;
        let event_id = Uuid::try_parse(&event.id).map_err(|_| EventError::NamesNoUpload)?;
        let upload = catalog.upload(event_id).await?.filter(|upload| upload.state != UploadState::Arriving);
        let Some(upload) = upload else {
            info!("nothing arrived under the id of the event, or it was taken back");
            return Ok(());
        };
        if upload.state == UploadState::Arrived {
            let mut taken = upload::take(&self.indexer, &upload, shutdown).await?;
            taken.summary.event_id.clone_from(&event.id);
            log(&taken.summary);
            self.tell(event, &taken.summary).await?;
            catalog.upload_done(event_id, &taken.instances).await?;
        }
        if let Err(error) = storage.discard_incoming(event_id).await {
            // An errand removes them later.
            warn!(%error, "files of an upload stay where they came to");
        }
        Ok(())
    }

    async fn study_deleted(&self, event: &Event<StudyDeleted>) -> Result<(), EventError> {
        if event.source == SOURCE {
            // Ours tell what is done. Done again it would take what came after.
            return Ok(());
        }
        let study_instance_uid = event.subject.as_deref().ok_or(EventError::NamesNoStudy)?;
        let Some(scope) = self.deleted(study_instance_uid, &event.data).await? else { return Ok(()) };
        let storage = &self.indexer.storage;
        let is_ours = |location: &str, stored: &Stored<'_>| storage.is_ours(location, stored);
        let deleted = self.indexer.forgetting.delete(&scope, &is_ours).await?;
        info!(instances = deleted.image_ids.len(), objects = deleted.objects, "deleted");
        Ok(())
    }

    /// What an event names, by the keys of the catalog; `None` for what is not there.
    async fn deleted(&self, study: &str, data: &StudyDeleted) -> Result<Option<Scope>, EventError> {
        let catalog = &self.indexer.catalog;
        match (&data.series_instance_uid, &data.sop_instance_uid) {
            (None, None) => Ok(Some(Scope::Study(public_id(study)))),
            (Some(series), None) => {
                let found = catalog.find_series(own_id::of_series(study, series)).await?;
                Ok(found.one().map(|series| Scope::Series(series.key)))
            }
            (Some(series), Some(instance)) => {
                let found = catalog.find_image(own_id::of_image(study, series, instance)).await?;
                Ok(found.one().map(Scope::Image))
            }
            (None, Some(_)) => Err(EventError::NamesNoStudy),
        }
    }
}

fn log(summary: &StudyIndexed) {
    let StudyIndexed { accepted, duplicate, conflict, rejected, .. } = summary;
    info!(accepted, duplicate, conflict, rejected, "indexed");
}

/// The one place that decides what a failure of an event means.
async fn settle(delivery: Delivery, result: Result<(), EventError>) {
    match result {
        Ok(()) => settlement::note(delivery.ack().await),
        Err(EventError::Index(IndexError::Stopped)) => delivery.release().await,
        Err(EventError::Index(IndexError::Storage(StorageError::NotAllowed))) => {
            error!("event points outside the storage and every ingest root");
            settlement::note(delivery.dead_letter("location_not_allowed").await);
        }
        Err(EventError::Index(IndexError::Storage(error @ StorageError::NotFound)))
            if delivery.attempt < AWAY_ATTEMPTS_MAX =>
        {
            retry(delivery, &error.to_string(), false).await;
        }
        Err(EventError::Index(IndexError::Storage(error))) if !error.is_transient() => {
            error!(%error, "event points to nothing that can be indexed");
            settlement::note(delivery.dead_letter("location_unreadable").await);
        }
        Err(error @ (EventError::NamesNothing | EventError::NamesNoStudy | EventError::NamesNoUpload)) => {
            error!(%error, "event cannot be carried out");
            settlement::note(delivery.dead_letter("invalid_event").await);
        }
        Err(error) => retry(delivery, &error.to_string(), error.is_known()).await,
    }
}

async fn retry(delivery: Delivery, cause: &str, is_known: bool) {
    match delivery.retry(cause).await {
        Ok(RetryOutcome::Scheduled { delay }) if is_known => {
            debug!(cause, ?delay, "event will be tried again")
        }
        Ok(RetryOutcome::Scheduled { delay }) => warn!(cause, ?delay, "event will be tried again"),
        Ok(RetryOutcome::Exhausted) => error!(cause, "event failed for the last time"),
        Err(error) => settlement::said(&error, "event could not be retried; the queue delivers it again"),
    }
}
