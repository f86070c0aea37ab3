//! Files that are handed out as they are: one, a part of one, some in one body, or the archive of a study. Piece by piece, as the client
//! takes them; no file is in memory whole, and none is looked into but for the bytes of a frame or of a value.
//!
//! A whole file is held against the digest of the index on its way, and its last piece leaves only when it fits: who gets
//! all bytes has those that were indexed. What must not be here: who may have them (`visible`).

mod archive;
mod fragments;
mod frame;
mod parts;
mod range;
mod value;
mod verified;

use axum::body::Body;
use futures::{Stream, StreamExt};
use noctis_shared::{
    catalog::{CatalogError, FileOfStudy},
    storage::{Storage, StorageError, StoredFile},
};

pub(crate) use self::{
    archive::archive,
    fragments::Fragments,
    frame::{FRAME_BYTES_MAX, aligned, frame},
    parts::{FilePart, Part, byte_count, parts},
    range::Sent,
    value::value,
};
use crate::{
    allowance::Allowed,
    back_end::{catalog_problem, file_problem},
    problem::Problem,
};

/// Why an answer ends before its end. Clients see a connection that was cut off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutOff {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the file is not as it was indexed")]
    OtherBytes,
    #[error("the catalog does not answer")]
    Catalog,
    #[error("an archive cannot be written: {0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("an archive cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("a part cannot be sent: {:?}", .0.kind())]
    Part(Box<Problem>),
}

impl From<Problem> for CutOff {
    fn from(problem: Problem) -> Self {
        Self::Part(Box::new(problem))
    }
}

impl CutOff {
    /// What is said of it as long as nothing of the answer is sent.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Storage(error) => file_problem(&error),
            Self::OtherBytes => file_problem(&StorageError::Truncated),
            Self::Catalog => catalog_problem(&CatalogError::Unavailable("no answer".to_owned())),
            Self::Archive(_) | Self::Write(_) => Problem::internal(&self),
            Self::Part(problem) => *problem,
        }
    }
}

/// Opens a file that should be as long as it was when it was indexed.
///
/// # Errors
/// 503 for one that is away or was written to.
pub(crate) async fn open(storage: &Storage, location: &str, byte_count: u64) -> Result<StoredFile, Problem> {
    let file = storage.open(location).await.map_err(|error| file_problem(&error))?;
    if file.byte_count() == byte_count { Ok(file) } else { Err(file_problem(&StorageError::Truncated)) }
}

/// A whole file as a body, held against its digest.
pub(crate) fn whole(file: &StoredFile, of: &FileOfStudy, download: Allowed) -> Body {
    body(verified::verified(file.read(0..of.file_byte_count), of.content_digest), download)
}

/// A part of a file as a body.
pub(crate) fn part(file: &StoredFile, range: std::ops::Range<u64>, download: Allowed) -> Body {
    body(file.read(range).map(|piece| piece.map_err(CutOff::from)), download)
}

/// Pieces as a body, which holds its permit until it is read or dropped.
pub(crate) fn body(
    pieces: impl Stream<Item = Result<bytes::Bytes, CutOff>> + Send + 'static,
    download: Allowed,
) -> Body {
    Body::from_stream(pieces.map(move |piece| {
        let _until_the_last_piece = &download;
        piece.inspect_err(|error| tracing::warn!(%error, "an answer of files was cut off"))
    }))
}
