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
    lossless(pixels, (columns, rows), ColorType::L8, None, out)
}

/// Writes an interleaved RGB picture without loss; `icc` is the profile of its colours.
///
/// # Errors
/// As [`encode_lossless_grey8`], for three samples a pixel.
pub fn encode_lossless_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 3, pixels.len())?;
    lossless(pixels, (columns, rows), ColorType::Rgb8, icc, out)
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

/// Writes an interleaved RGB picture with loss; chroma is halved both ways, as lossy WebP always has it. `icc` is the
/// profile of its colours.
///
/// # Errors
/// As [`encode_lossy_grey8`], for three samples a pixel; [`EncodeError::ProfileTooLarge`] past 4 GiB.
pub fn encode_lossy_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    quality: u8,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    dimensions(columns, rows, 3, pixels.len())?;
    lossy(pixels, columns, rows, quality, out)?;
    icc.map_or(Ok(()), |profile| insert_profile(profile, (columns, rows), out))
}

/// Turns a file of one chunk into an extended one: header, `VP8X` with its profile flag, `ICCP`, then the chunk as it
/// was (RFC 9649 section 2.7).
fn insert_profile(
    profile: &[u8],
    (columns, rows): (u32, u32),
    file: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    const RIFF_HEADER_BYTES: usize = 12;
    const HAS_PROFILE: u8 = 0x20;
    let too_large = EncodeError::ProfileTooLarge { format: "WebP", byte_count: profile.len() };
    let mut chunks = b"VP8X\x0a\0\0\0".to_vec();
    chunks.extend_from_slice(&[HAS_PROFILE, 0, 0, 0]);
    // Width and height less one, of 24 bits each.
    chunks.extend_from_slice(&(columns - 1).to_le_bytes()[..3]);
    chunks.extend_from_slice(&(rows - 1).to_le_bytes()[..3]);
    chunks.extend_from_slice(b"ICCP");
    chunks.extend_from_slice(&u32::try_from(profile.len()).map_err(|_| too_large.clone())?.to_le_bytes());
    chunks.extend_from_slice(profile);
    chunks.resize(chunks.len().next_multiple_of(2), 0);
    let riff_bytes = u32::try_from(file.len() - 8 + chunks.len()).map_err(|_| too_large)?;
    file[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
    file.splice(RIFF_HEADER_BYTES..RIFF_HEADER_BYTES, chunks);
    Ok(())
}

fn check_side(columns: u32, rows: u32) -> Result<(), EncodeError> {
    if columns.max(rows) > SIDE_PIXELS_MAX {
        return Err(EncodeError::TooLarge { format: "WebP", columns, rows });
    }
    Ok(())
}

fn lossless(
    pixels: &[u8],
    (columns, rows): (u32, u32),
    color: ColorType,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    check_side(columns, rows)?;
    out.clear();
    let mut encoder = WebPEncoder::new(out);
    if let Some(profile) = icc {
        encoder.set_icc_profile(profile.to_vec());
    }
    encoder.encode(pixels, columns, rows, color).map_err(|error| refused(error.to_string()))
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
