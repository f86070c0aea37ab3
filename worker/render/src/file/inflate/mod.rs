//! Deflated data sets and deflated frames (PS3.5 A.5 and A.4.13), under a cap: a file of 1 KB can promise gigabytes.
//!
//! [`inflate`] makes the whole in memory; [`stream`] yields it piece by piece, [`window`] at any offset.

mod stream;
mod window;

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

pub use stream::{Deflation, Inflated};
pub(crate) use window::InflatedFile;

use crate::file::parse::start::read_start;
use crate::file::transfer_syntax::DEFLATED_EXPLICIT_LITTLE;
use crate::{Limits, RenderError, limits};

/// First byte of a zlib wrapper (RFC 1950) around a stream with the largest window, which is how they are written.
const ZLIB_START: u8 = 0x78;
const DAMAGED: &str = "the deflated stream is damaged";
const INFLATED_BYTES: &str = "bytes once inflated";

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
    let damaged = |_| RenderError::corrupt(DAMAGED);
    let mut bounded = DeflateDecoder::new(deflated).take(bytes_max + 1);
    if let Err(error) = bounded.read_to_end(out) {
        out.truncate(start);
        if deflated.first() != Some(&ZLIB_START) {
            return Err(damaged(error));
        }
        ZlibDecoder::new(deflated).take(bytes_max + 1).read_to_end(out).map_err(damaged)?;
    }
    limits::check(INFLATED_BYTES, (out.len() - start) as u64, bytes_max)
}
