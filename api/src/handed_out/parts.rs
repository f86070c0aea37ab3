//! Files as the parts of one multipart body (RFC 2046 5.1), one after the other, each as it is stored.

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use noctis_shared::{
    catalog::{CatalogError, FileOfStudy},
    storage::{Storage, StorageError},
};

use super::{CutOff, body, verified::verified};
use crate::allowance::Allowed;

/// A part.
pub(crate) struct FilePart {
    /// Its header fields, each with its line end.
    pub(crate) head: String,
    pub(crate) file: FileOfStudy,
}

/// The body with these parts. A file is opened when the one before it was taken; one that is away or was written to cuts the
/// body off.
pub(crate) fn parts(
    storage: &Storage,
    boundary: &str,
    files: impl Stream<Item = Result<FilePart, CatalogError>> + Send + 'static,
    download: Allowed,
) -> Body {
    let storage = storage.clone();
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    // Nothing stands before the first delimiter: some clients look for it at the very beginning.
    let mut delimiter = format!("--{boundary}");
    let after = format!("\r\n{delimiter}");
    let parts = files.map(move |part| {
        let (storage, delimiter) = (storage.clone(), std::mem::replace(&mut delimiter, after.clone()));
        stream::once(async move { part_of(&storage, &delimiter, part.map_err(|_| CutOff::Catalog)?).await })
            .try_flatten()
    });
    body(parts.flatten().chain(stream::once(async { Ok(end) })), download)
}

/// Delimiter, head and bytes of one part.
async fn part_of(
    storage: &Storage,
    delimiter: &str,
    FilePart { head, file }: FilePart,
) -> Result<impl Stream<Item = Result<Bytes, CutOff>> + Send + use<>, CutOff> {
    let opened = storage.open(&file.location).await?;
    if opened.byte_count() != file.file_byte_count {
        return Err(StorageError::Truncated.into());
    }
    let head = Bytes::from(format!("{delimiter}\r\n{head}\r\n"));
    let bytes = verified(opened.read(0..file.file_byte_count), file.content_digest);
    Ok(stream::once(async { Ok(head) }).chain(bytes))
}
