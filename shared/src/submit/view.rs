//! Views by name: what `default`, a preset and a thumbnail ask of a frame.

use crate::{
    presets::Presets,
    request::{Fit, FrameRequest, IccProfile, PictureFormat, Voi, VoiFunction},
};

pub use crate::presets::DEFAULT;

/// The values of interest of the view that `presets` name `name`, between whose ends `function` runs, and its name; `None` when there
/// is no such view.
#[must_use]
pub fn named(presets: &Presets, name: &str, function: Option<VoiFunction>) -> Option<(Voi, &'static str)> {
    if name == DEFAULT {
        return Some((from_file(function), DEFAULT));
    }
    let preset = presets.find(name)?;
    let window = preset.to_window(function.unwrap_or(VoiFunction::Linear))?;
    Some((Voi::Window(window), preset.name))
}

/// The file's own view.
#[must_use]
pub fn from_file(function: Option<VoiFunction>) -> Voi {
    function.map_or(Voi::FromFile, Voi::FromFileWith)
}

/// Every name, in the order in which viewers show them.
pub fn names(presets: &Presets) -> impl Iterator<Item = &'static str> {
    [DEFAULT].into_iter().chain(presets.list().iter().map(|preset| preset.name))
}

/// A small picture of the first frame, `size_pixels` on its longer side.
#[must_use]
pub fn thumbnail(size_pixels: u32, format: PictureFormat) -> FrameRequest {
    FrameRequest {
        fit: Fit { width: Some(size_pixels), height: Some(size_pixels), enlarge: false },
        // The colours that a browser shows of the whole picture beside, without the bytes of a profile.
        icc_profile: IccProfile::SrgbIfUsable,
        ..FrameRequest::new(format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Window;

    #[test]
    fn a_name_is_the_file_s_own_view_or_a_preset() {
        let presets = Presets::default();
        let lung = Window::new(-600.0, 1500.0, VoiFunction::Sigmoid).expect("a window");
        let cases = [
            ("default", None, Some((Voi::FromFile, "default"))),
            (
                "default",
                Some(VoiFunction::Sigmoid),
                Some((Voi::FromFileWith(VoiFunction::Sigmoid), "default")),
            ),
            ("lung", Some(VoiFunction::Sigmoid), Some((Voi::Window(lung), "lung"))),
            ("nose", None, None),
        ];
        for (name, function, expected) in cases {
            assert_eq!(named(&presets, name, function), expected, "{name}");
        }
        assert!(names(&presets).all(|name| named(&presets, name, None).is_some()));
    }
}
