//! The full data set as dicom-object holds it, for catalogs and DICOM JSON. Renders do not need it.
//!
//! Built from the walked elements, since dicom-object decodes no text with code extensions, and allocates what a length
//! declares. All text is Unicode there, and says so. Elements that cannot be read are left out, those of pixels too.

mod value;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::value::DataSetSequence;
use dicom_core::{DicomValue, Length, PrimitiveValue, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

use crate::Limits;
use crate::parse::element::{Element, Vr};
use crate::parse::view::{Numbers, View};
use crate::text::CharacterSets;

/// What text is in once it is decoded (PS3.3 C.12.1.1.2).
const UNICODE: &str = "ISO_IR 192";

/// Builds the object of a whole data set.
pub(crate) fn build(view: &View<'_>) -> InMemDicomObject {
    let limits = Limits::default();
    let mut builder = Builder { elements_left: ELEMENTS_MAX, limits };
    let mut object = builder.data_set(view, CharacterSets::default(), 0);
    if view.bytes(tags::SPECIFIC_CHARACTER_SET).is_some() {
        object.put(InMemElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, PrimitiveValue::from(UNICODE)));
    }
    object
}

/// Elements and items of an object: more than any header that is kept as JSON has.
const ELEMENTS_MAX: u32 = 1_000_000;

struct Builder {
    elements_left: u32,
    limits: Limits,
}

impl Builder {
    /// A data set, or an item, which has the character sets of what it lies in unless it declares its own (PS3.5 7.5.3).
    fn data_set(&mut self, view: &View<'_>, outer: CharacterSets, depth: u32) -> InMemDicomObject {
        let declared = view.bytes(tags::SPECIFIC_CHARACTER_SET);
        let sets = declared.map_or(outer, CharacterSets::declared);
        let signed = view.number(tags::PIXEL_REPRESENTATION, Numbers::U16) == Some(1.0);
        let mut object = InMemDicomObject::new_empty();
        let mut previous = None;
        for element in view.elements() {
            // Of two elements with one tag the first counts, as for renders.
            if element.tag == tags::SPECIFIC_CHARACTER_SET
                || previous.replace(element.tag) == Some(element.tag)
            {
                continue;
            }
            let Some(left) = self.elements_left.checked_sub(1) else { break };
            self.elements_left = left;
            let vr = value_representation(element, signed);
            if let Some(value) = self.value(view, element, vr, sets, depth) {
                object.put(InMemElement::new(element.tag, vr, value));
            }
        }
        object
    }

    fn value(
        &mut self,
        view: &View<'_>,
        element: &Element,
        vr: VR,
        sets: CharacterSets,
        depth: u32,
    ) -> Option<DicomValue<InMemDicomObject>> {
        if vr == VR::SQ {
            return self.sequence(view, element, sets, depth + 1);
        }
        // Fragments: bulk.
        if element.undefined_length {
            return Some(PrimitiveValue::Empty.into());
        }
        Some(value::primitive(view.value(element), vr, view.encoding(), sets).into())
    }

    /// `None` when an item is damaged, or nested too deep.
    fn sequence(
        &mut self,
        view: &View<'_>,
        element: &Element,
        sets: CharacterSets,
        depth: u32,
    ) -> Option<DicomValue<InMemDicomObject>> {
        if depth > self.limits.sequence_depth_max {
            return None;
        }
        let limits = self.limits.clone();
        let mut items = Vec::new();
        for item in view.items(element, &limits) {
            let Some(left) = self.elements_left.checked_sub(1) else { break };
            self.elements_left = left;
            items.push(self.data_set(&item?, sets, depth));
        }
        Some(DataSetSequence::new(items, Length::UNDEFINED).into())
    }
}

/// The VR as written. As the dictionary has it where it is not, or is UN, as gateways write what they do not know
/// (PS3.5 section 6.2.2). A value of undefined length is a sequence, unless it is one of fragments.
fn value_representation(element: &Element, signed: bool) -> VR {
    let written = VR::from_binary(element.vr.0).filter(|vr| *vr != VR::UN);
    let vr = written.or_else(|| match StandardDataDictionary.by_tag(element.tag)?.vr() {
        VirtualVr::Xs if signed => Some(VR::SS),
        vr => Some(vr.relaxed()),
    });
    match vr {
        Some(VR::OB | VR::OW) if element.undefined_length && element.vr != Vr(*b"UN") => VR::OB,
        _ if element.undefined_length => VR::SQ,
        vr => vr.unwrap_or(VR::UN),
    }
}

#[cfg(test)]
mod tests;
