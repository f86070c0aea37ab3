//! Deflated data sets and deflated frames (PS3.5 A.5 and A.4.13), under a cap: a file of 1 KB can promise gigabytes.

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use crate::parse::file::read_start;
use crate::transfer_syntax::DEFLATED_EXPLICIT_LITTLE;
use crate::{Limits, RenderError, limits};

/// Makes a file whose data set is deflated into one whose data set is plain explicit little endian, meta information
/// unchanged. Offsets of [`crate::PixelIndex`] count in its result. A file of another syntax comes back as it is.
///
/// # Errors
/// [`RenderError::Corrupt`] for a damaged stream, [`RenderError::TooLarge`].
pub fn inflate(file: &[u8], limits: &Limits) -> Result<Vec<u8>, RenderError> {
    let start = read_start(file, file.len() as u64)?;
    let (head, deflated) = file.split_at(start.data_set_start.min(file.len()));
    if start.transfer_syntax_uid != DEFLATED_EXPLICIT_LITTLE {
        return Ok(file.to_vec());
    }
    let mut inflated = head.to_vec();
    inflate_onto(&mut inflated, deflated, limits.inflated_bytes_max)?;
    Ok(inflated)
}

/// Appends the content of a raw deflate stream, or of one in a zlib wrapper, which some writers leave around it.
///
/// # Errors
/// [`RenderError::Corrupt`], [`RenderError::TooLarge`] past `bytes_max`.
pub(crate) fn inflate_onto(out: &mut Vec<u8>, deflated: &[u8], bytes_max: u64) -> Result<(), RenderError> {
    let start = out.len();
    let damaged = |_| RenderError::corrupt("the deflated stream is damaged");
    let mut bounded = DeflateDecoder::new(deflated).take(bytes_max + 1);
    if let Err(error) = bounded.read_to_end(out) {
        out.truncate(start);
        if deflated.first() != Some(&0x78) {
            return Err(damaged(error));
        }
        ZlibDecoder::new(deflated).take(bytes_max + 1).read_to_end(out).map_err(damaged)?;
    }
    limits::check("bytes once inflated", (out.len() - start) as u64, bytes_max)
}
