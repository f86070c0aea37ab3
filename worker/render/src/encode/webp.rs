//! WebP: lossless through `image-webp` (safe Rust), lossy through libwebp, which alone has a lossy encoder worth using.
//!
//! WebP has no grey: a grey picture is written as RGB with three equal samples. Lossless shows exactly the grey that
//! went in; lossy keeps the chroma flat, so that it costs next to nothing.

use image_webp::{ColorType, WebPEncoder};
use webp::{Encoder, PixelLayout, WebPConfig};

use super::{EncodeError, checked_quality, dimensions};

/// Longest side that a WebP bitstream can say (RFC 9649 section 2.7.1, 14 bits).
const SIDE_PIXELS_MAX: u32 = 16_383;

/// Effort of libwebp, 0 (fast) to 6 (small). From 0 to 2 a CT shrinks by a quarter in less than twice the time; the
/// next step takes more than twice as long again for a fifteenth.
const LOSSY_METHOD: i32 = 2;

/// Writes an 8-bit grey picture without loss.
///
/// # Errors
/// [`EncodeError::SampleCount`] when the slice is not `columns x rows`, [`EncodeError::TooLarge`] past 16,383 pixels
/// a side.
pub fn encode_lossless_grey8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 1, pixels.len())?;
    lossless(pixels, columns, rows, ColorType::L8, out)
}

/// Writes an interleaved RGB picture without loss.
///
/// # Errors
/// As [`encode_lossless_grey8`], for three samples a pixel.
pub fn encode_lossless_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 3, pixels.len())?;
    lossless(pixels, columns, rows, ColorType::Rgb8, out)
}

/// Writes an 8-bit grey picture with loss.
///
/// # Errors
/// As [`encode_lossless_grey8`], and [`EncodeError::Quality`] outside 1 to 100.
pub fn encode_lossy_grey8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    quality: u8,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 1, pixels.len())?;
    check_side(columns, rows)?;
    let rgb: Vec<u8> = pixels.iter().flat_map(|&grey| [grey; 3]).collect();
    lossy(&rgb, columns, rows, quality, out)
}

/// Writes an interleaved RGB picture with loss; chroma is halved both ways, as lossy WebP always has it.
///
/// # Errors
/// As [`encode_lossy_grey8`], for three samples a pixel.
pub fn encode_lossy_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    quality: u8,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 3, pixels.len())?;
    lossy(pixels, columns, rows, quality, out)
}

fn check_side(columns: u32, rows: u32) -> Result<(), EncodeError> {
    if columns.max(rows) > SIDE_PIXELS_MAX {
        return Err(EncodeError::TooLarge { format: "WebP", columns, rows });
    }
    Ok(())
}

fn lossless(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    color: ColorType,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    check_side(columns, rows)?;
    out.clear();
    WebPEncoder::new(out).encode(pixels, columns, rows, color).map_err(|error| refused(error.to_string()))
}

fn lossy(rgb: &[u8], columns: u32, rows: u32, quality: u8, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    check_side(columns, rows)?;
    let quality = checked_quality(quality)?;
    let mut config =
        WebPConfig::new().map_err(|()| refused("libwebp has another version than its binding".into()))?;
    config.quality = f32::from(quality);
    config.method = LOSSY_METHOD;
    let encoded = Encoder::new(rgb, PixelLayout::Rgb, columns, rows)
        .encode_advanced(&config)
        .map_err(|error| refused(format!("{error:?}")))?;
    out.clear();
    out.extend_from_slice(&encoded);
    Ok(())
}

fn refused(reason: String) -> EncodeError {
    EncodeError::Codec { format: "WebP", reason }
}
