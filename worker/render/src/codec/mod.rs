//! Decoders of compressed frames, one file each, all with the same face: codestream in, [`Coded`] out.
//! The only `unsafe` of this package is in the thin bindings here. None of them starts a thread.

mod htj2k;
pub(crate) mod jpeg;
pub(crate) mod jpeg2000;
mod jpeg_lossless;
pub(crate) mod jpeg_ls;
mod jpeg_markers;
pub(crate) mod jpeg_xl;
pub(crate) mod rle;

use crate::pixel_format::PixelFormat;
use crate::resize::ReducedSite;
use crate::samples::Samples;
use crate::{Limits, RenderError, limits};

/// What the attributes promise and the request needs, for a decoder to check before it allocates.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) format: &'a PixelFormat,
    /// Sides may be divided by 2 to this power, where the codec can; never where it costs pixels of the picture.
    pub(crate) reduction: u8,
    pub(crate) limits: &'a Limits,
}

/// Samples as a codestream holds them.
pub(crate) struct Coded {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// Interleaved; `U8`, `U16` or `I32`.
    pub(crate) samples: Samples,
    /// Bits of a sample, 1 to 32.
    pub(crate) precision: u8,
    pub(crate) colour: CodedColour,
    pub(crate) reduction: u8,
    /// Where samples lie that stand for several pixels.
    pub(crate) site: ReducedSite,
    /// What the decoder complained about, though it gave a picture.
    pub(crate) damage: Option<String>,
}

/// What three samples of a pixel are once decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodedColour {
    /// As the Photometric Interpretation says.
    AsDeclared,
    /// The codestream knew better, or the decoder has converted.
    Rgb,
}

impl Wanted<'_> {
    /// The reduction of a codestream of this sign and precision. Where its sign differs from that of the attributes, values
    /// wrap at zero in one of the two; where it holds whole cells, spare bits lie beside the values. Averages of either lie.
    pub(crate) fn reduction_of(&self, is_signed: bool, precision: u8) -> u8 {
        let format = self.format;
        let has_spare_bits =
            u16::from(precision) == format.bits_allocated && format.bits_stored < format.bits_allocated;
        if is_signed == format.signed && !has_spare_bits { self.reduction } else { 0 }
    }

    /// Checks the header of a codestream against the attributes.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] where they disagree.
    pub(crate) fn check(&self, columns: u32, rows: u32, components: u32) -> Result<(), RenderError> {
        limits::check("pixels of a frame", u64::from(columns) * u64::from(rows), self.limits.pixels_max)?;
        let format = self.format;
        if (columns, rows) != (format.columns, format.rows) {
            return Err(RenderError::corrupt(format!(
                "the codestream is {columns} x {rows}, the attributes say {} x {}",
                format.columns, format.rows
            )));
        }
        if components != u32::from(format.samples_per_pixel) {
            return Err(RenderError::corrupt(format!(
                "the codestream has {components} components, the attributes say {}",
                format.samples_per_pixel
            )));
        }
        Ok(())
    }
}
