//! Pixel padding: stored values that are not picture (PS3.3 C.7.5.1.1.2).

use std::ops::RangeInclusive;

use dicom_dictionary_std::tags;

use crate::file::parse::view::{Numbers, View};
use crate::file::pixel_format::{PixelFormat, SampleKind};

/// Stored values that stand for "nothing here", both ends included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Padding(RangeInclusive<f64>);

impl Padding {
    pub(crate) fn read(view: &View<'_>, format: &PixelFormat) -> Option<Self> {
        if !format.photometric().is_monochrome() {
            return None;
        }
        let (value, limit, implied) = match format.kind {
            SampleKind::Integer if format.signed => {
                (tags::PIXEL_PADDING_VALUE, tags::PIXEL_PADDING_RANGE_LIMIT, Numbers::I16)
            }
            SampleKind::Integer => (tags::PIXEL_PADDING_VALUE, tags::PIXEL_PADDING_RANGE_LIMIT, Numbers::U16),
            SampleKind::Float32 => {
                (tags::FLOAT_PIXEL_PADDING_VALUE, tags::FLOAT_PIXEL_PADDING_RANGE_LIMIT, Numbers::F32)
            }
            SampleKind::Float64 => (
                tags::DOUBLE_FLOAT_PIXEL_PADDING_VALUE,
                tags::DOUBLE_FLOAT_PIXEL_PADDING_RANGE_LIMIT,
                Numbers::F64,
            ),
        };
        let first = as_stored(view.number(value, implied)?, format);
        let last = view.number(limit, implied).map_or(first, |last| as_stored(last, format));
        Some(Self(first.min(last)..=first.max(last)))
    }

    #[cfg(test)]
    pub(crate) fn of(first: f64, last: f64) -> Self {
        Self(first..=last)
    }

    pub(crate) fn contains(&self, stored: f64) -> bool {
        self.0.contains(&stored)
    }

    /// First and last stored value that is padding.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (*self.0.start(), *self.0.end())
    }

    /// The integers from `low` to `high` that are padding; none when the first is after the last.
    pub(crate) fn integers(&self, low: i32, high: i32) -> (i32, i32) {
        ((self.0.start().ceil() as i32).max(low), (self.0.end().floor() as i32).min(high))
    }
}

/// Writers disagree on US and SS: the value has the sign of the pixels.
fn as_stored(value: f64, format: &PixelFormat) -> f64 {
    match (format.kind, format.signed) {
        (SampleKind::Integer, true) if value > 32_767.0 => value - 65_536.0,
        (SampleKind::Integer, false) if value < 0.0 => value + 65_536.0,
        _ => value,
    }
}
