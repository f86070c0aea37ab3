//! What comes out: samples ready to be shown, and the file made of them.

use crate::Window;

/// A frame as it shall appear, not yet in a file format.
#[derive(Clone, Debug)]
pub struct DisplayImage {
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// Rows x columns, row by row from the top left.
    pub samples: DisplaySamples,
    /// The window that was used; `None` for colour images and VOI LUTs.
    pub window: Option<Window>,
    /// Slope and offset that give back modality values from 16-bit samples.
    pub pixel_scale: Option<(f64, f64)>,
    /// ICC profile to embed: the samples are of the colours that it describes. `None`: of sRGB, or not said.
    pub icc_profile: Option<Vec<u8>>,
    /// The frame is damaged, and this is what could be decoded.
    pub partial: bool,
}

/// Samples of a [`DisplayImage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplaySamples {
    /// 0 black to 255 white.
    Grey8(Vec<u8>),
    /// Red, green, blue, interleaved.
    Rgb8(Vec<u8>),
    /// Modality values under [`DisplayImage::pixel_scale`].
    Grey16(Vec<u16>),
}

/// A picture file.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub media_type: &'static str,
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// The window really used, also when it was the range of the frame; `None` for colour images and VOI LUTs.
    pub window: Option<Window>,
    /// For 16-bit pictures: modality value = slope x pixel + offset.
    pub pixel_scale: Option<(f64, f64)>,
    /// The frame is damaged, and this is what could be decoded.
    pub partial: bool,
}
