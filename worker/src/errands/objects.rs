//! Removing stored files whose instances are gone.

use std::time::Instant;

use noctis_shared::{
    catalog::{Catalog, CatalogError},
    storage::{Storage, StorageError},
};
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use super::{LEASE, TAKEN_MAX};

/// Removes all that are owed now. One that cannot be removed is tried again when its lease is over.
pub(super) async fn remove(catalog: &Catalog, storage: &Storage) -> Result<(), CatalogError> {
    loop {
        let taken = catalog.take_owed_objects(TAKEN_MAX, LEASE).await?;
        if taken.is_empty() {
            return Ok(());
        }
        let (count, mut removed) = (taken.len(), 0);
        let began = Instant::now();
        for location in taken {
            // Past its lease a location may be another's, or be put again.
            if began.elapsed() > LEASE / 2 {
                break;
            }
            let removal = timeout(LEASE / 4, storage.remove(&location)).await;
            let Ok(removal) = removal else {
                debug!("stored files are removed later: the storage does not answer");
                return Ok(());
            };
            match removal {
                Ok(()) => {
                    catalog.object_removed(&location).await?;
                    removed += 1;
                }
                Err(StorageError::NotAllowed) => {
                    // Another storage than it was put into: nothing here could ever remove it.
                    error!(
                        "a stored file of a deleted instance lies outside of NOCTIS_STORAGE_URL and stays"
                    );
                    catalog.object_removed(&location).await?;
                }
                Err(error) if error.is_transient() => debug!(%error, "a stored file is removed later"),
                Err(error) => warn!(%error, "a stored file of a deleted instance cannot be removed"),
            }
        }
        info!(removed, left = count - removed, "removed stored files of deleted instances");
    }
}
