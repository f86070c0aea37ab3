//! Modality value to level (PS3.3 C.11.2, C.11.6).

use noctis_render::{FrameRequest, Voi, VoiFunction};

use super::{Band, modality};
use crate::case::{Case, Function, Table};

/// What decides which values become visible, and whether the result is inverted.
pub(super) struct View<'a> {
    transform: Transform<'a>,
    inverted: bool,
}

enum Transform<'a> {
    Window { center: f64, width: f64, function: Function },
    Range { low: f64, high: f64 },
    Table(&'a Table),
}

impl<'a> View<'a> {
    pub(super) fn of(case: &'a Case, request: &FrameRequest) -> Self {
        let file_inverts =
            matches!(case.colours.photometric(), "MONOCHROME1") || case.display.shape == Some("INVERSE");
        Self { transform: transform(case, &request.voi), inverted: file_inverts != request.invert }
    }

    /// Levels of all values at most `slack` from `value`.
    pub(super) fn shown(&self, value: f64, slack: f64) -> Band {
        let (low, high) = (value - slack, value + slack);
        let band = match &self.transform {
            Transform::Table(table) => table_band(table, low, high),
            window => Band { low: window.level(low), high: window.level(high) },
        };
        if self.inverted { Band { low: 255.0 - band.high, high: 255.0 - band.low } } else { band }
    }
}

/// The asked window; else the first valid window of the file, its VOI LUT, the range of the frame.
fn transform<'a>(case: &'a Case, asked: &Voi) -> Transform<'a> {
    if let Voi::Window(window) = asked {
        let function = named(window.function());
        return Transform::Window { center: window.center(), width: window.width(), function };
    }
    if let Some((center, width, function)) = file_window(case) {
        let function = match asked {
            Voi::FromFileWith(other) if is_valid(width, named(*other)) => named(*other),
            _ => function,
        };
        return Transform::Window { center, width, function };
    }
    if let Some(table) = case.display.voi_table.of_frame(case.frame_number).next() {
        return Transform::Table(table);
    }
    let (low, high) = modality::range(case);
    Transform::Range { low, high }
}

/// Whether the file has a window that can be taken with another function.
pub(crate) fn has_window(case: &Case) -> bool {
    file_window(case).is_some()
}

fn file_window(case: &Case) -> Option<(f64, f64, Function)> {
    let places = case.display.windows.of_frame(case.frame_number);
    places.flat_map(|place| place.windows.iter().map(|window| (window, place.function))).find_map(
        |(window, function)| {
            let function = function.unwrap_or(Function::Linear);
            is_valid(window.width.value, function).then_some((
                window.center.value,
                window.width.value,
                function,
            ))
        },
    )
}

/// C.11.2.1.2.1: at least 1 for LINEAR; C.11.2.1.3: more than 0 for the others.
fn is_valid(width: f64, function: Function) -> bool {
    if function == Function::Linear { width >= 1.0 } else { width > 0.0 }
}

fn named(function: VoiFunction) -> Function {
    match function {
        VoiFunction::Linear => Function::Linear,
        VoiFunction::LinearExact => Function::LinearExact,
        VoiFunction::Sigmoid => Function::Sigmoid,
    }
}

impl Transform<'_> {
    fn level(&self, x: f64) -> f64 {
        match *self {
            Self::Window { center: c, width: w, function: Function::Linear } => {
                if x <= c - 0.5 - (w - 1.0) / 2.0 {
                    0.0
                } else if x > c - 0.5 + (w - 1.0) / 2.0 {
                    255.0
                } else {
                    ((x - (c - 0.5)) / (w - 1.0) + 0.5) * 255.0
                }
            }
            Self::Window { center: c, width: w, function: Function::LinearExact } => {
                if x <= c - w / 2.0 {
                    0.0
                } else if x > c + w / 2.0 {
                    255.0
                } else {
                    ((x - c) / w + 0.5) * 255.0
                }
            }
            Self::Window { center: c, width: w, function: Function::Sigmoid } => {
                255.0 / (1.0 + (-4.0 * (x - c) / w).exp())
            }
            Self::Range { low, high } if x <= low || high <= low => 0.0,
            Self::Range { low, high } => ((x - low) / (high - low)).min(1.0) * 255.0,
            Self::Table(_) => unreachable!("tables have bands of their own"),
        }
    }
}

/// Entries for every input between, each as a share of the largest that the descriptor allows (C.11.2.1.1).
fn table_band(table: &Table, low: f64, high: f64) -> Band {
    // Between two inputs the standard does not say which; either is right at the middle.
    let (first, last) = ((low - 1e-6).round() as i64, (high + 1e-6).round() as i64);
    let end = table.first + table.entries.len() as i64;
    let inputs = first.clamp(table.first, end)..=last.clamp(table.first, end);
    let largest = f64::from((1_u32 << table.bits) - 1);
    let level = |input| f64::from(modality::entry(table, input)) * 255.0 / largest;
    inputs.map(level).fold(Band { low: 255.0, high: 0.0 }, |band, level| Band {
        low: band.low.min(level),
        high: band.high.max(level),
    })
}
