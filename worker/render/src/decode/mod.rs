//! Bytes of one frame to stored samples, one file per way of writing them. Meaning comes later, in the stages.

mod coded;
mod native;
mod reduction;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::{self, Coded, Wanted};
use crate::file::fragments;
use crate::file::inflate::inflate_onto;
use crate::file::parse::element::Vr;
use crate::file::pixel_format::{Photometric, PixelFormat};
use crate::file::transfer_syntax::{PixelCoding, is_lossless, native_cells, pixel_coding};
use crate::request::FrameRequest;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;
use crate::stages::overlay;
use crate::{Header, Limits, RenderError, limits};

/// Stored samples of one frame, whole and owned, for as many presets as wanted.
#[derive(Clone, Debug)]
pub struct DecodedFrame {
    pub(crate) frame_number: u32,
    /// Of the samples here; smaller than the frame's after a reduced decode.
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    /// Rows and columns are those of the frame divided by 2 to this power, rounded up.
    pub(crate) reduction: u8,
    pub(crate) site: ReducedSite,
    pub(crate) samples: Samples,
    /// What the samples mean now: a codec may already have undone a colour transform.
    pub(crate) photometric: Photometric,
    pub(crate) depth: u16,
    /// Masks of overlays that lie in spare bits of the pixels; 255 where set.
    pub(crate) embedded_overlays: Vec<Vec<u8>>,
    pub(crate) partial: bool,
    /// The reduction that was asked of the codec, which may have gone less far.
    asked_reduction: u8,
    best_effort: bool,
}

impl DecodedFrame {
    /// Memory held by the samples, for the caller's budget.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.samples.byte_count() + self.embedded_overlays.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether decoding for `request` would give this very frame: of the same file, whose header is `header`. Nothing
    /// less will do, since the bytes of a picture may not depend on what was decoded before.
    #[must_use]
    pub fn serves(&self, header: &Header, request: &FrameRequest) -> bool {
        let Some(format) = header.declared_format() else { return false };
        let reduction = reduction::reduction(header, format, request);
        self.frame_number == request.frame_number
            && (!self.best_effort || request.best_effort)
            // A codec that went less far than asked would do so again; how far it goes when asked for another is not known.
            && (reduction == self.reduction || reduction == self.asked_reduction)
    }
}

impl DecodedFrame {
    /// Whether the frame has the size that the attributes say.
    pub(crate) fn is_of(&self, format: &PixelFormat) -> bool {
        let divisor = 1_u32 << self.reduction;
        let size = (format.columns.div_ceil(divisor), format.rows.div_ceil(divisor));
        let count = u64::from(self.columns) * u64::from(self.rows) * u64::from(format.samples_per_pixel);
        (self.columns, self.rows) == size && self.samples.len() as u64 == count
    }
}

/// What a decoder gives.
pub(crate) struct Decoded {
    pub(crate) samples: Samples,
    pub(crate) photometric: Photometric,
    /// Bits that the samples fill, where they are colours.
    pub(crate) depth: u16,
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) reduction: u8,
    pub(crate) site: ReducedSite,
    pub(crate) partial: bool,
    pub(crate) embedded_overlays: Vec<Vec<u8>>,
}

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
    if request.frame_number == 0 || request.frame_number > format.frame_count {
        return Err(RenderError::NoSuchFrame { asked: request.frame_number, available: format.frame_count });
    }
    limits::check("bytes of a frame", frame_bytes.len() as u64, limits.frame_bytes_max)?;
    let asked_reduction = reduction::reduction(header, format, request);
    let decoded = decode(header, format, frame_bytes, (request, asked_reduction), limits)?;
    Ok(DecodedFrame {
        frame_number: request.frame_number,
        rows: decoded.rows,
        columns: decoded.columns,
        reduction: decoded.reduction,
        site: decoded.site,
        samples: decoded.samples,
        photometric: decoded.photometric,
        depth: decoded.depth,
        embedded_overlays: decoded.embedded_overlays,
        partial: decoded.partial,
        asked_reduction,
        best_effort: request.best_effort,
    })
}

fn decode(
    header: &Header,
    format: &PixelFormat,
    frame_bytes: &[u8],
    (request, reduction): (&FrameRequest, u8),
    limits: &Limits,
) -> Result<Decoded, RenderError> {
    let coding = pixel_coding(header.transfer_syntax_uid())?;
    let (big_endian, in_words) = native_cells(header.transfer_syntax_uid(), header.encoding());
    let source = native::Source {
        format,
        frame_index: request.frame_number - 1,
        big_endian,
        in_words: in_words || header.pixel_element().is_some_and(|element| element.vr == Vr(*b"OW")),
        in_planes: format.planar,
        embedded_bits: embedded_bits(header, request.frame_number),
        best_effort: request.best_effort,
    };
    let holds_items = header.is_encapsulated() || coding.is_in_fragments() && fragments::is_item(frame_bytes);
    if !holds_items {
        let format = &header.format_of_cells(format);
        if coding.is_in_fragments() && !holds_native_cells(header, format) {
            return Err(RenderError::corrupt("the pixel data is neither fragments nor native cells"));
        }
        return native::Source { format, ..source }.samples(frame_bytes);
    }
    let codestream = fragments::join(frame_bytes, request.best_effort)?;
    match coding {
        PixelCoding::Native | PixelCoding::NativeFragments => source.alone().samples_of_all(&codestream),
        PixelCoding::DeflatedFrame => {
            let mut inflated = Vec::new();
            // Some writers pad what they deflate; more than a little would be a bomb.
            let bytes_max = format.frame_bit_count().div_ceil(8) + 4096;
            inflate_onto(&mut inflated, &codestream, bytes_max.min(limits.inflated_bytes_max))?;
            source.alone().samples_of_all(&inflated)
        }
        PixelCoding::Rle => {
            // Byte planes are whole planes: no chrominance is shared (PS3.5 annex G).
            let format = &format.clone().with_whole_chrominance();
            let (cells, is_short) = codec::rle::decode(&codestream, format, request.best_effort)?;
            let mut decoded = native::Source { format, ..source.of_planes() }.samples(&cells)?;
            decoded.partial |= is_short;
            Ok(decoded)
        }
        coding => {
            let wanted = Wanted { format, reduction, limits };
            let coded = codestream_samples(coding, &codestream, wanted)?;
            let is_lossless = is_lossless(header.transfer_syntax_uid());
            let embedded_bits = embedded_bits(header, request.frame_number);
            coded::stored(coded, (format, &embedded_bits), is_lossless, request.best_effort)
        }
    }
}

/// Whether pixel data of a defined length can be native though the syntax is a coded one: some writers decompress and
/// leave the syntax. Then it has the length of native cells; anything else is never shown as if it were cells.
fn holds_native_cells(header: &Header, format: &PixelFormat) -> bool {
    let length = header.pixel_element().and_then(|element| element.length).map_or(0, u64::from);
    let needed = format.frame_bit_count().saturating_mul(format.frame_count.into()).div_ceil(8);
    length == needed || length == needed.next_multiple_of(2)
}

/// A decoder that panics has met a damaged codestream; the panic goes no further.
fn codestream_samples(
    coding: PixelCoding,
    codestream: &[u8],
    wanted: Wanted<'_>,
) -> Result<Coded, RenderError> {
    let decode = match coding {
        PixelCoding::Jpeg => codec::jpeg::decode,
        PixelCoding::JpegLs => codec::jpeg_ls::decode,
        PixelCoding::Jpeg2000 | PixelCoding::HighThroughputJpeg2000 => codec::jpeg2000::decode,
        PixelCoding::JpegXl => codec::jpeg_xl::decode,
        PixelCoding::Native
        | PixelCoding::NativeFragments
        | PixelCoding::DeflatedFrame
        | PixelCoding::Rle => {
            return Err(RenderError::unsupported("native pixel data as a codestream"));
        }
    };
    catch_unwind(AssertUnwindSafe(|| decode(codestream, wanted)))
        .unwrap_or_else(|_| Err(RenderError::corrupt("the decoder gave up on the codestream")))
}

/// Bit positions of the overlays that lie in the pixels.
fn embedded_bits(header: &Header, frame_number: u32) -> Vec<u16> {
    let view = header.view();
    overlay::of_frame(&view, frame_number).iter().filter_map(|overlay| overlay.embedded_bit(&view)).collect()
}
