//! A zlib stream (RFC 1950) of filtered rows: dynamic Huffman blocks (RFC 1951) of literals and runs of zeros.
//!
//! Each block is cut into segments once, counted on the way, then written in one pass. `huffman` makes the codes.

use super::bits::{Begun, BitWriter};
use super::filter;
use super::huffman::{BlockCode, END_OF_BLOCK, LITERAL_SYMBOLS};

/// Filtered bytes of one block. Codes that fit 64 KB of neighbouring rows beat those of a whole picture, and the bytes
/// stay in the first caches between filtering, counting and writing. No more than a stored block can hold.
const BLOCK_BYTES: usize = STORED_BYTES_MAX;
/// Longest stored block (RFC 1951 section 3.2.4).
const STORED_BYTES_MAX: usize = 65_535;
/// Longest match of deflate.
const MATCH_MAX: usize = 258;
/// Shortest match of deflate.
const MATCH_MIN: usize = 3;

/// Appends the zlib stream of `pixels`, rows of `row_bytes` bytes, `BPP` bytes a pixel.
pub(super) fn zlib_of_rows<const BPP: usize>(pixels: &[u8], row_bytes: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x78, 0x01]);
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
        blocks.write(&filtered, bands.peek().is_none());
    }
    out.extend_from_slice(&checksum.finish().to_be_bytes());
}

/// Appends the zlib stream of rows that are filtered already, `row_bytes` with the filter-type byte.
pub(super) fn append_zlib(filtered: &[u8], row_bytes: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x78, 0x01]);
    let rows_per_block = (BLOCK_BYTES / row_bytes).max(1);
    let mut blocks = BlockWriter::new(out);
    let mut bands = filtered.chunks(row_bytes * rows_per_block).peekable();
    while let Some(band) = bands.next() {
        blocks.write(band, bands.peek().is_none());
    }
    out.extend_from_slice(&simd_adler32::adler32(&filtered).to_be_bytes());
}

/// Bytes that one block of `filtered` would take.
pub(super) fn block_byte_count(filtered: &[u8]) -> usize {
    let tally = split(filtered, RUN_MIN, &mut Vec::new());
    (BlockCode::new(&tally.counts).bit_count(&tally.counts) + tally.extra_bit_count).div_ceil(8)
}

/// Literals, then a run of zeros that is perhaps empty.
struct Segment {
    literal_count: usize,
    zeros: usize,
}

/// Zeros that make a run worth a match.
const RUN_MIN: usize = 8;
/// The same where a zero costs a single bit.
const CHEAP_RUN_MIN: usize = 16;

/// Writes blocks one after another; holds what they hand on.
struct BlockWriter<'a> {
    out: &'a mut Vec<u8>,
    begun: Begun,
    segments: Vec<Segment>,
    run_min: usize,
}

impl<'a> BlockWriter<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, begun: Begun::default(), segments: Vec::new(), run_min: RUN_MIN }
    }

    fn write(&mut self, bytes: &[u8], is_last: bool) {
        let tally = split(bytes, self.run_min, &mut self.segments);
        let code = BlockCode::new(&tally.counts);
        let bit_count = code.bit_count(&tally.counts) + tally.extra_bit_count;
        let stored_byte_count = bytes.len() + bytes.len().div_ceil(STORED_BYTES_MAX) * 5;
        let start = self.out.len();
        // A word more than the bits, as the writer wants it, and the byte that was begun.
        self.out.resize(start + stored_byte_count.min(bit_count / 8) + 16, 0);
        let mut writer = BitWriter::new(&mut self.out[start..], self.begun);
        if bit_count / 8 >= stored_byte_count {
            write_stored(bytes, is_last, &mut writer);
        } else {
            write_coded(bytes, &self.segments, &code, is_last, &mut writer);
        }
        if is_last {
            writer.align();
        }
        let (byte_count, begun) = writer.finish();
        self.out.truncate(start + byte_count);
        self.begun = begun;
        // Neighbouring blocks are alike, so this one tells how the next is cut best.
        self.run_min = if code.literals.counts[0] == 1 { CHEAP_RUN_MIN } else { RUN_MIN };
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
        let (literals, behind) = bytes.split_at(segment.literal_count);
        bits.push_literals(literals, &code.literals);
        write_run(segment.zeros, code, bits);
        bytes = &behind[segment.zeros..];
    }
    bits.push_code(code.symbols[END_OF_BLOCK]);
}

fn write_run(zeros: usize, code: &BlockCode, bits: &mut BitWriter<'_>) {
    let run = Run::of(zeros);
    for _ in 0..run.literals {
        bits.push_code(code.symbols[0]);
    }
    for length in std::iter::repeat_n(MATCH_MAX, run.longest_matches).chain(run.last_match) {
        let (symbol, extra_bits, extra_bit_count) = length_symbol(length);
        bits.push_code(code.symbols[symbol]);
        bits.push(extra_bits, extra_bit_count + DISTANCE_BITS);
    }
}

/// What a block is made of.
struct Tally {
    counts: [u32; LITERAL_SYMBOLS],
    extra_bit_count: usize,
}

/// Cuts `bytes` into literals and runs of zeros, and counts the symbols they need.
fn split(bytes: &[u8], run_min: usize, segments: &mut Vec<Segment>) -> Tally {
    segments.clear();
    let mut tally = Tally { counts: [0; LITERAL_SYMBOLS], extra_bit_count: 0 };
    // Four tables, so that equal neighbours do not wait for each other's count.
    let mut tables = [[0u32; 256]; 8];
    let (mut start, mut at, mut counted_in_runs) = (0, 0, 0);
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        if u64::from_ne_bytes(*word) != 0 {
            for (index, &byte) in word.iter().enumerate() {
                tables[index][usize::from(byte)] += 1;
            }
            at += 8;
            continue;
        }
        let before = bytes[start..at].iter().rev().take_while(|&&byte| byte == 0).count();
        let behind = zeros_at(&bytes[at..]);
        at += behind;
        if before + behind < run_min {
            tally.counts[0] += behind as u32;
            continue;
        }
        counted_in_runs += before as u32;
        tally.add_run(before + behind);
        segments.push(Segment { literal_count: at - behind - before - start, zeros: before + behind });
        start = at;
    }
    for &byte in &bytes[at..] {
        tally.counts[usize::from(byte)] += 1;
    }
    segments.push(Segment { literal_count: bytes.len() - start, zeros: 0 });
    for table in &tables {
        for (count, more) in tally.counts.iter_mut().zip(table) {
            *count += more;
        }
    }
    tally.counts[0] -= counted_in_runs;
    tally.counts[END_OF_BLOCK] = 1;
    tally
}

fn zeros_at(bytes: &[u8]) -> usize {
    let words = bytes.as_chunks::<8>().0;
    let whole = words.iter().take_while(|word| u64::from_ne_bytes(**word) == 0).count() * 8;
    whole + bytes[whole..].iter().take_while(|&&byte| byte == 0).count()
}

impl Tally {
    fn add_run(&mut self, zeros: usize) {
        let run = Run::of(zeros);
        self.counts[0] += run.literals as u32;
        for length in std::iter::repeat_n(MATCH_MAX, run.longest_matches).chain(run.last_match) {
            let (symbol, _, extra_bit_count) = length_symbol(length);
            self.counts[symbol] += 1;
            self.extra_bit_count += (extra_bit_count + DISTANCE_BITS) as usize;
        }
    }
}

/// Zeros as deflate says them: a literal to copy from, then matches at distance 1; what is left is literals again.
struct Run {
    literals: usize,
    longest_matches: usize,
    last_match: Option<usize>,
}

impl Run {
    #[inline]
    fn of(zeros: usize) -> Self {
        let copied = zeros.saturating_sub(1);
        let (longest_matches, rest) = (copied / MATCH_MAX, copied % MATCH_MAX);
        let last_match = (rest >= MATCH_MIN).then_some(rest);
        let literals = zeros.min(1) + if last_match.is_none() { rest } else { 0 };
        Self { literals, longest_matches, last_match }
    }
}

/// The one distance, 1, has a code of one bit: 0.
const DISTANCE_BITS: u32 = 1;

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
        }
    }

    #[test]
    fn a_run_is_said_in_full() {
        for zeros in 0..2000 {
            let run = Run::of(zeros);
            let said = run.literals + run.longest_matches * MATCH_MAX + run.last_match.unwrap_or(0);
            assert_eq!(said, zeros);
            assert!(run.literals > 0 || zeros == 0, "a match needs a zero to copy from");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_begin() {
        for begin in 0..40 {
            let mut bytes = vec![1; begin];
            bytes.extend([0; 30]);
            bytes.extend([1; 9]);
            let mut segments = Vec::new();
            split(&bytes, RUN_MIN, &mut segments);
            assert_eq!((segments[0].literal_count, segments[0].zeros), (begin, 30));
        }
    }
}
