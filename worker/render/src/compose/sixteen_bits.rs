//! Modality values as 16-bit samples under a slope and an offset, for clients that window themselves.

use crate::samples::{Samples, each_type};
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;

/// Stored integers of 16 bits keep their values, so that slope and offset are those of the file; anything else is
/// spread over the range of what is picture, and padding beyond it is the nearest value there.
pub(super) fn as_16_bits(
    samples: &Samples,
    modality: &Modality,
    padding: Option<&Padding>,
) -> (Vec<u16>, f64, f64) {
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
