//! A picture in memory to a picture file.

use super::{EncodeError, jpeg, png, webp};
use crate::RenderError;
use crate::picture::{DisplayImage, DisplaySamples, Picture};
use crate::request::Format;

/// Encodes a picture, with its ICC profile where it has one.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for a quality outside 1 to 100, and when the format cannot hold a picture of this
/// size or depth.
pub fn encode_picture(image: &DisplayImage, format: Format) -> Result<Picture, RenderError> {
    let (columns, rows) = (image.columns, image.rows);
    let icc = image.icc_profile.as_deref();
    let mut bytes = Vec::new();
    let out = &mut bytes;
    let written = match (&image.samples, format) {
        (DisplaySamples::Grey8(pixels), Format::Png) => png::encode_grey8(pixels, columns, rows, icc, out),
        (DisplaySamples::Rgb8(pixels), Format::Png) => png::encode_rgb8(pixels, columns, rows, icc, out),
        (DisplaySamples::Grey16(values), Format::Png | Format::Png16) => {
            png::encode_grey16(values, columns, rows, icc, out)
        }
        (DisplaySamples::Grey16(values), Format::Raw16) => {
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            Ok(())
        }
        (DisplaySamples::Grey8(pixels), Format::Jpeg { quality }) => {
            jpeg::encode_grey8(pixels, columns, rows, quality, out)
        }
        (DisplaySamples::Rgb8(pixels), Format::Jpeg { quality }) => {
            jpeg::encode_rgb8(pixels, columns, rows, quality, icc, out)
        }
        (DisplaySamples::Grey8(pixels), Format::Webp) => {
            webp::encode_lossless_grey8(pixels, columns, rows, out)
        }
        (DisplaySamples::Rgb8(pixels), Format::Webp) => {
            webp::encode_lossless_rgb8(pixels, columns, rows, icc, out)
        }
        (DisplaySamples::Grey8(pixels), Format::WebpLossy { quality }) => {
            webp::encode_lossy_grey8(pixels, columns, rows, quality, out)
        }
        (DisplaySamples::Rgb8(pixels), Format::WebpLossy { quality }) => {
            webp::encode_lossy_rgb8(pixels, columns, rows, quality, icc, out)
        }
        (DisplaySamples::Grey16(_), _) => {
            return Err(RenderError::invalid_request("format", "only PNG and bare samples hold 16 bits"));
        }
        (_, Format::Png16 | Format::Raw16) => {
            return Err(RenderError::invalid_request("format", "the picture was composed with 8 bits"));
        }
    };
    written.map_err(refused)?;
    Ok(Picture {
        bytes,
        media_type: media_type(format),
        rows,
        columns,
        window: image.window,
        pixel_scale: image.pixel_scale,
        partial: image.partial,
        left_out: image.left_out.clone(),
    })
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Png | Format::Png16 => "image/png",
        Format::Raw16 => "application/octet-stream",
        Format::Jpeg { .. } => "image/jpeg",
        Format::Webp | Format::WebpLossy { .. } => "image/webp",
    }
}

fn refused(error: EncodeError) -> RenderError {
    let parameter = match error {
        EncodeError::Quality(_) => "quality",
        EncodeError::TooLarge { .. } => "format",
        EncodeError::SampleCount { .. } | EncodeError::ProfileTooLarge { .. } | EncodeError::Codec { .. } => {
            return RenderError::unsupported(error.to_string());
        }
    };
    RenderError::invalid_request(parameter, error.to_string())
}
