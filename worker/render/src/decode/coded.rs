//! Samples of a codestream to stored samples: sign, bits stored, and what is left of the colour transform.

use super::codec::{Coded, CodedColour};
use super::frame::Decoded;
use crate::RenderError;
use crate::file::pixel_format::{Photometric, PixelFormat};
use crate::samples::Samples;

/// `embedded_bits` are those of the cells that hold overlays.
///
/// # Errors
/// [`RenderError::Corrupt`] for a picture that its decoder complained about, unless `best_effort`.
pub(crate) fn stored(
    coded: Coded,
    (format, embedded_bits): (&PixelFormat, &[u16]),
    is_lossless: bool,
    best_effort: bool,
) -> Result<Decoded, RenderError> {
    if let Some(complaint) = coded.damage.as_deref()
        && !best_effort
    {
        return Err(RenderError::corrupt(format!("the codestream is damaged: {complaint}")));
    }
    let photometric = match (coded.colour, format.photometric()) {
        (_, grey) if format.samples_per_pixel == 1 => grey,
        (CodedColour::Rgb, _) => Photometric::Rgb,
        (CodedColour::AsDeclared, Photometric::YbrFull422) => Photometric::YbrFull,
        (CodedColour::AsDeclared, declared) => declared,
    };
    let precision = u16::from(coded.precision);
    let is_of_whole_cells = precision == format.bits_allocated && format.bits_stored < format.bits_allocated;
    // Averages are not cells, and a lossy codec does not keep them.
    let holds_cells = is_of_whole_cells && is_lossless && coded.reduction == 0;
    let embedded_overlays =
        if holds_cells { overlays(&coded.samples, format, embedded_bits) } else { Vec::new() };
    let samples = if holds_cells {
        of_cells(coded.samples, format)
    } else {
        // A codestream can be deeper than the attributes say; it is not cut then.
        let bits = u32::from(format.bits_stored).max(coded.precision.into());
        with_sign(coded.samples, format.signed, bits)
    };
    Ok(Decoded {
        samples,
        photometric,
        // Cells of 16 bits are known to be coded whole by lossy codecs, too; those of 8 bits are filled by what is coded.
        depth: if holds_cells || is_of_whole_cells && precision > 8 {
            format.bits_stored
        } else {
            format.bits_stored.max(precision)
        },
        rows: coded.rows,
        columns: coded.columns,
        reduction: coded.reduction,
        site: coded.site,
        partial: coded.damage.is_some(),
        embedded_overlays,
    })
}

/// Masks of the overlays that lie in spare bits of whole cells, 255 where set.
fn overlays(cells: &Samples, format: &PixelFormat, bits: &[u16]) -> Vec<Vec<u8>> {
    let mask = |bit: u16| match cells {
        Samples::U16(cells) => Some(cells.iter().map(|&cell| set(cell.into(), bit)).collect()),
        Samples::I32(cells) => Some(cells.iter().map(|&cell| set(cell, bit)).collect()),
        _ => None,
    };
    let is_spare = |bit: &&u16| **bit < format.bits_allocated && format.is_spare_bit(**bit);
    bits.iter().filter(is_spare).filter_map(|&bit| mask(bit)).collect()
}

fn set(cell: i32, bit: u16) -> u8 {
    if cell >> bit & 1 == 1 { 255 } else { 0 }
}

/// Reads samples that are whole pixel cells, coded bit for bit: what lies beside the stored bits, an overlay or nothing
/// of meaning, goes the way that it goes in native cells (PS3.5 8.1.1, 8.2).
fn of_cells(samples: Samples, format: &PixelFormat) -> Samples {
    let (left, right) = (31 - u32::from(format.high_bit), 32 - u32::from(format.bits_stored));
    let unsigned = move |cell: u32| cell << left >> right;
    let signed = move |cell: u32| (cell << left).cast_signed() >> right;
    let cells: Vec<u32> = match samples {
        Samples::U8(cells) => cells.into_iter().map(u32::from).collect(),
        Samples::U16(cells) => cells.into_iter().map(u32::from).collect(),
        Samples::I32(cells) => cells.into_iter().map(i32::cast_unsigned).collect(),
        others => return others,
    };
    let cells = cells.into_iter();
    match (format.bits_allocated, format.signed) {
        (..=8, false) => Samples::U8(cells.map(|cell| unsigned(cell) as u8).collect()),
        (..=8, true) => Samples::I8(cells.map(|cell| signed(cell) as i8).collect()),
        (..=16, false) => Samples::U16(cells.map(|cell| unsigned(cell) as u16).collect()),
        (..=16, true) => Samples::I16(cells.map(|cell| signed(cell) as i16).collect()),
        (_, false) => Samples::U32(cells.map(unsigned).collect()),
        (_, true) => Samples::I32(cells.map(signed).collect()),
    }
}

/// Reads the lowest `bits` of each sample with the sign that the attributes give, whatever the codestream thought.
fn with_sign(samples: Samples, signed: bool, bits: u32) -> Samples {
    let narrow = 16_u32.saturating_sub(bits);
    match (samples, signed) {
        (Samples::U8(values), false) => Samples::U8(values),
        (Samples::U8(values), true) => {
            let shift = 8_u32.saturating_sub(bits);
            Samples::I8(values.into_iter().map(|value| (value << shift).cast_signed() >> shift).collect())
        }
        (Samples::U16(values), false) => Samples::U16(values),
        (Samples::U16(values), true) => {
            Samples::I16(values.into_iter().map(|value| (value << narrow).cast_signed() >> narrow).collect())
        }
        (Samples::I32(values), true) if bits <= 16 => {
            let extended = |value: i32| ((value as u16) << narrow).cast_signed() >> narrow;
            Samples::I16(values.into_iter().map(extended).collect())
        }
        (Samples::I32(values), false) if bits <= 16 => {
            Samples::U16(values.into_iter().map(|value| ((value as u16) << narrow) >> narrow).collect())
        }
        (Samples::I32(values), false) => Samples::U32(values.into_iter().map(i32::cast_unsigned).collect()),
        (others, _) => others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same cells mean the same whether they are coded or not; a lossy codestream does not hold cells.
    #[test]
    fn a_lossless_codestream_of_whole_cells_is_read_like_cells() {
        let shown = |high_bit, signed, is_lossless, precision| {
            let mut format = PixelFormat::plain(3, 1, 1);
            (format.bits_stored, format.high_bit, format.signed) = (12, high_bit, signed);
            let coded = Coded {
                columns: 3,
                rows: 1,
                samples: Samples::U16(vec![0xA800, 0x0FFF, 0x5010]),
                precision,
                colour: CodedColour::AsDeclared,
                reduction: 0,
                site: crate::samples::resize::ReducedSite::First,
                damage: None,
            };
            stored(coded, (&format, &[]), is_lossless, false).expect("sound").samples
        };
        assert_eq!(shown(11, false, true, 16), Samples::U16(vec![0x800, 0xFFF, 0x010]), "junk above");
        assert_eq!(
            shown(11, true, true, 16),
            Samples::I16(vec![-2048, -1, 0x010]),
            "sign in the stored bits"
        );
        assert_eq!(shown(15, false, true, 16), Samples::U16(vec![0xA80, 0x0FF, 0x501]), "cells to the left");
        let kept = Samples::U16(vec![0xA800, 0x0FFF, 0x5010]);
        assert_eq!(shown(11, false, false, 16), kept, "lossy: deeper than the attributes say");
        assert_eq!(shown(11, false, true, 14), kept, "neither cells nor stored bits");
    }

    #[test]
    fn the_sign_is_that_of_the_attributes() {
        let words = || Samples::U16(vec![0x0FFF, 0x0800, 5]);
        assert_eq!(with_sign(words(), true, 12), Samples::I16(vec![-1, -2048, 5]));
        assert_eq!(with_sign(words(), false, 12), words());
        assert_eq!(with_sign(Samples::I32(vec![-1, 7]), false, 12), Samples::U16(vec![0x0FFF, 7]));
        assert_eq!(with_sign(Samples::I32(vec![-1, 7]), true, 12), Samples::I16(vec![-1, 7]));
    }
}
