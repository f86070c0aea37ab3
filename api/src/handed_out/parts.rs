//! Files as the parts of one multipart body (RFC 2046 5.1), one after the other, each as it is stored or made as it is needed.

use axum::body::Body;
use bytes::Bytes;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use noctis_shared::{
    catalog::FileOfStudy,
    storage::{Storage, StorageError},
};

use super::{CutOff, body, verified::verified};
use crate::allowance::Allowed;

/// A part.
pub(crate) enum Part {
    /// As it is stored.
    File(FilePart),
    /// Made as it is needed.
    Made {
        /// Its header fields, each with its line end.
        head: String,
        pieces: BoxStream<'static, Result<Bytes, CutOff>>,
    },
}

/// A stored file as a part.
pub(crate) struct FilePart {
    /// Its header fields, each with its line end.
    pub(crate) head: String,
    pub(crate) file: FileOfStudy,
}

impl FilePart {
    /// How long it is in a body, with the delimiter that stands before it.
    pub(crate) fn byte_count(&self, boundary: &str) -> u64 {
        // Delimiter and head, which end with a line each.
        let before_it = [&after_another(boundary), "\r\n", &*self.head, "\r\n"];
        before_it.iter().map(|text| text.len() as u64).sum::<u64>() + self.file.file_byte_count
    }
}

/// How long a body is whose parts have so many bytes in all.
pub(crate) fn byte_count(boundary: &str, of_parts: u64) -> u64 {
    // No line ends before the first delimiter.
    of_parts + end(boundary).len() as u64 - LINE_END_BYTES
}

const LINE_END_BYTES: u64 = 2;

fn after_another(boundary: &str) -> String {
    format!("\r\n--{boundary}")
}

fn end(boundary: &str) -> Bytes {
    format!("\r\n--{boundary}--\r\n").into()
}

/// The body with these parts. A file is opened when the one before it was taken; one that is away or was written to cuts the
/// body off.
pub(crate) fn parts(
    storage: &Storage,
    boundary: &str,
    parts: impl Stream<Item = Result<Part, CutOff>> + Send + 'static,
    download: Allowed,
) -> Body {
    let storage = storage.clone();
    let end = end(boundary);
    // Nothing stands before the first delimiter: some clients look for it at the very beginning.
    let mut delimiter = format!("--{boundary}");
    let after = after_another(boundary);
    let parts = parts.map(move |part| {
        let (storage, delimiter) = (storage.clone(), std::mem::replace(&mut delimiter, after.clone()));
        stream::once(async move { part_of(&storage, &delimiter, part?).await }).try_flatten()
    });
    body(parts.flatten().chain(stream::once(async { Ok(end) })), download)
}

/// Delimiter, head and bytes of one part.
async fn part_of(
    storage: &Storage,
    delimiter: &str,
    part: Part,
) -> Result<impl Stream<Item = Result<Bytes, CutOff>> + Send + use<>, CutOff> {
    let (head, pieces) = match part {
        Part::Made { head, pieces } => (head, pieces),
        Part::File(FilePart { head, file }) => {
            let opened = storage.open(&file.location).await?;
            if opened.byte_count() != file.file_byte_count {
                return Err(StorageError::Truncated.into());
            }
            (head, verified(opened.read(0..file.file_byte_count), file.content_digest).boxed())
        }
    };
    let head = Bytes::from(format!("{delimiter}\r\n{head}\r\n"));
    Ok(stream::once(async { Ok(head) }).chain(pieces))
}
