//! Samples of a codestream to stored samples: sign, bits stored, and what is left of the colour transform.

use crate::RenderError;
use crate::codec::{Coded, CodedColour};
use crate::decode::Decoded;
use crate::pixel_format::{Photometric, PixelFormat};
use crate::samples::Samples;

/// # Errors
/// [`RenderError::Corrupt`] for a picture that its decoder complained about, unless `best_effort`.
pub(crate) fn stored(coded: Coded, format: &PixelFormat, best_effort: bool) -> Result<Decoded, RenderError> {
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
    // A codestream can be deeper than the attributes say; it is not cut then.
    let bits = u32::from(format.bits_stored).max(coded.precision.into());
    Ok(Decoded {
        samples: with_sign(coded.samples, format.signed, bits),
        photometric,
        rows: coded.rows,
        columns: coded.columns,
        reduction: coded.reduction,
        site: coded.site,
        partial: coded.damage.is_some(),
        embedded_overlays: Vec::new(),
    })
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

    #[test]
    fn the_sign_is_that_of_the_attributes() {
        let words = || Samples::U16(vec![0x0FFF, 0x0800, 5]);
        assert_eq!(with_sign(words(), true, 12), Samples::I16(vec![-1, -2048, 5]));
        assert_eq!(with_sign(words(), false, 12), words());
        assert_eq!(with_sign(Samples::I32(vec![-1, 7]), false, 12), Samples::U16(vec![0x0FFF, 7]));
        assert_eq!(with_sign(Samples::I32(vec![-1, 7]), true, 12), Samples::I16(vec![-1, 7]));
    }
}
