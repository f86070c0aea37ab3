//! What the oracle does not judge sample by sample, and `docs/rendering-conformance.md` states: counted, and bounded.

use noctis_render::FrameRequest;

use crate::case::{Case, Syntax};

/// Mean distance, in levels, that a codec's own smaller picture may have from the averages of areas. Noise from pixel to
/// pixel, as some cases have it, comes near it; wrapped signs and averaged indices are far beyond.
const REDUCED_MEAN_MAX: f64 = 40.0;

/// Whether a picture this far off is one that a codec made smaller by its own filter.
pub(crate) fn is_reduced_by_the_codec(case: &Case, request: &FrameRequest, mean_distance: f64) -> bool {
    let resizes = request.fit.width.is_some() || request.fit.height.is_some();
    let is_reducible = matches!(case.form.syntax, Syntax::JpegBaseline { .. } | Syntax::Jpeg2000 { .. });
    resizes && is_reducible && mean_distance <= REDUCED_MEAN_MAX
}
