//! Whether an instance that comes is known already. The index decides again when it records it.

use noctis_shared::{
    catalog::{Catalog, CatalogError, NewInstance},
    render_key::ContentDigest,
    storage::Storage,
};

use crate::index::FileOutcome;

/// The digest that the catalog knows it by; `None` for a new one, and for one whose file is lost, or cut, where these bytes can take
/// its place.
///
/// # Errors
/// [`CatalogError`].
pub(super) async fn digest(
    catalog: &Catalog,
    storage: &Storage,
    instance: &NewInstance,
) -> Result<Option<ContentDigest>, CatalogError> {
    let Some(key) = catalog.find_image(instance.own_id()).await?.one() else { return Ok(None) };
    let Some(record) = catalog.image(key).await? else { return Ok(None) };
    let is_same = record.content_digest == instance.content_digest;
    if is_same {
        // What this release reads of a file and the one that recorded it did not.
        catalog.complete_bulk_values(key, instance).await?;
    }
    let is_whole = |byte_count| byte_count == record.file_byte_count;
    let is_lost =
        is_same && !storage.open(&record.location).await.is_ok_and(|file| is_whole(file.byte_count()));
    Ok((!is_lost).then_some(record.content_digest))
}

/// What becomes of an instance that is known by this digest, or not at all.
pub(super) fn outcome(known: Option<ContentDigest>, instance: &NewInstance, replace: bool) -> FileOutcome {
    match known {
        Some(digest) if digest == instance.content_digest => FileOutcome::Duplicate,
        Some(_) if !replace => FileOutcome::Conflict,
        _ => FileOutcome::Accepted,
    }
}
