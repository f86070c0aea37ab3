//! A zlib stream (RFC 1950) of filtered rows: dynamic Huffman blocks (RFC 1951) of literals and runs of zeros.

use super::bits::BitWriter;
use super::{filter, huffman};

/// Filtered bytes of one block. Codes that fit 64 KB of neighbouring rows beat those of a whole picture, and the bytes
/// stay in the first caches between filtering, counting and writing.
const BLOCK_BYTES: usize = 65_535;
/// Longest code of a literal: four of them and a begun byte fit a 64-bit word.
const CODE_BITS_MAX: usize = 14;
/// Longest code of the code-length alphabet (RFC 1951 section 3.2.7).
const META_BITS_MAX: usize = 7;
/// Longest match of deflate.
const MATCH_MAX: usize = 258;
/// Shortest match of deflate.
const MATCH_MIN: usize = 3;
const END_OF_BLOCK: usize = 256;
const LITERAL_SYMBOLS: usize = 286;

/// Literals, then a run of zeros that is perhaps empty.
struct Segment {
    literals: std::ops::Range<usize>,
    zeros: usize,
}

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
    blocks.finish();
    out.extend_from_slice(&checksum.finish().to_be_bytes());
}

/// Writes blocks one after another; holds the buffers they share.
struct BlockWriter<'a> {
    bits: BitWriter<'a>,
    segments: Vec<Segment>,
}

impl<'a> BlockWriter<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { bits: BitWriter::new(out), segments: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8], is_last: bool) {
        let mut counts = split(bytes, &mut self.segments);
        counts[END_OF_BLOCK] = 1;
        let code = BlockCode::new(&counts);
        if code.bit_count(&counts) >= (bytes.len() + 5 * bytes.len().div_ceil(65_535)) * 8 {
            self.write_stored(bytes, is_last);
        } else {
            self.write_coded(bytes, &code, is_last);
        }
    }

    fn write_stored(&mut self, bytes: &[u8], is_last: bool) {
        let mut pieces = bytes.chunks(65_535).peekable();
        while let Some(piece) = pieces.next() {
            self.bits.push(u32::from(is_last && pieces.peek().is_none()), 3);
            let length = piece.len() as u16;
            self.bits.push_bytes(&length.to_le_bytes());
            self.bits.push_bytes(&(!length).to_le_bytes());
            self.bits.push_bytes(piece);
        }
    }

    fn write_coded(&mut self, bytes: &[u8], code: &BlockCode, is_last: bool) {
        self.bits.push(u32::from(is_last) | 0b10 << 1, 3);
        code.write_header(&mut self.bits);
        for segment in &self.segments {
            let literals = &bytes[segment.literals.clone()];
            self.bits.push_literals(literals, &code.literals, literals.len() * CODE_BITS_MAX);
            for (symbol, extra_bits, extra_count) in matches(segment.zeros) {
                push_symbol(&mut self.bits, code.codes[symbol]);
                if symbol > END_OF_BLOCK {
                    self.bits.push(extra_bits, extra_count);
                    self.bits.push(0, 1); // The one distance code: 1.
                }
            }
        }
        push_symbol(&mut self.bits, code.codes[END_OF_BLOCK]);
    }

    fn finish(mut self) {
        self.bits.align();
    }
}

fn push_symbol(bits: &mut BitWriter<'_>, code: u32) {
    bits.push(code & 0xffff, code >> 16);
}

/// Cuts `bytes` into literals and runs of zeros, and counts the symbols they need.
fn split(bytes: &[u8], segments: &mut Vec<Segment>) -> [u32; LITERAL_SYMBOLS] {
    segments.clear();
    let mut counts = [0u32; LITERAL_SYMBOLS];
    let mut tallies = [[0u32; 256]; 4];
    let (mut start, mut at) = (0, 0);
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        if u64::from_ne_bytes(*word) != 0 {
            for (index, &byte) in word.iter().enumerate() {
                tallies[index % 4][usize::from(byte)] += 1;
            }
            at += 8;
            continue;
        }
        let zeros = zeros_at(&bytes[at..]);
        segments.push(Segment { literals: start..at, zeros });
        for (symbol, ..) in matches(zeros) {
            counts[symbol] += 1;
        }
        at += zeros;
        start = at;
    }
    for &byte in &bytes[at..] {
        counts[usize::from(byte)] += 1;
    }
    segments.push(Segment { literals: start..bytes.len(), zeros: 0 });
    for tally in &tallies {
        for (count, more) in counts.iter_mut().zip(tally) {
            *count += more;
        }
    }
    counts
}

fn zeros_at(bytes: &[u8]) -> usize {
    let words = bytes.as_chunks::<8>().0;
    let whole = words.iter().take_while(|word| u64::from_ne_bytes(**word) == 0).count() * 8;
    whole + bytes[whole..].iter().take_while(|&&byte| byte == 0).count()
}

/// The symbols of a run of `zeros` with the bits and count of bits behind each: a literal to copy from, then matches
/// at distance 1, then the one or two zeros too few for a match.
fn matches(zeros: usize) -> impl Iterator<Item = (usize, u32, u32)> {
    let copied = zeros.saturating_sub(1);
    let (whole, rest) = (copied / MATCH_MAX, copied % MATCH_MAX);
    let last = (rest >= MATCH_MIN).then(|| length_symbol(rest));
    let literals = zeros.min(1) + if rest < MATCH_MIN { rest } else { 0 };
    std::iter::repeat_n((0, 0, 0), literals)
        .chain(std::iter::repeat_n(length_symbol(MATCH_MAX), whole))
        .chain(last)
}

/// Symbol, extra bits and their count for a match of 3 to 258 bytes (RFC 1951 section 3.2.5).
fn length_symbol(length: usize) -> (usize, u32, u32) {
    if length == MATCH_MAX {
        return (285, 0, 0);
    }
    let offset = length - MATCH_MIN;
    if offset < 8 {
        return (257 + offset, 0, 0);
    }
    let extra_count = offset.ilog2() - 2;
    let step = offset >> extra_count; // 4 to 7
    let symbol = 257 + 4 * extra_count as usize + step;
    (symbol, (offset & ((1 << extra_count) - 1)) as u32, extra_count)
}

/// The codes of one block.
struct BlockCode {
    lengths: [u8; LITERAL_SYMBOLS],
    codes: [u32; LITERAL_SYMBOLS],
    literals: [u32; 256],
}

impl BlockCode {
    fn new(counts: &[u32; LITERAL_SYMBOLS]) -> Self {
        let mut lengths = [0; LITERAL_SYMBOLS];
        huffman::code_lengths(counts, CODE_BITS_MAX, &mut lengths);
        let mut codes = [0; LITERAL_SYMBOLS];
        huffman::codes(&lengths, &mut codes);
        let mut literals = [0; 256];
        literals.copy_from_slice(&codes[..256]);
        Self { lengths, codes, literals }
    }

    fn bit_count(&self, counts: &[u32; LITERAL_SYMBOLS]) -> usize {
        let symbols: usize = counts
            .iter()
            .zip(&self.lengths)
            .map(|(&count, &length)| count as usize * usize::from(length))
            .sum();
        symbols + 3
    }

    /// The code lengths, themselves run-length and Huffman coded (RFC 1951 section 3.2.7).
    fn write_header(&self, bits: &mut BitWriter<'_>) {
        let used = 1 + self.lengths.iter().rposition(|&length| length > 0).unwrap_or(END_OF_BLOCK);
        // The distance alphabet is its first code alone, one bit long.
        let mut all = self.lengths[..used].to_vec();
        all.push(1);
        let symbols = run_lengths(&all);
        let mut counts = [0u32; 19];
        for &(symbol, ..) in &symbols {
            counts[symbol] += 1;
        }
        let mut lengths = [0u8; 19];
        huffman::code_lengths(&counts, META_BITS_MAX, &mut lengths);
        let mut codes = [0; 19];
        huffman::codes(&lengths, &mut codes);
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let sent = 1 + ORDER.iter().rposition(|&symbol| lengths[symbol] > 0).unwrap_or(3).max(3);
        bits.push((used - 257) as u32, 5);
        bits.push(0, 5);
        bits.push((sent - 4) as u32, 4);
        for &symbol in &ORDER[..sent] {
            bits.push(u32::from(lengths[symbol]), 3);
        }
        for (symbol, extra_bits, extra_count) in symbols {
            push_symbol(bits, codes[symbol]);
            bits.push(extra_bits, extra_count);
        }
    }
}

/// Code lengths as symbols of the code-length alphabet with their extra bits.
fn run_lengths(lengths: &[u8]) -> Vec<(usize, u32, u32)> {
    let mut symbols = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let value = usize::from(run[0]);
        let mut left = run.len();
        if value == 0 {
            while left >= 11 {
                let taken = left.min(138);
                symbols.push((18, (taken - 11) as u32, 7));
                left -= taken;
            }
            if left >= 3 {
                symbols.push((17, (left - 3) as u32, 3));
                left = 0;
            }
        } else {
            symbols.push((value, 0, 0));
            left -= 1;
            while left >= 3 {
                let taken = left.min(6);
                symbols.push((16, (taken - 3) as u32, 2));
                left -= taken;
            }
        }
        symbols.extend(std::iter::repeat_n((value, 0, 0), left));
    }
    symbols
}
