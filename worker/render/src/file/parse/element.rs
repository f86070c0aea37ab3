//! One data element as it lies in the bytes (PS3.5 section 7.1).

use std::ops::Range;

use dicom_core::Tag;

use super::stop::Stop;
use crate::file::transfer_syntax::Encoding;

pub(crate) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(crate) const ITEM_DELIMITER: Tag = Tag(0xFFFE, 0xE00D);
pub(crate) const SEQUENCE_DELIMITER: Tag = Tag(0xFFFE, 0xE0DD);

const UNDEFINED: u32 = u32::MAX;

/// The two letters of a value representation; `None` letters where the encoding is implicit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vr(pub(crate) [u8; 2]);

impl Vr {
    pub(crate) const UNWRITTEN: Self = Self([0, 0]);

    /// Value representations with a reserved field and a 32-bit length (PS3.5 table 7.1-1).
    fn has_long_length(self) -> bool {
        matches!(
            &self.0,
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        )
    }

    /// Whether it is one of PS3.5 table 6.2-1.
    pub(crate) fn is_known(self) -> bool {
        dicom_core::VR::from_binary(self.0).is_some()
    }

    pub(crate) fn is_written(self) -> bool {
        self.0.iter().all(u8::is_ascii_uppercase)
    }
}

/// Tag, value representation and length, as they stand before the value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElementHeader {
    pub(crate) tag: Tag,
    pub(crate) vr: Vr,
    /// `None`: undefined, up to a delimiter.
    pub(crate) length: Option<u32>,
    /// Offset of the first byte of the value.
    pub(crate) value_start: usize,
}

/// A data element and where its value lies.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    pub(crate) vr: Vr,
    pub(crate) value: Range<usize>,
    pub(crate) undefined_length: bool,
}

/// Reads the header of the element at `start`; `bytes` may be the beginning of something longer.
pub(crate) fn read_header(bytes: &[u8], start: usize, encoding: Encoding) -> Result<ElementHeader, Stop> {
    let field = |offset: usize| -> Result<[u8; 4], Stop> {
        let at = start + offset;
        let slice = bytes.get(at..at + 4).ok_or(Stop::Starved { needed: at + 4 })?;
        Ok([slice[0], slice[1], slice[2], slice[3]])
    };
    let group_element = field(0)?;
    let tag = Tag(
        encoding.u16([group_element[0], group_element[1]]),
        encoding.u16([group_element[2], group_element[3]]),
    );
    let second = field(4)?;
    let vr = Vr([second[0], second[1]]);
    let implicit = |length: u32| ElementHeader {
        tag,
        vr: Vr::UNWRITTEN,
        length: defined(length),
        value_start: start + 8,
    };
    // Items and delimiters never have a VR. Some writers leave it out elsewhere too, as if implicit.
    if !encoding.explicit || tag.0 == 0xFFFE || !vr.is_written() {
        return Ok(implicit(encoding.u32(second)));
    }
    if vr.has_long_length() {
        let length = encoding.u32(field(8)?);
        return Ok(ElementHeader { tag, vr, length: defined(length), value_start: start + 12 });
    }
    let length = u32::from(encoding.u16([second[2], second[3]]));
    Ok(ElementHeader { tag, vr, length: Some(length), value_start: start + 8 })
}

fn defined(length: u32) -> Option<u32> {
    (length != UNDEFINED).then_some(length)
}
