//! One frame of a stored file, as the bytes that its pixels are in there: read by range, held against the checksum of the
//! index, and taken out of the items of fragments. Nothing is decoded.

use bytes::Bytes;
use noctis_shared::{
    catalog::ImageRecord,
    job::FrameRange,
    storage::{Storage, StorageError},
};
use xxhash_rust::xxh3::xxh3_64;

use super::open;
use crate::{
    back_end::file_problem,
    in_hand::InHand,
    problem::{Kind, Problem},
};

/// Longest frame that is read, in bytes.
pub(crate) const FRAME_BYTES_MAX: u64 = 512 << 20;
/// What an item begins with: its tag, and its length of four bytes (PS3.5 7.5).
pub(super) const ITEM: &[u8] = &[0xFE, 0xFF, 0x00, 0xE0];
pub(super) const ITEM_HEADER_BYTES: usize = 8;

/// The bytes of a frame at `range`, without the headers of its fragments where it is of fragments.
///
/// # Errors
/// 422 for a frame that is too long; 501 for one of a deflated file; 503 for a file that is away or was written to.
pub(crate) async fn frame(
    in_hand: &InHand,
    storage: &Storage,
    image: &ImageRecord,
    range: FrameRange,
    is_of_fragments: bool,
) -> Result<Bytes, Problem> {
    if image.deflated {
        let detail = "The file is deflated as a whole; its frames are not taken out of it in this version.";
        return Err(Problem::new(Kind::NotBuilt, detail));
    }
    let end = range.offset.checked_add(range.byte_count).filter(|_| range.byte_count <= FRAME_BYTES_MAX);
    let end = end.ok_or_else(|| Problem::new(Kind::Unrenderable, "The frame is too long to be sent."))?;
    let _until_it_is_read = in_hand.begin(range.byte_count).await;
    let file = open(storage, &image.location, image.file_byte_count).await?;
    let bytes = file.bytes(range.offset..end).await.map_err(|error| file_problem(&error))?;
    if xxh3_64(&bytes) != range.checksum {
        return Err(file_problem(&StorageError::Truncated));
    }
    Ok(if is_of_fragments { joined(bytes) } else { bytes })
}

/// The values of all items, one after the other. What is no item, as some writers have it, stays as it is.
fn joined(bytes: Bytes) -> Bytes {
    let mut values: Vec<Bytes> = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + ITEM_HEADER_BYTES).filter(|header| header.starts_with(ITEM)) {
        let length = header.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let start = at + ITEM_HEADER_BYTES;
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
        values.push(bytes.slice(start..end));
        at = end;
    }
    match &values[..] {
        [] => bytes,
        [one] => one.clone(),
        several => several.concat().into(),
    }
}

/// The bits of frame `frame_index` out of the bytes that hold a part of it, where a sample is one bit and frames follow each
/// other to the bit (PS3.5 8.1.1).
pub(crate) fn aligned(bytes: &Bytes, frame_index: u64, bits_per_frame: u64) -> Bytes {
    let shift = (frame_index.wrapping_mul(bits_per_frame) % 8) as u32;
    let byte_count = usize::try_from(bits_per_frame.div_ceil(8)).unwrap_or(usize::MAX);
    if shift == 0 {
        return bytes.slice(..byte_count.min(bytes.len()));
    }
    let of = |place: usize| u16::from(bytes.get(place).copied().unwrap_or(0));
    let shifted = |place: usize| ((of(place) | (of(place + 1) << 8)) >> shift) as u8;
    (0..byte_count.min(bytes.len())).map(shifted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: &[u8]) -> Vec<u8> {
        [ITEM, &(value.len() as u32).to_le_bytes(), value].concat()
    }

    #[test]
    fn fragments_are_joined_without_their_headers() {
        let cases: [(Vec<u8>, &[u8]); 5] = [
            (item(b"ab"), b"ab"),
            ([item(b"ab"), item(b""), item(b"cd")].concat(), b"abcd"),
            (b"no item".to_vec(), b"no item"),
            (item(b"abcd")[..10].to_vec(), b"ab"),
            (vec![], b""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(joined(bytes.clone().into()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_frame_of_single_bits_begins_at_its_first_bit() {
        // Frames of ten bits: 0b11_0000_0001 and 0b10_1010_1010, the second from bit 10 on.
        let stored = (0b11_0000_0001_u32 | 0b10_1010_1010 << 10).to_le_bytes();
        let first = aligned(&Bytes::copy_from_slice(&stored[..2]), 0, 10);
        assert_eq!(u16::from_le_bytes([first[0], first[1]]) & 0x3FF, 0b11_0000_0001);
        let second = aligned(&Bytes::copy_from_slice(&stored[1..3]), 1, 10);
        assert_eq!(u16::from_le_bytes([second[0], second[1]]) & 0x3FF, 0b10_1010_1010);
    }
}
