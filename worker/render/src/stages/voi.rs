//! Modality value to display value: which window or table, and applying it (PS3.3 C.11.2).

use dicom_dictionary_std::tags;

use super::functional_groups::FrameView;
use super::lut::Lut;
use super::modality::Modality;
use super::window::{Window, file_windows};
use crate::request::Voi;

/// What decides which values become visible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VoiTransform {
    Window(Window),
    Table(Lut),
}

impl VoiTransform {
    /// The asked view, else the first valid window of the file, else its VOI LUT, else the range of the frame.
    ///
    /// `range` gives the smallest and largest modality value of the frame without padding; it costs a pass over the
    /// frame, so it is only called when nothing else decides.
    pub(crate) fn choose(
        asked: &Voi,
        frame: &FrameView<'_>,
        modality: &Modality,
        stored_is_signed: bool,
        range: impl FnOnce() -> Window,
    ) -> Self {
        let function = match asked {
            Voi::Window(window) => return Self::Window(*window),
            Voi::FromFileWith(function) => Some(*function),
            Voi::FromFile => None,
        };
        if let Some(window) = file_windows(frame).first() {
            return Self::Window(
                function.and_then(|function| window.with_function(function)).unwrap_or(*window),
            );
        }
        // A function makes no sense for a table: who asks for one gets the range of the frame under it.
        match function {
            None => file_table(frame, modality, stored_is_signed)
                .map_or_else(|| Self::Window(range()), Self::Table),
            Some(function) => {
                let window = range();
                Self::Window(window.with_function(function).unwrap_or(window))
            }
        }
    }

    /// 0 to 255, not rounded.
    pub(crate) fn display_value(&self, modality_value: f64) -> f64 {
        match self {
            Self::Window(window) => window.display_value(modality_value),
            Self::Table(table) => f64::from(table.value(modality_value)) * 255.0 / table.entry_max(),
        }
    }

    pub(crate) fn window(&self) -> Option<Window> {
        match self {
            Self::Window(window) => Some(*window),
            Self::Table(_) => None,
        }
    }
}

/// The first VOI LUT of the nearest place that has one. Its input is signed when modality values can be negative.
fn file_table(frame: &FrameView<'_>, modality: &Modality, stored_is_signed: bool) -> Option<Lut> {
    let signed = match modality {
        Modality::Linear { slope, intercept } => stored_is_signed || *intercept < 0.0 || *slope < 0.0,
        Modality::Table(_) => false,
    };
    frame
        .places(tags::FRAME_VOILUT_SEQUENCE)
        .find_map(|place| Lut::read_item(&place.item(tags::VOILUT_SEQUENCE, 0)?, signed))
}
