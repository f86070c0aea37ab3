//! What the oracle does not judge sample by sample, and `docs/rendering-conformance.md` states: counted, and bounded.

use noctis_render::{Format, FrameRequest, Voi};

use crate::case::{Case, Colours, Syntax};
use crate::oracle;

/// Mean distance, in levels, that a codec's own smaller picture may have from the averages of areas. Noise from pixel to
/// pixel, as some cases have it, comes near it; wrapped signs and averaged indices are far beyond.
const REDUCED_MEAN_MAX: f64 = 40.0;

/// Whether a picture this far off is one that a codec made smaller by its own filter.
pub(crate) fn is_reduced_by_the_codec(case: &Case, request: &FrameRequest, mean_distance: f64) -> bool {
    may_be_reduced(case, request) && mean_distance <= REDUCED_MEAN_MAX
}

/// Whether the page allows a smaller decode: nothing of the picture needs each sample, and averages of coded samples are
/// averages of values.
pub(crate) fn may_be_reduced(case: &Case, request: &FrameRequest) -> bool {
    let syntax_allows = match case.form.syntax {
        Syntax::JpegBaseline { .. } => !case.cells.signed,
        Syntax::Jpeg2000 { signed, levels, .. } => signed == case.cells.signed && levels > 0,
        _ => false,
    };
    let is_half = |asked: Option<u32>, whole: u32| asked.is_some_and(|side| side <= whole / 2);
    let (across, down) = match request.orientation.swaps_sides() {
        true => (request.fit.height, request.fit.width),
        false => (request.fit.width, request.fit.height),
    };
    let is_small_enough = is_half(across, case.columns) || is_half(down, case.rows);
    let display = &case.display;
    let window_is_asked = matches!(request.voi, Voi::Window(_));
    let range_is_known = window_is_asked
        || oracle::has_window(case)
        || display.voi_table.of_frame(case.frame_number).next().is_some()
        || (case.cells.allocated, case.cells.stored) == (8, 8);
    syntax_allows
        && is_small_enough
        && case.columns.min(case.rows) >= 64
        && request.region.is_none()
        && !request.fit.enlarge
        && request.format != Format::Png16
        && !matches!(case.colours, Colours::Palette(_))
        && case.cells.stored > 1
        && display.pixel_shape.as_ref().is_none_or(|shape| shape.vertical.value == shape.horizontal.value)
        && display.modality_table.is_none()
        && (display.padding.is_none() || window_is_asked)
        && (!case.is_monochrome() || range_is_known)
}
