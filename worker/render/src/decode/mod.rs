//! Bytes of one frame to stored samples, one file per way of writing them. Meaning comes later, in the stages.

mod coded;
mod native;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec::{self, Coded, Wanted};
use crate::fragments;
use crate::parse::element::Vr;
use crate::pixel_format::{Photometric, PixelFormat};
use crate::request::FrameRequest;
use crate::samples::Samples;
use crate::stages::{geometry, overlay};
use crate::transfer_syntax::{PixelCoding, is_lossless, pixel_coding};
use crate::{Header, Limits, RenderError, inflate, limits};

/// Stored samples of one frame, whole and owned, for as many presets as wanted.
#[derive(Clone, Debug)]
pub struct DecodedFrame {
    pub(crate) frame_number: u32,
    /// Of the samples here; smaller than the frame's after a reduced decode.
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    /// Rows and columns are those of the frame divided by 2 to this power, rounded up.
    pub(crate) reduction: u8,
    pub(crate) samples: Samples,
    /// What the samples mean now: a codec may already have undone a colour transform.
    pub(crate) photometric: Photometric,
    /// Masks of overlays that lie in spare bits of the pixels; 255 where set.
    pub(crate) embedded_overlays: Vec<Vec<u8>>,
    pub(crate) partial: bool,
}

impl DecodedFrame {
    /// Memory held by the samples, for the caller's budget.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.samples.byte_count() + self.embedded_overlays.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether a request can be composed from this frame of its instance. A frame decoded at reduced resolution
    /// serves no request that shows more pixels, a partial frame none that wants the frame undamaged.
    #[must_use]
    pub fn serves(&self, request: &FrameRequest) -> bool {
        self.frame_number == request.frame_number
            && (!self.partial || request.best_effort)
            && self.reduction
                <= geometry::reduction_allowed((self.columns, self.rows), self.reduction, request)
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
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) reduction: u8,
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
    let decoded = decode(header, format, frame_bytes, request, limits)?;
    Ok(DecodedFrame {
        frame_number: request.frame_number,
        rows: decoded.rows,
        columns: decoded.columns,
        reduction: decoded.reduction,
        samples: decoded.samples,
        photometric: decoded.photometric,
        embedded_overlays: decoded.embedded_overlays,
        partial: decoded.partial,
    })
}

fn decode(
    header: &Header,
    format: &PixelFormat,
    frame_bytes: &[u8],
    request: &FrameRequest,
    limits: &Limits,
) -> Result<Decoded, RenderError> {
    let coding = pixel_coding(header.transfer_syntax_uid()).or_else(|error| {
        // A private or missing syntax over native pixel data can only be native.
        if header.is_encapsulated() { Err(error) } else { Ok(PixelCoding::Native) }
    })?;
    let source = native::Source {
        format,
        frame_index: request.frame_number - 1,
        big_endian: header.encoding().big_endian,
        in_words: header.pixel_element().is_some_and(|element| element.vr == Vr(*b"OW")),
        in_planes: format.planar,
        embedded_bits: embedded_bits(header, request.frame_number),
        best_effort: request.best_effort,
    };
    if !header.is_encapsulated() {
        return source.samples(frame_bytes);
    }
    let codestream = fragments::join(frame_bytes, request.best_effort)?;
    match coding {
        PixelCoding::Native => source.alone().samples_of_all(&codestream),
        PixelCoding::DeflatedFrame => {
            let mut inflated = Vec::new();
            // Some writers pad what they deflate; more than a little would be a bomb.
            let bytes_max = format.frame_bit_count().div_ceil(8) + 4096;
            inflate::inflate_onto(&mut inflated, &codestream, bytes_max.min(limits.inflated_bytes_max))?;
            source.alone().samples_of_all(&inflated)
        }
        PixelCoding::Rle => {
            let (cells, is_short) = codec::rle::decode(&codestream, format, request.best_effort)?;
            let mut decoded = source.of_planes().samples(&cells)?;
            decoded.partial |= is_short;
            Ok(decoded)
        }
        coding => {
            // Pixels that are not square are stretched, and need all they have.
            let reduction = match geometry::pixel_shape(&header.view()) {
                1.0 => geometry::reduction_allowed((format.columns, format.rows), 0, request),
                _ => 0,
            };
            let wanted = Wanted { format, reduction, limits };
            let coded = codestream_samples(coding, &codestream, wanted)?;
            let is_lossless = is_lossless(header.transfer_syntax_uid());
            coded::stored(coded, format, is_lossless, request.best_effort)
        }
    }
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
        PixelCoding::Native | PixelCoding::DeflatedFrame | PixelCoding::Rle => {
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
