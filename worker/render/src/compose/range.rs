//! The window of a frame that names none: its range.

use super::composer::Composer;
use crate::Window;
use crate::file::pixel_format::SampleKind;
use crate::samples::{Samples, each_type};
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::voi::fixed_range;

impl Composer<'_> {
    /// The range of the frame without padding as a window; 8-bit data and single bits as they are.
    pub(super) fn range_window(&self, modality: &Modality, padding: Option<&Padding>) -> Window {
        if let Some(window) = fixed_range(self.format, modality, padding) {
            return window;
        }
        let stored = match padding.map(Padding::ends) {
            Some((first, last)) => self.frame.samples.range_outside(first, last),
            None => self.frame.samples.range(),
        };
        let (low, high) = stored.unwrap_or((0.0, 0.0));
        match modality {
            Modality::Linear { .. } => Window::between(modality.value(low), modality.value(high)),
            // A table need not rise: every stored value that occurs between counts.
            Modality::Table(_) => {
                let values = each_modality_value(&self.frame.samples, modality, padding);
                let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
                if low <= high { Window::of_range(low, high) } else { Window::of_range(0.0, 0.0) }
            }
        }
    }

    /// The window of every value that the bits of the frame can have: what shows values as they are (PS3.4 N.2.1.3). Real
    /// numbers have no such range, and are shown by that of the frame.
    pub(super) fn window_of_all_values(&self, modality: &Modality, padding: Option<&Padding>) -> Window {
        if self.format.kind != SampleKind::Integer {
            return self.range_window(modality, padding);
        }
        let count = f64::from(self.format.bits_stored.min(32)).exp2();
        let (low, high) =
            if self.format.signed { (-count / 2.0, count / 2.0 - 1.0) } else { (0.0, count - 1.0) };
        match modality {
            Modality::Linear { .. } => Window::between(modality.value(low), modality.value(high)),
            Modality::Table(table) => Window::of_range(0.0, table.entry_max()),
        }
    }
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn each_modality_value<'a>(
    samples: &'a Samples,
    modality: &'a Modality,
    padding: Option<&'a Padding>,
) -> Box<dyn Iterator<Item = f64> + 'a> {
    let value = move |stored: f64| match padding {
        Some(padding) if padding.contains(stored) => None,
        _ => Some(modality.value(stored)).filter(|value| value.is_finite()),
    };
    each_type!(samples, values => Box::new(values.iter().filter_map(move |&stored| value(stored as f64))))
}
