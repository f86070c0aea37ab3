//! Colour frames: palettes and colour spaces to red, green, blue, at full size, so that what is averaged is colours.

use super::composer::Composer;
use crate::RenderError;
use crate::file::pixel_format::Photometric;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::samples::resample::resize_colours;
use crate::samples::{Samples, each_type};
use crate::stages::palette::Palette;
use crate::stages::{icc, ybr};

impl Composer<'_> {
    pub(super) fn colour(&self) -> Result<DisplayImage, RenderError> {
        let mut pixels = self.fitted_colours(self.rgb()?)?;
        // That of a color presentation state takes the place of that of the image (PS3.4 N.2.2.1).
        let profile_of = self.stated.as_ref().map_or(self.frame_view.top(), |stated| &stated.applied.view);
        let profile = icc::apply(profile_of, self.request.icc_profile, &mut pixels)?;
        if self.request.invert {
            pixels.iter_mut().for_each(|sample| *sample = 255 - *sample);
        }
        self.burn_overlays(&mut pixels, 3)?;
        Ok(DisplayImage { icc_profile: profile, ..self.image(DisplaySamples::Rgb8(pixels), None) })
    }

    /// The whole frame as red, green, blue.
    fn rgb(&self) -> Result<Vec<u8>, RenderError> {
        let samples = &self.frame.samples;
        if self.frame.photometric == Photometric::Palette {
            let palette = Palette::read(self.frame_view.top(), samples.sign())
                .ok_or_else(|| RenderError::corrupt("the palette is missing or damaged"))?;
            return Ok(colours(samples, |index| palette.colour(index)));
        }
        let mut pixels = to_8_bits(samples, self.frame.depth)?;
        ybr::to_rgb(&mut pixels, self.frame.photometric);
        Ok(pixels)
    }

    /// The asked region of the whole frame, at the size of the picture.
    pub(super) fn fitted_colours(&self, pixels: Vec<u8>) -> Result<Vec<u8>, RenderError> {
        let whole = Samples::U8(pixels);
        let Samples::U8(pixels) = self.cropped(&whole, 3).unwrap_or(whole) else {
            return Err(RenderError::unsupported("colour samples of this type"));
        };
        if self.resizes() {
            return resize_colours(&pixels, &self.grid(), (self.plan.columns, self.plan.rows));
        }
        Ok(pixels)
    }
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
pub(super) fn colours(samples: &Samples, colour: impl Fn(f64) -> [u8; 3]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(samples.len() * 3);
    each_type!(samples, values => for &value in values {
        pixels.extend_from_slice(&colour(value as f64));
    });
    pixels
}

/// Colour samples that fill `depth` bits as 8 bits: the leading ones of more, and fewer spread over all levels. What lies
/// above the depth, as a filter may overshoot it, is the brightest level.
pub(super) fn to_8_bits(samples: &Samples, depth: u16) -> Result<Vec<u8>, RenderError> {
    let shift = u32::from(depth.saturating_sub(8));
    Ok(match samples {
        Samples::U8(values) => spread(values, depth),
        Samples::U16(values) => values.iter().map(|&value| (value >> shift.min(8)).min(255) as u8).collect(),
        Samples::U32(values) => values.iter().map(|&value| (value >> shift.min(24)).min(255) as u8).collect(),
        _ => return Err(RenderError::unsupported("signed or real colour samples")),
    })
}

/// Samples of fewer than 8 bits over 0 to 255.
fn spread(values: &[u8], depth: u16) -> Vec<u8> {
    let most = (1_u32 << depth.min(8)) - 1;
    if most >= 255 {
        return values.to_vec();
    }
    values.iter().map(|&value| ((u32::from(value) * 255 * 2 + most) / (2 * most)).min(255) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_fewer_bits_reach_from_black_to_white() {
        assert_eq!(spread(&[0, 1, 2, 3], 2), [0, 85, 170, 255]);
        assert_eq!(spread(&[0, 15, 31], 5), [0, 123, 255]);
        assert_eq!(spread(&[0, 200, 31], 5), [0, 255, 255], "past its depth");
        assert_eq!(spread(&[0, 77, 255], 8), [0, 77, 255]);
        let overshoot = to_8_bits(&Samples::U16(vec![0, 4095, 4100]), 12).expect("unsigned");
        assert_eq!(overshoot, [0, 255, 255]);
    }
}
