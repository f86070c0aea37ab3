//! Lossless JPEG (ITU-T T.81 annex H): every predictor, 2 to 16 bits, one scan, one Huffman table.

use super::Plane;
use crate::case::LosslessJpeg;

/// All 17 categories of differences have codes of 5 bits.
const CODE_BITS: u32 = 5;

pub(super) fn encode(plane: &Plane<'_>, coding: &LosslessJpeg) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    if coding.restarts {
        segment(&mut out, 0xDD, &(plane.columns as u16).to_be_bytes());
    }
    segment(&mut out, 0xC3, &frame_header(plane, coding.precision as u8));
    let mut table = vec![0, 0, 0, 0, 0, 17];
    table.resize(17, 0);
    table.extend(0..17);
    segment(&mut out, 0xC4, &table);
    let mut scan = vec![plane.components as u8];
    (0..plane.components).for_each(|component| scan.extend([component as u8 + 1, 0]));
    scan.extend([coding.predictor, 0, 0]);
    segment(&mut out, 0xDA, &scan);
    scan_data(plane, coding, &mut out);
    out.extend([0xFF, 0xD9]);
    out
}

fn segment(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((content.len() as u16 + 2).to_be_bytes());
    out.extend(content);
}

fn frame_header(plane: &Plane<'_>, precision: u8) -> Vec<u8> {
    let mut header = vec![precision];
    header.extend((plane.rows as u16).to_be_bytes());
    header.extend((plane.columns as u16).to_be_bytes());
    header.push(plane.components as u8);
    (0..plane.components).for_each(|component| header.extend([component as u8 + 1, 0x11, 0]));
    header
}

fn scan_data(plane: &Plane<'_>, coding: &LosslessJpeg, out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    for row in 0..plane.rows as usize {
        if coding.restarts && row > 0 {
            bits.flush(out);
            out.extend([0xFF, 0xD0 + ((row - 1) % 8) as u8]);
        }
        for column in 0..plane.columns as usize {
            for component in 0..plane.components {
                let at = |row: usize, column: usize| {
                    i64::from(
                        plane.samples[(row * plane.columns as usize + column) * plane.components + component],
                    )
                };
                let is_first_row = row == 0 || coding.restarts;
                let predicted = predicted(at, row, column, is_first_row, coding);
                bits.put_difference(difference(at(row, column) - predicted, coding), out);
            }
        }
    }
    bits.flush(out);
}

/// T.81 table H.1, and H.1.2.1 for the edges.
fn predicted(
    at: impl Fn(usize, usize) -> i64,
    row: usize,
    column: usize,
    is_first_row: bool,
    coding: &LosslessJpeg,
) -> i64 {
    match (is_first_row, column) {
        (true, 0) => return 1 << (coding.precision - 1),
        (true, _) => return at(row, column - 1),
        (false, 0) => return at(row - 1, column),
        _ => {}
    }
    let (a, b, c) = (at(row, column - 1), at(row - 1, column), at(row - 1, column - 1));
    match coding.predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}

/// Differences are modulo 65,536 (H.1.2.1); some writers take them modulo the range of the samples.
fn difference(exact: i64, coding: &LosslessJpeg) -> i64 {
    let modulus = if coding.wraps { 1 << coding.precision } else { 1 << 16 };
    let reduced = exact.rem_euclid(modulus);
    if reduced > modulus / 2 { reduced - modulus } else { reduced }
}

#[derive(Default)]
struct Bits {
    held: u64,
    count: u32,
}

impl Bits {
    fn put_difference(&mut self, difference: i64, out: &mut Vec<u8>) {
        let category = 64 - difference.unsigned_abs().leading_zeros();
        self.put(category.into(), CODE_BITS, out);
        // Category 16 has but one value, 32,768, and no further bits.
        if (1..16).contains(&category) {
            let value = if difference < 0 { difference - 1 } else { difference };
            self.put(value as u64 & ((1 << category) - 1), category, out);
        }
    }

    fn put(&mut self, value: u64, count: u32, out: &mut Vec<u8>) {
        self.held = self.held << count | value;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            out.push(byte);
            if byte == 0xFF {
                out.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            let missing = 8 - self.count;
            self.put((1 << missing) - 1, missing, out);
        }
    }
}
