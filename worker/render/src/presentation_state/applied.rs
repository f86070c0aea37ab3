//! What a presentation state says of one frame: which of its items apply to that (PS3.3 C.11.11), and the grey values by
//! them (PS3.4 N.2.1).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::{Kind, PresentationState};
use crate::RenderError;
use crate::file::parse::view::{Numbers, View};
use crate::file::pixel_format::Photometric;
use crate::file::text::CharacterSets;
use crate::file::windows;
use crate::request::Orientation;
use crate::samples::Sign;
use crate::stages::lut::Lut;
use crate::stages::modality::Modality;
use crate::stages::presentation::Presentation;
use crate::stages::voi::VoiTransform;

/// A state, as it is to be seen from one frame of one image.
pub(crate) struct Applied<'a> {
    /// All of it, for what it says of every image.
    pub(crate) view: View<'a>,
    pub(crate) kind: Kind,
    /// Of its texts.
    pub(crate) character_sets: CharacterSets,
    sop_instance_uid: String,
    frame_number: u32,
}

impl<'a> Applied<'a> {
    /// # Errors
    /// [`RenderError::InvalidRequest`] where the state does not refer to this frame of this image;
    /// [`RenderError::Corrupt`] for a damaged list of what it refers to.
    pub(crate) fn new(
        state: &'a PresentationState,
        image: &View<'_>,
        frame_number: u32,
    ) -> Result<Self, RenderError> {
        let view = state.header.view();
        let sets = view.bytes(tags::SPECIFIC_CHARACTER_SET).unwrap_or_default();
        let sop_instance_uid = image.text(tags::SOP_INSTANCE_UID).unwrap_or_default().to_owned();
        let character_sets = CharacterSets::declared(sets);
        let applied = Self { view, kind: state.kind, character_sets, sop_instance_uid, frame_number };
        for series in applied.view.all_items(tags::REFERENCED_SERIES_SEQUENCE)? {
            // Here, other than in the items below, a list without images refers to none.
            if applied.is_among(series.all_items(tags::REFERENCED_IMAGE_SEQUENCE)?.iter()) {
                return Ok(applied);
            }
        }
        Err(RenderError::invalid_request("presentation_state", "does not refer to this frame of this image"))
    }

    /// The items of a sequence of the state that apply to the frame.
    pub(crate) fn items(&self, sequence: Tag) -> Result<Vec<View<'a>>, RenderError> {
        let mut items = Vec::new();
        for item in self.view.all_items(sequence)? {
            let images = item.all_items(tags::REFERENCED_IMAGE_SEQUENCE)?;
            if images.is_empty() || self.is_among(images.iter()) {
                items.push(item);
            }
        }
        Ok(items)
    }

    /// Whether the frame is among the images of a list, those without frame numbers being meant with all of theirs.
    fn is_among<'b>(&self, mut images: impl Iterator<Item = &'b View<'b>>) -> bool {
        images.any(|image| {
            let frames = image.numbers(tags::REFERENCED_FRAME_NUMBER, Numbers::Text);
            image.text(tags::REFERENCED_SOP_INSTANCE_UID) == Some(&self.sop_instance_uid)
                && (frames.is_empty() || frames.contains(&Some(f64::from(self.frame_number))))
        })
    }

    /// # Errors
    /// [`RenderError::Unsupported`] for an image of a kind that the state is not for.
    pub(crate) fn check_kind(&self, photometric: Photometric) -> Result<(), RenderError> {
        match (self.kind, photometric.is_monochrome()) {
            (Kind::Grayscale, true) | (Kind::Color, false) => Ok(()),
            (Kind::Grayscale, false) => {
                Err(RenderError::unsupported("a color image under a grayscale presentation state"))
            }
            (Kind::Color, true) => {
                Err(RenderError::unsupported("a monochrome image under a color presentation state"))
            }
        }
    }

    /// PS3.3 C.11.1; none is the identity, whatever the image says (PS3.4 N.2.1.1).
    pub(crate) fn modality(&self, stored: Sign) -> Result<Modality, RenderError> {
        if let Some(item) = self.view.item(tags::MODALITY_LUT_SEQUENCE, 0) {
            let damaged = || RenderError::corrupt("the Modality LUT of the presentation state");
            return Lut::read_item(&item, stored).map(Modality::Table).ok_or_else(damaged);
        }
        let number = |tag| self.view.number(tag, Numbers::Text);
        Ok(match (number(tags::RESCALE_SLOPE), number(tags::RESCALE_INTERCEPT)) {
            (None, None) => Modality::IDENTITY,
            (slope, intercept) => {
                Modality::Linear { slope: slope.unwrap_or(1.0), intercept: intercept.unwrap_or(0.0) }
            }
        })
    }

    /// PS3.3 C.11.8; `None` is the identity (PS3.4 N.2.1.3).
    pub(crate) fn voi(&self, modality: &Modality, stored: Sign) -> Result<Option<VoiTransform>, RenderError> {
        let Some(item) = self.items(tags::SOFTCOPY_VOILUT_SEQUENCE)?.into_iter().next() else {
            return Ok(None);
        };
        let window = windows::windows_in(&item).first().copied().map(VoiTransform::Window);
        let table = || {
            let table = item.item(tags::VOILUT_SEQUENCE, 0)?;
            Lut::read_item(&table, VoiTransform::sign_of_inputs(modality, stored)).map(VoiTransform::Table)
        };
        let voi = window.or_else(table);
        voi.map(Some).ok_or_else(|| RenderError::corrupt("the VOI LUT of the presentation state"))
    }

    /// PS3.3 C.11.6. What is shown dark is said here, not by the Photometric Interpretation of the image.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for a table that does not read.
    pub(crate) fn presentation(&self) -> Result<Presentation, RenderError> {
        let presentation = Presentation::read(&self.view, Photometric::Monochrome2, false);
        let is_of_table = !self.view.all_items(tags::PRESENTATION_LUT_SEQUENCE)?.is_empty();
        if is_of_table && presentation.line().is_some() {
            return Err(RenderError::corrupt("the Presentation LUT of the presentation state"));
        }
        Ok(presentation)
    }

    /// PS3.3 C.10.6.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for an angle that is no quarter turn.
    pub(crate) fn orientation(&self) -> Result<Orientation, RenderError> {
        let degrees = self.view.number(tags::IMAGE_ROTATION, Numbers::U16).unwrap_or(0.0);
        let turns = [0.0, 90.0, 180.0, 270.0].iter().position(|angle| *angle == degrees);
        let turns =
            turns.ok_or_else(|| RenderError::corrupt("the Image Rotation of the presentation state"))?;
        Ok(Orientation::new(turns as u8, self.view.text(tags::IMAGE_HORIZONTAL_FLIP) == Some("Y")))
    }
}
