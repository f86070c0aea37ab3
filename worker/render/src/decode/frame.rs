//! What decoding gives: the samples of one frame, and what they are now.

use super::reduction;
use crate::Header;
use crate::file::pixel_format::{Photometric, PixelFormat};
use crate::request::FrameRequest;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;

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
    /// What decoding for `request` gave, when `asked_reduction` was asked of the codec.
    pub(super) fn new(decoded: Decoded, request: &FrameRequest, asked_reduction: u8) -> Self {
        Self {
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
        }
    }

    /// Memory held by the samples, for the caller's budget.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.samples.byte_count() + self.embedded_overlays.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether it is damaged, and this is what could be decoded.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
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
