//! What a presentation state says of a frame, read before anything is drawn: what is damaged is an error, not half a picture.

use dicom_dictionary_std::tags;

use crate::decode::DecodedFrame;
use crate::file::frame_view::FrameView;
use crate::file::pixel_format::PixelFormat;
use crate::presentation_state::annotation::{self, Annotation, LeftOut};
use crate::presentation_state::applied::Applied;
use crate::presentation_state::area::{Area, Canvas};
use crate::presentation_state::layers::Layers;
use crate::presentation_state::shutter::Shutters;
use crate::request::{Fit, FrameRequest, Orientation, Voi};
use crate::stages::geometry::pixel_shape;
use crate::stages::modality::Modality;
use crate::stages::palette;
use crate::stages::presentation::Presentation;
use crate::stages::voi::VoiTransform;
use crate::{PresentationState, RenderError};

/// All of it that decides the picture.
pub(super) struct Stated<'a> {
    pub(super) applied: Applied<'a>,
    pub(super) modality: Modality,
    /// `None`: values are shown as they are.
    pub(super) voi: Option<VoiTransform>,
    pub(super) presentation: Presentation,
    pub(super) canvas: Canvas,
    /// Height of a pixel over its width.
    pub(super) pixel_shape: f64,
    pub(super) orientation: Orientation,
    pub(super) shutters: Shutters,
    pub(super) layers: Layers,
    pub(super) annotations: Vec<Annotation>,
    pub(super) left_out: LeftOut,
}

impl<'a> Stated<'a> {
    /// # Errors
    /// [`RenderError::InvalidRequest`] for a state that does not refer to the frame, and for views asked beside it;
    /// [`RenderError::Unsupported`] for an image that the state is not for; as what is read otherwise.
    pub(super) fn new(
        state: &'a PresentationState,
        (frame_view, format, frame): (&FrameView<'_>, &PixelFormat, &DecodedFrame),
        request: &FrameRequest,
    ) -> Result<Self, RenderError> {
        check_alone(request)?;
        let applied = Applied::new(state, frame_view.top(), frame.frame_number)?;
        applied.check_kind(frame.photometric)?;
        let sign = frame.samples.sign();
        if frame.photometric.is_monochrome() && palette::supplemental(frame_view.top(), sign).is_some() {
            return Err(RenderError::unsupported("a supplemental palette under a presentation state"));
        }
        let modality = applied.modality(sign)?;
        let voi = applied.voi(&modality, sign)?;
        let presentation = applied.presentation()?;
        let orientation = applied.orientation()?;
        let size = (format.columns, format.rows);
        let area = Area::of(&applied, size, pixel_shape(frame_view))?;
        let canvas = area.canvas(size, fit_before(request, orientation))?;
        let (layers, mut left_out) = (Layers::of(&applied)?, LeftOut::default());
        let annotations = match request.overlays {
            true => annotation::of(&applied, &layers, &mut left_out)?,
            false => Vec::new(),
        };
        let (shutters, pixel_shape) = (Shutters::of(&applied)?, area.pixel_shape);
        Ok(Self {
            applied,
            modality,
            voi,
            presentation,
            canvas,
            pixel_shape,
            orientation,
            shutters,
            layers,
            annotations,
            left_out,
        })
    }
}

/// The box before the picture is laid down as the state says, and then as the request does.
fn fit_before(request: &FrameRequest, orientation: Orientation) -> Fit {
    let Fit { width, height, enlarge } = request.fit_before_orientation();
    match orientation.swaps_sides() {
        true => Fit { width: height, height: width, enlarge },
        false => Fit { width, height, enlarge },
    }
}

/// A state says all of this itself.
fn check_alone(request: &FrameRequest) -> Result<(), RenderError> {
    let beside = [
        ("window", request.voi != Voi::FromFile),
        ("invert", request.invert),
        ("region", request.region.is_some()),
        ("format", request.format.is_of_modality_values()),
    ];
    match beside.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((parameter, _)) => {
            Err(RenderError::invalid_request(parameter, "does not go with a presentation state"))
        }
        None => Ok(()),
    }
}

/// The layer that a group of overlays is activated in, if it is (PS3.3 C.11.7).
pub(super) fn activation_layer<'a>(applied: &Applied<'a>, group: u16) -> Option<&'a str> {
    applied.view.text(dicom_core::Tag(group, tags::OVERLAY_ACTIVATION_LAYER.inner().element()))
}
