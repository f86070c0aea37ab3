//! A zlib stream (RFC 1950) of filtered rows in dynamic Huffman blocks (RFC 1951).
//!
//! `runs`, `greys` or `repeats` cuts a block into segments and counts their symbols, `huffman` makes the codes, and the block is
//! written in one pass.

use super::bits::{Begun, BitWriter};
use super::greys::SeenGreys;
use super::huffman::BlockCode;
use super::repeats::Seen;
use super::segments::{END_OF_BLOCK, Segment, Segments, distance_symbol, length_symbol};
use super::{filter, runs};

/// Filtered bytes of one block. Codes that fit 64 KB of neighbouring rows beat those of a whole picture, and the bytes
/// stay in the first caches between filtering, counting and writing. No more than a stored block can hold.
const BLOCK_BYTES: usize = STORED_BYTES_MAX;
/// The same for colour with repeats, which has three times the bytes a row.
const COLOUR_BLOCK_BYTES: usize = 3 * BLOCK_BYTES;
/// Longest stored block (RFC 1951 section 3.2.4).
const STORED_BYTES_MAX: usize = 65_535;
/// Run of zeros worth a match where a zero costs a single bit.
const CHEAP_RUN_MIN: usize = 16;

/// Appends the zlib stream of `pixels`, rows of `row_bytes` bytes, `BPP` bytes a pixel.
pub(super) fn append_pixels<const BPP: usize>(pixels: &[u8], row_bytes: usize, out: &mut Vec<u8>) {
    let rows_per_block = (BLOCK_BYTES / (row_bytes + 1)).max(1);
    let first_above = vec![0; row_bytes];
    let mut above = first_above.as_slice();
    let mut filtered = Vec::with_capacity((row_bytes + 1) * rows_per_block);
    let mut checksum = simd_adler32::Adler32::new();
    let mut blocks = BlockWriter::new(out);
    let mut bands = pixels.chunks(row_bytes * rows_per_block).peekable();
    while let Some(band) = bands.next() {
        filtered.clear();
        for row in band.chunks_exact(row_bytes) {
            filter::append_row::<BPP>(row, above, &mut filtered);
            above = row;
        }
        checksum.write(&filtered);
        blocks.write_with_runs(&filtered, bands.peek().is_none());
    }
    out.extend_from_slice(&checksum.finish().to_be_bytes());
}

/// Appends the zlib stream of filtered rows, `row_bytes` with the filter-type byte; looks for runs only.
pub(super) fn append_filtered(filtered: &[u8], row_bytes: usize, out: &mut Vec<u8>) {
    let mut blocks = BlockWriter::new(out);
    let mut bands = filtered.chunks(row_bytes * (BLOCK_BYTES / row_bytes).max(1)).peekable();
    while let Some(band) = bands.next() {
        blocks.write_with_runs(band, bands.peek().is_none());
    }
    out.extend_from_slice(&simd_adler32::adler32(&filtered).to_be_bytes());
}

/// As [`append_filtered`], and cuts RGB another way.
pub(super) fn append_filtered_rgb(filtered: &[u8], row_bytes: usize, mut cut: Cut, out: &mut Vec<u8>) {
    let mut blocks = BlockWriter::new(out);
    let band_bytes = row_bytes * (COLOUR_BLOCK_BYTES / row_bytes).max(1);
    for begin in (0..filtered.len()).step_by(band_bytes) {
        let end = filtered.len().min(begin + band_bytes);
        cut.split(filtered, (begin, end), row_bytes, &mut blocks.segments);
        blocks.write(&filtered[begin..end], end == filtered.len());
    }
    out.extend_from_slice(&simd_adler32::adler32(&filtered).to_be_bytes());
}

/// A way to cut filtered RGB, and what it has seen.
pub(super) enum Cut {
    /// Grey pixels that came before.
    Greys(SeenGreys),
    /// Repeats of two and more pixels.
    Repeats(Seen),
}

impl Cut {
    fn split(&mut self, filtered: &[u8], band: (usize, usize), row_bytes: usize, segments: &mut Segments) {
        match self {
            Self::Greys(seen) => seen.split(filtered, band, row_bytes, segments),
            Self::Repeats(seen) => seen.split(filtered, band, row_bytes, segments),
        }
    }

    /// Bytes of one block of these rows.
    pub(super) fn byte_count(mut self, filtered: &[u8], row_bytes: usize) -> usize {
        let mut segments = Segments::default();
        self.split(filtered, (0, filtered.len()), row_bytes, &mut segments);
        BlockCode::new(&segments).bit_count(&segments) / 8
    }
}

/// Bytes of one block of filtered rows with nothing but runs.
pub(super) fn byte_count_with_runs(filtered: &[u8]) -> usize {
    let mut segments = Segments::default();
    runs::split(filtered, runs::RUN_MIN, &mut segments);
    BlockCode::new(&segments).bit_count(&segments) / 8
}

/// Writes blocks one after another; holds what they hand on.
struct BlockWriter<'a> {
    out: &'a mut Vec<u8>,
    begun: Begun,
    segments: Segments,
    run_min: usize,
}

impl<'a> BlockWriter<'a> {
    /// Starts a zlib stream at the end of `out`.
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(&[0x78, 0x01]);
        Self { out, begun: Begun::default(), segments: Segments::default(), run_min: runs::RUN_MIN }
    }

    fn write_with_runs(&mut self, bytes: &[u8], is_last: bool) {
        runs::split(bytes, self.run_min, &mut self.segments);
        let code = self.write(bytes, is_last);
        // Neighbouring blocks are alike, so this one tells how the next is cut best.
        self.run_min = if code.literals.counts[0] == 1 { CHEAP_RUN_MIN } else { runs::RUN_MIN };
    }

    /// Writes `bytes`, which the segments stand for.
    fn write(&mut self, bytes: &[u8], is_last: bool) -> BlockCode {
        let code = BlockCode::new(&self.segments);
        let bit_count = code.bit_count(&self.segments);
        let stored_byte_count = bytes.len() + bytes.len().div_ceil(STORED_BYTES_MAX) * 5;
        let start = self.out.len();
        // A word more than the bits, as the writer wants it, and the byte that was begun.
        self.out.resize(start + stored_byte_count.min(bit_count / 8) + 16, 0);
        let mut writer = BitWriter::new(&mut self.out[start..], self.begun);
        if bit_count / 8 >= stored_byte_count {
            write_stored(bytes, is_last, &mut writer);
        } else {
            write_coded(bytes, &self.segments.list, &code, is_last, &mut writer);
        }
        if is_last {
            writer.align();
        }
        let (byte_count, begun) = writer.finish();
        self.out.truncate(start + byte_count);
        self.begun = begun;
        code
    }
}

fn write_stored(bytes: &[u8], is_last: bool, bits: &mut BitWriter<'_>) {
    let mut pieces = bytes.chunks(STORED_BYTES_MAX).peekable();
    while let Some(piece) = pieces.next() {
        bits.push(u64::from(is_last && pieces.peek().is_none()), 3);
        bits.align();
        let length = piece.len() as u16;
        bits.push_bytes(&length.to_le_bytes());
        bits.push_bytes(&(!length).to_le_bytes());
        bits.push_bytes(piece);
    }
}

// With BMI2 shifts take their count from any register, which is a tenth of the time.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt"))]
fn write_coded<'a>(
    mut bytes: &[u8],
    segments: &[Segment],
    code: &BlockCode,
    is_last: bool,
    bits: &mut BitWriter<'a>,
) {
    bits.push(u64::from(is_last) | 0b10 << 1, 3);
    code.write_lengths(bits);
    for segment in segments {
        let (literals, behind) = bytes.split_at(segment.literal_count as usize);
        if !literals.is_empty() {
            bits.push_literals(literals, &code.literals);
        }
        if segment.copy_length > 0 {
            push_copy(segment, code, bits);
        }
        bytes = &behind[usize::from(segment.copy_length)..];
    }
    bits.push_code(code.symbols[END_OF_BLOCK]);
}

/// Length and distance in one push: at most 14 + 5 and 14 + 13 bits.
#[inline(always)]
fn push_copy(segment: &Segment, code: &BlockCode, bits: &mut BitWriter<'_>) {
    let (symbol, extra_bits, extra_bit_count) = length_symbol(usize::from(segment.copy_length));
    let (length, length_bit_count) = code.symbols[symbol].with_extra(extra_bits, extra_bit_count);
    let (symbol, extra_bits, extra_bit_count) = distance_symbol(usize::from(segment.copy_distance));
    let (distance, distance_bit_count) = code.distances[symbol].with_extra(extra_bits, extra_bit_count);
    bits.push(length | distance << (length_bit_count & 63), length_bit_count + distance_bit_count);
}
