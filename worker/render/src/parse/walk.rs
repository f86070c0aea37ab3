//! Goes through the data elements of a data set without reading values, and checks every declared length
//! against what is really there, at the top and nested, with a cap on depth and on the number of elements.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::header::VR;
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::element::{Element, ElementHeader, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Vr, read_header};
use crate::transfer_syntax::Encoding;
use crate::{Limits, RenderError};

/// Why a walk ended before the end of the data set.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The bytes end, the file may go on: the walk needs this many bytes of it.
    Starved { needed: usize },
    /// A declared length or a nesting is impossible.
    Broken(&'static str),
    /// A limit was reached.
    Limit(RenderError),
}

impl From<Stop> for RenderError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Starved { .. } => Self::corrupt("the data set ends inside a data element"),
            Stop::Broken(what) => Self::corrupt(what),
            Stop::Limit(error) => error,
        }
    }
}

/// Result of walking the top level of a data set.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Elements before the pixel data, in the order of their tags.
    pub(crate) elements: Vec<Element>,
    /// The element that holds the pixels; its value is not looked at.
    pub(crate) pixel_data: Option<ElementHeader>,
    /// The file ended inside its last element, which was left out.
    pub(crate) truncated: bool,
}

/// A walk over `bytes`, which are the beginning of `byte_count` bytes.
pub(crate) struct Walker<'a> {
    bytes: &'a [u8],
    byte_count: u64,
    limits: &'a Limits,
    seen: u32,
    /// Whether values of a defined length are entered too.
    thorough: bool,
}

impl<'a> Walker<'a> {
    /// A walk that looks into sequences only where it must, to find their end.
    pub(crate) fn new(bytes: &'a [u8], byte_count: u64, limits: &'a Limits) -> Self {
        Self { bytes, byte_count, limits, seen: 0, thorough: false }
    }

    /// A walk through everything, to be sure that dicom-object, which allocates what a length declares, can follow: it
    /// must find the same lengths, so that whatever it would read otherwise than this walk is refused.
    pub(crate) fn thorough(bytes: &'a [u8], limits: &'a Limits) -> Self {
        Self { bytes, byte_count: bytes.len() as u64, limits, seen: 0, thorough: true }
    }

    /// Walks the top level from `start` to the pixel data or the end. Sequences of a defined length are stepped over.
    pub(crate) fn top_level(&mut self, start: usize, encoding: Encoding) -> Result<Layout, Stop> {
        let mut layout = Layout { elements: Vec::with_capacity(128), pixel_data: None, truncated: false };
        let mut position = start;
        // A rest too short for an element header is padding of the file, not an element.
        while position as u64 + 8 <= self.byte_count {
            let header = read_header(self.bytes, position, encoding)?;
            if is_pixel_data(header.tag) {
                layout.pixel_data = Some(header);
                break;
            }
            self.count()?;
            if header.length.is_some_and(|length| self.end_of(&header, length).is_err()) {
                layout.truncated = true;
                break;
            }
            let element = self.element(&header, encoding, 0)?;
            position = element.value.end + if element.undefined_length { 8 } else { 0 };
            layout.elements.push(element);
        }
        // Elements out of order are found all the same; of two with one tag the first counts.
        if !layout.elements.is_sorted_by_key(|element| element.tag) {
            layout.elements.sort_by_key(|element| element.tag);
        }
        Ok(layout)
    }

    /// Walks the data elements of an item in `start..end`.
    fn check_nested(&mut self, start: usize, end: usize, encoding: Encoding, depth: u32) -> Result<(), Stop> {
        let mut position = start;
        while position < end {
            let header = read_header(&self.bytes[..end], position, encoding).map_err(|_| CUT)?;
            self.count()?;
            let element = self.element(&header, encoding, depth)?;
            if element.value.end > end {
                return Err(LONG);
            }
            position = element.value.end + if element.undefined_length { 8 } else { 0 };
        }
        if position == end { Ok(()) } else { Err(LONG) }
    }

    /// Walks the items of a sequence of a defined length.
    fn check_items(&mut self, start: usize, end: usize, encoding: Encoding, depth: u32) -> Result<(), Stop> {
        self.check_depth(depth)?;
        let mut position = start;
        while position < end {
            let header = read_header(&self.bytes[..end], position, encoding).map_err(|_| CUT)?;
            self.count()?;
            if header.tag != ITEM {
                return Err(Stop::Broken("a sequence holds something that is not an item"));
            }
            position = match header.length {
                Some(length) => {
                    let item_end = self.end_of(&header, length)?;
                    if item_end > end {
                        return Err(LONG);
                    }
                    self.check_nested(header.value_start, item_end, encoding, depth)?;
                    item_end
                }
                None => self.item_end(header.value_start, encoding, depth)? + 8,
            };
        }
        if position == end { Ok(()) } else { Err(LONG) }
    }

    /// The element of `header`, its end found through the delimiters when the length is undefined.
    fn element(&mut self, header: &ElementHeader, encoding: Encoding, depth: u32) -> Result<Element, Stop> {
        if self.thorough && !is_read_alike(header, encoding) {
            return Err(Stop::Broken("a data element that parsers read differently"));
        }
        let nested = if self.thorough { encoding } else { nested_encoding(header, encoding) };
        let end = match header.length {
            Some(length) => self.end_of(header, length)?,
            None => self.sequence_end(header, nested, depth + 1)?,
        };
        if self.thorough && header.length.is_some() && is_sequence(header) {
            self.check_items(header.value_start, end, encoding, depth + 1)?;
        }
        Ok(Element {
            tag: header.tag,
            vr: header.vr,
            value: header.value_start..end,
            undefined_length: header.length.is_none(),
        })
    }

    /// Offset of the sequence delimiter that ends the value of undefined length of `header`.
    fn sequence_end(
        &mut self,
        header: &ElementHeader,
        encoding: Encoding,
        depth: u32,
    ) -> Result<usize, Stop> {
        self.check_depth(depth)?;
        let mut position = header.value_start;
        loop {
            let item = self.next_header(position, encoding)?;
            position = match (item.tag, item.length) {
                (SEQUENCE_DELIMITER, _) => return Ok(position),
                (ITEM, Some(length)) => {
                    let end = self.end_of(&item, length)?;
                    if self.thorough && !holds_fragments(header) {
                        self.check_nested(item.value_start, end, encoding, depth)?;
                    }
                    end
                }
                (ITEM, None) => self.item_end(item.value_start, encoding, depth)? + 8,
                _ => return Err(Stop::Broken("a sequence holds something that is not an item")),
            };
        }
    }

    /// Offset of the delimiter that ends the item of undefined length whose content begins at `start`.
    pub(super) fn item_end(&mut self, start: usize, encoding: Encoding, depth: u32) -> Result<usize, Stop> {
        let mut position = start;
        loop {
            let header = self.next_header(position, encoding)?;
            if header.tag == ITEM_DELIMITER {
                return Ok(position);
            }
            let element = self.element(&header, encoding, depth)?;
            position = element.value.end + if element.undefined_length { 8 } else { 0 };
        }
    }

    fn next_header(&mut self, position: usize, encoding: Encoding) -> Result<ElementHeader, Stop> {
        self.count()?;
        if position as u64 + 8 > self.byte_count {
            return Err(CUT);
        }
        read_header(self.bytes, position, encoding)
    }

    fn end_of(&self, header: &ElementHeader, length: u32) -> Result<usize, Stop> {
        let end = header.value_start as u64 + u64::from(length);
        if end > self.byte_count {
            return Err(LONG);
        }
        usize::try_from(end).map_err(|_| LONG)
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.seen += 1;
        crate::limits::check(
            "number of data elements",
            self.seen.into(),
            self.limits.element_count_max.into(),
        )
        .map_err(Stop::Limit)
    }

    fn check_depth(&self, depth: u32) -> Result<(), Stop> {
        crate::limits::check("depth of sequences", depth.into(), self.limits.sequence_depth_max.into())
            .map_err(Stop::Limit)
    }
}

const LONG: Stop = Stop::Broken("a declared length goes past the end");
const CUT: Stop = Stop::Broken("the data set ends inside a data element");

/// Float, double and integer pixel data; everything after them is of no use to a render.
pub(crate) fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008 | 0x0009 | 0x0010))
}

/// A value of undefined length with VR UN holds implicit little endian (PS3.5 section 6.2.2, note 4).
fn nested_encoding(header: &ElementHeader, encoding: Encoding) -> Encoding {
    if header.vr == Vr(*b"UN") { Encoding::IMPLICIT_LITTLE } else { encoding }
}

/// The items of an icon's encapsulated pixel data are bytes, not data sets.
fn holds_fragments(header: &ElementHeader) -> bool {
    header.tag == tags::PIXEL_DATA && !is_sequence(header)
}

/// Whether dicom-object sees the same element: it takes every VR that it does not know for one with a long length, a
/// stray delimiter for the end of whatever is open, and what follows the last whole number for the next element.
fn is_read_alike(header: &ElementHeader, encoding: Encoding) -> bool {
    let is_whole_numbers =
        header.length.is_none_or(|length| length.is_multiple_of(number_byte_count(vr(header))));
    header.tag.0 != ITEM.0 && (!encoding.explicit || header.vr.is_known()) && is_whole_numbers
}

fn is_sequence(header: &ElementHeader) -> bool {
    vr(header) == Some(VR::SQ)
}

/// The VR as written, else as the dictionary has it.
fn vr(header: &ElementHeader) -> Option<VR> {
    if header.vr.is_written() {
        return VR::from_binary(header.vr.0);
    }
    StandardDataDictionary.by_tag(header.tag).map(|entry| entry.vr().relaxed())
}

/// Bytes of one number of a binary value (PS3.5 table 6.2-1), 1 for text and bytes.
fn number_byte_count(vr: Option<VR>) -> u32 {
    match vr {
        Some(VR::US | VR::SS | VR::OW) => 2,
        Some(VR::UL | VR::SL | VR::FL | VR::AT | VR::OL | VR::OF) => 4,
        Some(VR::UV | VR::SV | VR::FD | VR::OV | VR::OD) => 8,
        _ => 1,
    }
}
