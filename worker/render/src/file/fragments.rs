//! Items of encapsulated pixel data (PS3.5 A.4): walked in a file by their headers, and joined from memory.

use std::borrow::Cow;

use super::source::ReadAt;
use crate::{Limits, RenderError, limits};

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
/// Bytes of a fragment kept to recognise the start of a codestream.
const BEGINNING_BYTES: usize = 4;
const HEADER_BYTES: usize = 8;
/// One read serves many small fragments, and costs little where they are large.
const READ_AHEAD_BYTES: usize = 8 << 10;

/// One item of the pixel data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Offset of its item header in the file.
    pub(crate) offset: u64,
    /// Bytes of its value; fewer than declared when the file ends inside.
    byte_count: u64,
    pub(crate) beginning: [u8; BEGINNING_BYTES],
}

impl Fragment {
    pub(crate) fn is_empty(&self) -> bool {
        self.byte_count == 0
    }

    pub(crate) fn end(&self) -> u64 {
        self.offset + HEADER_BYTES as u64 + self.byte_count
    }
}

/// Value length of the item whose header is at `offset`; `None` when there is no item.
pub(crate) fn item_at(source: &dyn ReadAt, offset: u64) -> Result<Option<u32>, RenderError> {
    if offset + HEADER_BYTES as u64 > source.byte_count() {
        return Ok(None);
    }
    let mut header = [0; HEADER_BYTES];
    source.read_exact_at(offset, &mut header)?;
    Ok(item_length(&header).filter(|&length| u64::from(length) <= source.byte_count() - offset - 8))
}

/// Whether these bytes begin with an item.
pub(crate) fn is_item(bytes: &[u8]) -> bool {
    item_length(bytes).is_some()
}

fn item_length(header: &[u8]) -> Option<u32> {
    let (tag, length) = header.split_first_chunk::<4>()?;
    (*tag == ITEM).then(|| length.first_chunk().map(|length| u32::from_le_bytes(*length))).flatten()
}

/// Offsets of the basic offset table, when it has one for each frame.
pub(crate) fn basic_offsets(
    source: &dyn ReadAt,
    offset: u64,
    frame_count: usize,
) -> Result<Vec<u32>, RenderError> {
    let length = item_at(source, offset)?.unwrap_or(0) as usize;
    if length != frame_count * 4 {
        return Ok(Vec::new());
    }
    let mut table = vec![0; length];
    source.read_exact_at(offset + HEADER_BYTES as u64, &mut table)?;
    Ok(table.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
}

/// The fragments from `start` to the sequence delimiter, or to the end of a file that was cut short.
pub(crate) fn walk(source: &dyn ReadAt, start: u64, limits: &Limits) -> Result<Vec<Fragment>, RenderError> {
    let mut window = Window { source, start: 0, bytes: Vec::new() };
    let mut found = Vec::new();
    let mut offset = start;
    while let Some(length) = item_length(window.at(offset, HEADER_BYTES)?) {
        let room = source.byte_count() - offset - HEADER_BYTES as u64;
        let byte_count = u64::from(length).min(room);
        let mut beginning = [0; BEGINNING_BYTES];
        let bytes = window.at(offset, HEADER_BYTES + BEGINNING_BYTES.min(byte_count as usize))?;
        let present = bytes.get(HEADER_BYTES..).unwrap_or_default();
        beginning[..present.len()].copy_from_slice(present);
        let fragment = Fragment { offset, byte_count, beginning };
        offset = fragment.end();
        found.push(fragment);
        limits::check("number of fragments", found.len() as u64, limits.element_count_max.into())?;
    }
    Ok(found)
}

/// A piece of the file read ahead.
struct Window<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// `length` bytes at `offset`, fewer at the end of the file.
    fn at(&mut self, offset: u64, length: usize) -> Result<&[u8], RenderError> {
        let end = offset + length as u64;
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            let room = self.source.byte_count().saturating_sub(offset);
            self.bytes.resize(READ_AHEAD_BYTES.min(usize::try_from(room).unwrap_or(READ_AHEAD_BYTES)), 0);
            self.start = offset;
            self.source.read_exact_at(offset, &mut self.bytes)?;
        }
        let from = (offset - self.start) as usize;
        Ok(&self.bytes[from..(from + length).min(self.bytes.len())])
    }
}

/// The bytes of a frame without item headers. Borrowed when the frame is one fragment, which is the common case.
///
/// # Errors
/// [`RenderError::Corrupt`] when the frame is not made of items, or ends inside one (unless `best_effort`).
pub(crate) fn join(frame: &[u8], best_effort: bool) -> Result<Cow<'_, [u8]>, RenderError> {
    let mut joined: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    let mut rest = frame;
    while !rest.is_empty() {
        let length = item_length(rest).ok_or_else(|| {
            RenderError::corrupt("encapsulated pixel data holds something that is not an item")
        })?;
        let value = &rest[HEADER_BYTES..];
        let length = length as usize;
        if length > value.len() && !best_effort {
            return Err(RenderError::corrupt("the frame ends inside a fragment"));
        }
        let (fragment, after) = value.split_at(length.min(value.len()));
        if joined.is_empty() {
            joined = Cow::Borrowed(fragment);
        } else {
            joined.to_mut().extend_from_slice(fragment);
        }
        rest = after;
    }
    if joined.is_empty() { Err(RenderError::corrupt("no bytes for this frame")) } else { Ok(joined) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: &[u8]) -> Vec<u8> {
        [&ITEM[..], &(value.len() as u32).to_le_bytes(), value].concat()
    }

    #[test]
    fn a_single_fragment_is_not_copied() {
        let frame = item(&[1, 2, 3, 4]);
        assert!(matches!(join(&frame, false), Ok(Cow::Borrowed([1, 2, 3, 4]))));
    }

    #[test]
    fn fragments_are_joined_in_order() {
        let frame = [item(&[1, 2]), item(&[]), item(&[3, 4])].concat();
        assert_eq!(join(&frame, false).expect("sound items").as_ref(), [1, 2, 3, 4]);
    }

    #[test]
    fn a_frame_that_ends_inside_a_fragment_is_damaged_unless_best_effort() {
        let frame = item(&[1, 2, 3, 4]);
        assert!(join(&frame[..10], false).is_err());
        assert_eq!(join(&frame[..10], true).expect("best effort").as_ref(), [1, 2]);
        assert!(join(&frame[..6], true).is_err());
    }
}
