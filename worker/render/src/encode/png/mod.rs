//! PNG (ISO/IEC 15948): grey of 8 and 16 bits, and RGB of 8.
//!
//! The noise of a real detector has no repeats to find, so the encoder is our own: grey is literals and runs of zeros
//! behind a row filter, and nothing is searched. `colour` decides what RGB is written as. `chunks` frames the file,
//! `filter` makes the rows, `runs`, `greys` and `repeats` cut them into `segments`, `huffman`, `bits` and `deflate` write those.

mod bits;
mod chunks;
mod colour;
mod deflate;
mod filter;
mod greys;
mod huffman;
mod repeats;
mod runs;
mod segments;

use super::{EncodeError, dimensions, is_all_grey, red_plane};
use chunks::Header;
use colour::Indexed;

/// Largest filtered picture: half of what the 31-bit length of a chunk can say, so that overhead never matters.
const BYTES_MAX: usize = 1 << 30;

/// Writes an 8-bit grey picture; `icc` is the profile of an output device, embedded as it is.
///
/// # Errors
/// [`EncodeError::SampleCount`] when the slice is not `columns x rows`, [`EncodeError::TooLarge`] past 1 GiB.
pub fn encode_grey8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (width, height) = dimensions(columns, rows, 1, pixels.len())?;
    check_size(columns, rows, width, height)?;
    chunks::write(out, Header::grey(columns, rows, 8), icc, |out| {
        deflate::append_pixels::<1>(pixels, width, out);
    });
    Ok(())
}

/// Writes a 16-bit grey picture, samples big-endian as the format wants them.
///
/// # Errors
/// As [`encode_grey8`].
pub fn encode_grey16(
    pixels: &[u16],
    columns: u32,
    rows: u32,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (width, height) = dimensions(columns, rows, 1, pixels.len())?;
    check_size(columns, rows, width * 2, height)?;
    let bytes: Vec<u8> = pixels.iter().flat_map(|sample| sample.to_be_bytes()).collect();
    chunks::write(out, Header::grey(columns, rows, 16), icc, |out| {
        deflate::append_pixels::<2>(&bytes, width * 2, out);
    });
    Ok(())
}

/// Writes an interleaved RGB picture; as 8-bit grey when every pixel is a grey, with a palette when it has at most 256
/// colours: both show the same and take a third to a half of the time and bytes.
///
/// # Errors
/// As [`encode_grey8`], for three samples a pixel.
pub fn encode_rgb8(
    pixels: &[u8],
    columns: u32,
    rows: u32,
    icc: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let (width, height) = dimensions(columns, rows, 3, pixels.len())?;
    // A profile for RGB must not stand in a grey file (ISO/IEC 15948 11.3.3.3).
    if icc.is_none() && is_all_grey(pixels) {
        return encode_grey8(&red_plane(pixels), columns, rows, None, out);
    }
    check_size(columns, rows, width * 3, height)?;
    match Indexed::of(pixels) {
        Some(indexed) => indexed.write(columns, rows, icc, out),
        None => colour::write_rgb(pixels, (columns, rows), icc, out),
    }
    Ok(())
}

fn check_size(columns: u32, rows: u32, row_bytes: usize, height: usize) -> Result<(), EncodeError> {
    match row_bytes.checked_add(1).and_then(|row| row.checked_mul(height)) {
        Some(bytes) if bytes <= BYTES_MAX => Ok(()),
        _ => Err(EncodeError::TooLarge { format: "PNG", columns, rows }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_past_the_limit_is_refused_before_it_is_written() {
        assert_eq!(check_size(1023, 1 << 20, 1023, 1 << 20), Ok(()));
        let refused = EncodeError::TooLarge { format: "PNG", columns: 1024, rows: 1 << 20 };
        assert_eq!(check_size(1024, 1 << 20, 1024, 1 << 20), Err(refused));
        let refused = EncodeError::TooLarge { format: "PNG", columns: 1, rows: 1 };
        assert_eq!(check_size(1, 1, usize::MAX, 2), Err(refused));
    }
}
