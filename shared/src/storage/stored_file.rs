//! A stored file that is handed out piece by piece, so that none is ever in memory whole.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::{ANSWER_MAX, StorageError, local, look_up, object};

/// Bytes of one read from a local file.
const PIECE_BYTES: u64 = 128 << 10;

/// A file that is there. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoredFile {
    byte_count: u64,
    source: Source,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// And what bounds the threads that read under its root.
    Local(Arc<File>, Arc<Semaphore>),
    Object(object::Prefix, object_store::path::Path),
}

impl StoredFile {
    pub(super) fn new(byte_count: u64, source: Source) -> Self {
        Self { byte_count, source }
    }

    /// How long it is.
    #[must_use]
    pub fn byte_count(&self) -> u64 {
        self.byte_count
    }

    /// Exactly the bytes of `range`, in pieces, or an error at the end of fewer. Read as they are asked for.
    pub fn read(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes, StorageError>> + Send + use<> {
        let expected = range.end.saturating_sub(range.start);
        let pieces = if expected == 0 {
            stream::empty().boxed()
        } else {
            match self.source.clone() {
                Source::Local(file, permits) => local_pieces(file, permits, range).boxed(),
                Source::Object(prefix, path) => {
                    let opened = async move { prefix.pieces(&path, range).await };
                    stream::once(opened).try_flatten().boxed()
                }
            }
        };
        exactly(pieces, expected)
    }
}

fn local_pieces(
    file: Arc<File>,
    permits: Arc<Semaphore>,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, StorageError>> + Send {
    stream::try_unfold(range.start, move |from| {
        let (file, permits) = (Arc::clone(&file), Arc::clone(&permits));
        let to = range.end.min(from.saturating_add(PIECE_BYTES));
        async move {
            if from >= to {
                return Ok(None);
            }
            let read = move || {
                let mut piece = vec![0; usize::try_from(to - from).map_err(|_| StorageError::Truncated)?];
                file.read_exact_at(&mut piece, from).map_err(local::from_io)?;
                Ok(Bytes::from(piece))
            };
            Ok(Some((look_up(permits, ANSWER_MAX, read).await?, to)))
        }
    })
}

/// The same pieces, and an error where they come to more or fewer bytes.
fn exactly(
    pieces: impl Stream<Item = Result<Bytes, StorageError>> + Send,
    expected: u64,
) -> impl Stream<Item = Result<Bytes, StorageError>> + Send {
    let pieces = pieces.map_ok(Some).chain(stream::once(async { Ok(None) }));
    let mut left = expected;
    pieces.try_filter_map(move |piece| {
        let checked = match piece {
            Some(piece) if piece.len() as u64 <= left => {
                left -= piece.len() as u64;
                Ok(Some(piece))
            }
            None if left == 0 => Ok(None),
            Some(_) | None => Err(StorageError::Truncated),
        };
        async move { checked }
    })
}
