//! Bytes of a DICOM file and a request in, picture out. No I/O, no async, no clock, no threads: the caller
//! reads, schedules and measures. Folders are the steps, over `samples`; files are the words that a caller needs.
//!
//! Start at [`render_frame`], which is its own table of contents; [`scan`] finds the frames of a file first.
//! A frame that was decoded once serves any number of windows: [`decode_frame`], [`compose_frame`], [`encode_picture`].
//! [`native_frame`] gives its samples as they are stored, in a syntax that everybody reads; [`file_head`] and [`written_frame`] the
//! whole instance in another one.
//! [`explain_pixel`] tells why a pixel of the picture looks as it does. [`Volume`] takes frames of a series, and [`compose_plane`] shows a plane through them. A [`PresentationState`] says how images of others look.

mod compose;
mod decode;
mod draw;
pub mod encode;
mod error;
mod explanation;
mod file;
mod limits;
mod picture;
mod presentation_state;
mod request;
mod samples;
mod segmentation;
mod stages;
mod volume;
mod window;

pub use compose::{compose_frame, compose_plane, explain_pixel};
pub use decode::{DecodedFrame, decode_frame};
pub use encode::{
    FileHead, Pixels, WrittenSyntax, encode_picture, file_head, head_needs_frame, native_frame, written_frame,
};
pub use error::RenderError;
pub use explanation::{Explanation, Step};
pub use file::dataset::BulkValue;
pub use file::header::Header;
pub use file::inflate::{Deflation, Inflated, inflate};
pub use file::pixel_index::{FrameRange, PixelIndex};
pub use file::scan::{Scan, scan};
pub use file::source::ReadAt;
pub use limits::Limits;
pub use picture::{DisplayImage, DisplaySamples, Picture};
pub use presentation_state::PresentationState;
pub use request::{
    Corners, Fit, Format, FrameRequest, IccProfile, Orientation, Region, SIDE_PIXELS_MAX, Voi,
};
pub use samples::resize;
pub use segmentation::Segmentation;
pub use volume::{Plane, Projection, SlicePlace, Volume};
pub use window::{VoiFunction, Window, WindowError};

/// Raised whenever the bytes of any picture can change, so that caches do not mix old and new.
pub const RENDERER_VERSION: u32 = 3;

/// Renders one frame from the bytes of its [`FrameRange`]: decode, then the display stages of PS3.4 N.2, then encode.
///
/// # Errors
/// As the three stages.
pub fn render_frame(
    header: &Header,
    frame_bytes: &[u8],
    request: &FrameRequest,
    limits: &Limits,
) -> Result<Picture, RenderError> {
    let stored = decode_frame(header, frame_bytes, request, limits)?;
    let display = compose_frame(header, &stored, request)?;
    encode_picture(&display, request.format)
}
