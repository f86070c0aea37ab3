//! What a picture is asked with: the parameters that the API takes and a job carries.
//!
//! The values are checked here, so that a request that exists can be rendered or refused by the file alone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{render_key::ContentDigest, volume_plane::VolumePlane};

/// The VOI LUT function (PS3.3 C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiFunction {
    /// The default, with the half-pixel shift of PS3.3 C.11.2.1.2.1.
    Linear,
    /// Without the shift (PS3.3 C.11.2.1.3.2).
    LinearExact,
    /// PS3.3 C.11.2.1.3.1.
    Sigmoid,
}

/// Why a window is none.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum WindowError {
    /// PS3.3 C.11.2.1.2.1: at least 1 for LINEAR; C.11.2.1.3: above 0 for the others.
    #[error("a window width of {width} is too narrow for {function:?}: it takes {least}")]
    TooNarrow {
        /// The width asked for.
        width: f64,
        /// The function it was asked with.
        function: VoiFunction,
        /// What would do, in words.
        least: &'static str,
    },
    /// Not a number, infinite, or beyond any pixel value.
    #[error("a window takes finite numbers between -1e12 and 1e12")]
    NotFinite,
}

/// A VOI window, in modality units (Hounsfield units for CT). A value that exists is valid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WindowFields")]
pub struct Window {
    center: f64,
    width: f64,
    function: VoiFunction,
}

impl Window {
    /// # Errors
    /// [`WindowError::TooNarrow`] below 1 for `Linear`, at or below 0 otherwise (PS3.3 C.11.2.1.2.1, C.11.2.1.3.2);
    /// [`WindowError::NotFinite`] for values no pixel has.
    pub fn new(center: f64, width: f64, function: VoiFunction) -> Result<Self, WindowError> {
        let plausible = |value: f64| value.is_finite() && value.abs() <= 1e12;
        if !plausible(center) || !plausible(width) {
            return Err(WindowError::NotFinite);
        }
        match function {
            VoiFunction::Linear if width < 1.0 => {
                Err(WindowError::TooNarrow { width, function, least: "1 or more" })
            }
            VoiFunction::LinearExact | VoiFunction::Sigmoid if width <= 0.0 => {
                Err(WindowError::TooNarrow { width, function, least: "more than 0" })
            }
            // Adding zero turns -0.0 into 0.0, so that equal windows have equal keys.
            _ => Ok(Self { center: center + 0.0, width, function }),
        }
    }

    /// Center (the API's `level`), in modality units.
    #[must_use]
    pub fn center(self) -> f64 {
        self.center
    }

    /// Width (the API's `window`), in modality units.
    #[must_use]
    pub fn width(self) -> f64 {
        self.width
    }

    /// The function between the ends.
    #[must_use]
    pub fn function(self) -> VoiFunction {
        self.function
    }
}

#[derive(Deserialize)]
struct WindowFields {
    center: f64,
    width: f64,
    function: VoiFunction,
}

impl TryFrom<WindowFields> for Window {
    type Error = WindowError;

    fn try_from(fields: WindowFields) -> Result<Self, Self::Error> {
        Self::new(fields.center, fields.width, fields.function)
    }
}

/// Which values of interest a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voi {
    /// The file's first view (window or VOI LUT); the frame's own range without one.
    FromFile,
    /// The file's first window, with another function between its ends.
    FromFileWith(VoiFunction),
    /// The window asked for.
    Window(Window),
}

/// Largest width and height that can be asked for, in pixels: a picture that is enlarged has no longer side.
pub const SIDE_PIXELS_MAX: u32 = 8192;

/// The box a picture is fitted into, aspect kept. Absent sides do not bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fit {
    /// Largest width, in pixels: 1 to [`SIDE_PIXELS_MAX`].
    pub width: Option<u32>,
    /// Largest height, in pixels: the same.
    pub height: Option<u32>,
    /// Whether a smaller picture grows to the box.
    #[serde(default)]
    pub enlarge: bool,
}

/// The part of the frame to show, in pixels of the frame; a side that reaches outside is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// First column, 0-based.
    pub left: u32,
    /// First row, 0-based.
    pub top: u32,
    /// Columns, 1 or more.
    pub width: u32,
    /// Rows, 1 or more.
    pub height: u32,
}

/// Which sides of the picture change places once all else is drawn, what is burned in too (PS3.18 8.3.5.1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flip {
    /// Left and right.
    pub horizontal: bool,
    /// Top and bottom.
    pub vertical: bool,
}

impl Flip {
    /// The picture as it lies in the file.
    pub const NONE: Self = Self { horizontal: false, vertical: false };
}

/// What the picture's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// 8-bit grey or RGB.
    Png,
    /// 16-bit grey of the modality values, for clients that window themselves.
    Png16,
    /// The samples of [`Png16`](PictureFormat::Png16) as they are: 16 bits each, the least significant byte first, row by row. Quicker
    /// than a PNG where the network is.
    Raw16,
    /// Baseline JPEG.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// Lossless, or lossy with a quality.
    Webp {
        /// 1 to 100; lossless without.
        quality: Option<u8>,
    },
    /// No picture, but the samples of the frame as native pixel data has them in Explicit VR Little Endian (PS3.5 A.2).
    /// Nothing else that is asked changes them.
    Samples,
    /// No picture, but the samples of the frame in a lossless codec: the value of a fragment (PS3.5 A.4).
    Codestream {
        /// In which.
        codec: LosslessCodec,
    },
    /// No picture, but the file up to the value of its pixel data, in another transfer syntax. The frame is the first.
    FileHead {
        /// What its frames will be in; Explicit VR Little Endian without.
        codec: Option<LosslessCodec>,
    },
    /// No picture, but why one pixel of it looks as it does: an [`Explanation`](crate::explanation::Explanation) as JSON.
    /// Of the frame as it is stored: without a region, a box, a flip, and what a file format does to samples.
    Explanation {
        /// 0-based.
        column: u32,
        /// 0-based.
        row: u32,
    },
}

impl PictureFormat {
    /// Whether it is something to look at.
    #[must_use]
    pub fn is_a_picture(self) -> bool {
        match self {
            PictureFormat::Png
            | PictureFormat::Png16
            | PictureFormat::Jpeg { .. }
            | PictureFormat::Webp { .. } => true,
            PictureFormat::Raw16
            | PictureFormat::Samples
            | PictureFormat::Codestream { .. }
            | PictureFormat::FileHead { .. }
            | PictureFormat::Explanation { .. } => false,
        }
    }

    /// The media type of the bytes, without parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            PictureFormat::Png | PictureFormat::Png16 => "image/png",
            PictureFormat::Jpeg { .. } => "image/jpeg",
            PictureFormat::Webp { .. } => "image/webp",
            PictureFormat::Raw16
            | PictureFormat::Samples
            | PictureFormat::Codestream { .. }
            | PictureFormat::FileHead { .. } => "application/octet-stream",
            PictureFormat::Explanation { .. } => "application/json",
        }
    }
}

/// A codec that frames are written in without a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LosslessCodec {
    /// RLE Lossless (PS3.5 A.4.2).
    Rle,
    /// JPEG-LS Lossless (PS3.5 A.4.3).
    JpegLs,
    /// JPEG 2000 Lossless Only (PS3.5 A.4.4).
    Jpeg2000,
}

/// What becomes of the ICC profile of a colour picture (PS3.3 C.11.15). The first three are the values of the
/// `iccprofile` parameter of PS3.18 8.3.5.1.5; the last is how thumbnails are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IccProfile {
    /// It is left out, samples as stored.
    No,
    /// It is embedded, samples as stored.
    #[default]
    Yes,
    /// The samples are converted to sRGB; a profile that cannot be used is an error.
    Srgb,
    /// As `Srgb`, but samples as stored when the profile cannot be used.
    SrgbIfUsable,
}

/// What is written into the corners of a picture (PS3.18 8.3.5.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Annotation {
    /// Who it is of.
    pub patient: bool,
    /// How it was made.
    pub technique: bool,
}

impl Annotation {
    /// Nothing.
    pub const NONE: Self = Self { patient: false, technique: false };
}

/// A file beside that of the image which decides how it looks: a presentation state, or a segmentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileBeside {
    /// Key of its instance, by which it is found.
    pub image_id: Uuid,
    /// BLAKE3 of the file: what decides the picture.
    pub content_digest: ContentDigest,
}

/// Everything that decides the bytes of a picture beside the file itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameRequest {
    /// 1-based.
    pub frame_number: u32,
    /// Which values of interest.
    pub voi: Voi,
    /// Whether black and white are swapped in the end.
    #[serde(default)]
    pub invert: bool,
    /// Whether overlays (60xx) are burned in.
    pub overlays: bool,
    /// The part of the frame; all of it without.
    #[serde(default)]
    pub region: Option<Region>,
    /// The box it is fitted into.
    #[serde(default)]
    pub fit: Fit,
    /// Whether it is flipped in the end.
    #[serde(default)]
    pub flip: Flip,
    /// What the bytes are.
    pub format: PictureFormat,
    /// What becomes of the ICC profile of a colour picture.
    #[serde(default)]
    pub icc_profile: IccProfile,
    /// Whether a damaged codestream is shown as far as it goes, and marked.
    #[serde(default)]
    pub best_effort: bool,
    /// The presentation state that the frame is shown under. It says itself what else is asked here of values and places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation_state: Option<FileBeside>,
    /// The segmentation that is laid over the frame; not under a presentation state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation: Option<FileBeside>,
    /// What is written into its corners.
    #[serde(default)]
    pub annotation: Annotation,
    /// A plane through the series, in place of the frame, which is the slice in the middle and says how values are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plane: Option<Box<VolumePlane>>,
}

impl FrameRequest {
    /// The first frame, whole, as its file says it is shown, overlays burned in.
    #[must_use]
    pub fn new(format: PictureFormat) -> Self {
        Self {
            frame_number: 1,
            voi: Voi::FromFile,
            invert: false,
            overlays: true,
            region: None,
            fit: Fit::default(),
            flip: Flip::NONE,
            format,
            icc_profile: IccProfile::default(),
            best_effort: false,
            presentation_state: None,
            segmentation: None,
            annotation: Annotation::NONE,
            plane: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds of PS3.3 C.11.2.1.2.1 and C.11.2.1.3.
    #[test]
    fn a_window_is_as_wide_as_its_function_takes() {
        let cases = [
            (1.0, VoiFunction::Linear, true),
            (0.99, VoiFunction::Linear, false),
            (0.5, VoiFunction::LinearExact, true),
            (0.0, VoiFunction::LinearExact, false),
            (0.5, VoiFunction::Sigmoid, true),
            (-1.0, VoiFunction::Sigmoid, false),
            (f64::NAN, VoiFunction::Linear, false),
            (f64::INFINITY, VoiFunction::Linear, false),
        ];
        for (width, function, valid) in cases {
            assert_eq!(Window::new(40.0, width, function).is_ok(), valid, "{width} {function:?}");
        }
    }

    #[test]
    fn a_window_in_a_message_is_checked_too() {
        let text = r#"{"center": 40, "width": 0, "function": "linear"}"#;
        assert!(serde_json::from_str::<Window>(text).is_err());
    }
}
