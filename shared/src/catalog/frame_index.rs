//! The byte ranges of an instance's frames as one packed value, so that one frame is read without the others.

use crate::job::FrameRange;

/// Bytes of one frame: offset, byte count and checksum, each 8 bytes little-endian.
pub(super) const FRAME_BYTES: i32 = 24;

/// All ranges, one after the other.
pub(super) fn pack(frames: &[FrameRange]) -> Vec<u8> {
    let numbers = |frame: &FrameRange| [frame.offset, frame.byte_count, frame.checksum];
    frames.iter().flat_map(numbers).flat_map(u64::to_le_bytes).collect()
}

/// The ranges in a packed value, up to the first that is cut.
pub(super) fn unpack_all(bytes: &[u8]) -> Vec<FrameRange> {
    bytes.chunks(FRAME_BYTES as usize).map_while(unpack).collect()
}

/// The range in the bytes of one frame; `None` for fewer or more bytes than that.
pub(super) fn unpack(bytes: &[u8]) -> Option<FrameRange> {
    let bytes: &[u8; FRAME_BYTES as usize] = bytes.try_into().ok()?;
    let number = |at: usize| bytes[at..].first_chunk().map(|chunk| u64::from_le_bytes(*chunk));
    Some(FrameRange { offset: number(0)?, byte_count: number(8)?, checksum: number(16)? })
}

/// Where the frame starts, counted from 1 as `substr` counts; `None` for frame 0 and beyond 2 GiB of ranges.
pub(super) fn first_byte(frame_number: u32) -> Option<i32> {
    let frame_index = i32::try_from(frame_number.checked_sub(1)?).ok()?;
    frame_index.checked_mul(FRAME_BYTES)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_from_its_place_among_the_others() {
        let frame = |n: u64| FrameRange { offset: n, byte_count: n + 1, checksum: u64::MAX - n };
        let packed = pack(&[frame(0), frame(1000), frame(u64::MAX / 2)]);
        let start = usize::try_from(first_byte(2).expect("small") - 1).expect("positive");
        assert_eq!(unpack(&packed[start..start + 24]), Some(frame(1000)));
        assert_eq!(unpack(&packed[start..start + 23]), None);
        assert_eq!(unpack_all(&packed[..71]), [frame(0), frame(1000)]);
    }

    #[test]
    fn frame_numbers_start_at_one_and_end_before_overflow() {
        let cases = [(0, None), (1, Some(1)), (2, Some(25)), (u32::MAX, None), (90_000_000, None)];
        for (frame_number, expected) in cases {
            assert_eq!(first_byte(frame_number), expected, "frame {frame_number}");
        }
    }
}
