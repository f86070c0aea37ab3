//! Presentation states: how images that they refer to shall look, in place of what those say themselves (PS3.3 A.33,
//! PS3.4 N.2). Here is what a state says; [`crate::compose`] draws by it.
//!
//! Start at [`applied`], which finds what is said of one frame. What is left out of a picture is told with it: a state that
//! cannot be followed where that would show something else is an error.

pub(crate) mod annotation;
pub(crate) mod applied;
pub(crate) mod area;
pub(crate) mod layers;
pub(crate) mod shutter;

use dicom_dictionary_std::tags;

use crate::{Header, RenderError};

/// A presentation state, as its file has it.
#[derive(Debug)]
pub struct PresentationState {
    header: Header,
    kind: Kind,
}

/// The kinds that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of monochrome images (PS3.3 A.33.1).
    Grayscale,
    /// Of colour images (PS3.3 A.33.2).
    Color,
}

impl PresentationState {
    /// # Errors
    /// [`RenderError::Unsupported`] for another kind of state, and for one that subtracts a mask.
    pub fn new(header: Header) -> Result<Self, RenderError> {
        let view = header.view();
        let kind = match view.text(tags::SOP_CLASS_UID) {
            Some("1.2.840.10008.5.1.4.1.1.11.1") => Kind::Grayscale,
            Some("1.2.840.10008.5.1.4.1.1.11.2") => Kind::Color,
            _ => {
                let what = "a presentation state that is neither a grayscale nor a color softcopy one";
                return Err(RenderError::unsupported(what));
            }
        };
        // PS3.3 C.11.13: without the mask the picture would be another.
        let subtracts = view.item(tags::MASK_SUBTRACTION_SEQUENCE, 0).is_some()
            || view.text(tags::RECOMMENDED_VIEWING_MODE) == Some("SUB");
        if subtracts {
            return Err(RenderError::unsupported("a presentation state that subtracts a mask"));
        }
        Ok(Self { header, kind })
    }
}

impl PartialEq for PresentationState {
    fn eq(&self, other: &Self) -> bool {
        self.header.has_bytes_of(&other.header)
    }
}
