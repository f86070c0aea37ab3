//! Bytes of one frame to stored samples, one file for each way of writing them. Meaning comes later, in the stages.
//!
//! Start at [`decode_frame`]. [`native`] reads plain cells; [`codec`] has the decoders of codestreams, and [`coded`]
//! makes stored samples of what they give. [`reduction`] says when a frame is decoded at a fraction of its size.

mod codec;
mod coded;
mod frame;
mod native;
mod reduction;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::codec::{Coded, Wanted};
use self::frame::Decoded;
pub use self::frame::DecodedFrame;
use crate::file::fragments;
use crate::file::inflate::inflate_onto;
use crate::file::parse::element::Vr;
use crate::file::pixel_format::PixelFormat;
use crate::file::transfer_syntax::{PixelCoding, is_lossless, native_cells, pixel_coding};
use crate::request::FrameRequest;
use crate::stages::overlay;
use crate::{Header, Limits, RenderError, limits};

/// Decodes one frame from the bytes of its [`crate::FrameRange`].
///
/// # Errors
/// [`RenderError::NoSuchFrame`], [`RenderError::Corrupt`], [`RenderError::Unsupported`], [`RenderError::Video`],
/// [`RenderError::TooLarge`], [`RenderError::NoPixelData`].
pub fn decode_frame(
    header: &Header,
    frame_bytes: &[u8],
    request: &FrameRequest,
    limits: &Limits,
) -> Result<DecodedFrame, RenderError> {
    let format = header.pixel_format(limits)?;
    check_frame(format, frame_bytes, request, limits)?;
    let reduction = reduction::reduction(header, format, request);
    let coding = pixel_coding(header.transfer_syntax_uid())?;
    let cells = cells(header, format, request);
    let decoded = if holds_items(header, coding, frame_bytes) {
        let joined = fragments::join(frame_bytes, request.best_effort)?;
        of_fragments(header, coding, &joined, cells, Wanted { format, reduction, limits })?
    } else {
        of_cells(header, coding, frame_bytes, cells)?
    };
    Ok(DecodedFrame::new(decoded, request, reduction))
}

fn check_frame(
    format: &PixelFormat,
    frame_bytes: &[u8],
    request: &FrameRequest,
    limits: &Limits,
) -> Result<(), RenderError> {
    if request.frame_number == 0 || request.frame_number > format.frame_count {
        return Err(RenderError::NoSuchFrame { asked: request.frame_number, available: format.frame_count });
    }
    limits::check("bytes of a frame", frame_bytes.len() as u64, limits.frame_bytes_max)
}

/// How the cells of the frame are to be read, where it is made of cells.
fn cells<'a>(header: &Header, format: &'a PixelFormat, request: &FrameRequest) -> native::Source<'a> {
    let (big_endian, in_words) = native_cells(header.transfer_syntax_uid(), header.encoding());
    native::Source {
        format,
        frame_index: request.frame_number - 1,
        big_endian,
        in_words: in_words || header.pixel_element().is_some_and(|element| element.vr == Vr(*b"OW")),
        in_planes: format.planar,
        embedded_bits: embedded_bits(header, request.frame_number),
        best_effort: request.best_effort,
    }
}

/// Bit positions of the overlays that lie in the pixels.
fn embedded_bits(header: &Header, frame_number: u32) -> Vec<u16> {
    let view = header.view();
    overlay::of_frame(&view, frame_number).iter().filter_map(|overlay| overlay.embedded_bit(&view)).collect()
}

/// Some writers declare the length of the whole, and put items inside all the same.
fn holds_items(header: &Header, coding: PixelCoding, frame_bytes: &[u8]) -> bool {
    header.is_encapsulated() || coding.is_in_fragments() && fragments::is_item(frame_bytes)
}

/// A frame among others in pixel data that is cells from end to end.
fn of_cells(
    header: &Header,
    coding: PixelCoding,
    frame_bytes: &[u8],
    cells: native::Source<'_>,
) -> Result<Decoded, RenderError> {
    let format = &header.format_of_cells(cells.format);
    if coding.is_in_fragments() && !holds_native_cells(header, format) {
        return Err(RenderError::corrupt("the pixel data is neither fragments nor native cells"));
    }
    native::Source { format, ..cells }.samples(frame_bytes)
}

/// Whether pixel data of a defined length can be native though the syntax is a coded one: some writers decompress and
/// leave the syntax. Then it has the length of native cells; anything else is never shown as if it were cells.
fn holds_native_cells(header: &Header, format: &PixelFormat) -> bool {
    let length = header.pixel_element().and_then(|element| element.length).map_or(0, u64::from);
    let needed = format.frame_bit_count().saturating_mul(format.frame_count.into()).div_ceil(8);
    length == needed || length == needed.next_multiple_of(2)
}

/// A frame in fragments of its own, which are `joined`: each coding to what reads it.
fn of_fragments(
    header: &Header,
    coding: PixelCoding,
    joined: &[u8],
    cells: native::Source<'_>,
    wanted: Wanted<'_>,
) -> Result<Decoded, RenderError> {
    let of_codestream = |decode: Decoder| {
        let coded = decode_caught(decode, joined, wanted)?;
        let is_lossless = is_lossless(header.transfer_syntax_uid());
        coded::stored(coded, (wanted.format, &cells.embedded_bits), is_lossless, cells.best_effort)
    };
    match coding {
        PixelCoding::Native | PixelCoding::NativeFragments => cells.alone().samples_of_all(joined),
        PixelCoding::DeflatedFrame => cells.alone().samples_of_all(&inflated(joined, wanted)?),
        PixelCoding::Rle => of_byte_planes(joined, cells),
        PixelCoding::Jpeg => of_codestream(codec::jpeg::decode),
        PixelCoding::JpegLs => of_codestream(codec::jpeg_ls::decode),
        PixelCoding::Jpeg2000 | PixelCoding::HighThroughputJpeg2000 => of_codestream(codec::jpeg2000::decode),
        PixelCoding::JpegXl => of_codestream(codec::jpeg_xl::decode),
    }
}

fn inflated(deflated: &[u8], Wanted { format, limits, .. }: Wanted<'_>) -> Result<Vec<u8>, RenderError> {
    let mut inflated = Vec::new();
    // Some writers pad what they deflate; more than a little would be a bomb.
    let bytes_max = format.frame_bit_count().div_ceil(8) + 4096;
    inflate_onto(&mut inflated, deflated, bytes_max.min(limits.inflated_bytes_max))?;
    Ok(inflated)
}

/// Byte planes are whole planes: no chrominance is shared (PS3.5 annex G).
fn of_byte_planes(coded: &[u8], cells: native::Source<'_>) -> Result<Decoded, RenderError> {
    let format = &cells.format.clone().with_whole_chrominance();
    let (bytes, is_short) = codec::rle::decode(coded, format, cells.best_effort)?;
    let mut decoded = native::Source { format, ..cells.of_planes() }.samples(&bytes)?;
    decoded.partial |= is_short;
    Ok(decoded)
}

type Decoder = fn(&[u8], Wanted<'_>) -> Result<Coded, RenderError>;

/// A decoder that panics has met a damaged codestream; the panic goes no further.
fn decode_caught(decode: Decoder, codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    catch_unwind(AssertUnwindSafe(|| decode(codestream, wanted)))
        .unwrap_or_else(|_| Err(RenderError::corrupt("the decoder gave up on the codestream")))
}
