//! Samples of a frame in memory: one vector of the type that holds them without loss. What they mean is for the stages.
//!
//! [`resize`] has the filter, for one type at a time; [`resample`] brings samples of any type to another size.

pub(crate) mod resample;
pub mod resize;

/// Samples, interleaved when a pixel has several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// What the samples tell of the sign of attributes that are written like them (PS3.3 C.7.6.3.1.5, C.11.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Unsigned,
    Signed,
    /// Real numbers have both signs: the VR of the attribute tells; without one it is signed.
    AsWritten,
}

impl Sign {
    pub(crate) fn of_integers(signed: bool) -> Self {
        if signed { Self::Signed } else { Self::Unsigned }
    }
}

/// Runs `$body` with `$values` bound to the vector inside.
macro_rules! each_type {
    ($samples:expr, $values:ident => $body:expr) => {
        match $samples {
            $crate::samples::Samples::U8($values) => $body,
            $crate::samples::Samples::I8($values) => $body,
            $crate::samples::Samples::U16($values) => $body,
            $crate::samples::Samples::I16($values) => $body,
            $crate::samples::Samples::U32($values) => $body,
            $crate::samples::Samples::I32($values) => $body,
            $crate::samples::Samples::F32($values) => $body,
            $crate::samples::Samples::F64($values) => $body,
        }
    };
}
pub(crate) use each_type;

impl Samples {
    pub(crate) fn len(&self) -> usize {
        each_type!(self, values => values.len())
    }

    pub(crate) fn byte_count(&self) -> usize {
        each_type!(self, values => size_of_val(values.as_slice()))
    }

    pub(crate) fn sign(&self) -> Sign {
        match self {
            Self::U8(_) | Self::U16(_) | Self::U32(_) => Sign::Unsigned,
            Self::I8(_) | Self::I16(_) | Self::I32(_) => Sign::Signed,
            Self::F32(_) | Self::F64(_) => Sign::AsWritten,
        }
    }

    /// Copies a rectangle out of rows of `stride` samples; all bounds in samples.
    pub(crate) fn crop(&self, stride: usize, left: usize, width: usize, top: usize, rows: usize) -> Self {
        macro_rules! cut {
            ($variant:ident, $values:expr) => {
                Self::$variant(
                    $values
                        .chunks_exact(stride.max(1))
                        .skip(top)
                        .take(rows)
                        .flat_map(|row| row[left..left + width].iter().copied())
                        .collect(),
                )
            };
        }
        match self {
            Self::U8(values) => cut!(U8, values),
            Self::I8(values) => cut!(I8, values),
            Self::U16(values) => cut!(U16, values),
            Self::I16(values) => cut!(I16, values),
            Self::U32(values) => cut!(U32, values),
            Self::I32(values) => cut!(I32, values),
            Self::F32(values) => cut!(F32, values),
            Self::F64(values) => cut!(F64, values),
        }
    }

    /// Smallest and largest sample; `None` when there is none, or none is a number.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        self.range_outside(f64::INFINITY, f64::NEG_INFINITY)
    }

    /// Smallest and largest of the samples that are not from `first` to `last`.
    pub(crate) fn range_outside(&self, first: f64, last: f64) -> Option<(f64, f64)> {
        macro_rules! integers {
            ($values:expr, $type:ty) => {{
                // Casts saturate: an interval outside the type becomes one that excludes nothing it should not.
                let (from, to) = (first.ceil() as $type, last.floor() as $type);
                let excludes = first <= last && last >= f64::from(<$type>::MIN) && first <= f64::from(<$type>::MAX);
                // Folds without a branch, which vectorise.
                let (low, high) = if excludes {
                    let is_out = |value: $type| value < from || value > to;
                    let least = |low: $type, &value: &$type| low.min(if is_out(value) { value } else { <$type>::MAX });
                    let most = |high: $type, &value: &$type| high.max(if is_out(value) { value } else { <$type>::MIN });
                    ($values.iter().fold(<$type>::MAX, least), $values.iter().fold(<$type>::MIN, most))
                } else {
                    let least = |low: $type, &value: &$type| low.min(value);
                    let most = |high: $type, &value: &$type| high.max(value);
                    ($values.iter().fold(<$type>::MAX, least), $values.iter().fold(<$type>::MIN, most))
                };
                (low <= high).then(|| (f64::from(low), f64::from(high)))
            }};
        }
        match self {
            Self::U8(values) => integers!(values, u8),
            Self::I8(values) => integers!(values, i8),
            Self::U16(values) => integers!(values, u16),
            Self::I16(values) => integers!(values, i16),
            Self::U32(values) => integers!(values, u32),
            Self::I32(values) => integers!(values, i32),
            Self::F32(values) => reals(values.iter().map(|&value| value.into()), first, last),
            Self::F64(values) => reals(values.iter().copied(), first, last),
        }
    }

    /// Averages brought between the smallest and the largest of the samples that they are of: sums of single precision
    /// may miss them by a hair.
    pub(crate) fn within(self, samples: &Self) -> Self {
        let Some((low, high)) = samples.range() else { return self };
        match self {
            Self::F32(values) => {
                Self::F32(values.into_iter().map(|value| value.clamp(low as f32, high as f32)).collect())
            }
            Self::F64(values) => Self::F64(values.into_iter().map(|value| value.clamp(low, high)).collect()),
            others => others,
        }
    }

    /// Real samples rounded half up to the integers of `like`; as they are where that is wide or real.
    pub(crate) fn rounded_to(self, like: &Self) -> Self {
        let Self::F64(values) = &self else { return self };
        // Casts saturate.
        let whole = values.iter().map(|value| (value + 0.5).floor());
        match like {
            Self::U8(_) => Self::U8(whole.map(|value| value as u8).collect()),
            Self::I8(_) => Self::I8(whole.map(|value| value as i8).collect()),
            Self::U16(_) => Self::U16(whole.map(|value| value as u16).collect()),
            Self::I16(_) => Self::I16(whole.map(|value| value as i16).collect()),
            Self::U32(_) | Self::I32(_) | Self::F32(_) | Self::F64(_) => self,
        }
    }
}

fn reals(values: impl Iterator<Item = f64>, first: f64, last: f64) -> Option<(f64, f64)> {
    let (low, high) = values
        .filter(|value| value.is_finite() && !(first..=last).contains(value))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    (low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_leaves_an_interval_out() {
        let samples = Samples::I16(vec![-2000, -5, 7, 300]);
        assert_eq!(samples.range(), Some((-2000.0, 300.0)));
        assert_eq!(samples.range_outside(-2000.0, -2000.0), Some((-5.0, 300.0)));
        assert_eq!(samples.range_outside(-1e9, 1e9), None);
        assert_eq!(samples.range_outside(1e6, 2e6), Some((-2000.0, 300.0)), "outside of the type");
        assert_eq!(Samples::U8(vec![0, 9]).range_outside(-7.0, -1.0), Some((0.0, 9.0)));
        assert_eq!(Samples::F32(vec![f32::NAN, 2.0, 1.0]).range(), Some((1.0, 2.0)));
        assert_eq!(Samples::U16(Vec::new()).range(), None);
    }

    #[test]
    fn averages_are_rounded_half_up_to_what_can_be_stored() {
        let averages = || Samples::F64(vec![-0.5, 0.5, 1.49, 70_000.0]);
        assert_eq!(averages().rounded_to(&Samples::I16(Vec::new())), Samples::I16(vec![0, 1, 1, i16::MAX]));
        assert_eq!(averages().rounded_to(&Samples::U16(Vec::new())), Samples::U16(vec![0, 1, 1, u16::MAX]));
        assert_eq!(averages().rounded_to(&Samples::F64(Vec::new())), averages());
    }
}
