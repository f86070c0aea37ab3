//! Forgetting uploads that nobody asks for any more, and removing files that came and that nobody took.

use noctis_shared::{
    catalog::{Catalog, CatalogError},
    storage::Storage,
};
use tracing::debug;

use super::TAKEN_MAX;

pub(super) async fn forget(catalog: &Catalog, storage: &Storage) -> Result<(), CatalogError> {
    for event_id in catalog.stale_uploads(TAKEN_MAX).await? {
        match storage.discard_incoming(event_id).await {
            Ok(()) => catalog.forget_upload(event_id).await?,
            Err(error) => debug!(%error, "files of an old upload stay for now"),
        }
    }
    Ok(())
}
