//! VOI windows: center, width and function, and what they make of a value (PS3.3 C.11.2.1.2 and C.11.2.1.3).
//! Files hold them, requests ask for them, and pictures tell which one was used.

/// How a window maps modality values to display values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoiFunction {
    /// PS3.3 C.11.2.1.2.1, the default, with its offsets of a half and of one.
    Linear,
    /// PS3.3 C.11.2.1.3.2.
    LinearExact,
    /// PS3.3 C.11.2.1.3.1.
    Sigmoid,
}

/// A VOI window, in modality units (Hounsfield units for CT).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    center: f64,
    width: f64,
    function: VoiFunction,
}

/// Why a window is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The width is too small for the function.
    #[error("the window is too narrow: at least 1 for linear, more than 0 for the other functions")]
    TooNarrow,
    /// Center or width is infinite or not a number.
    #[error("window center and width must be finite numbers")]
    NotFinite,
}

impl Window {
    /// # Errors
    /// [`WindowError::TooNarrow`] below 1 for `Linear`, at or below 0 otherwise (PS3.3 C.11.2.1.2.1, C.11.2.1.3.2).
    pub fn new(center: f64, width: f64, function: VoiFunction) -> Result<Self, WindowError> {
        if !center.is_finite() || !width.is_finite() {
            return Err(WindowError::NotFinite);
        }
        let wide_enough = match function {
            VoiFunction::Linear => width >= 1.0,
            VoiFunction::LinearExact | VoiFunction::Sigmoid => width > 0.0,
        };
        if wide_enough { Ok(Self { center, width, function }) } else { Err(WindowError::TooNarrow) }
    }

    /// Middle of the window, in modality units.
    #[must_use]
    pub fn center(&self) -> f64 {
        self.center
    }

    /// Width of the window, in modality units.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// How values inside the window are mapped.
    #[must_use]
    pub fn function(&self) -> VoiFunction {
        self.function
    }

    /// The window that shows `minimum` black and `maximum` white.
    pub(crate) fn of_range(minimum: f64, maximum: f64) -> Self {
        let (middle, range) = (f64::midpoint(minimum, maximum), maximum - minimum);
        // The offsets of LINEAR cancel out here; below a range of 1 they would cost digits.
        if range >= 1.0 || range <= 0.0 {
            let center = middle + 0.5;
            // The step of width 1 is at the center less a half, which may have been rounded to below the one value.
            let center = if center - 0.5 < middle { center.next_up() } else { center };
            Self { center, width: range.max(0.0) + 1.0, function: VoiFunction::Linear }
        } else {
            Self { center: middle, width: range, function: VoiFunction::LinearExact }
        }
    }

    /// The window of the range with these two ends, in whatever order.
    pub(crate) fn between(one: f64, other: f64) -> Self {
        Self::of_range(one.min(other), one.max(other))
    }

    /// The same center and width under another function, when that is valid.
    pub(crate) fn with_function(self, function: VoiFunction) -> Option<Self> {
        Self::new(self.center, self.width, function).ok()
    }

    /// A window of [`Self::of_range`] under another function, over the same values: the offsets of LINEAR go.
    pub(crate) fn of_same_range(self, function: VoiFunction) -> Option<Self> {
        match (self.function, function) {
            (VoiFunction::Linear, VoiFunction::LinearExact | VoiFunction::Sigmoid) => {
                Self::new(self.center - 0.5, self.width - 1.0, function).ok()
            }
            _ => self.with_function(function),
        }
    }

    /// Modality value to display value, 0 to 255, not yet rounded.
    pub(crate) fn display_value(&self, modality_value: f64) -> f64 {
        let (x, c, w) = (modality_value, self.center, self.width);
        match self.function {
            VoiFunction::Linear => {
                if x <= c - 0.5 - (w - 1.0) / 2.0 {
                    0.0
                } else if x > c - 0.5 + (w - 1.0) / 2.0 {
                    255.0
                } else {
                    ((x - (c - 0.5)) / (w - 1.0) + 0.5) * 255.0
                }
            }
            VoiFunction::LinearExact => {
                if x <= c - w / 2.0 {
                    0.0
                } else if x > c + w / 2.0 {
                    255.0
                } else {
                    ((x - c) / w + 0.5) * 255.0
                }
            }
            VoiFunction::Sigmoid => 255.0 / (1.0 + (-4.0 * (x - c) / w).exp()),
        }
    }

    /// Levels per modality value where the function is steepest; infinite where it is a step.
    pub(crate) fn gain_max(&self) -> f64 {
        match self.function {
            VoiFunction::Linear => 255.0 / (self.width - 1.0),
            VoiFunction::LinearExact | VoiFunction::Sigmoid => 255.0 / self.width,
        }
    }

    /// Display value as gain x modality value + offset, inside the window of a linear function.
    pub(crate) fn line(&self) -> Option<(f64, f64)> {
        let gain = match self.function {
            VoiFunction::Linear if self.width > 1.0 => 255.0 / (self.width - 1.0),
            VoiFunction::LinearExact => 255.0 / self.width,
            VoiFunction::Linear | VoiFunction::Sigmoid => return None,
        };
        let middle = if self.function == VoiFunction::Linear { self.center - 0.5 } else { self.center };
        Some((gain, 127.5 - middle * gain))
    }

    /// Modality values at and outside of which the rounded display value stays 0 or 255.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let reach = match self.function {
            VoiFunction::Linear | VoiFunction::LinearExact => self.width / 2.0 + 1.0,
            // 255 / (1 + e^8) is 0.09.
            VoiFunction::Sigmoid => self.width * 2.0,
        };
        (self.center - reach, self.center + reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(window: Window, value: f64) -> u8 {
        (window.display_value(value) + 0.5).floor() as u8
    }

    /// The worked examples of PS3.3 C.11.2.1.2.1, output 0 to 255.
    #[test]
    fn linear_matches_the_examples_in_the_standard() {
        let cases = [
            (2048.0, 4096.0, 0.0, 0),
            (2048.0, 4096.0, 4095.0, 255),
            (2048.0, 1.0, 2047.0, 0),
            (2048.0, 1.0, 2048.0, 255),
            (0.0, 100.0, -50.0, 0),
            (0.0, 100.0, 49.0, 255),
            (0.0, 1.0, -1.0, 0),
            (0.0, 1.0, 0.0, 255),
        ];
        for (center, width, value, display) in cases {
            let window = Window::new(center, width, VoiFunction::Linear).expect("a valid window");
            assert_eq!(rounded(window, value), display, "c {center} w {width} x {value}");
        }
    }

    /// PS3.3 C.11.2.1.3.2, note: center 2048 and width 4096 show 0 to 4096.
    #[test]
    fn linear_exact_has_no_offsets() {
        let window = Window::new(2048.0, 4096.0, VoiFunction::LinearExact).expect("a valid window");
        assert_eq!([0.0, 1024.0, 2048.0, 4096.0].map(|value| rounded(window, value)), [0, 64, 128, 255]);
    }

    #[test]
    fn sigmoid_is_half_way_at_the_center_and_never_clips() {
        let window = Window::new(100.0, 50.0, VoiFunction::Sigmoid).expect("a valid window");
        assert_eq!(rounded(window, 100.0), 128);
        assert!(window.display_value(0.0) > 0.0 && window.display_value(200.0) < 255.0);
    }

    #[test]
    fn a_window_too_narrow_for_its_function_is_refused() {
        let narrow =
            [(0.99, VoiFunction::Linear), (0.0, VoiFunction::LinearExact), (-1.0, VoiFunction::Sigmoid)];
        for (width, function) in narrow {
            assert_eq!(Window::new(0.0, width, function), Err(WindowError::TooNarrow));
        }
        assert_eq!(Window::new(f64::NAN, 1.0, VoiFunction::Linear), Err(WindowError::NotFinite));
    }

    #[test]
    fn the_window_of_a_range_shows_its_ends_black_and_white() {
        for (minimum, maximum) in [(0.0, 255.0), (-1024.0, 3071.0), (0.25, 0.75), (1e-6, 2e-6), (5.0, 6.0)] {
            let window = Window::of_range(minimum, maximum);
            assert_eq!((rounded(window, minimum), rounded(window, maximum)), (0, 255), "{minimum} {maximum}");
        }
        for (minimum, maximum) in [(0.0, 1.0), (-1024.0, 3071.0), (0.25, 0.75)] {
            let exact = Window::of_range(minimum, maximum).of_same_range(VoiFunction::LinearExact);
            let exact = exact.expect("a range of more than one value");
            assert_eq!((rounded(exact, minimum), rounded(exact, maximum)), (0, 255), "{minimum} {maximum}");
        }
        for only in [7.0, 0.236, 0.1464, -0.3, 1e-9, 1e9 + 0.1] {
            assert_eq!(rounded(Window::of_range(only, only), only), 0, "{only}");
        }
    }
}
