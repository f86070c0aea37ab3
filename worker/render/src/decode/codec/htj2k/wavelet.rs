//! From code blocks to rows of a picture: the reversible 5/3 wavelet backwards (T.800 F.3, F.4.1).
//! Blocks are decoded when their rows are wanted, and rows handed on when they are done, so that most of it stays warm.

use super::block::{self, Place, Scratch};
use super::header::Frame;
use super::packets::Band;

/// Hands the rows of one component at a resolution to `sink`, from the top.
pub(super) fn rows(
    frame: &Frame<'_>,
    bands: &[Vec<Band<'_>>],
    resolution: u8,
    scratch: &mut Scratch,
    sink: &mut dyn FnMut(&[i32]),
) -> Option<()> {
    let mut bands = bands.iter();
    let lowest = bands.next()?.first()?;
    let mut strip = Strip::new(frame, lowest);
    let mut plane = Vec::with_capacity(lowest.columns * lowest.rows);
    for y in 0..lowest.rows {
        plane.extend_from_slice(strip.row(y, scratch)?);
    }
    for level in 1..=resolution {
        let [right, below, across] = &bands.next()?[..] else { return None };
        let (columns, rows) = frame.size_at(level);
        let [right, below, across] = [right, below, across].map(|band| Strip::new(frame, band));
        let parts = Parts { low: plane, right, below, across, columns, rows };
        plane = Vec::new();
        if level == resolution {
            return parts.synthesis(scratch, sink);
        }
        plane.reserve_exact(columns * rows);
        parts.synthesis(scratch, &mut |row| plane.extend_from_slice(row))?;
    }
    plane.chunks(lowest.columns).for_each(sink);
    Some(())
}

/// A subband, of which a row of code blocks is decoded at a time.
struct Strip<'a> {
    band: &'a Band<'a>,
    block_rows: usize,
    /// The first block that is not decoded.
    next: usize,
    values: Vec<i32>,
}

impl<'a> Strip<'a> {
    fn new(frame: &Frame<'_>, band: &'a Band<'a>) -> Self {
        let block_rows = 1 << frame.block.1;
        Self { band, block_rows, next: 0, values: vec![0; band.columns * band.rows.min(block_rows)] }
    }

    /// Rows must be asked for from the top, none left out.
    fn row(&mut self, y: usize, scratch: &mut Scratch) -> Option<&[i32]> {
        let columns = self.band.columns;
        if y.is_multiple_of(self.block_rows) {
            self.values.fill(0);
            while let Some((place, bytes)) =
                self.band.blocks.get(self.next).filter(|(place, _)| place.top == y)
            {
                block::decode(bytes, Place { top: 0, ..*place }, &mut self.values, columns, scratch)?;
                self.next += 1;
            }
        }
        self.values.get(y % self.block_rows * columns..)?.get(..columns)
    }
}

/// Four subbands, and the size of the picture that they make.
struct Parts<'a> {
    low: Vec<i32>,
    /// Horizontally high.
    right: Strip<'a>,
    /// Vertically high.
    below: Strip<'a>,
    across: Strip<'a>,
    columns: usize,
    rows: usize,
}

impl Parts<'_> {
    /// Two rows at a time: each goes across, then down with its neighbours.
    fn synthesis(mut self, scratch: &mut Scratch, sink: &mut dyn FnMut(&[i32])) -> Option<()> {
        let low_width = self.columns.div_ceil(2);
        let [mut even, mut odd, mut even_before, mut odd_before] = [(); 4].map(|()| vec![0; self.columns]);
        let mut half = vec![0; low_width];
        for y in 0..self.rows.div_ceil(2) {
            let low = self.low.get(y * low_width..)?.get(..low_width)?;
            horizontal(low, self.right.row(y, scratch)?, &mut half, &mut even);
            let has_odd = 2 * y + 1 < self.rows;
            if has_odd {
                let low = self.below.row(y, scratch)?;
                horizontal(low, self.across.row(y, scratch)?, &mut half, &mut odd);
            }
            match (y, has_odd) {
                (0, false) => {}
                (0, true) => lower(&mut even, &odd, &odd),
                (_, true) => lower(&mut even, &odd_before, &odd),
                (_, false) => lower(&mut even, &odd_before, &odd_before),
            }
            if y > 0 {
                raise(&mut odd_before, &even_before, &even);
                sink(&odd_before);
            }
            sink(&even);
            std::mem::swap(&mut even, &mut even_before);
            std::mem::swap(&mut odd, &mut odd_before);
        }
        if self.rows.is_multiple_of(2) {
            raise(&mut odd_before, &even_before, &even_before);
            sink(&odd_before);
        }
        Some(())
    }
}

/// An even sample from a low coefficient and the high ones beside it.
fn lowered(low: i32, before: i32, after: i32) -> i32 {
    low.wrapping_sub(before.wrapping_add(after).wrapping_add(2) >> 2)
}

/// An odd sample from a high coefficient and the even samples beside it.
fn raised(high: i32, before: i32, after: i32) -> i32 {
    high.wrapping_add(before.wrapping_add(after) >> 1)
}

fn lower(even: &mut [i32], before: &[i32], after: &[i32]) {
    for ((value, &before), &after) in even.iter_mut().zip(before).zip(after) {
        *value = lowered(*value, before, after);
    }
}

fn raise(odd: &mut [i32], before: &[i32], after: &[i32]) {
    for ((value, &before), &after) in odd.iter_mut().zip(before).zip(after) {
        *value = raised(*value, before, after);
    }
}

/// One row of low and high coefficients to samples. `even` is as long as `low`.
fn horizontal(low: &[i32], high: &[i32], even: &mut [i32], out: &mut [i32]) {
    let (Some(&first), Some(&last)) = (high.first(), high.last()) else {
        out.copy_from_slice(low);
        return;
    };
    even[0] = lowered(low[0], first, first);
    for ((even, &low), pair) in even[1..].iter_mut().zip(&low[1..]).zip(high.windows(2)) {
        *even = lowered(low, pair[0], pair[1]);
    }
    if low.len() > high.len() {
        even[high.len()] = lowered(low[high.len()], last, last);
    }
    let (pairs, tail) = out.as_chunks_mut::<2>();
    for ((pair, &high), even) in pairs.iter_mut().zip(high).zip(even.windows(2)) {
        *pair = [even[0], raised(high, even[0], even[1])];
    }
    let end = even[low.len() - 1];
    match (tail, pairs.last_mut()) {
        ([odd_one], _) => *odd_one = end,
        (_, Some(pair)) => *pair = [end, raised(last, end, end)],
        _ => {}
    }
}
