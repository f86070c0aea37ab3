//! Uploads that nobody took: workers are told of them again. Those of long ago are forgotten, with files that came and never were all.

use std::time::Duration;

use noctis_shared::{
    catalog::{Catalog, CatalogError},
    event::StudyEvent,
    queue::Queue,
    storage::Storage,
    upload::UPLOAD_KEPT,
};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{LEASE, TAKEN_MAX};

/// Publishes the event of each upload again that arrived a while ago: the queue may have died with its process, or given up.
pub(super) async fn tell_again(catalog: &Catalog, queue: &Queue) -> Result<(), CatalogError> {
    for event_id in catalog.take_untaken_uploads(TAKEN_MAX).await? {
        warn!(%event_id, "an upload waits for a worker; it is told of again");
        if let Err(error) = queue.publish_event(&StudyEvent::uploaded(event_id)).await {
            // It is taken again when it is due.
            debug!(%error, "an upload could not be told of");
        }
    }
    Ok(())
}

/// Forgets uploads that began longer ago than they are told of.
pub(super) async fn forget(catalog: &Catalog, storage: &Storage) -> Result<(), CatalogError> {
    forget_older(catalog, storage, UPLOAD_KEPT).await
}

async fn forget_older(catalog: &Catalog, storage: &Storage, kept: Duration) -> Result<(), CatalogError> {
    for event_id in catalog.stale_uploads(kept, TAKEN_MAX).await? {
        match timeout(LEASE / 4, storage.discard_incoming(event_id)).await {
            Ok(Ok(())) => catalog.forget_upload(event_id).await?,
            Ok(Err(error)) => warn!(%event_id, %error, "files of an old upload cannot be removed"),
            Err(_late) => {
                debug!("old uploads are removed later: the storage does not answer");
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use noctis_shared::{
        catalog::CatalogLimits,
        upload::{Admits, Upload, UploadState},
    };
    use url::Url;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn what_never_came_to_its_end_goes_and_what_arrived_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = Url::from_directory_path(folder.path()).expect("a URL");
        let storage = Storage::new(&url, &[]).expect("a storage");
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let [broken_off, arrived] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        for event_id in [broken_off, arrived] {
            let state = UploadState::Arriving;
            let (owner, admits, instances) = ("a".to_owned(), Admits::default(), vec![]);
            let upload = Upload { event_id, owner, admits, state, instances };
            catalog.begin_upload(&upload).await.expect("begun");
            let mut file = storage.begin_incoming(event_id, 0).await.expect("begun");
            file.write(b"DICM").await.expect("written");
            file.finish().await.expect("finished");
        }
        catalog.upload_arrived(arrived).await.expect("noted");
        forget(&catalog, &storage).await.expect("nothing is that old");
        assert!(catalog.upload(broken_off).await.expect("a catalog").is_some());
        forget_older(&catalog, &storage, Duration::ZERO).await.expect("forgotten");
        let left = [catalog.upload(broken_off).await, catalog.upload(arrived).await];
        assert_eq!(left.map(|upload| upload.expect("a catalog").is_some()), [false, true]);
        let places = [broken_off, arrived].map(|id| folder.path().join(format!(".incoming/{id}")).exists());
        assert_eq!(places, [false, true]);
    }
}
