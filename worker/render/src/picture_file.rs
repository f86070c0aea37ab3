//! A picture in memory to a picture file.

use crate::RenderError;
use crate::picture::{DisplayImage, DisplaySamples, Picture};
use crate::request::Format;

/// Encodes a picture.
///
/// # Errors
/// [`RenderError::InvalidRequest`] when the format cannot hold the samples.
pub fn encode_picture(image: &DisplayImage, format: Format) -> Result<Picture, RenderError> {
    let (bytes, media_type) = match format {
        Format::Png | Format::Png16 => (png(image)?, "image/png"),
        _ => return Err(RenderError::unsupported("this format")),
    };
    Ok(Picture {
        bytes,
        media_type,
        rows: image.rows,
        columns: image.columns,
        window: image.window,
        pixel_scale: image.pixel_scale,
        partial: image.partial,
    })
}

fn png(image: &DisplayImage) -> Result<Vec<u8>, RenderError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, image.columns, image.rows);
    let swapped: Vec<u8>;
    let (colour, depth, data) = match &image.samples {
        DisplaySamples::Grey8(pixels) => (png::ColorType::Grayscale, png::BitDepth::Eight, pixels.as_slice()),
        DisplaySamples::Rgb8(pixels) => (png::ColorType::Rgb, png::BitDepth::Eight, pixels.as_slice()),
        DisplaySamples::Grey16(values) => {
            swapped = values.iter().flat_map(|value| value.to_be_bytes()).collect();
            (png::ColorType::Grayscale, png::BitDepth::Sixteen, swapped.as_slice())
        }
    };
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fast);
    let failed = |error: png::EncodingError| RenderError::Io(std::io::Error::other(error));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}
