//! A file whose last piece leaves only when its digest is that of the index.

use std::mem;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use noctis_shared::{render_key::ContentDigest, storage::StorageError};

use super::CutOff;

/// The same pieces, each when the next has come; an error instead of the last, where they are other bytes than indexed.
pub(super) fn verified(
    pieces: impl Stream<Item = Result<Bytes, StorageError>> + Send,
    digest: ContentDigest,
) -> impl Stream<Item = Result<Bytes, CutOff>> + Send {
    let pieces = pieces.map(Some).chain(stream::once(async { None }));
    let (mut hasher, mut held) = (blake3::Hasher::new(), Bytes::new());
    pieces.filter_map(move |piece| {
        let leaves = match piece {
            Some(Ok(piece)) => {
                hasher.update(&piece);
                Ok(mem::replace(&mut held, piece))
            }
            Some(Err(error)) => Err(error.into()),
            None if hasher.finalize() == blake3::Hash::from_bytes(digest.0) => Ok(mem::take(&mut held)),
            None => Err(CutOff::OtherBytes),
        };
        async move { Some(leaves).filter(|leaves| leaves.as_ref().map_or(true, |piece| !piece.is_empty())) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn through(pieces: &[&'static str], digest_of: &str) -> (String, bool) {
        let digest = ContentDigest(*blake3::hash(digest_of.as_bytes()).as_bytes());
        let pieces = stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))));
        let (mut text, mut is_whole) = (String::new(), true);
        for piece in verified(pieces, digest).collect::<Vec<_>>().await {
            match piece {
                Ok(piece) => text.push_str(std::str::from_utf8(&piece).expect("text")),
                Err(_) => is_whole = false,
            }
        }
        (text, is_whole)
    }

    #[tokio::test]
    async fn the_last_piece_of_other_bytes_never_leaves() {
        assert_eq!(through(&["ab", "c"], "abc").await, ("abc".to_owned(), true));
        assert_eq!(through(&["ab", "c"], "abd").await, ("ab".to_owned(), false));
        assert_eq!(through(&["abc"], "abd").await, (String::new(), false));
        assert_eq!(through(&[], "").await, (String::new(), true));
    }
}
