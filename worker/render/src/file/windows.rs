//! The windows that a file asks for (PS3.3 C.11.2.1.2, C.7.6.16.2.10).

use dicom_dictionary_std::tags;

use super::frame_view::FrameView;
use super::parse::view::{Numbers, View};
use crate::{VoiFunction, Window};

/// The valid windows of a file for one frame, from the nearest place that has one.
pub(crate) fn of_frame(frame: &FrameView<'_>) -> Vec<Window> {
    frame
        .places(tags::FRAME_VOILUT_SEQUENCE)
        .map(|place| windows_in(&place))
        .find(|windows| !windows.is_empty())
        .unwrap_or_default()
}

/// The valid windows of a data set or an item.
pub(crate) fn windows_in(place: &View<'_>) -> Vec<Window> {
    let function = match place.text(tags::VOILUT_FUNCTION) {
        Some("LINEAR_EXACT") => VoiFunction::LinearExact,
        Some("SIGMOID") => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    let centers = place.numbers(tags::WINDOW_CENTER, Numbers::Text);
    let widths = place.numbers(tags::WINDOW_WIDTH, Numbers::Text);
    let valid = |(center, width): (Option<f64>, Option<f64>)| Window::new(center?, width?, function).ok();
    centers.into_iter().zip(widths).filter_map(valid).collect()
}
