//! Stored values of a frame: noise, ramps, blocks, extremes.

use crate::case::{Case, CellKind, Colours, Syntax};
use crate::random::Random;

pub(super) fn frame(case: &Case, random: &mut Random) -> Vec<f64> {
    if matches!(case.form.syntax, Syntax::JpegBaseline { .. }) {
        return smooth(case, random);
    }
    let count = (case.rows * case.columns) as usize * case.samples_per_pixel();
    let (low, high) = range(case, random);
    let scale = match case.cells.kind {
        CellKind::Integer => 1.0,
        _ => random.choose(&[1.0, 0.125, 1.0 / 1024.0]),
    };
    let mut values: Vec<f64> = match random.index(4) {
        // Every value alike, or nearly.
        0 if random.once_in(3) => vec![low as f64; count],
        0 | 1 => (0..count).map(|_| random.between(low, high) as f64).collect(),
        2 => (0..count).map(|at| (low + (high - low) * at as i64 / count as i64) as f64).collect(),
        _ => (0..count).map(|at| if at / 3 % 2 == 0 { low as f64 } else { high as f64 }).collect(),
    };
    if scale != 1.0 {
        values.iter_mut().for_each(|value| *value *= scale);
    }
    if matches!(case.colours, Colours::YbrFull422 { .. }) {
        for pair in values.chunks_exact_mut(6) {
            (pair[4], pair[5]) = (pair[1], pair[2]);
        }
    }
    values
}

/// All that the cells hold, or a part of it.
fn range(case: &Case, random: &mut Random) -> (i64, i64) {
    let (low, high) = match case.cells.kind {
        CellKind::Integer => case.cells.limits(),
        _ => (-100_000, 100_000),
    };
    if random.once_in(3) {
        return (low, high);
    }
    let a = random.between(low, high);
    let span = ((high - low) / random.choose(&[2, 8, 64, 1024])).max(1);
    (a, (a + random.between(1, span)).min(high))
}

/// Slow changes, which lossy coding keeps.
fn smooth(case: &Case, random: &mut Random) -> Vec<f64> {
    let slopes: Vec<(f64, f64, f64)> = (0..case.samples_per_pixel())
        .map(|_| {
            let base = random.between(60, 190) as f64;
            (base, random.between(-30, 30) as f64, random.between(-30, 30) as f64)
        })
        .collect();
    let mut values = Vec::new();
    for row in 0..case.rows {
        for column in 0..case.columns {
            for (base, down, across) in &slopes {
                let (y, x) =
                    (f64::from(row) / f64::from(case.rows), f64::from(column) / f64::from(case.columns));
                values.push((base + down * y + across * x).round());
            }
        }
    }
    values
}
