//! Goes through the data elements of a data set without reading values, and checks every declared length
//! against what is really there, with a cap on depth and on the number of elements. Sequences of a defined length are
//! stepped over; whoever reads them walks each item in turn.

use dicom_core::Tag;

use super::element::{Element, ElementHeader, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Vr, read_header};
use super::stop::Stop;
use crate::file::transfer_syntax::Encoding;
use crate::{Limits, limits};

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
}

impl<'a> Walker<'a> {
    /// A walk that looks into sequences only where it must, to find their end.
    pub(crate) fn new(bytes: &'a [u8], byte_count: u64, limits: &'a Limits) -> Self {
        Self { bytes, byte_count, limits, seen: 0 }
    }

    /// Walks the top level from `start` to the pixel data or the end. Sequences of a defined length are stepped over.
    pub(crate) fn top_level(&mut self, start: usize, encoding: Encoding) -> Result<Layout, Stop> {
        // Items are many, and may be empty.
        let capacity = (self.bytes.len().saturating_sub(start) / 32).min(128);
        let mut layout =
            Layout { elements: Vec::with_capacity(capacity), pixel_data: None, truncated: false };
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

    /// The element of `header`, its end found through the delimiters when the length is undefined.
    fn element(&mut self, header: &ElementHeader, encoding: Encoding, depth: u32) -> Result<Element, Stop> {
        let nested = nested_encoding(header, encoding);
        let end = match header.length {
            Some(length) => self.end_of(header, length)?,
            None => self.sequence_end(header, nested, depth + 1)?,
        };
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
                (ITEM, Some(length)) => self.end_of(&item, length)?,
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
        limits::check("number of data elements", self.seen.into(), self.limits.element_count_max.into())
            .map_err(Stop::Limit)
    }

    fn check_depth(&self, depth: u32) -> Result<(), Stop> {
        limits::check("depth of sequences", depth.into(), self.limits.sequence_depth_max.into())
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
