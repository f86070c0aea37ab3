//! Stored samples to a picture in memory: the stages of PS3.4 N.2 in order, for monochrome and for colour. What a stage
//! does is told in [`crate::stages`]; here is told when.
//!
//! Start at [`compose_frame`]; [`explain_pixel`] goes the same way with one pixel, and tells of it. [`composer`] holds what all ways to a picture share.

mod colour;
mod composer;
mod corners;
mod explain;
mod monochrome;
mod overlays;
mod plane;
mod presented;
mod range;
mod segmented;
mod sixteen_bits;
mod stated;

use self::composer::Composer;
pub use self::explain::explain_pixel;
pub use self::plane::compose_plane;
use crate::decode::DecodedFrame;
use crate::picture::DisplayImage;
use crate::request::{Format, FrameRequest};
use crate::stages::orientation;
use crate::{Header, RenderError};

/// Makes the picture that a request asks for of a decoded frame.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for impossible sizes and regions, and for 16-bit pictures of colour images;
/// [`RenderError::Corrupt`] for a missing or damaged palette, and for a damaged ICC profile when sRGB is asked.
pub fn compose_frame(
    header: &Header,
    frame: &DecodedFrame,
    request: &FrameRequest,
) -> Result<DisplayImage, RenderError> {
    let composer = Composer::new(header, frame, request)?;
    let image = match (frame.photometric.is_monochrome(), request.format) {
        (true, Format::Png16 | Format::Raw16) => composer.modality_values(),
        (true, _) => composer.monochrome(),
        (false, Format::Png16 | Format::Raw16) => {
            Err(RenderError::invalid_request("format", "a colour image has no 16-bit modality values"))
        }
        (false, _) => composer.colour(),
    }?;
    let image = composer.segmented(composer.presented(image)?)?;
    composer.cornered(orientation::lay_down(image, request.orientation))
}
