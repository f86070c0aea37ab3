//! Files as the parts of one multipart body (RFC 2046 5.1), one after the other, each as it is stored or made as it is needed.

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use noctis_shared::{
    catalog::FileOfStudy,
    storage::{Storage, StorageError},
};

use super::{CutOff, body, verified::verified};
use crate::allowance::Allowed;

/// A part.
pub(crate) struct Part {
    /// Its header fields, each with its line end.
    pub(crate) head: String,
    pub(crate) content: Content,
}

/// The bytes of a part.
pub(crate) enum Content {
    /// As they are stored.
    File(FileOfStudy),
    /// Made as they are needed.
    Made(BoxStream<'static, Result<Bytes, CutOff>>),
}

/// The body with these parts. A part is begun when the one before it was taken; a file that is away or was written to cuts the
/// body off.
pub(crate) fn parts(
    storage: &Storage,
    boundary: &str,
    files: impl Stream<Item = Result<Part, CutOff>> + Send + 'static,
    download: Allowed,
) -> Body {
    let storage = storage.clone();
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    // Nothing stands before the first delimiter: some clients look for it at the very beginning.
    let mut delimiter = format!("--{boundary}");
    let after = format!("\r\n{delimiter}");
    let parts = files.map(move |part| {
        let (storage, delimiter) = (storage.clone(), std::mem::replace(&mut delimiter, after.clone()));
        stream::once(async move { part_of(&storage, &delimiter, part?).await }).try_flatten()
    });
    body(parts.flatten().chain(stream::once(async { Ok(end) })), download)
}

/// Delimiter, head and bytes of one part.
async fn part_of(
    storage: &Storage,
    delimiter: &str,
    Part { head, content }: Part,
) -> Result<impl Stream<Item = Result<Bytes, CutOff>> + Send + use<>, CutOff> {
    let bytes = match content {
        Content::Made(bytes) => bytes,
        Content::File(file) => {
            let opened = storage.open(&file.location).await?;
            if opened.byte_count() != file.file_byte_count {
                return Err(StorageError::Truncated.into());
            }
            verified(opened.read(0..file.file_byte_count), file.content_digest).boxed()
        }
    };
    let head = Bytes::from(format!("{delimiter}\r\n{head}\r\n"));
    Ok(stream::once(async { Ok(head) }).chain(bytes))
}
