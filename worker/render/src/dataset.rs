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
        // No syntax is written so; lengths read in the other order would be allocated as they come.
        (false, true) => return None,
        (false, false) => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// (0008,1115) with this VR, an item of undefined length around `nested`, and both delimiters.
    fn sequence(vr: [u8; 2], nested: &[u8]) -> Vec<u8> {
        let start = [8, 0, 0x15, 0x11, vr[0], vr[1], 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        let item = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
        let delimiters = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
        [&start[..], &item, nested, &delimiters].concat()
    }

    fn walked(bytes: &[u8]) -> Element {
        let limits = Limits::default();
        let layout = Walker::new(bytes, bytes.len() as u64, &limits).top_level(0, Encoding::EXPLICIT_LITTLE);
        layout.expect("a walk that does not look inside").elements.remove(0)
    }

    /// Each would make dicom-object allocate what it takes for a length: up to 4 GB for a file of 200 bytes.
    #[test]
    fn what_dicom_object_would_read_with_other_lengths_is_left_out() {
        const WITHOUT_VR: [u8; 12] = [8, 0, 0x55, 0x11, 4, 0, 0, 0, b'1', b'.', b'2', b'.'];
        const UNKNOWN_VR: [u8; 12] = [8, 0, 0x55, 0x11, b'A', b'B', 4, 0, b'1', b'.', b'2', b'.'];
        const HALF_A_NUMBER: [u8; 10] = [8, 0, 0x55, 0x11, b'F', b'L', 2, 0, 0, 0];
        const STRAY_DELIMITER: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
        let cases = [
            ("an element without VR", sequence(*b"SQ", &WITHOUT_VR)),
            ("implicit elements under UN", sequence(*b"UN", &WITHOUT_VR)),
            ("a VR that does not exist", sequence(*b"SQ", &UNKNOWN_VR)),
            ("a value that ends inside a number", sequence(*b"SQ", &HALF_A_NUMBER)),
            ("a delimiter of something else", sequence(*b"SQ", &STRAY_DELIMITER)),
            ("a data set where an icon would have bytes", sequence(*b"OB", &WITHOUT_VR)),
        ];
        for (name, bytes) in cases {
            assert!(!is_sound(&bytes, &walked(&bytes), Encoding::EXPLICIT_LITTLE), "{name}");
        }
    }

    #[test]
    fn a_sound_sequence_is_kept() {
        const UID: [u8; 12] = [8, 0, 0x55, 0x11, b'U', b'I', 4, 0, b'1', b'.', b'2', 0];
        let bytes = sequence(*b"SQ", &UID);
        let object = build(&bytes, &[walked(&bytes)], Encoding::EXPLICIT_LITTLE);
        assert!(object.element(dicom_dictionary_std::tags::REFERENCED_SERIES_SEQUENCE).is_ok());
    }

    #[test]
    fn implicit_big_endian_is_not_read_in_the_other_order() {
        let encoding = Encoding { explicit: false, big_endian: true };
        let bytes = [0, 8, 0, 0x60, 0, 0, 0, 2, b'C', b'T'];
        assert!(read(&bytes, encoding).is_none());
    }
}
