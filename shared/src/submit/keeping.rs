//! Which pictures the catalog keeps for good: those that somebody will ask for again, and those that take long to make.
//!
//! A hand that drags a window asks for dozens of pictures, each once. Kept for good they would cost more than they take
//! to make, and drive out of the catalog what is asked for every day. They live in the caches alone.

use std::time::Duration;

use super::cost;
use crate::{
    catalog::ImageRecord,
    presets::Presets,
    request::{FrameRequest, Voi},
};

/// A picture that takes longer to make is kept, whatever the window: about what fifteen CT slices take.
const DEAR: Duration = Duration::from_millis(5);

/// Whether the catalog keeps the picture that `request` asks of `image`, where these are the presets. Nobody asks twice why
/// one pixel is grey, and what is no picture is in the file. What a presentation state or a segmentation put over an image, and
/// what other slices gave to a plane, must go with them, which the picture, one of the image, would outlast.
#[must_use]
pub fn is_kept(presets: &Presets, image: &ImageRecord, request: &FrameRequest) -> bool {
    let is_of_the_image_alone =
        request.presentation_state.is_none() && request.segmentation.is_none() && request.plane.is_none();
    request.format.is_a_picture()
        && is_of_the_image_alone
        && (has_a_name(presets, &request.voi) || cost::of(image, request) > DEAR)
}

/// Whether it is a view that others ask for too: the file's own, or a preset.
fn has_a_name(presets: &Presets, voi: &Voi) -> bool {
    match voi {
        Voi::FromFile | Voi::FromFileWith(_) => true,
        Voi::Window(window) => presets.have(window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{VoiFunction, Window};

    #[test]
    fn views_by_name_are_told_from_windows_that_pass() {
        let presets = Presets::default();
        let lung =
            presets.find("lung").and_then(|lung| lung.to_window(VoiFunction::Sigmoid)).expect("a window");
        let window =
            |center, width| Voi::Window(Window::new(center, width, VoiFunction::Linear).expect("valid"));
        let cases = [
            (Voi::FromFile, true),
            (Voi::FromFileWith(VoiFunction::Sigmoid), true),
            (Voi::Window(lung), true),
            (window(-600.0, 1500.0), true),
            (window(-600.0, 1501.0), false),
            (window(40.5, 400.0), false),
        ];
        for (voi, named) in cases {
            assert_eq!(has_a_name(&presets, &voi), named, "{voi:?}");
        }
    }
}
