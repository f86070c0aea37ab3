//! Digest of a file and checksums of its header and frames, of the same bytes: those that one reading returned.
//!
//! Read twice, a file that is written to in between would have the digest of the old bytes and the checksums of the new
//! ones, and the new picture would be drawn under the name of the old.

use std::{
    collections::HashMap,
    io::{self, Read},
};

use noctis_render::PixelIndex;
use noctis_shared::{job::FrameRange, render_key::ContentDigest};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::instance::Rejected;

/// Bytes of one read of a streamed file.
const STREAM_BYTES: usize = 1 << 20;
/// Frames that one byte may belong to. Frames of one bit share their bytes with up to seven neighbours; a table that
/// sends a million frames to the same bytes would have them read a million times.
const OVERLAP_MAX: usize = 64;

type Range = noctis_render::FrameRange;

/// The checksum of each range that the index needs.
#[derive(Debug, Default)]
pub(super) struct Checksums(HashMap<(u64, u64), u64>);

impl Checksums {
    /// Of the ranges of `pixels` in `bytes`.
    ///
    /// # Errors
    /// Frames that overlap too much.
    pub(super) fn of_bytes(bytes: &[u8], pixels: Option<&PixelIndex>) -> Result<Self, Rejected> {
        let checksum = |range: &Range| {
            let end = range.offset.saturating_add(range.byte_count);
            ((range.offset, range.byte_count), xxh3_64(part_of(bytes, 0, range.offset, end)))
        };
        Ok(Self(ranges(pixels)?.iter().map(checksum).collect()))
    }

    /// Of the ranges of `pixels` in what `file` yields, and the digest of all of it, in one pass.
    ///
    /// # Errors
    /// Frames that overlap too much; a failed read.
    pub(super) fn of_stream(
        file: &mut impl Read,
        pixels: Option<&PixelIndex>,
    ) -> Result<(ContentDigest, Self), Rejected> {
        let mut pass = Pass::over(ranges(pixels)?);
        let mut digest = blake3::Hasher::new();
        let mut buffer = vec![0; STREAM_BYTES];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    digest.update(&buffer[..count]);
                    pass.take(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((ContentDigest(*digest.finalize().as_bytes()), Self(pass.end())))
    }

    /// Of the header.
    pub(super) fn header(&self, pixels: &PixelIndex) -> u64 {
        self.of(&Range { offset: 0, byte_count: pixels.header_byte_count })
    }

    /// The frames with theirs.
    pub(super) fn frames(&self, pixels: &PixelIndex) -> Vec<FrameRange> {
        let frame = |range: &Range| {
            let Range { offset, byte_count } = *range;
            FrameRange { offset, byte_count, checksum: self.of(range) }
        };
        pixels.frames.iter().map(frame).collect()
    }

    /// A range that the file ended before has the checksum of nothing: it never matches.
    fn of(&self, range: &Range) -> u64 {
        self.0.get(&(range.offset, range.byte_count)).copied().unwrap_or_else(|| xxh3_64(&[]))
    }
}

/// Header and frames, each once, by offset.
fn ranges(pixels: Option<&PixelIndex>) -> Result<Vec<Range>, Rejected> {
    let Some(pixels) = pixels else { return Ok(Vec::new()) };
    let header = Range { offset: 0, byte_count: pixels.header_byte_count };
    let mut ranges: Vec<Range> = std::iter::once(header).chain(pixels.frames.iter().copied()).collect();
    ranges.retain(|range| range.byte_count > 0);
    ranges.sort_unstable_by_key(|range| (range.offset, range.byte_count));
    ranges.dedup();
    let mut ends: Vec<u64> =
        ranges.iter().map(|range| range.offset.saturating_add(range.byte_count)).collect();
    ends.sort_unstable();
    // At the start of each range: how many have begun, less how many have ended.
    let mut ended = 0;
    for (begun, range) in ranges.iter().enumerate() {
        while ends[ended] <= range.offset {
            ended += 1;
        }
        if begun + 1 - ended > OVERLAP_MAX {
            return Err(Rejected::NotDicom(
                "the file is damaged: its frames lie on top of each other".into(),
            ));
        }
    }
    Ok(ranges)
}

/// A pass over a file that feeds each byte to the ranges it belongs to.
struct Pass {
    /// Sorted by offset; those before `next` have begun.
    ranges: Vec<Range>,
    next: usize,
    at: u64,
    begun: Vec<(Range, Xxh3)>,
    checksums: HashMap<(u64, u64), u64>,
}

impl Pass {
    fn over(ranges: Vec<Range>) -> Self {
        Self { ranges, next: 0, at: 0, begun: Vec::new(), checksums: HashMap::new() }
    }

    fn take(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len() as u64;
        // Where ranges begin and end cuts the bytes into parts that belong to the same ranges.
        let mut from = self.at;
        while from < end {
            while let Some(range) = self.ranges.get(self.next).filter(|range| range.offset <= from) {
                self.begun.push((*range, Xxh3::new()));
                self.next += 1;
            }
            let next_start = self.ranges.get(self.next).map_or(end, |range| range.offset);
            let ends = self.begun.iter().map(|(range, _)| range.offset + range.byte_count);
            let to = ends.fold(end.min(next_start), u64::min);
            let part = part_of(bytes, self.at, from, to);
            self.begun.iter_mut().for_each(|(_, hasher)| hasher.update(part));
            self.finish_at(to);
            from = to;
        }
        self.at = end;
    }

    fn finish_at(&mut self, to: u64) {
        let Self { begun, checksums, .. } = self;
        begun.retain(|(range, hasher)| {
            let goes_on = range.offset + range.byte_count > to;
            if !goes_on {
                checksums.insert((range.offset, range.byte_count), hasher.digest());
            }
            goes_on
        });
    }

    fn end(self) -> HashMap<(u64, u64), u64> {
        self.checksums
    }
}

/// The bytes from `from` to `to` of `bytes`, which begin at `at`.
fn part_of(bytes: &[u8], at: u64, from: u64, to: u64) -> &[u8] {
    let index = |offset: u64| usize::try_from(offset - at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(index(from)..index(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(header_byte_count: u64, frames: &[(u64, u64)]) -> PixelIndex {
        let frames = frames.iter().map(|&(offset, byte_count)| Range { offset, byte_count }).collect();
        PixelIndex { header_byte_count, frames, deflated: false }
    }

    /// Yields a few bytes at a time, so that ranges begin and end inside and between reads.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn one_pass_finds_the_digest_and_the_checksum_of_every_range() {
        let bytes: Vec<u8> = (0..5000_u32).map(|value| (value * 7 % 251) as u8).collect();
        let cases = [
            pixels(100, &[(100, 50), (150, 850), (1000, 4000)]),
            pixels(10, &[(10, 3), (12, 3), (14, 3), (14, 3), (0, 5000)]),
            pixels(5, &[(5, 0), (4999, 1)]),
            pixels(0, &[]),
        ];
        for pixels in cases {
            let whole = Checksums::of_bytes(&bytes, Some(&pixels)).expect("few overlap");
            for step in [1, 7, 64, 4096] {
                let stream = Checksums::of_stream(&mut Trickle(&bytes, step), Some(&pixels));
                let (digest, passed) = stream.expect("few overlap");
                assert_eq!(digest.0, *blake3::hash(&bytes).as_bytes());
                assert_eq!(passed.header(&pixels), whole.header(&pixels), "{step}");
                for (frame, expected) in passed.frames(&pixels).into_iter().zip(whole.frames(&pixels)) {
                    assert_eq!(frame, expected, "{step}");
                    let (start, length) = (frame.offset as usize, frame.byte_count as usize);
                    assert_eq!(frame.checksum, xxh3_64(&bytes[start..start + length]));
                }
            }
        }
    }

    #[test]
    fn frames_on_top_of_each_other_are_damage_and_equal_ones_are_read_once() {
        let staircase: Vec<(u64, u64)> = (0..100).map(|step| (100 + step, 500)).collect();
        assert!(Checksums::of_bytes(&[0; 1000], Some(&pixels(100, &staircase))).is_err());
        let same = vec![(100, 500); 100_000];
        let read = Checksums::of_bytes(&[0; 1000], Some(&pixels(100, &same))).expect("one range");
        assert_eq!(read.0.len(), 2);
    }
}
