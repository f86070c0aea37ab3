//! The picture that a case and a request ask for: a plain reading of PS3.3 C.7.6.3 and C.11, one value after the other,
//! in real numbers. It starts from the true samples and shares no code with the renderer.
//!
//! Where the standard leaves a choice, the choices of `docs/rendering-conformance.md` are taken; `docs/adversarial.md`
//! lists them.

mod colour;
mod geometry;
mod modality;
mod voi;

use noctis_render::{FrameRequest, Voi};

use crate::case::{Case, CellKind};
use geometry::{Contribution, Geometry};
pub(crate) use modality::ignores_modality;
use voi::View;
pub(crate) use voi::has_window;

/// By how much rounding to a stored value moves an average; sums of single precision may tip it over.
const HALF_STEP: f64 = 0.52;

/// What a sample of the picture may be: any level that rounds to between the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Band {
    fn exactly(value: f64) -> Self {
        Self { low: value, high: value }
    }

    fn around(value: f64, slack: f64) -> Self {
        Self { low: value - slack, high: value + slack }
    }

    /// From the lower to the higher end of both.
    fn or(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// A picture, sample by sample; `None` where nothing is asserted.
pub(crate) struct Expected {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// 1, or 3 for colours.
    pub(crate) channels: usize,
    pub(crate) bands: Vec<Option<Band>>,
}

/// The picture of 8 bits.
pub(crate) fn levels(case: &Case, request: &FrameRequest) -> Expected {
    let geometry = Geometry::of(case, request);
    let mut bands = Vec::new();
    let channels = if case.is_monochrome() { 1 } else { 3 };
    let view = View::of(case, request);
    let averages = Averages::new(case, &geometry);
    for position in geometry.positions() {
        let sources = geometry.sources(position);
        if request.overlays && is_overlaid(case, &sources) {
            bands.extend(vec![Some(Band::exactly(255.0)); channels]);
        } else if channels == 1 {
            bands.push(monochrome(&averages, request, &view, &sources));
        } else {
            bands.extend(colour::averaged(case, request, &sources).map(Some));
        }
    }
    let (columns, rows) = geometry.size();
    Expected { columns, rows, channels, bands }
}

/// The modality values of a picture of 16 bits.
pub(crate) fn values(case: &Case, request: &FrameRequest, step: f64) -> Expected {
    let geometry = Geometry::of(case, request);
    let averages = Averages::new(case, &geometry);
    let mut bands = Vec::new();
    for position in geometry.positions() {
        let sources = geometry.sources(position);
        let padded = sources.iter().filter(|source| is_padding(case, source.index)).count();
        let (value, slack) = averages.of(&sources);
        let slack = slack + if has_wide_cells(case) { step } else { 0.0 };
        // Values that are not picture must not be mixed with those that are: a pixel of both is either. Nor is it said
        // which of the values of padding stands for it at another size.
        let is_kept = padded == 0 || !geometry.resizes() && !has_wide_cells(case);
        let band = match padding_band(case, slack) {
            _ if is_kept => Some(Band::around(value, slack)),
            padding if padded == sources.len() => padding,
            padding => padding.map(|padding| padding.or(averages.of_picture(&sources))),
        };
        bands.push(band);
    }
    let (columns, rows) = geometry.size();
    Expected { columns, rows, channels: 1, bands }
}

fn monochrome(
    averages: &Averages<'_>,
    request: &FrameRequest,
    view: &View<'_>,
    sources: &[Contribution],
) -> Option<Band> {
    let case = averages.case;
    // An asked window speaks of every value; in all other views padding is background.
    if !matches!(request.voi, Voi::Window(_)) {
        let (padded, shown): (Vec<Contribution>, Vec<Contribution>) =
            sources.iter().partition(|source| is_padding(case, source.index));
        if shown.is_empty() {
            return Some(Band::exactly(0.0));
        }
        if !padded.is_empty() {
            return Some(laid_over_background(averages, view, &shown));
        }
    }
    let (value, slack) = averages.of(sources);
    Some(view.shown(value, slack))
}

/// The average of the part of a pixel that is picture, over a background of black.
fn laid_over_background(averages: &Averages<'_>, view: &View<'_>, shown: &[Contribution]) -> Band {
    let share: f64 = shown.iter().map(|source| source.weight).sum();
    let whole = |source: &Contribution| Contribution { weight: source.weight / share, ..*source };
    let (value, slack) = averages.of(&shown.iter().map(whole).collect::<Vec<_>>());
    // The picture is rounded to levels before it is laid over.
    let band = view.shown(value, slack + HALF_STEP * modality::step(averages.case));
    Band { low: (band.low - 0.5) * share, high: (band.high + 0.5) * share }
}

/// Average modality values of one picture.
struct Averages<'a> {
    case: &'a Case,
    resizes: bool,
    /// From the smallest to the largest modality value of the frame.
    span: f64,
}

impl<'a> Averages<'a> {
    fn new(case: &'a Case, geometry: &Geometry) -> Self {
        let values = case.stored().iter().map(|&stored| modality::value(case, stored));
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        Self { case, resizes: geometry.resizes(), span: high - low }
    }

    /// Averages of what is picture among the sources.
    fn of_picture(&self, sources: &[Contribution]) -> Band {
        let shown = sources.iter().filter(|source| !is_padding(self.case, source.index));
        let values = shown.map(|source| modality::value(self.case, self.case.stored()[source.index]));
        values.map(Band::exactly).reduce(Band::or).expect("a source that is picture")
    }

    /// The average, and by how much the renderer may miss it: averages are held as stored values.
    fn of(&self, sources: &[Contribution]) -> (f64, f64) {
        let case = self.case;
        let step = modality::step(case);
        let value_of = |source: &Contribution| modality::value(case, case.stored()[source.index]);
        let value: f64 = match sources {
            [only] => value_of(only),
            _ => sources.iter().map(|source| source.weight * value_of(source)).sum(),
        };
        let rounding = match (sources.len(), has_wide_cells(case)) {
            (1, false) => 0.0,
            (_, false) => HALF_STEP * step,
            // Distances from the smallest value, in single precision.
            (_, true) if self.resizes => self.span * 1e-6 + value.abs() * 1e-12,
            (_, true) => 0.0,
        };
        (value, case.loss * step + rounding)
    }
}

/// Cells whose averages are not rounded to whole numbers.
fn has_wide_cells(case: &Case) -> bool {
    case.cells.kind != CellKind::Integer || case.cells.allocated == 32
}

fn is_padding(case: &Case, index: usize) -> bool {
    case.display.padding.as_ref().is_some_and(|padding| padding.contains(case.stored()[index]))
}

/// Modality values of what is padding. Where the values of a picture are spread over 16 bits, one of its own stands for
/// those beyond; `None` where nothing is picture.
fn padding_band(case: &Case, slack: f64) -> Option<Band> {
    let padding = case.display.padding.as_ref()?;
    let mut ends = [padding.value, padding.limit.unwrap_or(padding.value)];
    if has_wide_cells(case) {
        let picture = case.stored().iter().copied().filter(|&stored| !padding.contains(stored));
        let (low, high) = picture.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), stored| {
            (low.min(stored), high.max(stored))
        });
        ends = (low <= high).then(|| [low.min(ends[0]).min(ends[1]), high.max(ends[0]).max(ends[1])])?;
    }
    let [first, last] = ends.map(|end| modality::value(case, end));
    Some(Band { low: first.min(last) - slack, high: first.max(last) + slack })
}

/// Overlays are asked for at full size only, where each position is one pixel.
fn is_overlaid(case: &Case, sources: &[Contribution]) -> bool {
    let (Some(overlay), [source]) = (&case.display.overlay, sources) else { return false };
    let (row, column) = (source.index as u32 / case.columns, source.index as u32 % case.columns);
    let inside = |position: u32, first: i32, length: u32| {
        let offset = i64::from(position) + 1 - i64::from(first);
        (0..i64::from(length)).contains(&offset).then_some(offset as u32)
    };
    match (inside(row, overlay.origin.0, overlay.rows), inside(column, overlay.origin.1, overlay.columns)) {
        (Some(row), Some(column)) => overlay.is_set(row, column),
        _ => false,
    }
}

/// The modality value of a stored value of the frame that is looked at.
pub(crate) fn modality_value(case: &Case, stored: f64) -> f64 {
    modality::value(case, stored)
}
