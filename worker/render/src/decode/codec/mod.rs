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

use crate::file::pixel_format::PixelFormat;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;
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
    /// wrap at zero in one of the two; where it holds whole cells whose values are not at their lower end, averages are
    /// not of values.
    pub(crate) fn reduction_of(&self, is_signed: bool, precision: u8) -> u8 {
        let format = self.format;
        let is_shifted = self.holds_cells(precision) && format.high_bit + 1 != format.bits_stored;
        if is_signed == format.signed && !is_shifted { self.reduction } else { 0 }
    }

    /// Whether a smaller picture is one of values. In a codestream of whole cells something may lie in the spare bits above
    /// the values, be it zeros above a negative one; it lifts averages out of the range of the stored bits. An edge
    /// between extremes can overshoot that range by the filter alone: then nothing is lost but time.
    pub(crate) fn is_of_values(&self, coded: &Coded) -> bool {
        let format = self.format;
        if coded.reduction == 0 || !self.holds_cells(coded.precision) {
            return true;
        }
        let whole = 1_i64 << format.bits_stored;
        let low = if format.signed { -whole / 2 } else { 0 };
        let accepted = low..low + whole;
        match &coded.samples {
            Samples::U8(values) => values.iter().all(|&value| accepted.contains(&value.into())),
            Samples::U16(values) => values.iter().all(|&value| accepted.contains(&value.into())),
            Samples::I32(values) => values.iter().all(|&value| accepted.contains(&value.into())),
            _ => false,
        }
    }

    fn holds_cells(&self, precision: u8) -> bool {
        let format = self.format;
        u16::from(precision) == format.bits_allocated && format.bits_stored < format.bits_allocated
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_bits_that_are_set_lift_averages_out_of_the_range_of_values() {
        let (mut format, limits) = (PixelFormat::plain(3, 1, 1), Limits::default());
        (format.bits_stored, format.high_bit) = (12, 11);
        let is_of_values = |signed: bool, samples: Samples, precision: u8| {
            let mut format = format.clone();
            format.signed = signed;
            let wanted = Wanted { format: &format, reduction: 1, limits: &limits };
            let (colour, site) = (CodedColour::AsDeclared, ReducedSite::First);
            let coded =
                Coded { columns: 2, rows: 1, samples, precision, colour, reduction: 1, site, damage: None };
            wanted.is_of_values(&coded)
        };
        assert!(is_of_values(false, Samples::U16(vec![0, 4095]), 16));
        assert!(!is_of_values(false, Samples::U16(vec![0, 4096]), 16), "an overlay, or an edge");
        assert!(is_of_values(true, Samples::I32(vec![-2048, 2047]), 16));
        assert!(!is_of_values(true, Samples::I32(vec![2096, 0]), 16), "-2000 without its sign above");
        assert!(is_of_values(false, Samples::U16(vec![0, 5000]), 14), "no cells, but a deeper codestream");
    }
}
