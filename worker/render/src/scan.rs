//! Finds out what is in a file with as little reading as possible: the header, then where each frame lies.

use crate::parse::file::{NOT_DICOM, read_start};
use crate::parse::foreign;
use crate::parse::walk::Stop;
use crate::transfer_syntax::DEFLATED_EXPLICIT_LITTLE;
use crate::{Header, Limits, PixelIndex, ReadAt, RenderError, inflate, limits, pixel_index};

/// First read; most headers fit.
const FIRST_READ_BYTES: usize = 64 << 10;

/// Everything up to the pixel data, and where each frame lies.
#[derive(Debug)]
pub struct Scan {
    /// The header.
    pub header: Header,
    /// `None`: the instance has no pixel data (reports, plans, waveforms).
    pub pixels: Option<PixelIndex>,
}

/// Reads the header with bounded reads and finds the frames; pixel bytes are not read, except of deflated files.
/// Damage to the pixel data is not an error here: frames that are not there get short or empty ranges.
///
/// # Errors
/// As [`Header::parse`], and [`RenderError::Io`].
pub fn scan(source: &dyn ReadAt, limits: &Limits) -> Result<Scan, RenderError> {
    let mut prefix = Vec::new();
    let mut needed = FIRST_READ_BYTES;
    loop {
        extend(source, &mut prefix, needed)?;
        let start = read_start(&prefix, source.byte_count());
        if start.as_ref().is_ok_and(|start| start.transfer_syntax_uid == DEFLATED_EXPLICIT_LITTLE) {
            return scan_deflated(source, limits);
        }
        match start.and_then(|start| Header::from_prefix(&prefix, start, source.byte_count(), limits)) {
            Ok(header) => {
                let pixels = pixel_index::build(source, &header, limits)?;
                return Ok(Scan { header, pixels });
            }
            Err(Stop::Starved { needed: more }) if more as u64 <= source.byte_count() => {
                limits::check("length of the header in bytes", more as u64, limits.header_bytes_max)?;
                needed = more.max(prefix.len() * 2);
            }
            Err(Stop::Broken(what)) if what == NOT_DICOM => {
                return Err(RenderError::not_dicom(foreign::what_it_is(&prefix)));
            }
            Err(stop) => return Err(stop.into()),
        }
    }
}

/// Grows `prefix` to `length` bytes, or to the end of the file.
fn extend(source: &dyn ReadAt, prefix: &mut Vec<u8>, length: usize) -> Result<(), RenderError> {
    let start = prefix.len();
    let length = usize::try_from(source.byte_count()).map_or(length, |end| length.min(end));
    prefix.resize(length, 0);
    source.read_exact_at(start as u64, &mut prefix[start..])?;
    Ok(())
}

fn scan_deflated(source: &dyn ReadAt, limits: &Limits) -> Result<Scan, RenderError> {
    limits::check("bytes of a deflated file", source.byte_count(), limits.inflated_bytes_max)?;
    let mut file = Vec::new();
    extend(source, &mut file, usize::MAX)?;
    let inflated = inflate::inflate(&file, limits)?;
    drop(file);
    let header = Header::parse(&inflated, limits)?;
    let mut pixels = pixel_index::build(&inflated, &header, limits)?;
    if let Some(pixels) = &mut pixels {
        pixels.deflated = true;
    }
    Ok(Scan { header, pixels })
}
