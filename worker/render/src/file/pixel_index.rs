//! Where each frame lies in the file, so that one frame can be had by one read of its range.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::fragments::{self, Fragment};
use super::header::Header;
use super::parse::view::View;
use super::pixel_format::PixelFormat;
use super::source::ReadAt;
use super::transfer_syntax::{PixelCoding, native_cells, pixel_coding};
use crate::{Limits, RenderError, limits};

const EXTENDED_OFFSET_TABLE: Tag = tags::EXTENDED_OFFSET_TABLE;
const EXTENDED_OFFSET_TABLE_LENGTHS: Tag = tags::EXTENDED_OFFSET_TABLE_LENGTHS;

/// Where the header ends, and where each frame lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelIndex {
    /// Bytes from the start of the file that [`Header::parse`] needs.
    pub header_byte_count: u64,
    /// One range for each frame, in order.
    pub frames: Vec<FrameRange>,
    /// Offsets count in the result of [`crate::inflate`], not in the file.
    pub deflated: bool,
}

/// The bytes of one frame. Native: all bytes that hold a part of it; the first and last may be shared with its
/// neighbours. Encapsulated: from the item header of its first fragment to the end of its last. Empty or short when
/// the file ends early or the frame cannot be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameRange {
    /// Offset from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub byte_count: u64,
}

impl FrameRange {
    /// The range from `start` to `end`, neither past `limit`.
    fn between(start: u64, end: u64, limit: u64) -> Self {
        let offset = start.min(limit);
        Self { offset, byte_count: end.min(limit).saturating_sub(offset) }
    }
}

/// # Errors
/// [`RenderError::TooLarge`] for too many frames or fragments, [`RenderError::Io`].
pub(crate) fn build(
    source: &dyn ReadAt,
    header: &Header,
    limits: &Limits,
) -> Result<Option<PixelIndex>, RenderError> {
    let Some(element) = header.pixel_element() else { return Ok(None) };
    limits::check("number of frames", header.frame_count().into(), limits.frames_max.into())?;
    let start = element.value_start as u64;
    let coding = pixel_coding(header.transfer_syntax_uid()).ok();
    // Some writers declare the length of the whole, and put items inside all the same.
    let holds_items = || {
        let is_in_fragments = coding.is_some_and(PixelCoding::is_in_fragments);
        Ok::<_, RenderError>(is_in_fragments && fragments::item_at(source, start)?.is_some())
    };
    let frames = match (element.length, header.declared_format()) {
        (_, None) => Vec::new(),
        (Some(length), Some(format)) if !holds_items()? => {
            let end = (start + u64::from(length)).min(source.byte_count());
            let (big_endian, _) = native_cells(header.transfer_syntax_uid(), header.encoding());
            native(&header.format_of_cells(format), start, end, big_endian)
        }
        (_, Some(format)) => encapsulated(source, header, format, start, limits)?,
    };
    Ok(Some(PixelIndex { header_byte_count: start, frames, deflated: false }))
}

/// Frames of native pixel data follow each other without gaps, to the bit.
fn native(format: &PixelFormat, start: u64, end: u64, big_endian: bool) -> Vec<FrameRange> {
    let bits = format.frame_bit_count();
    let range = |index: u64| {
        // The attributes are not checked yet: what they promise may be more than there is room for.
        let (first_bit, last_bit) = (index.saturating_mul(bits), (index + 1).saturating_mul(bits));
        let (mut first, mut last) = (first_bit / 8, last_bit.div_ceil(8));
        if big_endian {
            // Words hold their bytes swapped, so that a frame needs whole words.
            (first, last) = (first & !1, last + last % 2);
        }
        FrameRange::between(start + first, start + last, end)
    };
    (0..u64::from(format.frame_count)).map(range).collect()
}

fn encapsulated(
    source: &dyn ReadAt,
    header: &Header,
    format: &PixelFormat,
    start: u64,
    limits: &Limits,
) -> Result<Vec<FrameRange>, RenderError> {
    let frame_count = format.frame_count as usize;
    let first_item = fragments::item_at(source, start)?;
    let items_start = start + 8 + first_item.map_or(0, u64::from);
    let coding = pixel_coding(header.transfer_syntax_uid());
    if matches!(coding, Err(RenderError::Video { .. })) {
        return Ok(one_stream(&fragments::walk(source, items_start, limits)?, frame_count));
    }
    if let Some(frames) = by_extended_table(&header.view(), items_start, source.byte_count(), frame_count) {
        return Ok(frames);
    }
    let offsets = fragments::basic_offsets(source, start, frame_count)?;
    let found = fragments::walk(source, items_start, limits)?;
    let marker = coding.ok().and_then(start_marker);
    let groups = by_basic_table(&found, items_start, &offsets, frame_count)
        .or_else(|| by_count(&found, frame_count))
        .or_else(|| by_count_of_filled(&found, frame_count))
        .or_else(|| by_marker(&found, marker?, frame_count))
        .unwrap_or_else(|| vec![&[][..]; frame_count]);
    Ok(groups.into_iter().map(range_of).collect())
}

/// Of a video, whose fragments are one stream, however many frames it shows (PS3.5 8.2.5): all of it in the place of the first
/// frame, and nothing in those of the others.
fn one_stream(found: &[Fragment], frame_count: usize) -> Vec<FrameRange> {
    let mut frames = vec![FrameRange::default(); frame_count];
    if let Some(first) = frames.first_mut() {
        *first = range_of(found);
    }
    frames
}

/// PS3.3 C.7.6.3.1.8: offsets of the first item of each frame, counted from the first item after the basic offset
/// table, and the length of each frame, which is one fragment.
fn by_extended_table(
    view: &View<'_>,
    items_start: u64,
    file_byte_count: u64,
    frame_count: usize,
) -> Option<Vec<FrameRange>> {
    let offsets = view.long_words(EXTENDED_OFFSET_TABLE)?;
    let lengths = view.long_words(EXTENDED_OFFSET_TABLE_LENGTHS)?;
    if offsets.len() != frame_count || lengths.len() != frame_count {
        return None;
    }
    let range = |(offset, length): (u64, u64)| {
        let start = items_start.checked_add(offset)?;
        // Fragments have even lengths; the table tells the length without padding.
        let end = start.checked_add(8)?.checked_add(length.checked_next_multiple_of(2)?)?;
        (start < file_byte_count).then(|| FrameRange::between(start, end, file_byte_count))
    };
    offsets.into_iter().zip(lengths).map(range).collect()
}

fn by_basic_table<'a>(
    found: &'a [Fragment],
    items_start: u64,
    offsets: &[u32],
    frame_count: usize,
) -> Option<Vec<&'a [Fragment]>> {
    if offsets.len() != frame_count || frame_count == 0 {
        return None;
    }
    let index_of = |offset: &u32| {
        let wanted = items_start + u64::from(*offset);
        found.binary_search_by_key(&wanted, |fragment| fragment.offset).ok()
    };
    let starts: Vec<usize> = offsets.iter().map(index_of).collect::<Option<_>>()?;
    cut(found, &starts)
}

fn by_count(found: &[Fragment], frame_count: usize) -> Option<Vec<&[Fragment]>> {
    if frame_count == 1 {
        return Some(vec![found]);
    }
    // A file cut short has fewer fragments; each is still the frame of its place when none was split, and none is an empty
    // one before the frames.
    let is_led = found.first().is_some_and(Fragment::is_empty);
    (found.len() <= frame_count && !is_led).then(|| {
        let rest = frame_count - found.len();
        found.chunks(1).chain(std::iter::repeat_n(&[][..], rest)).collect()
    })
}

/// Some writers put empty fragments beside the frames; with them out of the way each of the others is a frame.
fn by_count_of_filled(found: &[Fragment], frame_count: usize) -> Option<Vec<&[Fragment]>> {
    let filled: Vec<&[Fragment]> = found.chunks(1).filter(|fragment| !fragment[0].is_empty()).collect();
    (filled.len() == frame_count).then_some(filled)
}

/// Without a table, a frame begins at each fragment that begins like a codestream.
fn by_marker<'a>(found: &'a [Fragment], marker: &[u8], frame_count: usize) -> Option<Vec<&'a [Fragment]>> {
    let begins = |fragment: &Fragment| fragment.beginning.starts_with(marker);
    let found = &found[found.iter().take_while(|fragment| fragment.is_empty()).count()..];
    let starts: Vec<usize> = (0..found.len()).filter(|&index| begins(&found[index])).collect();
    if starts.len() != frame_count {
        return None;
    }
    cut(found, &starts)
}

fn start_marker(coding: PixelCoding) -> Option<&'static [u8]> {
    match coding {
        PixelCoding::Jpeg | PixelCoding::JpegLs => Some(&[0xFF, 0xD8, 0xFF]),
        PixelCoding::Jpeg2000 | PixelCoding::HighThroughputJpeg2000 => Some(&[0xFF, 0x4F, 0xFF, 0x51]),
        PixelCoding::JpegXl => Some(&[0xFF, 0x0A]),
        PixelCoding::Native
        | PixelCoding::NativeFragments
        | PixelCoding::DeflatedFrame
        | PixelCoding::Rle => None,
    }
}

/// Cuts the fragments before each of `starts`, which must begin at 0 and rise.
fn cut<'a>(found: &'a [Fragment], starts: &[usize]) -> Option<Vec<&'a [Fragment]>> {
    if starts.first() != Some(&0) || !starts.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(found.len()));
    Some(starts.iter().zip(ends).map(|(&start, end)| &found[start..end]).collect())
}

fn range_of(fragments: &[Fragment]) -> FrameRange {
    match (fragments.first(), fragments.last()) {
        (Some(first), Some(last)) => {
            FrameRange { offset: first.offset, byte_count: last.end() - first.offset }
        }
        _ => FrameRange::default(),
    }
}
