//! A plane through a volume: the values at its pixels, and then the stages that a frame goes through after them.

use crate::file::frame_view::FrameView;
use crate::file::pixel_format::SampleKind;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::FrameRequest;
use crate::samples::Sign;
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::presentation::Presentation;
use crate::stages::voi::{VoiTransform, fixed_range};
use crate::volume::{Point, Volume};
use crate::{Header, RenderError, Window};

/// Makes the picture of the plane that `volume` was gathered for. How values are shown is said by the request, else by
/// `header`, of the frame that the request names; without either it is their range. Where there is no volume, or nothing but padding, the
/// picture is black. Overlays lie in slices, and are left out.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for modality values, which a plane has not, and as of [`Volume::put`]; [`RenderError::NoPixelData`].
pub fn compose_plane(
    header: &Header,
    request: &FrameRequest,
    volume: &Volume,
) -> Result<DisplayImage, RenderError> {
    if request.format.is_of_modality_values() {
        return Err(RenderError::invalid_request("format", "a plane has no 16-bit modality values"));
    }
    let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
    let points = volume.points()?;
    let view = FrameView::new(header.view(), request.frame_number);
    let sign = match format.kind {
        SampleKind::Integer => Sign::of_integers(format.signed),
        SampleKind::Float32 | SampleKind::Float64 => Sign::AsWritten,
    };
    let modality = Modality::read(&view, sign);
    let padding = Padding::read(view.top(), format);
    let range = || fixed_range(format, &modality, padding.as_ref()).unwrap_or_else(|| range(&points));
    let voi = VoiTransform::named(&request.voi, &view, &modality, sign)
        .unwrap_or_else(|| VoiTransform::of_range(&request.voi, range()));
    let presentation = Presentation::read(view.top(), format.photometric(), request.invert);
    let shown = |Point { value, weight }: &Point| match *weight {
        weight if weight <= 0.0 => 0,
        // The cast saturates.
        weight => (f64::from(presentation.shown(voi.display_value(*value))) * weight + 0.5).floor() as u8,
    };
    Ok(DisplayImage {
        rows: volume.plane.rows,
        columns: volume.plane.columns,
        samples: DisplaySamples::Grey8(points.iter().map(shown).collect()),
        window: voi.window(),
        pixel_scale: None,
        icc_profile: None,
        partial: false,
        left_out: Vec::new(),
    })
}

/// The window that shows everything in the plane.
fn range(points: &[Point]) -> Window {
    let values = points.iter().filter(|point| point.weight > 0.0).map(|point| point.value);
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { Window::of_range(low, high) } else { Window::of_range(0.0, 0.0) }
}
