//! A zlib stream (RFC 1950) of filtered rows in dynamic Huffman blocks (RFC 1951).
//!
//! `runs` or `repeats` cuts a block into segments and counts their symbols, `huffman` makes the codes, and the block is
//! written in one pass.

use super::bits::{Begun, BitWriter};
use super::huffman::{BlockCode, END_OF_BLOCK, LITERAL_SYMBOLS};
use super::repeats::Seen;
use super::{filter, runs};

/// Filtered bytes of one block. Codes that fit 64 KB of neighbouring rows beat those of a whole picture, and the bytes
/// stay in the first caches between filtering, counting and writing. No more than a stored block can hold.
const BLOCK_BYTES: usize = STORED_BYTES_MAX;
/// The same for colour with repeats, which has three times the bytes a row.
const COLOUR_BLOCK_BYTES: usize = 3 * BLOCK_BYTES;
/// Longest stored block (RFC 1951 section 3.2.4).
const STORED_BYTES_MAX: usize = 65_535;
/// Longest match of deflate.
pub(super) const MATCH_MAX: usize = 258;
/// Shortest match of deflate.
pub(super) const MATCH_MIN: usize = 3;
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

/// As [`append_filtered`], and looks for repeats of pixels of three bytes.
pub(super) fn append_filtered_with_repeats(filtered: &[u8], row_bytes: usize, out: &mut Vec<u8>) {
    let mut blocks = BlockWriter::new(out);
    let mut seen = Seen::new();
    let band_bytes = row_bytes * (COLOUR_BLOCK_BYTES / row_bytes).max(1);
    for begin in (0..filtered.len()).step_by(band_bytes) {
        let end = filtered.len().min(begin + band_bytes);
        seen.split(filtered, (begin, end), row_bytes, &mut blocks.segments);
        blocks.write(&filtered[begin..end], end == filtered.len());
    }
    out.extend_from_slice(&simd_adler32::adler32(&filtered).to_be_bytes());
}

/// Bytes that one block of filtered rows would take, with runs only and with repeats.
pub(super) fn block_byte_counts(filtered: &[u8], row_bytes: usize) -> (usize, usize) {
    let mut segments = Segments::default();
    runs::split(filtered, runs::RUN_MIN, &mut segments);
    let with_runs = BlockCode::new(&segments).bit_count(&segments) / 8;
    Seen::new().split(filtered, (0, filtered.len()), row_bytes, &mut segments);
    (with_runs, BlockCode::new(&segments).bit_count(&segments) / 8)
}

/// Literals, then a copy of what came before; a copy of length 0 is none.
struct Segment {
    literal_count: u32,
    copy_length: u16,
    /// 1 to 32,768.
    copy_distance: u16,
}

/// A block as segments, and how often each symbol occurs in them.
pub(super) struct Segments {
    list: Vec<Segment>,
    /// Literals, end of block, lengths.
    pub(super) literals: [u32; LITERAL_SYMBOLS],
    /// Distances.
    pub(super) distances: [u32; DISTANCE_SYMBOLS],
}

impl Default for Segments {
    fn default() -> Self {
        Self { list: Vec::new(), literals: [0; LITERAL_SYMBOLS], distances: [0; DISTANCE_SYMBOLS] }
    }
}

impl Segments {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.literals.fill(0);
        self.literals[END_OF_BLOCK] = 1;
        self.distances.fill(0);
    }

    /// Adds literals, which the caller counts, and a copy.
    #[inline]
    pub(super) fn push(&mut self, literal_count: usize, length: usize, distance: usize) {
        self.literals[length_symbol(length).0] += 1;
        self.distances[distance_symbol(distance).0] += 1;
        self.list.push(Segment {
            literal_count: literal_count as u32,
            copy_length: length as u16,
            copy_distance: distance as u16,
        });
    }

    /// Adds literals without a copy, which the caller counts.
    pub(super) fn push_literals(&mut self, literal_count: usize) {
        self.list.push(Segment { literal_count: literal_count as u32, copy_length: 0, copy_distance: 0 });
    }

    /// Adds a table of counted literals.
    pub(super) fn add_literals(&mut self, table: &[u32; 256]) {
        for (count, more) in self.literals.iter_mut().zip(table) {
            *count += more;
        }
    }

    /// Bytes that the segments stand for.
    #[cfg(test)]
    pub(super) fn byte_count(&self) -> usize {
        self.list
            .iter()
            .map(|segment| segment.literal_count as usize + usize::from(segment.copy_length))
            .sum()
    }
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

fn write_coded(
    mut bytes: &[u8],
    segments: &[Segment],
    code: &BlockCode,
    is_last: bool,
    bits: &mut BitWriter<'_>,
) {
    bits.push(u64::from(is_last) | 0b10 << 1, 3);
    code.write_lengths(bits);
    for segment in segments {
        let (literals, behind) = bytes.split_at(segment.literal_count as usize);
        bits.push_literals(literals, &code.literals);
        if segment.copy_length > 0 {
            let (symbol, extra_bits, extra_bit_count) = length_symbol(usize::from(segment.copy_length));
            bits.push_code_and_extra(code.symbols[symbol], extra_bits, extra_bit_count);
            let (symbol, extra_bits, extra_bit_count) = distance_symbol(usize::from(segment.copy_distance));
            bits.push_code_and_extra(code.distances[symbol], extra_bits, extra_bit_count);
        }
        bytes = &behind[usize::from(segment.copy_length)..];
    }
    bits.push_code(code.symbols[END_OF_BLOCK]);
}

/// Symbols for distances.
pub(super) const DISTANCE_SYMBOLS: usize = 30;

/// Symbol, extra bits and their count for a match of 3 to 258 bytes (RFC 1951 section 3.2.5).
#[inline]
fn length_symbol(length: usize) -> (usize, u64, u32) {
    let offset = length - MATCH_MIN;
    match offset {
        0..8 => (257 + offset, 0, 0),
        255 => (285, 0, 0),
        _ => {
            let extra_bit_count = offset.ilog2() - 2;
            let quarter = offset >> extra_bit_count; // 4 to 7: which of the four symbols with as many extra bits.
            let symbol = 257 + 4 * extra_bit_count as usize + quarter;
            (symbol, (offset & ((1 << extra_bit_count) - 1)) as u64, extra_bit_count)
        }
    }
}

/// Symbol, extra bits and their count for a distance of 1 to 32,768 (RFC 1951 section 3.2.5).
#[inline]
fn distance_symbol(distance: usize) -> (usize, u64, u32) {
    let offset = distance - 1;
    if offset < 4 {
        return (offset, 0, 0);
    }
    let extra_bit_count = offset.ilog2() - 1;
    let half = offset >> extra_bit_count; // 2 or 3: which of the two symbols with as many extra bits.
    (2 * extra_bit_count as usize + half, (offset & ((1 << extra_bit_count) - 1)) as u64, extra_bit_count)
}

/// Extra bits behind a symbol for a length.
pub(super) fn length_extra_bit_count(symbol: usize) -> u32 {
    if (265..285).contains(&symbol) { (symbol as u32 - 261) / 4 } else { 0 }
}

/// Extra bits behind a symbol for a distance.
pub(super) fn distance_extra_bit_count(symbol: usize) -> u32 {
    (symbol as u32 / 2).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table in RFC 1951 section 3.2.5: length, symbol, extra bits, their count.
    #[test]
    fn lengths_have_the_symbols_of_the_standard() {
        let cases = [
            (3, (257, 0, 0)),
            (10, (264, 0, 0)),
            (11, (265, 0, 1)),
            (12, (265, 1, 1)),
            (18, (268, 1, 1)),
            (19, (269, 0, 2)),
            (66, (276, 7, 3)),
            (130, (280, 15, 4)),
            (131, (281, 0, 5)),
            (257, (284, 30, 5)),
            (258, (285, 0, 0)),
        ];
        for (length, expected) in cases {
            assert_eq!(length_symbol(length), expected, "length {length}");
            assert_eq!(length_extra_bit_count(expected.0), expected.2, "length {length}");
        }
    }

    /// Rows of the table in RFC 1951 section 3.2.5: distance, symbol, extra bits, their count.
    #[test]
    fn distances_have_the_symbols_of_the_standard() {
        let cases = [
            (1, (0, 0, 0)),
            (4, (3, 0, 0)),
            (5, (4, 0, 1)),
            (6, (4, 1, 1)),
            (7, (5, 0, 1)),
            (9, (6, 0, 2)),
            (24, (8, 7, 3)),
            (257, (16, 0, 7)),
            (24_576, (28, 8191, 13)),
            (24_577, (29, 0, 13)),
            (32_768, (29, 8191, 13)),
        ];
        for (distance, expected) in cases {
            assert_eq!(distance_symbol(distance), expected, "distance {distance}");
            assert_eq!(distance_extra_bit_count(expected.0), expected.2, "distance {distance}");
        }
    }
}
