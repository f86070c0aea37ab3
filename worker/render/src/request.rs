//! What is asked of a render. Plain values: the package knows no URL and no job.

use std::sync::Arc;

use crate::{PresentationState, Segmentation, VoiFunction, Window};

/// One frame as one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameRequest {
    /// Counted from 1, as in PS3.18.
    pub frame_number: u32,
    /// Which part of the values becomes visible. Ignored for colour images (PS3.3 C.11.2 is for monochrome).
    pub voi: Voi,
    /// Black becomes white and the reverse, after everything else of the display.
    pub invert: bool,
    /// What lies over the grey picture is shown: overlays of groups 60xx, white, and the colours of a supplemental
    /// palette (PS3.3 C.7.6.3.1.5, Pixel Presentation COLOR or MIXED); graphics and texts of a presentation state.
    pub overlays: bool,
    /// The part of the frame to show; all of it when `None`.
    pub region: Option<Region>,
    /// Size of the picture.
    pub fit: Fit,
    /// How it is laid down in the end, with what is burned in. Region is of the frame before, the box of the picture after.
    pub orientation: Orientation,
    /// File format of the picture.
    pub format: Format,
    /// What becomes of the ICC profile of a colour picture.
    pub icc_profile: IccProfile,
    /// A damaged frame is shown as far as it could be decoded, and the picture marked as partial,
    /// instead of [`crate::RenderError::Corrupt`].
    pub best_effort: bool,
    /// What says how the frame looks in place of its file. Nothing else that decides this may be asked beside it.
    pub presentation_state: Option<Arc<PresentationState>>,
    /// What is laid over the frame, half transparent; not under a presentation state.
    pub segmentation: Option<Arc<Segmentation>>,
    /// What is written into the corners of the picture, however it is laid down.
    pub corners: Corners,
}

impl Default for FrameRequest {
    /// The first frame, whole, as the file asks for it, as 8-bit PNG, overlays burned in.
    fn default() -> Self {
        Self {
            frame_number: 1,
            voi: Voi::FromFile,
            invert: false,
            overlays: true,
            region: None,
            fit: Fit::default(),
            orientation: Orientation::AS_STORED,
            format: Format::Png,
            icc_profile: IccProfile::default(),
            best_effort: false,
            presentation_state: None,
            segmentation: None,
            corners: Corners::default(),
        }
    }
}

impl FrameRequest {
    /// The box that the picture must fit inside before it is laid down.
    pub(crate) fn fit_before_orientation(&self) -> Fit {
        let Fit { width, height, enlarge } = self.fit;
        match self.orientation.swaps_sides() {
            true => Fit { width: height, height: width, enlarge },
            false => self.fit,
        }
    }
}

/// Where the window comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voi {
    /// The first valid window of the file, else its VOI LUT, else the range of the frame.
    FromFile,
    /// As `FromFile` for center and width, with this function instead of the file's.
    FromFileWith(VoiFunction),
    /// This window.
    Window(Window),
}

/// A part of the frame, in pixels of the frame: the source rectangle of the `viewport` parameter of PS3.18 8.3.5.1.3.
/// It is clipped to the frame and rounded outwards to whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Distance of the left edge from the left edge of the frame.
    pub left: f64,
    /// Distance of the upper edge from the upper edge of the frame.
    pub top: f64,
    /// More than 0.
    pub width: f64,
    /// More than 0.
    pub height: f64,
}

/// What is written into the corners of a picture, from the header of the file (PS3.18 8.3.5.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corners {
    /// Name, identifier, date of birth and sex.
    pub patient: bool,
    /// Modality and date, numbers of series, image and frame, slice, exposure, window.
    pub technique: bool,
}

/// Longest side of an enlarged picture, in pixels.
pub const SIDE_PIXELS_MAX: u32 = 8192;

/// The box that the picture must fit inside, in pixels, its shape kept. Pixels that are not square
/// (Pixel Aspect Ratio, else the pixel spacings) are made so; without a box the picture keeps the pixels of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Columns at most; no bound when `None`.
    pub width: Option<u32>,
    /// Rows at most; no bound when `None`.
    pub height: Option<u32>,
    /// Whether a picture smaller than the box grows to it.
    pub enlarge: bool,
}

/// One of the eight ways to lay a rectangle down: quarter turns clockwise, then a flip of left and right (PS3.3 C.10.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    quarter_turns: u8,
    is_flipped: bool,
}

impl Orientation {
    /// As the file has it.
    pub const AS_STORED: Self = Self { quarter_turns: 0, is_flipped: false };

    /// So many quarter turns clockwise, and after them left and right change places where `is_flipped`.
    #[must_use]
    pub fn new(quarter_turns: u8, is_flipped: bool) -> Self {
        Self { quarter_turns: quarter_turns % 4, is_flipped }
    }

    /// Left and right change places, or top and bottom, or both: a flip of top and bottom is half a turn, and left and
    /// right back again.
    #[must_use]
    pub fn of_flips(horizontal: bool, vertical: bool) -> Self {
        Self::new(if vertical { 2 } else { 0 }, horizontal != vertical)
    }

    /// Quarter turns clockwise, 0 to 3.
    #[must_use]
    pub fn quarter_turns(self) -> u8 {
        self.quarter_turns
    }

    /// Whether left and right change places after the turns.
    #[must_use]
    pub fn is_flipped(self) -> bool {
        self.is_flipped
    }

    /// Whether columns become rows.
    #[must_use]
    pub fn swaps_sides(self) -> bool {
        self.quarter_turns % 2 == 1
    }
}

/// What becomes of the ICC profile that describes the colours of the file (PS3.3 C.11.15; the `iccprofile` parameter
/// of PS3.18 8.3.5.1.5). Pictures without colours, and files without a profile, are the same with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IccProfile {
    /// It is left out: samples as stored, for viewers that manage no colours.
    No,
    /// It is embedded, and the samples stay as stored. A profile that cannot be one of RGB samples is left out.
    #[default]
    Yes,
    /// The samples are converted to sRGB, and nothing is embedded. A profile that cannot be used is an error.
    Srgb,
    /// As `Srgb`, but a profile that cannot be used leaves the samples as stored: what a viewer shows of `Yes`,
    /// without the bytes of a profile.
    SrgbIfUsable,
}

/// File format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 8-bit grey or RGB.
    Png,
    /// 16-bit grey of the modality values, without window, inversion and overlays; monochrome images only.
    Png16,
    /// The samples of [`Png16`](Format::Png16) in no file: 16 bits each, the least significant byte first, row by row.
    Raw16,
    /// Baseline JPEG.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// Lossless WebP.
    Webp,
    /// Lossy WebP.
    WebpLossy {
        /// 1 to 100.
        quality: u8,
    },
}

impl Format {
    /// Whether it holds modality values, to be windowed by who gets them, and no picture.
    #[must_use]
    pub fn is_of_modality_values(self) -> bool {
        matches!(self, Format::Png16 | Format::Raw16)
    }
}
