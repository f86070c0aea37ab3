//! Samples of a frame in memory: one vector of the type that holds them without loss.

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

    pub(crate) fn is_signed(&self) -> bool {
        matches!(self, Self::I8(_) | Self::I16(_) | Self::I32(_) | Self::F32(_) | Self::F64(_))
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

    /// Smallest and largest sample for which `keep` holds; `None` when there is none, or all are not numbers.
    pub(crate) fn range_where(&self, keep: impl Fn(f64) -> bool) -> Option<(f64, f64)> {
        #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
        let fold = |low: f64, high: f64| {
            each_type!(self, values => values.iter().map(|&value| value as f64)
                .filter(|&value| value.is_finite() && keep(value))
                .fold((low, high), |(low, high), value| (low.min(value), high.max(value))))
        };
        let (low, high) = fold(f64::INFINITY, f64::NEG_INFINITY);
        (low <= high).then_some((low, high))
    }

    /// Smallest and largest sample.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        macro_rules! extremes {
            ($values:expr) => {{
                // Two folds that vectorise, unlike one over pairs.
                let low = $values.iter().copied().reduce(|a, b| a.min(b))?;
                let high = $values.iter().copied().reduce(|a, b| a.max(b))?;
                Some((f64::from(low), f64::from(high)))
            }};
        }
        match self {
            Self::U8(values) => extremes!(values),
            Self::I8(values) => extremes!(values),
            Self::U16(values) => extremes!(values),
            Self::I16(values) => extremes!(values),
            Self::U32(values) => extremes!(values),
            Self::I32(values) => extremes!(values),
            Self::F32(_) | Self::F64(_) => self.range_where(|_| true),
        }
    }
}
