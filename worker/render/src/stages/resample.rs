//! Resampling of stored samples, whatever their type.

use crate::RenderError;
use crate::resize::{ResizeError, Sample, resize_grey, resize_rgb8};
use crate::samples::Samples;

/// Width and height in pixels.
type Size = (u32, u32);

/// Resizes one plane; integers of up to 16 bits keep their type and are rounded, all others become doubles.
///
/// # Errors
/// [`RenderError::Corrupt`] when the samples do not fill the frame.
pub(crate) fn resize(samples: &Samples, from: Size, to: Size) -> Result<Samples, RenderError> {
    fn plane<S: Sample>(values: &[S], from: Size, to: Size) -> Result<Vec<S>, RenderError> {
        resize_grey(values, (from.1, from.0), (to.1, to.0)).map_err(|error| mismatch(&error))
    }
    // Single precision holds what distances from the smallest sample need for any window over them, but not the samples:
    // 3,000,000,001 would be 3,000,000,000.
    let base = samples.range().map_or(0.0, |(low, _)| low);
    macro_rules! through_f32 {
        ($values:expr) => {{
            let distances: Vec<f32> = $values.iter().map(|&value| (f64::from(value) - base) as f32).collect();
            let resized = plane(&distances, from, to)?;
            Samples::F64(resized.into_iter().map(|distance| base + f64::from(distance)).collect())
        }};
    }
    Ok(match samples {
        Samples::U8(values) => Samples::U8(plane(values, from, to)?),
        Samples::U16(values) => Samples::U16(plane(values, from, to)?),
        Samples::I16(values) => Samples::I16(plane(values, from, to)?),
        Samples::I8(values) => {
            let wide: Vec<i16> = values.iter().map(|&value| value.into()).collect();
            Samples::I8(plane(&wide, from, to)?.into_iter().map(|value| value as i8).collect())
        }
        Samples::F32(values) => through_f32!(values),
        Samples::U32(values) => through_f32!(values),
        Samples::I32(values) => through_f32!(values),
        Samples::F64(values) => through_f32!(values),
    })
}

/// Resizes interleaved 8-bit RGB.
///
/// # Errors
/// As [`resize`].
pub(crate) fn resize_colours(pixels: &[u8], from: Size, to: Size) -> Result<Vec<u8>, RenderError> {
    resize_rgb8(pixels, (from.1, from.0), (to.1, to.0)).map_err(|error| mismatch(&error))
}

fn mismatch(error: &ResizeError) -> RenderError {
    RenderError::corrupt(error.to_string())
}
