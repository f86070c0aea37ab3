//! Removing stored files whose instances are gone.

use noctis_shared::{
    catalog::{Catalog, CatalogError},
    storage::{Storage, StorageError},
};
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
        for location in taken {
            match storage.remove(&location).await {
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
