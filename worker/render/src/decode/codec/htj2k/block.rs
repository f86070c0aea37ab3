//! The cleanup pass of one code block (T.814 7.3), all of whose bit planes it carries.

use super::bits::{Runs, unstuff_backwards, unstuff_forwards, word_at};
use super::tables::{FIRST_ROW, LATER_ROWS};

/// Quads of the widest block, and one on its right.
const QUADS: usize = 514;

/// Longest part of a block that runs and variable-length code may take (T.814 7.1.1).
const SUFFIX_BYTES_MAX: usize = 4079;

/// Buffers that blocks use one after the other.
pub(super) struct Scratch {
    magnitudes: Vec<u8>,
    codes: Vec<u8>,
    /// What the variable-length code says of each quad, and the exponent's bound without its predictor.
    quads: [(u16, u16); QUADS],
    /// Whether a sample above is significant: of the left quad's right column or the quad's left one.
    above: [u8; QUADS],
    /// The magnitudes of those samples, bitwise or: their largest exponent.
    exponents: [u32; QUADS],
    rows: [[i32; 2 * QUADS]; 2],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            magnitudes: Vec::new(),
            codes: Vec::new(),
            quads: [(0, 0); QUADS],
            above: [0; QUADS],
            exponents: [0; QUADS],
            rows: [[0; 2 * QUADS]; 2],
        }
    }
}

/// Where a block lies in its subband, and how many bits its magnitudes may have.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bit_planes: u32,
}

/// Decodes into `band`, whose rows are `stride` long.
pub(super) fn decode(
    bytes: &[u8],
    place: Place,
    band: &mut [i32],
    stride: usize,
    scratch: &mut Scratch,
) -> Option<()> {
    let &[before, last] = bytes.last_chunk::<2>()?;
    let suffix = usize::from(last) << 4 | usize::from(before & 0xF);
    if suffix < 2 || suffix > bytes.len().min(SUFFIX_BYTES_MAX) {
        return None;
    }
    let (magnitudes, codes) = bytes.split_at(bytes.len() - suffix);
    unstuff_forwards(magnitudes, &mut scratch.magnitudes);
    unstuff_backwards(codes, &mut scratch.codes);
    let mut codes = Codes { runs: Runs::new(codes)?, at: 0 };
    scratch.above.fill(0);
    scratch.exponents.fill(0);
    let mut at = 0;
    for y in (0..place.height).step_by(2) {
        let rows = (place.height - y).min(2);
        codes.row(scratch, place.width, rows, y == 0)?;
        at = samples(scratch, place, at, y == 0)?;
        let start = (place.top + y) * stride + place.left;
        for (row, line) in scratch.rows.iter().enumerate().take(rows) {
            band.get_mut(start + row * stride..)?
                .get_mut(..place.width)?
                .copy_from_slice(&line[..place.width]);
        }
    }
    (!codes.runs.is_bad).then_some(())
}

/// The variable-length code and the runs, as far as they are read.
struct Codes<'a> {
    runs: Runs<'a>,
    at: usize,
}

impl Codes<'_> {
    /// What the code says of a row of quads, two at a time.
    fn row(&mut self, scratch: &mut Scratch, width: usize, rows: usize, is_first: bool) -> Option<()> {
        let table = if is_first { &FIRST_ROW } else { &LATER_ROWS };
        let mut context = 0;
        let mut corner = 0;
        for x in (0..width).step_by(4) {
            let q = x / 2;
            let mut word = word_at(&scratch.codes, self.at, 0);
            let mut pair = [0_u16; 2];
            let mut used = 0;
            let count = if x + 2 < width { 2 } else { 1 };
            for (i, quad) in pair.iter_mut().enumerate().take(count) {
                if !is_first {
                    context |= usize::from(scratch.above[q + i]) | usize::from(scratch.above[q + i + 1]) << 2;
                }
                if context != 0 || self.runs.event() {
                    *quad = table[context << 7 | (word & 0x7F) as usize];
                }
                let (bits, length) = (usize::from(*quad), u32::from(*quad & 7));
                context = context_after(bits, is_first);
                word >>= length;
                used += length;
            }
            let mut mode = usize::from(pair[0] >> 3 & 1 | pair[1] >> 2 & 2);
            if is_first && mode == 3 && self.runs.event() {
                mode = 4;
            }
            let (u, length) = offsets(word, mode, is_first);
            self.at += (used + length) as usize;
            if !is_inside(pair, (width - x).min(4), rows) {
                return None;
            }
            scratch.quads[q] = (pair[0], u[0]);
            scratch.quads[q + 1] = (pair[1], u[1]);
            // The right neighbour of this pair is still that of the row above, read before it is overwritten.
            scratch.above[q] = corner | (pair[0] >> 5 & 1) as u8;
            scratch.above[q + 1] = (pair[0] >> 7 & 1 | pair[1] >> 5 & 1) as u8;
            corner = (pair[1] >> 7 & 1) as u8;
        }
        scratch.above[width.div_ceil(4) * 2] = corner;
        Some(())
    }
}

/// What a quad tells of the next one's neighbours (T.814 7.3.5).
#[inline]
fn context_after(quad: usize, is_first: bool) -> usize {
    if is_first { (quad >> 4 & 1) | (quad >> 5 & 7) } else { (quad >> 5 & 2) | (quad >> 6 & 2) }
}

/// Whether no sample is significant outside of the `columns` and `rows` that a pair of quads has of the block.
#[inline]
fn is_inside(pair: [u16; 2], columns: usize, rows: usize) -> bool {
    let inside = (0xFF_u16 >> (8 - 2 * columns)) & if rows == 2 { 0xFF } else { 0x55 };
    (pair[0] >> 4 & 0xF | pair[1] & 0xF0) & !inside == 0
}

/// Prefix of an offset by its next three bits: its length, the length of its suffix, and its value (T.814 table 3).
const PREFIXES: [(u32, u32, u16); 8] =
    [(3, 5, 5), (1, 0, 1), (2, 0, 2), (1, 0, 1), (3, 1, 3), (1, 0, 1), (2, 0, 2), (1, 0, 1)];

/// Offsets of two quads, one more each, and the bits that they took. Modes 0 to 3 say which of the two has one; in the
/// first row 3 means that the run of small ones goes on, and 4 that both are above 2.
#[inline]
fn offsets(word: u64, mode: usize, is_first: bool) -> ([u16; 2], u32) {
    let suffix = |at: u32, length: u32| (word >> at) as u16 & ((1 << length) - 1);
    let (length, tail, value) = PREFIXES[(word & 7) as usize];
    match mode {
        0 => ([1, 1], 0),
        1 => ([value + suffix(length, tail) + 1, 1], length + tail),
        2 => ([1, value + suffix(length, tail) + 1], length + tail),
        3 if is_first && length > 2 => {
            ([value + suffix(length + 1, tail) + 1, suffix(length, 1) + 2], length + 1 + tail)
        }
        _ => {
            let (next_length, next_tail, next) = PREFIXES[(word >> length & 7) as usize];
            let at = length + next_length;
            let more = if mode == 4 { 3 } else { 1 };
            let u = [value + suffix(at, tail) + more, next + suffix(at + tail, next_tail) + more];
            (u, at + tail + next_tail)
        }
    }
}

/// What the samples above add to a quad's exponent; it counts where more than one of its samples is significant
/// (T.814 7.3.7).
#[inline]
fn predictor(significant: u32, above: u32) -> u32 {
    let is_several = significant & significant.wrapping_sub(1) != 0;
    if is_several { (32 - above.leading_zeros()).saturating_sub(2) } else { 0 }
}

/// Magnitudes and signs of a row of quads; where the next row's begin.
fn samples(scratch: &mut Scratch, place: Place, mut at: usize, is_first: bool) -> Option<usize> {
    let Scratch { magnitudes, quads, exponents, rows: [top, bottom], .. } = scratch;
    let mut corner = 0;
    let count = place.width.div_ceil(2);
    for q in 0..count {
        let (quad, u) = quads[q];
        let quad = u32::from(quad);
        let significant = quad >> 4 & 0xF;
        let bound =
            u32::from(u) + if is_first { 0 } else { predictor(significant, exponents[q] | exponents[q + 1]) };
        if bound > place.bit_planes + 1 {
            return None;
        }
        if significant == 0 {
            (top[2 * q], top[2 * q + 1], bottom[2 * q], bottom[2 * q + 1]) = (0, 0, 0, 0);
            exponents[q] = corner;
            corner = 0;
            continue;
        }
        let mut values = [0; 4];
        let mut coded = [0; 4];
        let mut word = word_at(magnitudes, at, u64::MAX);
        let mut taken = 0;
        for i in 0..4 {
            let mask = 0_u32.wrapping_sub(quad >> (4 + i) & 1);
            let length = (bound - (quad >> (12 + i) & 1)) & mask;
            let bits = word as u32;
            let code = (bits & ((1_u64 << length) - 1) as u32 | (quad >> (8 + i) & 1) << length | 1) & mask;
            coded[i] = code;
            let sign = 0_i32.wrapping_sub((bits & 1) as i32);
            values[i] = ((((code >> 1) + 1) as i32 ^ sign).wrapping_sub(sign)) & mask as i32;
            taken += length;
            word =
                if bound > 14 { word_at(magnitudes, at + taken as usize, u64::MAX) } else { word >> length };
        }
        at += taken as usize;
        [top[2 * q], bottom[2 * q], top[2 * q + 1], bottom[2 * q + 1]] = values;
        exponents[q] = corner | coded[1];
        corner = coded[3];
    }
    exponents[count] = corner;
    Some(at)
}
