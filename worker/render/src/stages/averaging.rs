//! A monochrome frame at another size: averages of modality values, of what is picture alone, and never of labels.

use std::borrow::Cow;

use super::grey::BACKGROUND;
use super::modality::Modality;
use super::padding::Padding;
use crate::RenderError;
use crate::samples::resample::{Size, nearest, resize, resize_exactly, resize_reals};
use crate::samples::resize::Grid;
use crate::samples::{Samples, each_type};

/// Least part of a new pixel that must be picture where it cannot be picture in part: values have no background.
const PICTURE_SHARE_MIN: f32 = 0.5;

/// How old values make a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Averaging {
    /// The nearest old value: labels have no averages.
    Labels,
    /// The average, rounded to a value that could be stored.
    Rounded,
    /// The average as a real number, for windows that would show what rounding loses.
    Exact,
}

/// A frame at its new size.
#[derive(Debug)]
pub(crate) struct Averaged {
    /// Stored values, or modality values.
    pub(crate) samples: Samples,
    /// A table was applied: the averages of stored values would not be those of modality values (PS3.3 C.11.1.1).
    pub(crate) is_of_modality_values: bool,
    /// How much of each pixel is picture, the rest being padding; empty when all is picture.
    shares: Vec<f32>,
}

impl Averaged {
    /// Lays the picture over the background where padding is: at the edges in part, as the average of what the whole
    /// frame shows would be.
    pub(crate) fn lay_over_background(&self, pixels: &mut [u8]) {
        for (pixel, share) in pixels.iter_mut().zip(&self.shares) {
            let picture = f32::from(*pixel) * share + f32::from(BACKGROUND) * (1.0 - share);
            *pixel = (picture + 0.5) as u8;
        }
    }

    /// The samples, with `value` where more is padding than picture.
    pub(crate) fn with_padding(mut self, value: f64) -> Samples {
        let shares = &self.shares;
        each_type!(&mut self.samples, samples => {
            for (sample, _) in samples.iter_mut().zip(shares).filter(|(_, share)| **share < PICTURE_SHARE_MIN) {
                *sample = value as _;
            }
        });
        self.samples
    }
}

/// Brings a frame from one size to the other. `modality` is applied only where it is a table.
///
/// # Errors
/// [`RenderError::Corrupt`] when the samples do not fill the frame.
pub(crate) fn resample(
    samples: &Samples,
    modality: &Modality,
    padding: Option<&Padding>,
    averaging: Averaging,
    (from, to): (&Grid, Size),
) -> Result<Averaged, RenderError> {
    if averaging == Averaging::Labels {
        let samples = nearest(samples, from, to)?;
        return Ok(Averaged { samples, is_of_modality_values: false, shares: Vec::new() });
    }
    let shares = picture_shares(samples, padding);
    let values = match modality {
        Modality::Table(_) => Cow::Owned(modality_values(samples, modality)),
        Modality::Linear { .. } => Cow::Borrowed(samples),
    };
    let (resized, shares) = match (shares, averaging) {
        (Some(shares), _) => {
            let (averages, shares) = averages_of_picture(&values, &shares, (from, to))?;
            let averages = Samples::F64(averages);
            (if averaging == Averaging::Exact { averages } else { averages.rounded_to(&values) }, shares)
        }
        (None, Averaging::Exact) => (resize_exactly(&values, from, to)?.within(&values), Vec::new()),
        (None, _) => (resize(&values, from, to)?, Vec::new()),
    };
    let is_of_modality_values = matches!(modality, Modality::Table(_));
    Ok(Averaged { samples: resized, is_of_modality_values, shares })
}

/// 1 for each sample that is picture, 0 for padding and for what is no number; `None` when all is picture, and finite.
#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn picture_shares(samples: &Samples, padding: Option<&Padding>) -> Option<Vec<f32>> {
    let is_picture =
        |stored: f64| !stored.is_nan() && padding.is_none_or(|padding| !padding.contains(stored));
    let is_real = matches!(samples, Samples::F32(_) | Samples::F64(_));
    let may_have_holes = padding.is_some() || is_real;
    let all_is_picture = || each_type!(samples, values => values.iter().all(|&value| is_picture(value as f64) && (value as f64).is_finite()));
    if !may_have_holes || all_is_picture() {
        return None;
    }
    let share = |stored: f64| if is_picture(stored) { 1.0 } else { 0.0 };
    Some(each_type!(samples, values => values.iter().map(|&value| share(value as f64)).collect()))
}

/// Averages of what is picture, and its share of each new pixel. As distances from the smallest value, which single
/// precision holds where it may not hold the values.
fn averages_of_picture(
    values: &Samples,
    shares: &[f32],
    (from, to): (&Grid, Size),
) -> Result<(Vec<f64>, Vec<f32>), RenderError> {
    let (low, high) = picture_range(values, shares);
    let distances = distances_in_picture(values, shares, (low, high));
    let sums = resize_reals(&distances, from, to)?;
    let shares = resize_reals(shares, from, to)?;
    let average = |sum: f32, share: f32| if share > 0.0 { low + f64::from(sum / share) } else { low };
    let averages =
        sums.iter().zip(&shares).map(|(&sum, &share)| average(sum, share).clamp(low, high)).collect();
    Ok((averages, shares))
}

/// Smallest and largest value of what is picture; 0 and 0 when nothing is.
#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn picture_range(values: &Samples, shares: &[f32]) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let wider = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
    let range = each_type!(values, values => {
        let pixels = values.iter().zip(shares).filter(|(_, share)| **share > 0.0);
        let finite = pixels.map(|(&value, _)| value as f64).filter(|value| value.is_finite());
        finite.fold(none, wider)
    });
    if range.0 <= range.1 { range } else { (0.0, 0.0) }
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn distances_in_picture(values: &Samples, shares: &[f32], (low, high): (f64, f64)) -> Vec<f32> {
    // What is infinite counts as the end of what is not.
    let distance =
        |value: f64, share: f32| if share > 0.0 { (value.clamp(low, high) - low) as f32 } else { 0.0 };
    each_type!(values, values => values
        .iter()
        .zip(shares)
        .map(|(&value, &share)| distance(value as f64, share))
        .collect())
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn modality_values(samples: &Samples, modality: &Modality) -> Samples {
    Samples::U16(
        each_type!(samples, values => values.iter().map(|&value| modality.value(value as f64) as u16).collect()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::lut::Lut;

    fn averaged(
        samples: &Samples,
        modality: &Modality,
        padding: Option<&Padding>,
        averaging: Averaging,
    ) -> Averaged {
        resample(samples, modality, padding, averaging, (&Grid::whole(1, 4), (2, 1))).expect("valid sizes")
    }

    #[test]
    fn padding_is_left_out_of_averages_and_lies_under_the_picture() {
        let samples = Samples::I16(vec![-2000, 100, -2000, -2000]);
        let padding = Padding::of(-2000.0, -2000.0);
        let averaged = averaged(&samples, &Modality::IDENTITY, Some(&padding), Averaging::Rounded);
        assert_eq!(averaged.samples, Samples::I16(vec![100, 100]));
        let mut pixels = [200, 200];
        averaged.lay_over_background(&mut pixels);
        assert_eq!(pixels, [100, BACKGROUND]);
        assert_eq!(averaged.with_padding(-2000.0), Samples::I16(vec![100, -2000]));
    }

    #[test]
    fn a_table_comes_before_the_average() {
        let table = Lut::from_entries(0.0, vec![1000, 0, 50, 60], 16).expect("a table");
        let samples = Samples::U8(vec![0, 2, 1, 1]);
        let averaged = averaged(&samples, &Modality::Table(table), None, Averaging::Rounded);
        assert!(averaged.is_of_modality_values);
        assert_eq!(averaged.samples, Samples::U16(vec![525, 0]));
    }

    #[test]
    fn labels_are_chosen_never_mixed() {
        let samples = Samples::U8(vec![1, 1, 9, 9]);
        let averaged = averaged(&samples, &Modality::IDENTITY, None, Averaging::Labels);
        assert_eq!(averaged.samples, Samples::U8(vec![1, 9]));
    }

    #[test]
    fn exact_averages_keep_their_halves() {
        let samples = Samples::U8(vec![0, 1, 1, 1]);
        let exact = averaged(&samples, &Modality::IDENTITY, None, Averaging::Exact);
        assert_eq!(exact.samples, Samples::F32(vec![0.5, 1.0]));
        let rounded = averaged(&samples, &Modality::IDENTITY, None, Averaging::Rounded);
        assert_eq!(rounded.samples, Samples::U8(vec![1, 1]));
    }

    /// Under a window of one value an average that is more than all values would be white.
    #[test]
    fn an_average_lies_between_the_values() {
        let samples = Samples::U16(vec![65_531; 7 * 11]);
        let (grid, to) = (Grid::whole(7, 11), (1, 1));
        let averaged = resample(&samples, &Modality::IDENTITY, None, Averaging::Exact, (&grid, to));
        assert_eq!(averaged.expect("valid sizes").samples, Samples::F32(vec![65_531.0]));
    }

    #[test]
    fn what_is_infinite_counts_as_the_end_of_what_is_not() {
        let samples = Samples::F32(vec![f32::NEG_INFINITY, 4.0, 2.0, f32::INFINITY]);
        let averaged = averaged(&samples, &Modality::IDENTITY, None, Averaging::Exact);
        assert_eq!(averaged.samples, Samples::F64(vec![3.0, 3.0]));
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let samples = Samples::F32(vec![f32::NAN, 4.0, f32::NAN, f32::NAN]);
        let averaged = averaged(&samples, &Modality::IDENTITY, None, Averaging::Exact);
        assert_eq!(averaged.shares, [0.5, 0.0]);
        assert_eq!(averaged.samples, Samples::F64(vec![4.0, 4.0]));
    }
}
