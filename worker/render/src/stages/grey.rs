//! Monochrome frames: stored value -> modality value -> display value -> shown value, by one formula in real arithmetic.
//! Where samples have 16 bits or fewer a table is filled from that formula, so that both give the same bytes.

use super::modality::Modality;
use super::padding::Padding;
use super::presentation::Presentation;
use super::ramp::{self, Ramp};
use super::voi::VoiTransform;
use crate::samples::{Samples, each_type};

/// Everything between a stored value and what is shown for it.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) modality: Modality,
    pub(crate) voi: VoiTransform,
    pub(crate) presentation: Presentation,
    /// Stored values shown as background.
    pub(crate) padding: Option<Padding>,
}

/// Padding, and what is no number, is shown black, also where the picture is inverted.
pub(crate) const BACKGROUND: u8 = 0;

/// Input of a 16-bit table.
const TABLE_LENGTH: usize = 1 << 16;

impl Transfer {
    /// The formula.
    pub(crate) fn shown(&self, stored: f64) -> u8 {
        if stored.is_nan() || self.padding.as_ref().is_some_and(|padding| padding.contains(stored)) {
            return BACKGROUND;
        }
        self.presentation.shown(self.voi.display_value(self.modality.value(stored)))
    }

    /// The formula for every sample.
    pub(crate) fn apply(&self, samples: &Samples) -> Vec<u8> {
        match samples {
            Samples::U16(values) => {
                if let Some(ramp) = self.ramp(0, u16::MAX.into()) {
                    return ramp.show_u16(values);
                }
            }
            Samples::I16(values) => {
                if let Some(ramp) = self.ramp(i16::MIN.into(), i16::MAX.into()) {
                    return ramp.show_i16(values);
                }
            }
            _ => {}
        }
        self.apply_table(samples)
    }

    /// The formula for every sample, by a table where samples have 16 bits or fewer.
    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
    fn apply_table(&self, samples: &Samples) -> Vec<u8> {
        let range = samples.range().unwrap_or((0.0, 0.0));
        match samples {
            Samples::U8(values) => {
                let (table, low) = self.table(range);
                values.iter().map(|&value| table[usize::from(u16::from(value).wrapping_sub(low))]).collect()
            }
            Samples::U16(values) => {
                let (table, low) = self.table(range);
                values.iter().map(|&value| table[usize::from(value.wrapping_sub(low))]).collect()
            }
            Samples::I16(values) => {
                let (table, low) = self.table(range);
                values
                    .iter()
                    .map(|&value| table[usize::from(value.cast_unsigned().wrapping_sub(low))])
                    .collect()
            }
            others => {
                each_type!(others, values => values.iter().map(|&value| self.shown(value as f64)).collect())
            }
        }
    }

    /// The line that shows stored values from `low` to `high` as the formula does, where there is one.
    fn ramp(&self, low: i32, high: i32) -> Option<Ramp> {
        let (VoiTransform::Window(window), Modality::Linear { slope, .. }) = (&self.voi, &self.modality)
        else {
            return None;
        };
        let (first, last) = self.changing(low, high);
        // Padding needs no care where the window shows it as background anyway.
        let padding_is_shown_black = self.padding.as_ref().is_none_or(|padding| {
            let (from, to) = padding.ends();
            [from, to]
                .map(|stored| self.presentation.shown(self.voi.display_value(self.modality.value(stored))))
                == [BACKGROUND; 2]
        });
        if last - first > ramp::WIDTH_MAX || !padding_is_shown_black {
            return None;
        }
        let (window_gain, window_offset) = window.line()?;
        let (shown_gain, shown_offset) = self.presentation.line()?;
        let gain = slope * window_gain * shown_gain;
        let at_first = self.modality.value(first.into()) * window_gain + window_offset;
        let ramp = Ramp {
            first,
            width: (last - first) as i16,
            gain: gain as f32,
            offset: (at_first * shown_gain + shown_offset) as f32,
        };
        ramp.agrees_with(|stored| self.without_padding(stored)).then_some(ramp)
    }

    /// Shown values of all integers from `low` to `high`, which must be 16-bit integers, and the first of them modulo 65,536.
    fn table(&self, (low, high): (f64, f64)) -> (Box<[u8; TABLE_LENGTH]>, u16) {
        let mut table = Box::new([BACKGROUND; TABLE_LENGTH]);
        let (low, high) = (low as i32, high as i32);
        let (inner_low, inner_high) = self.changing(low, high);
        let entry = |value: i32| (value - low) as usize;
        // The values between the clipped ones; outside the formula is constant, so that one value stands for all.
        if inner_low > low {
            table[..entry(inner_low)].fill(self.without_padding(low));
        }
        for value in inner_low..=inner_high {
            table[entry(value)] = self.without_padding(value);
        }
        if inner_high < high {
            table[entry(inner_high + 1)..=entry(high)].fill(self.without_padding(high));
        }
        if let Some(padding) = &self.padding {
            let (first, last) = padding.integers(low, high);
            if first <= last {
                table[entry(first)..=entry(last)].fill(BACKGROUND);
            }
        }
        (table, low as u16)
    }

    fn without_padding(&self, stored: i32) -> u8 {
        self.presentation.shown(self.voi.display_value(self.modality.value(stored.into())))
    }

    /// Stored values between `low` and `high` outside of which what is shown does not change.
    fn changing(&self, low: i32, high: i32) -> (i32, i32) {
        let (VoiTransform::Window(window), Modality::Linear { slope, intercept }) =
            (&self.voi, &self.modality)
        else {
            return (low, high);
        };
        let stored = |modality_value: f64| (modality_value - intercept) / slope;
        let (lower, upper) = window.bounds();
        let (from, to) = (stored(lower).min(stored(upper)), stored(lower).max(stored(upper)));
        if !from.is_finite() || !to.is_finite() {
            return (low, high);
        }
        // One value of margin absorbs the rounding of the division; casts saturate.
        let first = (from.floor() as i32).saturating_sub(1).clamp(low, high);
        let last = (to.ceil() as i32).saturating_add(1).clamp(first, high);
        (first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{VoiFunction, Window};

    fn transfer(slope: f64, intercept: f64, window: Window, inverted: bool) -> Transfer {
        Transfer {
            modality: Modality::Linear { slope, intercept },
            voi: VoiTransform::Window(window),
            presentation: Presentation::plain(inverted),
            padding: None,
        }
    }

    proptest::proptest! {
        /// Table and line are optimisations: on every 16-bit value they must say what the formula says.
        #[test]
        fn every_window_equals_the_formula_on_all_values(
            center in -2000.0..4000.0_f64, width in 1.0..5000.0_f64, whole: bool, exact: bool, inverted: bool,
            slope in proptest::sample::select(vec![1.0, -1.0, 0.5, 2.0, 0.24420024, 1e-3]),
            intercept in proptest::sample::select(vec![0.0, -1024.0, -1000.5, 37.25]),
        ) {
            let function = if exact { VoiFunction::LinearExact } else { VoiFunction::Linear };
            let (center, width) = if whole { (center.round(), width.round()) } else { (center, width) };
            let window = Window::new(center, width, function).expect("a valid window");
            let transfer = transfer(slope, intercept, window, inverted);
            let unsigned: Vec<u16> = (0..=u16::MAX).collect();
            let plain: Vec<u8> = unsigned.iter().map(|&value| transfer.shown(value.into())).collect();
            proptest::prop_assert_eq!(transfer.apply(&Samples::U16(unsigned)), plain);
            let signed: Vec<i16> = (i16::MIN..=i16::MAX).collect();
            let plain: Vec<u8> = signed.iter().map(|&value| transfer.shown(value.into())).collect();
            proptest::prop_assert_eq!(transfer.apply(&Samples::I16(signed)), plain);
        }
    }

    #[test]
    fn common_views_of_a_ct_take_the_line() {
        for (center, width) in [(40.0, 400.0), (-600.0, 1500.0), (300.0, 1500.0), (40.0, 80.0)] {
            let window = Window::new(center, width, VoiFunction::Linear).expect("a valid window");
            let transfer = transfer(1.0, -1024.0, window, false);
            assert!(transfer.ramp(i16::MIN.into(), i16::MAX.into()).is_some(), "c {center} w {width}");
        }
    }

    /// The table is an optimisation: on every 16-bit value it must say what the formula says.
    #[test]
    #[expect(clippy::useless_conversion, reason = "one arm of the macro is already f64")]
    fn the_table_equals_the_formula_on_all_values() {
        let functions = [VoiFunction::Linear, VoiFunction::LinearExact, VoiFunction::Sigmoid];
        let windows =
            [(40.0, 400.0), (-600.0, 1500.0), (0.5, 1.0), (2048.0, 4096.0), (0.0, 200_000.0), (1e6, 3.0)];
        let rescales = [(1.0, 0.0), (1.0, -1024.0), (0.37, 12.5), (-2.0, 100.0), (0.0, 40.0), (1e-9, 0.0)];
        let unsigned = Samples::U16((0..=u16::MAX).collect());
        let signed = Samples::I16((i16::MIN..=i16::MAX).collect());
        for function in functions {
            for (center, width) in windows {
                for (slope, intercept) in rescales {
                    let window = Window::new(center, width, function).expect("a valid window");
                    let transfer = transfer(slope, intercept, window, width > 1000.0);
                    for samples in [&unsigned, &signed] {
                        let plain: Vec<u8> = each_type!(samples, values => values.iter().map(|&v| transfer.shown(v.into())).collect());
                        assert_eq!(transfer.apply(samples), plain, "{transfer:?}");
                    }
                }
            }
        }
    }
}
