//! Stored value to modality value (PS3.3 C.11.1).

use crate::case::{Case, CellKind, Table};

/// PS3.4 N.2.1.2: of angiograms and fluoroscopies with this relationship the Modality LUT is not for display.
pub(crate) fn ignores_modality(case: &Case) -> bool {
    matches!(case.display.intensity, Some(("XA" | "RF", "LOG" | "DISP")))
}

pub(super) fn value(case: &Case, stored: f64) -> f64 {
    if ignores_modality(case) {
        return stored;
    }
    if let Some(table) = &case.display.modality_table {
        return entry(table, stored as i64).into();
    }
    let (slope, intercept) = line(case);
    stored * slope + intercept
}

/// Modality values between two neighbours among the stored values.
pub(super) fn step(case: &Case) -> f64 {
    if case.display.modality_table.is_some() || ignores_modality(case) { 1.0 } else { line(case).0.abs() }
}

fn line(case: &Case) -> (f64, f64) {
    let nearest = case.display.rescale.of_frame(case.frame_number).next();
    nearest.map_or((1.0, 0.0), |rescale| (rescale.slope.value, rescale.intercept.value))
}

/// Values before the first take the first entry, values past the last the last (C.11.1.1.1).
pub(super) fn entry(table: &Table, input: i64) -> u16 {
    let last = table.entries.len() as i64 - 1;
    table.entries[(input - table.first).clamp(0, last) as usize]
}

/// Whether stored values are modality values.
pub(super) fn is_identity(case: &Case) -> bool {
    ignores_modality(case) || case.display.modality_table.is_none() && line(case) == (1.0, 0.0)
}

/// Smallest and largest modality value of the frame, without padding. 8-bit values are shown as they are, single bits
/// as black and white.
pub(super) fn range(case: &Case) -> (f64, f64) {
    let cells = &case.cells;
    let whole = match (cells.kind, cells.allocated, cells.stored) {
        (CellKind::Integer, 1, _) => Some((0.0, 1.0)),
        (CellKind::Integer, 8, 8) if is_plain(case) => Some((0.0, 255.0)),
        _ => None,
    };
    let ends = whole.map_or_else(Vec::new, |(low, high)| vec![value(case, low), value(case, high)]);
    let padding = case.display.padding.as_ref();
    let pictured = |stored: &&f64| padding.is_none_or(|padding| !padding.contains(**stored));
    let values = case.stored().iter().filter(pictured).map(|&stored| value(case, stored));
    let values: Vec<f64> = if ends.is_empty() { values.collect() } else { ends };
    if values.is_empty() {
        return (0.0, 0.0);
    }
    (
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    )
}

fn is_plain(case: &Case) -> bool {
    is_identity(case) && !case.cells.signed && case.display.padding.is_none()
}
