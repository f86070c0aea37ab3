//! Display pixels in, the bytes of a picture file out: [`png`], [`jpeg`], [`webp`]. Beside them what is no picture: stored samples
//! as cells ([`native_frame`]), and an instance in another transfer syntax ([`file_head`], [`written_frame`]).
//!
//! Pixels are row-major without padding between rows, top left first. Every function empties its output and keeps
//! its capacity, so that a worker can hand the same buffer to one render after another. The same pixels give the
//! same bytes, on every machine: a picture's `ETag` may be computed from what went in.

mod instance;
pub mod jpeg;
mod native;
mod picture_file;
pub mod png;
pub mod webp;

pub use instance::{FileHead, Pixels, WrittenSyntax, file_head, head_needs_frame, written_frame};
pub use native::native_frame;
pub use picture_file::encode_picture;

/// Why a picture could not be written.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum EncodeError {
    /// The slice does not hold `columns x rows` pixels, or one of the two is 0.
    #[error("{columns} x {rows} pixels of {samples_per_pixel} do not fit {sample_count} samples")]
    SampleCount {
        /// Asked width.
        columns: u32,
        /// Asked height.
        rows: u32,
        /// 1 for grey, 3 for RGB.
        samples_per_pixel: usize,
        /// Length of the slice that came.
        sample_count: usize,
    },
    /// The format has no way to say a picture this large.
    #[error("{format} cannot hold {columns} x {rows} pixels")]
    TooLarge {
        /// Name of the format.
        format: &'static str,
        /// Asked width.
        columns: u32,
        /// Asked height.
        rows: u32,
    },
    /// The format has no way to embed a profile this large.
    #[error("{format} cannot hold an ICC profile of {byte_count} bytes")]
    ProfileTooLarge {
        /// Name of the format.
        format: &'static str,
        /// Length of the profile.
        byte_count: usize,
    },
    /// Quality outside 1 to 100.
    #[error("quality {0} is not in 1 to 100")]
    Quality(u8),
    /// A codec library refused; the text is its own.
    #[error("{format}: {reason}")]
    Codec {
        /// Name of the format.
        format: &'static str,
        /// What the library said.
        reason: String,
    },
}

/// Checks that `sample_count` samples are `columns x rows` pixels and that neither is 0; gives width and height as lengths.
fn dimensions(
    columns: u32,
    rows: u32,
    samples_per_pixel: usize,
    sample_count: usize,
) -> Result<(usize, usize), EncodeError> {
    let mismatch = EncodeError::SampleCount { columns, rows, samples_per_pixel, sample_count };
    let (Ok(width), Ok(height)) = (usize::try_from(columns), usize::try_from(rows)) else {
        return Err(mismatch);
    };
    let expected = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(samples_per_pixel));
    if width == 0 || height == 0 || expected != Some(sample_count) {
        return Err(mismatch);
    }
    Ok((width, height))
}

/// Checks a quality of 1 to 100.
fn checked_quality(quality: u8) -> Result<u8, EncodeError> {
    if (1..=100).contains(&quality) { Ok(quality) } else { Err(EncodeError::Quality(quality)) }
}

/// Whether every pixel of an interleaved RGB picture is a grey.
///
/// Most of an ultrasound is: written as grey such a picture is smaller and faster, and shows the same.
fn is_all_grey(rgb: &[u8]) -> bool {
    // In pieces: a coloured pixel ends the search early, and within a piece there is no branch to spoil the vectors.
    rgb.chunks(3 * 1024).all(|piece| {
        let spread = piece.as_chunks::<3>().0.iter().fold(0, |spread, &[r, g, b]| spread | (r ^ g) | (g ^ b));
        spread == 0
    })
}

/// The red sample of every pixel: the whole picture when [`is_all_grey`].
fn red_plane(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().map(|&[r, _, _]| r).collect()
}
