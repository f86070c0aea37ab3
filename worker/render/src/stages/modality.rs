//! Stored value to modality value: a table, or slope and intercept (PS3.3 C.11.1, C.7.6.16.2.9).

use dicom_dictionary_std::tags;

use super::lut::Lut;
use crate::file::frame_view::FrameView;
use crate::file::parse::view::{Numbers, View};
use crate::samples::Sign;

/// The modality transformation of one frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Modality {
    Linear { slope: f64, intercept: f64 },
    Table(Lut),
}

impl Modality {
    pub(crate) const IDENTITY: Self = Self::Linear { slope: 1.0, intercept: 0.0 };

    /// The transformation that the file asks for; a damaged table counts as none.
    pub(crate) fn read(frame: &FrameView<'_>, stored: Sign) -> Self {
        if is_for_intensity(frame) {
            return Self::IDENTITY;
        }
        let item = frame.top().item(tags::MODALITY_LUT_SEQUENCE, 0);
        if let Some(table) = item.and_then(|item| Lut::read_item(&item, stored)) {
            return Self::Table(table);
        }
        let nearest = |tag| {
            frame
                .places(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)
                .find_map(|place| place.number(tag, Numbers::Text))
        };
        Self::Linear {
            slope: nearest(tags::RESCALE_SLOPE).unwrap_or(1.0),
            intercept: nearest(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
        }
    }

    pub(crate) fn value(&self, stored: f64) -> f64 {
        match self {
            Self::Linear { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => f64::from(table.value(stored)),
        }
    }

    pub(crate) fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }
}

/// Whether the Modality LUT of the file, or its rescale, leads back to X-ray intensity and is not meant for display:
/// angiography and fluoroscopy whose pixels are already logarithmic or made for display (PS3.3 C.8.7.1.1.2 and C.8.19.6.4,
/// PS3.4 N.2.1.2).
pub(crate) fn is_for_intensity(frame: &FrameView<'_>) -> bool {
    /// X-Ray Angiographic, X-Ray Radiofluoroscopic and their enhanced forms, the retired bi-plane one.
    const CLASSES: [&str; 5] = [
        "1.2.840.10008.5.1.4.1.1.12.1",
        "1.2.840.10008.5.1.4.1.1.12.1.1",
        "1.2.840.10008.5.1.4.1.1.12.2",
        "1.2.840.10008.5.1.4.1.1.12.2.1",
        "1.2.840.10008.5.1.4.1.1.12.3",
    ];
    let view = frame.top();
    let is_angiography = match view.text(tags::SOP_CLASS_UID) {
        Some(class) if CLASSES.contains(&class) => true,
        _ => matches!(view.text(tags::MODALITY), Some("XA" | "RF")),
    };
    let is_made_for_display = |place: &View<'_>| {
        place
            .text(tags::PIXEL_INTENSITY_RELATIONSHIP)
            .map(|relationship| matches!(relationship, "LOG" | "DISP"))
    };
    let mut places = frame.places(tags::FRAME_PIXEL_DATA_PROPERTIES_SEQUENCE);
    is_angiography && places.find_map(|place| is_made_for_display(&place)).unwrap_or(false)
}
