//! The full data set as dicom-object holds it, for catalogs and DICOM JSON. Renders do not need it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries;

use crate::Limits;
use crate::parse::element::Element;
use crate::parse::walk::Walker;
use crate::transfer_syntax::Encoding;

/// Builds the object from walked elements. Read as a whole where possible; where one element is damaged,
/// element by element, the readable ones are kept.
pub(crate) fn build(bytes: &[u8], elements: &[Element], encoding: Encoding) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    let sound: Vec<&Element> = elements.iter().filter(|element| is_sound(bytes, element, encoding)).collect();
    let whole: Vec<u8> = sound.iter().flat_map(|element| with_header(bytes, element, encoding)).collect();
    if let Some(object) = read(&whole, encoding) {
        return object;
    }
    for element in sound {
        for read in read_alone(bytes, element, elements, encoding) {
            object.put(read);
        }
    }
    object
}

/// The walker must be able to follow every nested length before dicom-object, which trusts them, may.
fn is_sound(bytes: &[u8], element: &Element, encoding: Encoding) -> bool {
    let written = with_header(bytes, element, encoding);
    let limits = Limits::default();
    Walker::thorough(&written, &limits)
        .top_level(0, encoding)
        .is_ok_and(|layout| layout.elements.len() == 1 && !layout.truncated)
}

/// Reads one element, under the character set of the data set.
fn read_alone(bytes: &[u8], element: &Element, all: &[Element], encoding: Encoding) -> Vec<InMemElement> {
    let character_set =
        all.iter().find(|other| other.tag == dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET);
    let mut written: Vec<u8> = character_set
        .filter(|set| set.tag != element.tag)
        .map(|set| with_header(bytes, set, encoding))
        .unwrap_or_default();
    written.extend(with_header(bytes, element, encoding));
    read(&written, encoding)
        .map(|object| object.into_iter().filter(|read| read.header().tag == element.tag).collect())
        .unwrap_or_default()
}

/// dicom-object and its decoders have panicked on damaged values; a panic counts as unreadable.
fn read(bytes: &[u8], encoding: Encoding) -> Option<InMemDicomObject> {
    let syntax = match (encoding.explicit, encoding.big_endian) {
        (false, _) => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        (true, false) => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        (true, true) => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    };
    catch_unwind(AssertUnwindSafe(|| InMemDicomObject::read_dataset_with_ts(bytes, &syntax).ok()))
        .ok()
        .flatten()
}

/// The bytes of an element with the header it has in the file, and its delimiter.
fn with_header(bytes: &[u8], element: &Element, encoding: Encoding) -> Vec<u8> {
    let start = element.value.start - element.header_byte_count(encoding);
    let end = element.value.end + if element.undefined_length { 8 } else { 0 };
    bytes.get(start..end).map(<[u8]>::to_vec).unwrap_or_default()
}
