//! Digest of a file and checksums of its header and frames, of the same bytes: those that one reading returned.
//!
//! Read twice, a file that is written to in between would have the digest of the old bytes and the checksums of the new
//! ones, and the new picture would be drawn under the name of the old.

use std::{
    collections::HashMap,
    io::{self, BufRead, Read},
};

use noctis_render::{BulkValue, PixelIndex};
use noctis_shared::{bulk, job::FrameRange, render_key::ContentDigest};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::rejected::Rejected;

/// Frames that one byte may belong to. Frames of one bit share their bytes with up to seven neighbours; a table that
/// sends a million frames to the same bytes would have them read a million times.
const OVERLAP_MAX: usize = 64;

type Range = noctis_render::FrameRange;

/// The checksum of each range that the index needs.
#[derive(Debug, Default)]
pub(super) struct Checksums(HashMap<(u64, u64), u64>);

impl Checksums {
    /// Of the ranges of `pixels` and of `bulk_values` in what `stream` yields: the file, or what it inflates to.
    ///
    /// # Errors
    /// Frames that overlap too much; a failed read.
    pub(super) fn of_stream(
        mut stream: impl BufRead,
        pixels: Option<&PixelIndex>,
        bulk_values: &[BulkValue],
    ) -> Result<Self, Rejected> {
        let mut pass = Pass::over(ranges(pixels, bulk_values)?);
        pieces(&mut stream, |piece| pass.take(piece))?;
        Ok(Self(pass.end()))
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

    /// The values with theirs.
    pub(super) fn bulk_values(&self, values: &[BulkValue]) -> Vec<bulk::BulkValue> {
        let value = |value: &BulkValue| bulk::BulkValue {
            path: value.path.clone(),
            offset: value.offset,
            byte_count: value.byte_count,
            checksum: self.of(&range(value)),
            swapped_bytes: value.swapped_bytes,
        };
        values.iter().map(value).collect()
    }

    /// A range that the file ended before has the checksum of nothing: it never matches.
    fn of(&self, range: &Range) -> u64 {
        self.0.get(&(range.offset, range.byte_count)).copied().unwrap_or_else(|| xxh3_64(&[]))
    }
}

/// A file on its way to whatever reads it, whose digest is taken as it passes.
pub(super) struct Digested<R> {
    file: R,
    digest: blake3::Hasher,
}

impl<R: BufRead> Digested<R> {
    pub(super) fn of(file: R) -> Self {
        Self { file, digest: blake3::Hasher::new() }
    }

    /// The digest of the whole file, the rest of which is read here.
    ///
    /// # Errors
    /// A failed read.
    pub(super) fn end(mut self) -> io::Result<ContentDigest> {
        pieces(&mut self, |_| {})?;
        Ok(ContentDigest(*self.digest.finalize().as_bytes()))
    }
}

impl<R: BufRead> BufRead for Digested<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed has been seen, so that nothing is read here and nothing fails.
        if let Ok(bytes) = self.file.fill_buf() {
            self.digest.update(&bytes[..count]);
        }
        self.file.consume(count);
    }
}

impl<R: BufRead> Read for Digested<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(out.len());
        out[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Shows `see` all that is left of `stream`, where it lies.
fn pieces(stream: &mut impl BufRead, mut see: impl FnMut(&[u8])) -> io::Result<()> {
    loop {
        let count = match stream.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(piece) => {
                see(piece);
                piece.len()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        stream.consume(count);
    }
}

fn range(value: &BulkValue) -> Range {
    Range { offset: value.offset, byte_count: value.byte_count }
}

/// Header, frames and long values, each once, by offset.
fn ranges(pixels: Option<&PixelIndex>, bulk_values: &[BulkValue]) -> Result<Vec<Range>, Rejected> {
    let header = pixels.map(|pixels| Range { offset: 0, byte_count: pixels.header_byte_count });
    let frames = pixels.map_or(&[][..], |pixels| &pixels.frames);
    let mut ranges: Vec<Range> =
        header.into_iter().chain(frames.iter().copied()).chain(bulk_values.iter().map(range)).collect();
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
    use std::io::BufReader;

    use super::*;

    fn pixels(header_byte_count: u64, frames: &[(u64, u64)]) -> PixelIndex {
        let frames = frames.iter().map(|&(offset, byte_count)| Range { offset, byte_count }).collect();
        PixelIndex { header_byte_count, frames, deflated: false }
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
            // A few bytes at a time, so that ranges begin and end inside and between reads.
            for step in [1, 7, 64, 4096, 5000] {
                let mut file = Digested::of(BufReader::with_capacity(step, &bytes[..]));
                let passed = Checksums::of_stream(&mut file, Some(&pixels), &[]).expect("few overlap");
                assert_eq!(file.end().expect("memory").0, *blake3::hash(&bytes).as_bytes());
                let header = pixels.header_byte_count as usize;
                assert_eq!(passed.header(&pixels), xxh3_64(&bytes[..header]), "{step}");
                for frame in passed.frames(&pixels) {
                    let (start, length) = (frame.offset as usize, frame.byte_count as usize);
                    assert_eq!(frame.checksum, xxh3_64(&bytes[start..start + length]), "{step}");
                }
            }
        }
    }

    #[test]
    fn long_values_have_checksums_with_pixels_and_without() {
        let bytes: Vec<u8> = (0..5000_u32).map(|value| (value * 7 % 251) as u8).collect();
        let value = |offset, byte_count| BulkValue {
            path: "00420011".to_owned(),
            vr: dicom_core::VR::OB,
            offset,
            byte_count,
            swapped_bytes: 1,
        };
        let values = [value(10, 2000), value(2500, 1500)];
        for pixels in [None, Some(pixels(4500, &[(4500, 500)]))] {
            let passed = Checksums::of_stream(&bytes[..], pixels.as_ref(), &values).expect("few overlap");
            let told: Vec<u64> = passed.bulk_values(&values).iter().map(|value| value.checksum).collect();
            assert_eq!(told, [xxh3_64(&bytes[10..2010]), xxh3_64(&bytes[2500..4000])]);
        }
    }

    #[test]
    fn the_digest_is_of_the_whole_file_however_little_of_it_was_asked_for() {
        let mut file = Digested::of(&b"some of it, and the rest"[..]);
        file.read_exact(&mut [0; 10]).expect("memory");
        assert_eq!(file.end().expect("memory").0, *blake3::hash(b"some of it, and the rest").as_bytes());
    }

    #[test]
    fn frames_on_top_of_each_other_are_damage_and_equal_ones_are_read_once() {
        let staircase: Vec<(u64, u64)> = (0..100).map(|step| (100 + step, 500)).collect();
        assert!(Checksums::of_stream(&[0; 1000][..], Some(&pixels(100, &staircase)), &[]).is_err());
        let same = vec![(100, 500); 100_000];
        let read = Checksums::of_stream(&[0; 1000][..], Some(&pixels(100, &same)), &[]).expect("one range");
        assert_eq!(read.0.len(), 2);
    }
}
