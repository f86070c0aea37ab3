//! From code blocks to a plane: subbands, and the reversible 5/3 wavelet backwards (T.800 F.3, F.4.1).

use super::block::{self, Scratch};
use super::header::Frame;
use super::packets::Band;

/// The plane of one component at a resolution, row after row.
pub(super) fn plane(
    frame: &Frame<'_>,
    bands: &[Vec<Band<'_>>],
    resolution: u8,
    scratch: &mut Scratch,
) -> Option<Vec<i32>> {
    let mut bands = bands.iter();
    let mut plane = coefficients(bands.next()?.first()?, scratch)?;
    for level in 1..=resolution {
        let [right, below, across] = &bands.next()?[..] else { return None };
        let (columns, rows) = frame.size_at(level);
        let parts = Parts {
            low: plane,
            right: coefficients(right, scratch)?,
            below: coefficients(below, scratch)?,
            across: coefficients(across, scratch)?,
            columns,
            rows,
        };
        plane = parts.synthesis();
    }
    Some(plane)
}

fn coefficients(band: &Band<'_>, scratch: &mut Scratch) -> Option<Vec<i32>> {
    let mut values = vec![0; band.columns * band.rows];
    for (place, bytes) in &band.blocks {
        block::decode(bytes, *place, &mut values, band.columns, scratch)?;
    }
    Some(values)
}

/// Four subbands, and the size of the plane that they make.
struct Parts {
    low: Vec<i32>,
    /// Horizontally high.
    right: Vec<i32>,
    /// Vertically high.
    below: Vec<i32>,
    across: Vec<i32>,
    columns: usize,
    rows: usize,
}

impl Parts {
    /// Row by row: each goes across as soon as it is wanted, then down with its neighbours while they are warm.
    fn synthesis(self) -> Vec<i32> {
        let columns = self.columns;
        let (low_width, high_width) = (columns.div_ceil(2), columns / 2);
        let row = |y: usize, width: usize| y * width..(y + 1) * width;
        let mut plane = vec![0; columns * self.rows];
        let mut even = vec![0; low_width];
        let mut across = |low: &[i32], high: &[i32], y: usize, out: &mut [i32]| {
            horizontal(&low[row(y, low_width)], &high[row(y, high_width)], &mut even, out);
        };
        for y in (0..self.rows).step_by(2) {
            let (above, rest) = plane.split_at_mut(y * columns);
            let (this, rest) = rest.split_at_mut(columns);
            across(&self.low, &self.right, y / 2, this);
            let below = rest.get_mut(..columns);
            let below = below.map(|below| {
                across(&self.below, &self.across, y / 2, below);
                &*below
            });
            let before = y.checked_sub(1).map(|y| &above[y * columns..]);
            let (Some(first), Some(second)) = (before.or(below), below.or(before)) else { continue };
            for ((value, &a), &b) in this.iter_mut().zip(first).zip(second) {
                *value = value.wrapping_sub(a.wrapping_add(b).wrapping_add(2) >> 2);
            }
            if let Some(odd) = y.checked_sub(2) {
                let (even, odd) = above[odd * columns..].split_at_mut(columns);
                raise(odd, even, this);
            }
        }
        if self.rows % 2 == 0 && self.rows > 0 {
            let (even, odd) = plane[(self.rows - 2) * columns..].split_at_mut(columns);
            raise(odd, even, even);
        }
        plane
    }
}

/// Adds the mean of both neighbours.
fn raise(odd: &mut [i32], before: &[i32], after: &[i32]) {
    for ((value, &a), &b) in odd.iter_mut().zip(before).zip(after) {
        *value = value.wrapping_add(a.wrapping_add(b) >> 1);
    }
}

/// One row of low and high coefficients to samples. `even` is as long as `low`.
fn horizontal(low: &[i32], high: &[i32], even: &mut [i32], out: &mut [i32]) {
    let (Some(&first), Some(&last)) = (high.first(), high.last()) else {
        out.copy_from_slice(low);
        return;
    };
    let lower = |value: i32, a: i32, b: i32| value.wrapping_sub(a.wrapping_add(b).wrapping_add(2) >> 2);
    even[0] = lower(low[0], first, first);
    for ((even, &low), pair) in even[1..].iter_mut().zip(&low[1..]).zip(high.windows(2)) {
        *even = lower(low, pair[0], pair[1]);
    }
    if low.len() > high.len() {
        even[high.len()] = lower(low[high.len()], last, last);
    }
    let (pairs, tail) = out.as_chunks_mut::<2>();
    for ((pair, &high), even) in pairs.iter_mut().zip(high).zip(even.windows(2)) {
        *pair = [even[0], high.wrapping_add(even[0].wrapping_add(even[1]) >> 1)];
    }
    let end = even[low.len() - 1];
    match (tail, pairs.last_mut()) {
        ([odd_one], _) => *odd_one = end,
        (_, Some(pair)) => *pair = [end, last.wrapping_add(end)],
        _ => {}
    }
}
