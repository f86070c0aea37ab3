//! Bounds on everything that a file can declare, checked before anything is allocated or decoded for it.

use crate::RenderError;

/// Upper bounds for one file and one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes from the start of the file to the pixel data.
    pub header_bytes_max: u64,
    /// Data elements and items in a header, nested ones included; also fragments of the pixel data.
    pub element_count_max: u32,
    /// Nesting of sequences.
    pub sequence_depth_max: u32,
    /// Frames of an instance.
    pub frames_max: u32,
    /// Rows of a frame.
    pub rows_max: u32,
    /// Columns of a frame.
    pub columns_max: u32,
    /// Pixels of one frame.
    pub pixels_max: u64,
    /// Bytes of one frame, compressed or native.
    pub frame_bytes_max: u64,
    /// Bytes of a deflated file or frame once inflated.
    pub inflated_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 << 20,
            element_count_max: 4_000_000,
            sequence_depth_max: 32,
            frames_max: 1_000_000,
            rows_max: 65_535,
            columns_max: 65_535,
            pixels_max: 200_000_000,
            frame_bytes_max: 1 << 30,
            inflated_bytes_max: 1 << 30,
        }
    }
}

/// Bytes of an ICC profile. Those of scanners and cameras have up to some 100 KB.
pub(crate) const ICC_PROFILE_BYTES_MAX: u64 = 4 << 20;

/// # Errors
/// [`RenderError::TooLarge`] when `actual` is over `limit`.
pub(crate) fn check(what: &'static str, actual: u64, limit: u64) -> Result<(), RenderError> {
    if actual > limit { Err(RenderError::TooLarge { what, actual, limit }) } else { Ok(()) }
}
