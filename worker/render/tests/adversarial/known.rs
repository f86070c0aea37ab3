//! Faults that are known and mended elsewhere: a picture that is wrong where one of them applies is counted, not failed.
//! Take a name off [`MENDED_ELSEWHERE`] when its fault is mended, and the suite holds the renderer to it.

use noctis_render::FrameRequest;

use crate::case::{Case, Colours, LosslessJpeg, PaletteForm, Place, Syntax};
use crate::oracle;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    /// JPEG lossless whose samples wrap at the precision.
    LosslessWrap,
    /// A palette whose descriptor contradicts the length of its data.
    PaletteBits,
    /// XA and XRF with Pixel Intensity Relationship LOG or DISP.
    IntensityRelationship,
    /// Items inside of an element of defined length.
    DefinedLengthItems,
    /// `YBR_FULL_422` written with three bytes a pixel.
    WholePixels422,
    /// Pixel Spacing of a functional group.
    GroupSpacing,
    /// Reduced decodes of JPEG and JPEG 2000 for `width=`, palettes included.
    ReducedDecode,
    /// Padding in a resized picture.
    ResizedPadding,
    EmptyFragments,
    /// Colour JPEG with Pixel Representation 1.
    SignedColourJpeg,
    JpegLsFiller,
    RleSurplus,
}

/// The switches.
pub(crate) const MENDED_ELSEWHERE: &[Known] = &[Known::ReducedDecode];

/// The faults that may show in this picture.
pub(crate) fn faults(case: &Case, request: &FrameRequest) -> Vec<Known> {
    let form = &case.form;
    let resizes = request.fit.width.is_some() || request.fit.height.is_some();
    let applies = [
        (wraps(case), Known::LosslessWrap),
        (contradicts(case), Known::PaletteBits),
        (oracle::ignores_modality(case), Known::IntensityRelationship),
        (form.syntax.is_encapsulated() && form.fragments.defined_length, Known::DefinedLengthItems),
        (matches!(case.colours, Colours::YbrFull422 { whole_pixels: true }), Known::WholePixels422),
        (
            case.display.pixel_shape.as_ref().is_some_and(|shape| shape.place != Place::Top),
            Known::GroupSpacing,
        ),
        (resizes && is_reducible(&form.syntax), Known::ReducedDecode),
        (resizes && case.display.padding.is_some(), Known::ResizedPadding),
        (
            form.syntax.is_encapsulated() && (form.fragments.empty_first || form.fragments.empty_last),
            Known::EmptyFragments,
        ),
        (matches!(case.colours, Colours::Jpeg { signed: true, .. }), Known::SignedColourJpeg),
        (matches!(form.syntax, Syntax::JpegLs { filler: true, .. }), Known::JpegLsFiller),
        (matches!(form.syntax, Syntax::Rle { surplus: true }), Known::RleSurplus),
    ];
    let applies = applies.into_iter().filter_map(|(applies, known)| applies.then_some(known));
    applies.filter(|known| MENDED_ELSEWHERE.contains(known)).collect()
}

fn wraps(case: &Case) -> bool {
    matches!(case.form.syntax, Syntax::JpegLossless(LosslessJpeg { wraps: true, .. }))
}

fn contradicts(case: &Case) -> bool {
    let Colours::Palette(palette) = &case.colours else { return false };
    matches!(palette.form, PaletteForm::WiderThanSaid(_) | PaletteForm::NarrowerThanSaid(_))
}

fn is_reducible(syntax: &Syntax) -> bool {
    matches!(syntax, Syntax::JpegBaseline { .. } | Syntax::Jpeg2000 { .. })
}
