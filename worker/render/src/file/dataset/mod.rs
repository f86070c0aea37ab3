//! The full data set as dicom-object holds it, for catalogs and DICOM JSON. Renders do not need it.
//!
//! Built from the walked elements, since dicom-object decodes no text with code extensions, and allocates what a length
//! declares. All text is Unicode there, and says so. Elements that cannot be read are left out, those of pixels too. Of long
//! binary values, which no catalog wants, it is told where they lie.

mod bulk_value;
mod cost;
mod value;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::value::DataSetSequence;
use dicom_core::{DicomValue, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

pub use self::bulk_value::BulkValue;
use crate::Limits;
use crate::file::parse::element::{Element, Vr};
use crate::file::parse::view::{Numbers, View};
use crate::file::text::CharacterSets;

/// What text is in once it is decoded (PS3.3 C.12.1.1.2).
const UNICODE: &str = "ISO_IR 192";

/// A data set, and where the values lie that it has no bytes of.
#[derive(Debug)]
pub(crate) struct DataSet {
    pub(crate) object: InMemDicomObject,
    /// In the order of tags, those of items where their sequence stands.
    pub(crate) bulk_values: Vec<BulkValue>,
}

/// Builds the object of a whole data set, with binary values of up to so many bytes.
pub(crate) fn build(view: &View<'_>, binary_bytes_max: usize) -> DataSet {
    let mut builder = Builder {
        bytes_left: cost::OBJECT_BYTES_MAX,
        limits: Limits::default(),
        binary_bytes_max,
        bulk_values: Vec::new(),
        path: String::new(),
    };
    let mut object = builder.data_set(view, CharacterSets::default(), 0);
    if view.bytes(tags::SPECIFIC_CHARACTER_SET).is_some() {
        object.put(InMemElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, PrimitiveValue::from(UNICODE)));
    }
    DataSet { object, bulk_values: builder.bulk_values }
}

/// Longest binary value that is taken along, in bytes.
pub(crate) const BINARY_BYTES_MAX: usize = 1024;
/// The same of a deflated file, which nobody reads a value from alone.
pub(crate) const DEFLATED_BINARY_BYTES_MAX: usize = 64 << 10;
/// Longer ones that are told of.
const BULK_VALUES_MAX: usize = 1000;

struct Builder {
    /// Memory that the object may still take.
    bytes_left: usize,
    limits: Limits,
    binary_bytes_max: usize,
    bulk_values: Vec<BulkValue>,
    /// Of the data set that is being read, with a slash at its end; empty for the top level.
    path: String,
}

impl Builder {
    /// What values at `depth` may take. Sequences leave room for the elements of the top level, which name an instance.
    fn room(&self, depth: u32) -> usize {
        if depth == 0 { self.bytes_left } else { self.bytes_left.saturating_sub(cost::TOP_LEVEL_BYTES) }
    }

    /// Whether there is room for `bytes` more at `depth`, which are then taken.
    fn take(&mut self, bytes: usize, depth: u32) -> bool {
        let fits = bytes <= self.room(depth);
        self.bytes_left -= if fits { bytes } else { 0 };
        fits
    }

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
            let vr = value_representation(element, signed);
            let is_bulk =
                is_binary(vr) && element.value.len() > self.binary_bytes_max && !element.undefined_length;
            if is_bulk && self.bulk_values.len() == BULK_VALUES_MAX {
                continue;
            }
            if !self.take(cost::ELEMENT_BYTES, depth) {
                break;
            }
            if is_bulk {
                self.bulk_values.push(BulkValue::of(element, vr, &self.path, view.encoding()));
                object.put(InMemElement::new(element.tag, vr, PrimitiveValue::Empty));
                continue;
            }
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
        let bytes = view.value(element);
        if cost::most_of_value(bytes, vr) > self.room(depth) {
            return None;
        }
        let value = value::primitive(bytes, vr, view.encoding(), sets);
        self.take(cost::of_value(&value), depth).then(|| value.into())
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
        let (mut items, outer, told_before) = (Vec::new(), self.path.len(), self.bulk_values.len());
        for item in view.items(element, &limits) {
            let Some(item) = item else {
                // Nothing is told of the whole sequence.
                self.bulk_values.truncate(told_before);
                return None;
            };
            if !self.take(cost::of_item(item.elements().is_empty()), depth) {
                break;
            }
            bulk_value::push_item(&mut self.path, element.tag, items.len() + 1);
            items.push(self.data_set(&item, sets, depth));
            self.path.truncate(outer);
        }
        Some(DataSetSequence::new(items, Length::UNDEFINED).into())
    }
}

/// The VR as written. As the dictionary has it where it is not, or is UN, as gateways write what they do not know
/// (PS3.5 section 6.2.2). A value of undefined length is a sequence, unless it is one of fragments.
fn value_representation(element: &Element, signed: bool) -> VR {
    let written = VR::from_binary(element.vr.0).filter(|vr| *vr != VR::UN);
    let vr = written.or_else(|| of_dictionary(element.tag, signed));
    match vr {
        Some(VR::OB | VR::OW) if element.undefined_length && element.vr != Vr(*b"UN") => VR::OB,
        _ if element.undefined_length => VR::SQ,
        vr => vr.unwrap_or(VR::UN),
    }
}

/// The VR that the dictionary has for a tag; `signed` where it leaves that to Pixel Representation.
pub(crate) fn of_dictionary(tag: Tag, signed: bool) -> Option<VR> {
    match StandardDataDictionary.by_tag(tag)?.vr() {
        VirtualVr::Xs if signed => Some(VR::SS),
        vr => Some(vr.relaxed()),
    }
}

fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN)
}

#[cfg(test)]
mod tests;
