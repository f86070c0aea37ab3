//! Modality values as 16-bit samples under a slope and an offset, for clients that window themselves.

use std::borrow::Cow;

use super::composer::Composer;
use crate::RenderError;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::samples::{Samples, each_type};
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;

impl Composer<'_> {
    /// Modality values as 16-bit samples under a slope and an offset. Where the size changes, padding stays padding.
    pub(super) fn modality_values(&self) -> Result<DisplayImage, RenderError> {
        let mut modality = Modality::read(&self.frame_view, self.frame.samples.sign());
        let cropped = self.cropped(&self.frame.samples, 1);
        let mut samples = cropped.map_or(Cow::Borrowed(&self.frame.samples), Cow::Owned);
        let padding = Padding::read(self.frame_view.top(), self.format);
        if self.resizes() {
            let averaged = self.resampled(&samples, &modality, padding.as_ref(), self.averaging(false))?;
            let lowest = || samples.range().map_or(0.0, |(low, _)| low);
            let mut hole = padding.as_ref().map_or_else(lowest, |padding| padding.ends().0);
            if averaged.is_of_modality_values {
                hole = modality.value(hole);
                modality = Modality::IDENTITY;
            }
            samples = Cow::Owned(averaged.with_padding(hole));
        }
        let (values, slope, offset) = as_16_bits(&samples, &modality, padding.as_ref());
        let mut image = self.image(DisplaySamples::Grey16(values), None);
        image.pixel_scale = Some((slope, offset));
        Ok(image)
    }
}

/// Stored integers of 16 bits keep their values, so that slope and offset are those of the file; anything else is
/// spread over the range of what is picture, and padding beyond it is the nearest value there.
fn as_16_bits(samples: &Samples, modality: &Modality, padding: Option<&Padding>) -> (Vec<u16>, f64, f64) {
    let exact = |values: Vec<u16>, lowest: f64| match modality {
        Modality::Linear { slope, intercept } => (values, *slope, intercept + slope * lowest),
        Modality::Table(table) => {
            let look_up = |value: u16| table.value(f64::from(value) + lowest);
            (values.into_iter().map(look_up).collect(), 1.0, 0.0)
        }
    };
    match samples {
        Samples::U8(values) => exact(values.iter().map(|&value| value.into()).collect(), 0.0),
        Samples::I8(values) => {
            exact(values.iter().map(|&value| (i16::from(value) + 128) as u16).collect(), -128.0)
        }
        Samples::U16(values) => exact(values.clone(), 0.0),
        Samples::I16(values) => {
            exact(values.iter().map(|&value| value.cast_unsigned() ^ 0x8000).collect(), -32_768.0)
        }
        wide => spread_over_16_bits(wide, modality, padding),
    }
}

fn spread_over_16_bits(
    samples: &Samples,
    modality: &Modality,
    padding: Option<&Padding>,
) -> (Vec<u16>, f64, f64) {
    let range = match padding.map(Padding::ends) {
        Some((first, last)) => samples.range_outside(first, last),
        None => samples.range(),
    };
    let (low, high) = range.or_else(|| samples.range()).unwrap_or((0.0, 0.0));
    let step = if high > low { (high - low) / 65_535.0 } else { 1.0 };
    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
    let spread = each_type!(samples, values => values
        .iter()
        .map(|&value| (((value as f64).clamp(low, high) - low) / step).round() as u16)
        .collect());
    match modality {
        Modality::Linear { slope, intercept } => (spread, slope * step, intercept + slope * low),
        Modality::Table(table) => {
            #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
            let values = each_type!(samples, values => values.iter().map(|&value| table.value(value as f64)).collect());
            (values, 1.0, 0.0)
        }
    }
}
