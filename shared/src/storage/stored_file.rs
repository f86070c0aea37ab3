//! A stored file that is handed out piece by piece, so that none is ever in memory whole.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, pin::pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::{ANSWER_MAX, StorageError, local, look_up, object};

/// Bytes of one read from a local file.
const PIECE_BYTES: u64 = 128 << 10;
/// Most bytes that are read from one at once.
const AT_ONCE_BYTES_MAX: u64 = 4 << 20;

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

    /// The bytes of `range`, for what fits into memory. Less is handed from thread to thread than piece by piece.
    ///
    /// # Errors
    /// [`StorageError::Truncated`] at the end of fewer, and those of a storage that does not do it.
    pub async fn bytes(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let length = range.end.saturating_sub(range.start);
        if let Source::Local(file, permits) = &self.source
            && length <= AT_ONCE_BYTES_MAX
        {
            let (file, permits) = (Arc::clone(file), Arc::clone(permits));
            return look_up(permits, ANSWER_MAX, move || piece_of(&file, range)).await;
        }
        let mut bytes =
            BytesMut::with_capacity(usize::try_from(length).map_err(|_| StorageError::Truncated)?);
        let mut pieces = pin!(self.read(range));
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes.freeze())
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
            Ok(Some((look_up(permits, ANSWER_MAX, move || piece_of(&file, from..to)).await?, to)))
        }
    })
}

fn piece_of(file: &File, range: Range<u64>) -> Result<Bytes, StorageError> {
    let length = range.end.saturating_sub(range.start);
    let mut piece = vec![0; usize::try_from(length).map_err(|_| StorageError::Truncated)?];
    file.read_exact_at(&mut piece, range.start).map_err(local::from_io)?;
    Ok(Bytes::from(piece))
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
