//! The samples of a frame as codecs take them: integers of Bits Stored, interleaved.

use crate::decode::DecodedFrame;
use crate::file::pixel_format::Photometric;
use crate::samples::{Samples, Sign, each_type};
use crate::{Header, RenderError};

/// Samples that fit their Bits Stored.
pub(super) struct StoredSamples<'a> {
    samples: &'a Samples,
    pub(super) columns: u32,
    pub(super) rows: u32,
    pub(super) samples_per_pixel: u16,
    pub(super) bits_allocated: u16,
    pub(super) bits_stored: u16,
    pub(super) is_signed: bool,
    pub(super) is_rgb: bool,
}

impl<'a> StoredSamples<'a> {
    /// # Errors
    /// [`RenderError::NoPixelData`]; [`RenderError::InvalidRequest`] for a frame that was decoded smaller than it is stored;
    /// [`RenderError::Unsupported`] for single bits, for floating point, and for samples that are deeper than Bits Stored.
    pub(super) fn of(header: &Header, frame: &'a DecodedFrame) -> Result<Self, RenderError> {
        let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
        if frame.reduction > 0 || !frame.is_of(format) {
            return Err(RenderError::invalid_request("frame", "was decoded smaller than it is stored"));
        }
        if format.bits_allocated == 1 {
            return Err(RenderError::unsupported("single bits in this transfer syntax"));
        }
        let stored = Self {
            samples: &frame.samples,
            columns: frame.columns,
            rows: frame.rows,
            samples_per_pixel: format.samples_per_pixel,
            bits_allocated: format.bits_allocated,
            bits_stored: format.bits_stored,
            is_signed: frame.samples.sign() == Sign::Signed,
            is_rgb: frame.photometric == Photometric::Rgb,
        };
        let deepest = || RenderError::unsupported("samples that are deeper than Bits Stored says");
        if stored.fit().ok_or_else(|| RenderError::unsupported("floating point in this transfer syntax"))? {
            Ok(stored)
        } else {
            Err(deepest())
        }
    }

    /// Whether all are of Bits Stored; `None` of floating point ones.
    fn fit(&self) -> Option<bool> {
        if self.samples.sign() == Sign::AsWritten {
            return None;
        }
        let bits = u32::from(self.bits_stored);
        let (least, most) = match self.is_signed {
            true => (-(1_i64 << (bits - 1)), (1_i64 << (bits - 1)) - 1),
            false => (0, (1_i64 << bits) - 1),
        };
        macro_rules! fit {
            ($values:expr) => {
                $values.iter().all(|&value| (least..=most).contains(&i64::from(value)))
            };
        }
        Some(match self.samples {
            Samples::U8(values) => fit!(values),
            Samples::I8(values) => fit!(values),
            Samples::U16(values) => fit!(values),
            Samples::I16(values) => fit!(values),
            Samples::U32(values) => fit!(values),
            Samples::I32(values) => fit!(values),
            Samples::F32(_) | Samples::F64(_) => return None,
        })
    }

    /// The samples of one component, row by row. None is deeper than 32 bits, nor a fraction.
    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already i32")]
    pub(super) fn component(&self, nth: u16) -> Vec<i32> {
        let (first, step) = (usize::from(nth), usize::from(self.samples_per_pixel.max(1)));
        each_type!(self.samples, values => {
            values.iter().skip(first).step_by(step).map(|&value| value as i32).collect()
        })
    }

    /// All samples, interleaved, of which only Bits Stored are kept: the sign is one of them. None is deeper than 16 bits.
    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already i32")]
    pub(super) fn unsigned(&self) -> Vec<u16> {
        let mask = if self.bits_stored >= 16 { u16::MAX } else { (1 << self.bits_stored) - 1 };
        each_type!(self.samples, values => values.iter().map(|&value| value as i32 as u16 & mask).collect())
    }
}
