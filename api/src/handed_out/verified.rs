//! A file, or a value of one, whose last piece leaves only when its digest is that of the index.

use std::mem;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use noctis_shared::{render_key::ContentDigest, storage::StorageError};
use xxhash_rust::xxh3::Xxh3Default;

use super::CutOff;

/// The same pieces, each when the next has come; an error instead of the last, where they are other bytes than indexed.
pub(super) fn verified(
    pieces: impl Stream<Item = Result<Bytes, StorageError>> + Send,
    digest: ContentDigest,
) -> impl Stream<Item = Result<Bytes, CutOff>> + Send {
    let as_indexed = move |hasher: &blake3::Hasher| hasher.finalize() == blake3::Hash::from_bytes(digest.0);
    let update = |hasher: &mut blake3::Hasher, piece: &[u8]| {
        hasher.update(piece);
    };
    held_back(pieces, blake3::Hasher::new(), update, as_indexed)
}

/// The same for a value of a file, which has a checksum of its own.
pub(super) fn verified_value(
    pieces: impl Stream<Item = Result<Bytes, StorageError>> + Send,
    checksum: u64,
) -> impl Stream<Item = Result<Bytes, CutOff>> + Send {
    let as_indexed = move |hasher: &Xxh3Default| hasher.digest() == checksum;
    held_back(pieces, Xxh3Default::new(), Xxh3Default::update, as_indexed)
}

fn held_back<H: Send>(
    pieces: impl Stream<Item = Result<Bytes, StorageError>> + Send,
    mut hasher: H,
    update: impl Fn(&mut H, &[u8]) + Send,
    as_indexed: impl Fn(&H) -> bool + Send,
) -> impl Stream<Item = Result<Bytes, CutOff>> + Send {
    let pieces = pieces.map(Some).chain(stream::once(async { None }));
    let mut held = Bytes::new();
    pieces.filter_map(move |piece| {
        let leaves = match piece {
            Some(Ok(piece)) => {
                update(&mut hasher, &piece);
                Ok(mem::replace(&mut held, piece))
            }
            Some(Err(error)) => Err(error.into()),
            None if as_indexed(&hasher) => Ok(mem::take(&mut held)),
            None => Err(CutOff::OtherBytes),
        };
        async move { Some(leaves).filter(|leaves| leaves.as_ref().map_or(true, |piece| !piece.is_empty())) }
    })
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

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

    #[tokio::test]
    async fn so_it_is_with_a_value() {
        for (checksum_of, expected) in [("abc", true), ("abd", false)] {
            let pieces = stream::iter(["ab", "c"].map(|piece| Ok(Bytes::from_static(piece.as_bytes()))));
            let pieces: Vec<_> = verified_value(pieces, xxh3_64(checksum_of.as_bytes())).collect().await;
            assert_eq!(pieces.iter().all(Result::is_ok), expected, "{checksum_of}");
            assert_eq!(pieces.len(), 2);
        }
    }
}
