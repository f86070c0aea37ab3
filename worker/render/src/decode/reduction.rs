//! Whether a frame is decoded at a fraction of its size. The answer follows from file and request alone, never from what
//! was decoded before: the same request has the same bytes cold and warm.
//!
//! A codec makes a picture smaller by averaging what it coded. That is right only where averages of coded samples are
//! averages of modality values, and where nothing else of the picture needs each sample.

use crate::Header;
use crate::file::frame_view::FrameView;
use crate::file::pixel_format::{Photometric, PixelFormat};
use crate::file::transfer_syntax::{PixelCoding, is_lossless, pixel_coding};
use crate::request::{FrameRequest, Voi};
use crate::samples::Sign;
use crate::stages::geometry::{fitted, pixel_shape};
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::voi::{VoiTransform, fixed_range};
use crate::stages::{label, overlay, palette};

/// Frames are decoded at an eighth of their sides at least.
const REDUCTION_MAX: u8 = 3;

/// Least side of a frame that is decoded smaller: of fewer there is nothing to gain, and at its edges a filter of a few
/// samples is a large part of the picture.
const SIDE_MIN: u32 = 64;

/// The power of two by which both sides of the frame may be divided in decoding; 0 for the whole frame. A codec that
/// cannot go so far goes as far as it can.
pub(crate) fn reduction(header: &Header, format: &PixelFormat, request: &FrameRequest) -> u8 {
    let Some(oversampling) = oversampling(header, format) else { return 0 };
    let by_size = by_size(format, request, oversampling);
    if by_size > 0 && averages_are_right(header, format, request) { by_size } else { 0 }
}

/// How many samples a pixel of the picture needs in each direction; `None` where the codec has no smaller decode that is
/// right for the file.
fn oversampling(header: &Header, format: &PixelFormat) -> Option<u32> {
    match pixel_coding(header.transfer_syntax_uid()).ok()? {
        // A lossless process has no smaller form of a block.
        PixelCoding::Jpeg if is_lossless(header.transfer_syntax_uid()) => None,
        // Samples of JPEG have no sign: below zero they wrap, and averages of wrapped values lie.
        PixelCoding::Jpeg if format.signed => None,
        // Averages of blocks that do not lie as the pixels of the picture do; more of them cost next to nothing.
        PixelCoding::Jpeg => Some(2),
        // The low-pass filter of a wavelet is wider than its pixel already, and twice the samples cost four times as much.
        PixelCoding::Jpeg2000 | PixelCoding::HighThroughputJpeg2000 => Some(1),
        _ => None,
    }
}

/// Largest power that still leaves every pixel that the request shows, `oversampling` times.
fn by_size(format: &PixelFormat, request: &FrameRequest, oversampling: u32) -> u8 {
    let is_small = format.columns.min(format.rows) < SIDE_MIN;
    // A presentation state has regions, sizes and values of its own.
    let is_presented = request.presentation_state.is_some();
    if is_small
        || is_presented
        || request.region.is_some()
        || request.format.is_of_modality_values()
        || request.fit.enlarge
    {
        return 0;
    }
    let Ok((columns, rows)) = fitted(format.columns, format.rows, 1.0, request.fit_before_orientation())
    else {
        return 0;
    };
    (1..=REDUCTION_MAX)
        .take_while(|&by| {
            (format.columns >> by) >= columns * oversampling && (format.rows >> by) >= rows * oversampling
        })
        .last()
        .unwrap_or(0)
}

fn averages_are_right(header: &Header, format: &PixelFormat, request: &FrameRequest) -> bool {
    let view = header.view();
    let frame = FrameView::new(view.clone(), request.frame_number);
    let holds_overlays = overlay::of_frame(&view, request.frame_number)
        .iter()
        .any(|overlay| overlay.embedded_bit(&view).is_some());
    let is_index = format.photometric() == Photometric::Palette
        || palette::supplemental(&view, Sign::of_integers(format.signed)).is_some()
        || label::is_label_map(&view)
        || format.bits_stored == 1;
    // Pixels that are not square are stretched, and need all they have.
    !is_index
        && !holds_overlays
        && pixel_shape(&frame) == 1.0
        && (!format.photometric().is_monochrome() || values_can_be_averaged(&frame, format, request))
}

/// Of a monochrome frame: the modality values are a line of the coded ones, no padding is to be kept apart, the range of
/// the frame, which averaging narrows, is not asked for, and the view is not so steep that halves of values show.
fn values_can_be_averaged(frame: &FrameView<'_>, format: &PixelFormat, request: &FrameRequest) -> bool {
    let sign = Sign::of_integers(format.signed);
    let modality = Modality::read(frame, sign);
    let padding = Padding::read(frame.top(), format);
    // A codec rounds its averages to what it codes.
    let rounding_is_not_shown = match VoiTransform::named(&request.voi, frame, &modality, sign) {
        Some(voi) => !voi.is_steep(&modality),
        None => fixed_range(format, &modality, padding.as_ref()).is_some(),
    };
    let keeps_padding_apart = padding.is_some() && !matches!(request.voi, Voi::Window(_));
    matches!(modality, Modality::Linear { .. }) && rounding_is_not_shown && !keeps_padding_apart
}
