//! Modality value to display value: which window or table, and applying it (PS3.3 C.11.2).

use dicom_dictionary_std::tags;

use super::lut::Lut;
use super::modality::Modality;
use super::padding::Padding;
use crate::Window;
use crate::file::frame_view::FrameView;
use crate::file::pixel_format::PixelFormat;
use crate::file::windows;
use crate::request::Voi;
use crate::samples::Sign;

/// What decides which values become visible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VoiTransform {
    Window(Window),
    Table(Lut),
}

impl VoiTransform {
    /// The asked view, else the first valid window of the file, else its VOI LUT; `None` where the range of the frame
    /// decides, see [`Self::of_range`].
    pub(crate) fn named(
        asked: &Voi,
        frame: &FrameView<'_>,
        modality: &Modality,
        stored: Sign,
    ) -> Option<Self> {
        let function = match asked {
            Voi::Window(window) => return Some(Self::Window(*window)),
            Voi::FromFileWith(function) => Some(*function),
            Voi::FromFile => None,
        };
        if let Some(window) = windows::of_frame(frame).first() {
            let asked = function.and_then(|function| window.with_function(function));
            return Some(Self::Window(asked.unwrap_or(*window)));
        }
        // A function makes no sense for a table: who asks for one gets the range of the frame under it.
        if function.is_some() {
            return None;
        }
        file_table(frame, modality, stored).map(Self::Table)
    }

    /// The window that shows the range of the frame without padding, under the asked function.
    pub(crate) fn of_range(asked: &Voi, range: Window) -> Self {
        let Voi::FromFileWith(function) = asked else { return Self::Window(range) };
        Self::Window(range.of_same_range(*function).unwrap_or(range))
    }

    /// 0 to 255, not rounded.
    pub(crate) fn display_value(&self, modality_value: f64) -> f64 {
        match self {
            Self::Window(window) => window.display_value(modality_value),
            Self::Table(table) => f64::from(table.value(modality_value)) * 255.0 / table.entry_max(),
        }
    }

    /// The sign of what a table of the stage takes: signed where modality values can be negative.
    pub(crate) fn sign_of_inputs(modality: &Modality, stored: Sign) -> Sign {
        match modality {
            Modality::Linear { slope, intercept } if *intercept < 0.0 || *slope < 0.0 => match stored {
                Sign::AsWritten => Sign::AsWritten,
                Sign::Unsigned | Sign::Signed => Sign::Signed,
            },
            Modality::Linear { .. } => stored,
            Modality::Table(_) => Sign::Unsigned,
        }
    }

    /// Whether rounding averages to stored values would show: more than one level of the picture can lie between two stored
    /// values that follow each other.
    pub(crate) fn is_steep(&self, modality: &Modality) -> bool {
        let slope = match modality {
            Modality::Linear { slope, .. } => slope.abs(),
            // Averages are of modality values then.
            Modality::Table(_) => 1.0,
        };
        match self {
            Self::Window(window) => window.gain_max() * slope > 1.0,
            // Neighbours in the table are shown as they are; the rounding is between them.
            Self::Table(table) => slope > 1.0 && table.step_max() * slope > 1.0,
        }
    }

    pub(crate) fn window(&self) -> Option<Window> {
        match self {
            Self::Window(window) => Some(*window),
            Self::Table(_) => None,
        }
    }
}

/// The range that is shown of frames whose values say nothing of it: 8-bit data and single bits as they are.
pub(crate) fn fixed_range(
    format: &PixelFormat,
    modality: &Modality,
    padding: Option<&Padding>,
) -> Option<Window> {
    let is_plain = modality.is_identity() && !format.signed && padding.is_none();
    match (format.bits_allocated, format.bits_stored) {
        (1, _) => Some(Window::between(modality.value(0.0), modality.value(1.0))),
        (8, 8) if is_plain => Some(Window::of_range(0.0, 255.0)),
        _ => None,
    }
}

/// The first VOI LUT of the nearest place that has one.
fn file_table(frame: &FrameView<'_>, modality: &Modality, stored: Sign) -> Option<Lut> {
    let inputs = VoiTransform::sign_of_inputs(modality, stored);
    frame
        .places(tags::FRAME_VOILUT_SEQUENCE)
        .find_map(|place| Lut::read_item(&place.item(tags::VOILUT_SEQUENCE, 0)?, inputs))
}
