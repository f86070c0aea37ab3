//! Resampling of stored samples, whatever their type.

use super::Samples;
use super::resize::{Grid, ResizeError, Sample, resize_grey_exactly, resize_grey_of, resize_rgb8_of};
use crate::RenderError;

/// Width and height in pixels.
pub(crate) type Size = (u32, u32);

/// Resizes one plane; integers of up to 16 bits keep their type and are rounded, all others become doubles.
///
/// # Errors
/// [`RenderError::Corrupt`] when the samples do not fill the frame.
pub(crate) fn resize(samples: &Samples, from: &Grid, to: Size) -> Result<Samples, RenderError> {
    fn plane<S: Sample>(values: &[S], from: &Grid, to: Size) -> Result<Vec<S>, RenderError> {
        resize_grey_of(values, from, (to.1, to.0)).map_err(|error| mismatch(&error))
    }
    // Single precision holds what distances from the smallest sample need for any window over them, but not the samples:
    // 3,000,000,001 would be 3,000,000,000.
    macro_rules! through_f32 {
        ($values:expr) => {{
            let base = samples.range().map_or(0.0, |(low, _)| low);
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

/// As [`resize`], the averages not rounded.
///
/// # Errors
/// As [`resize`].
pub(crate) fn resize_exactly(samples: &Samples, from: &Grid, to: Size) -> Result<Samples, RenderError> {
    fn plane<S: Sample>(values: &[S], from: &Grid, to: Size) -> Result<Samples, RenderError> {
        resize_grey_exactly(values, from, (to.1, to.0)).map(Samples::F32).map_err(|error| mismatch(&error))
    }
    match samples {
        Samples::U8(values) => plane(values, from, to),
        Samples::U16(values) => plane(values, from, to),
        Samples::I16(values) => plane(values, from, to),
        Samples::I8(values) => {
            plane(&values.iter().map(|&value| i16::from(value)).collect::<Vec<_>>(), from, to)
        }
        wide @ (Samples::U32(_) | Samples::I32(_) | Samples::F32(_) | Samples::F64(_)) => {
            resize(wide, from, to)
        }
    }
}

/// The old value at the middle of each new pixel.
///
/// # Errors
/// As [`resize`].
pub(crate) fn nearest(samples: &Samples, from: &Grid, to: Size) -> Result<Samples, RenderError> {
    let (rows, columns) = from.size();
    let from = (columns, rows);
    let is_whole = u64::from(from.0) * u64::from(from.1) == samples.len() as u64 && samples.len() > 0;
    if !is_whole || to.0 == 0 || to.1 == 0 {
        return Err(RenderError::corrupt("the samples do not fill the frame"));
    }
    let middle = |position: u32, from: u32, to: u32| {
        ((2 * u64::from(position) + 1) * u64::from(from) / (2 * u64::from(to))) as usize
    };
    let columns: Vec<usize> = (0..to.0).map(|column| middle(column, from.0, to.0)).collect();
    let indices = (0..to.1).flat_map(|row| {
        let start = middle(row, from.1, to.1) * from.0 as usize;
        columns.iter().map(move |column| start + column)
    });
    macro_rules! picked {
        ($($variant:ident),*) => {
            match samples { $(Samples::$variant(values) => Samples::$variant(indices.map(|index| values[index]).collect()),)* }
        };
    }
    Ok(picked!(U8, I8, U16, I16, U32, I32, F32, F64))
}

/// Resizes one plane of real numbers, in single precision.
///
/// # Errors
/// As [`resize`].
pub(crate) fn resize_reals(values: &[f32], from: &Grid, to: Size) -> Result<Vec<f32>, RenderError> {
    resize_grey_exactly(values, from, (to.1, to.0)).map_err(|error| mismatch(&error))
}

/// Resizes interleaved 8-bit RGB.
///
/// # Errors
/// As [`resize`].
pub(crate) fn resize_colours(pixels: &[u8], from: &Grid, to: Size) -> Result<Vec<u8>, RenderError> {
    resize_rgb8_of(pixels, from, (to.1, to.0)).map_err(|error| mismatch(&error))
}

fn mismatch(error: &ResizeError) -> RenderError {
    RenderError::corrupt(error.to_string())
}
