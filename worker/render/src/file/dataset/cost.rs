//! How much memory an object takes: a header of 64 MB can hold 30 million values of one digit, or 4 million items, and each
//! takes many times its bytes.

use dicom_core::VR;
use dicom_core::value::PrimitiveValue;

/// Memory that one object may take. What does not fit would be more than the 4 MB of DICOM JSON that the catalog keeps.
pub(super) const OBJECT_BYTES_MAX: usize = 288 << 20;
/// Of these, what sequences leave to the top level.
pub(super) const TOP_LEVEL_BYTES: usize = 32 << 20;

/// An element in a map that is half full, without what its value has elsewhere.
pub(super) const ELEMENT_BYTES: usize = 256;
/// A text of a value of several, in an allocation of its own.
const TEXT_BYTES: usize = 48;
const EMPTY_ITEM_BYTES: usize = 64;
/// An item whose map has room for eleven elements, as it has with the first.
const ITEM_BYTES: usize = 1280;

pub(super) fn of_item(is_empty: bool) -> usize {
    if is_empty { EMPTY_ITEM_BYTES } else { ITEM_BYTES }
}

/// The most that the value in `bytes` can take on its way into an object.
pub(super) fn most_of_value(bytes: &[u8], vr: VR) -> usize {
    match vr {
        VR::OB | VR::UN | VR::US | VR::SS | VR::OW | VR::UL | VR::SL | VR::OL | VR::FL | VR::OF => {
            bytes.len()
        }
        VR::SV | VR::UV | VR::OV | VR::FD | VR::OD => bytes.len(),
        VR::AT => bytes.len() * 2,
        VR::LT | VR::ST | VR::UT | VR::UR => bytes.len() * 2,
        _ => {
            let delimiters = bytes.iter().filter(|byte| **byte == b'\\').count();
            (delimiters + 1) * TEXT_BYTES + bytes.len() * 2
        }
    }
}

/// What `value` takes outside of its element.
pub(super) fn of_value(value: &PrimitiveValue) -> usize {
    match value {
        PrimitiveValue::Strs(texts) => texts.iter().map(|text| TEXT_BYTES + text.len()).sum(),
        value => value.calculate_byte_len(),
    }
}
