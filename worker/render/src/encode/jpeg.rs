//! Baseline JPEG through libjpeg-turbo.
//!
//! The binding is the `turbojpeg` crate, which keeps the unsafe calls to itself. Grey is one component; colour is
//! YCbCr with full chroma, since the colours of a Doppler map or a stained slide are findings and not decoration.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use super::{EncodeError, checked_quality, dimensions};

/// Longest side that libjpeg takes; the format itself ends at 65,535 (ITU-T T.81 B.2.2).
const SIDE_PIXELS_MAX: u32 = 65_500;

/// Profile bytes in one segment, and segments at most (ICC.1 annex B.4).
const PROFILE_SEGMENT_BYTES_MAX: usize = 65_519;
const PROFILE_SEGMENTS_MAX: usize = 255;

/// Writes an 8-bit grey picture as a one-component JPEG.
///
/// # Errors
/// [`EncodeError::SampleCount`] when the slice is not `columns x rows`, [`EncodeError::Quality`] outside 1 to 100,
/// [`EncodeError::TooLarge`] past 65,500 pixels a side.
pub fn encode_grey8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    quality: u8,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (width, height) = dimensions(columns, rows, 1, pixels.len())?;
    check_side(columns, rows)?;
    let image = Image { pixels, width, pitch: width, height, format: PixelFormat::GRAY };
    compress(image, Subsamp::Gray, quality, out)
}

/// Writes an interleaved RGB picture as JPEG with full chroma (4:4:4); `icc` is the profile of its colours.
///
/// # Errors
/// As [`encode_grey8`], for three samples a pixel; [`EncodeError::ProfileTooLarge`] past 255 segments.
pub fn encode_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    quality: u8,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (width, height) = dimensions(columns, rows, 3, pixels.len())?;
    check_side(columns, rows)?;
    let image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
    compress(image, Subsamp::None, quality, out)?;
    icc.map_or(Ok(()), |profile| insert_profile(profile, out))
}

/// Puts the profile behind the first two markers, SOI and the APP0 of JFIF, which libjpeg-turbo always writes.
fn insert_profile(profile: &[u8], file: &mut Vec<u8>) -> Result<(), EncodeError> {
    let too_large = EncodeError::ProfileTooLarge { format: "JPEG", byte_count: profile.len() };
    let pieces = profile.chunks(PROFILE_SEGMENT_BYTES_MAX);
    if pieces.len() > PROFILE_SEGMENTS_MAX {
        return Err(too_large);
    }
    let count = pieces.len() as u8;
    let mut segments = Vec::with_capacity(profile.len() + 18 * pieces.len());
    for (number, piece) in (1..=count).zip(pieces) {
        segments.extend_from_slice(b"\xff\xe2");
        // The length counts itself, the name and the two numbers.
        segments.extend_from_slice(&(piece.len() as u16 + 16).to_be_bytes());
        segments.extend_from_slice(b"ICC_PROFILE\0");
        segments.extend_from_slice(&[number, count]);
        segments.extend_from_slice(piece);
    }
    let after_jfif = match file[..] {
        [0xff, 0xd8, 0xff, 0xe0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => 2,
    };
    file.splice(after_jfif..after_jfif, segments);
    Ok(())
}

fn check_side(columns: u32, rows: u32) -> Result<(), EncodeError> {
    if columns.max(rows) > SIDE_PIXELS_MAX {
        return Err(EncodeError::TooLarge { format: "JPEG", columns, rows });
    }
    Ok(())
}

fn compress(
    image: Image<&[u8]>,
    subsampling: Subsamp,
    quality: u8,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let quality = checked_quality(quality)?;
    out.clear();
    // A compressor takes less than a microsecond to make: not worth keeping one for each thread.
    let mut compressor = Compressor::new().map_err(refused)?;
    compressor.set_quality(i32::from(quality)).map_err(refused)?;
    compressor.set_subsamp(subsampling).map_err(refused)?;
    out.resize(compressor.buf_len(image.width, image.height).map_err(refused)?, 0);
    let length = compressor.compress_to_slice(image, out).map_err(refused);
    out.truncate(*length.as_ref().unwrap_or(&0));
    length.map(|_| ())
}

fn refused(error: turbojpeg::Error) -> EncodeError {
    EncodeError::Codec { format: "JPEG", reason: error.to_string() }
}
