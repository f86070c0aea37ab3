//! A long value of a stored file, as little-endian data sets have it: read by range, held against the checksum of the index,
//! and never decoded.

use std::ops::Range;

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use noctis_shared::{
    bulk::BulkValue,
    storage::{StorageError, StoredFile},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{CutOff, verified::verified_value};
use crate::{back_end::file_problem, outgoing::Recipient, problem::Problem};

/// Longest value that is read before any of it is sent, in bytes; of a longer one a part is sent unverified, as of a file.
const AT_ONCE_BYTES_MAX: u64 = 4 << 20;

/// The bytes of `value` within `range`, which count from its first.
///
/// # Errors
/// 503 for a file that is away, for a value that is read at once and was written to (another has no end then), and while the
/// client has too much unread.
pub(crate) async fn value(
    file: &StoredFile,
    value: &BulkValue,
    range: Range<u64>,
    recipient: Recipient<'_>,
) -> Result<BoxStream<'static, Result<Bytes, CutOff>>, Problem> {
    let place = value.offset..value.offset + value.byte_count;
    if value.byte_count <= AT_ONCE_BYTES_MAX || value.swapped_bytes > 1 {
        let bytes = file.bytes(place).await.map_err(|error| file_problem(&error))?;
        if xxh3_64(&bytes) != value.checksum {
            return Err(file_problem(&StorageError::Truncated));
        }
        let bytes = little_endian(bytes, value.swapped_bytes.into());
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = recipient.take(bytes.slice(index(range.start)..index(range.end)))?;
        return Ok(stream::iter([Ok(bytes)]).boxed());
    }
    // All of it, or all but the byte that pads it.
    if range.start == 0 && value.byte_count - range.end <= 1 {
        let mut left = range.end;
        let pieces = verified_value(file.read(place), value.checksum).map_ok(move |piece| {
            let length = left.min(piece.len() as u64);
            left -= length;
            piece.slice(..usize::try_from(length).unwrap_or(usize::MAX))
        });
        return Ok(pieces.boxed());
    }
    let place = place.start + range.start..place.start + range.end;
    Ok(file.read(place).map(|piece| piece.map_err(CutOff::from)).boxed())
}

/// The same words in little endian; what is left after the last whole one stays as it is.
fn little_endian(bytes: Bytes, word_bytes: usize) -> Bytes {
    if word_bytes <= 1 {
        return bytes;
    }
    let mut bytes = Vec::from(bytes);
    bytes.chunks_exact_mut(word_bytes).for_each(<[u8]>::reverse);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_turned_to_little_endian() {
        for (word_bytes, expected) in
            [(1, "abcdefghij"), (2, "badcfehgji"), (4, "dcbahgfeij"), (8, "hgfedcbaij")]
        {
            assert_eq!(
                little_endian(Bytes::from_static(b"abcdefghij"), word_bytes),
                expected,
                "{word_bytes}"
            );
        }
    }
}
