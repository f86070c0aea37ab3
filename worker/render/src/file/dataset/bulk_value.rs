//! Values that are not taken into an object: where they lie, for those who send them (PS3.18 F.2.6).

use std::fmt::Write as _;

use dicom_core::{Tag, VR};

use crate::file::parse::element::Element;
use crate::file::transfer_syntax::Encoding;

/// A long binary value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkValue {
    /// Its tag, behind those of the sequences that it lies in, each with the number of the item from 1:
    /// `00480200/1/00282000`.
    pub path: String,
    /// Value representation.
    pub vr: VR,
    /// Offset of its first byte from the start of the (inflated) file.
    pub offset: u64,
    /// Length in bytes.
    pub byte_count: u64,
    /// How many bytes stand in reverse together: 2, 4 or 8 in a big-endian data set (PS3.5 7.3), else 1.
    pub swapped_bytes: u8,
}

impl BulkValue {
    /// The value of `element` in the data set that `path` leads to.
    pub(super) fn of(element: &Element, vr: VR, path: &str, encoding: Encoding) -> Self {
        Self {
            path: format!("{path}{}", name(element.tag)),
            vr,
            offset: element.value.start as u64,
            byte_count: element.value.len() as u64,
            swapped_bytes: if encoding.big_endian { word_bytes(vr) } else { 1 },
        }
    }
}

/// Leads `path` into an item, whose number counts from 1.
pub(super) fn push_item(path: &mut String, sequence: Tag, item_number: usize) {
    // Writing to memory cannot fail.
    let _ = write!(path, "{}/{item_number}/", name(sequence));
}

fn name(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.0, tag.1)
}

fn word_bytes(vr: VR) -> u8 {
    match vr {
        VR::OW => 2,
        VR::OF | VR::OL => 4,
        VR::OD | VR::OV => 8,
        _ => 1,
    }
}
