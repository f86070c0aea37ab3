//! Finds out what is in a file with as little reading as possible: the header, then where each frame lies.

use super::header::Header;
use super::inflate::{Deflation, InflatedFile};
use super::parse::foreign;
use super::parse::start::{NOT_DICOM, read_start};
use super::parse::stop::Stop;
use super::pixel_index::{self, PixelIndex};
use super::source::ReadAt;
use super::transfer_syntax::DEFLATED_EXPLICIT_LITTLE;
use crate::{Limits, RenderError, limits};

/// First read; most headers fit.
const FIRST_READ_BYTES: usize = 64 << 10;

/// Everything up to the pixel data, and where each frame lies.
#[derive(Debug)]
pub struct Scan {
    /// The header.
    pub header: Header,
    /// `None`: the instance has no pixel data (reports, plans, waveforms).
    pub pixels: Option<PixelIndex>,
    /// How the file inflates, if it is a deflated one.
    pub deflation: Option<Deflation>,
}

/// Reads the header with bounded reads and finds the frames; pixel bytes are not read, except of deflated files, which are
/// inflated piece by piece and never held.
/// Damage to the pixel data is not an error here: frames that are not there get short or empty ranges.
///
/// # Errors
/// As [`Header::parse`], and [`RenderError::Io`].
pub fn scan(source: &dyn ReadAt, limits: &Limits) -> Result<Scan, RenderError> {
    let byte_count = source.byte_count();
    let (data_set_start, header) = read_beginning(source, limits, |prefix| {
        let start = read_start(prefix, byte_count)?;
        let data_set_start = start.data_set_start as u64;
        if start.transfer_syntax_uid == DEFLATED_EXPLICIT_LITTLE {
            return Ok((data_set_start, None));
        }
        Ok((data_set_start, Some(Header::from_prefix(prefix, start, byte_count, limits)?)))
    })?;
    let Some(header) = header else { return scan_deflated(source, data_set_start, limits) };
    let pixels = pixel_index::build(source, &header, limits)?;
    Ok(Scan { header, pixels, deflation: None })
}

fn scan_deflated(source: &dyn ReadAt, data_set_start: u64, limits: &Limits) -> Result<Scan, RenderError> {
    limits::check("bytes of a deflated file", source.byte_count(), limits.inflated_bytes_max)?;
    let deflation = Deflation::of(source, data_set_start, limits)?;
    let inflated = InflatedFile::new(source, deflation);
    let byte_count = inflated.byte_count();
    let header = read_beginning(&inflated, limits, |prefix| {
        let start = read_start(prefix, byte_count)?;
        Header::from_prefix(prefix, start, byte_count, limits)
    })?;
    let pixels = pixel_index::build(&inflated, &header, limits)?;
    let pixels = pixels.map(|pixels| PixelIndex { deflated: true, ..pixels });
    Ok(Scan { header, pixels, deflation: Some(deflation) })
}

/// What `read` makes of the beginning of the file, of which it is given as much as it needs.
fn read_beginning<T>(
    source: &dyn ReadAt,
    limits: &Limits,
    read: impl Fn(&[u8]) -> Result<T, Stop>,
) -> Result<T, RenderError> {
    let mut prefix = Vec::new();
    let mut needed = FIRST_READ_BYTES;
    loop {
        extend(source, &mut prefix, needed)?;
        match read(&prefix) {
            Ok(found) => return Ok(found),
            Err(Stop::Starved { needed: more }) if more as u64 <= source.byte_count() => {
                limits::check("length of the header in bytes", more as u64, limits.header_bytes_max)?;
                // No more than a header may have, however much of it there is already.
                let most = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
                needed = (prefix.len() * 2).min(most).max(more);
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
    prefix.reserve_exact(length.saturating_sub(start));
    prefix.resize(length, 0);
    source.read_exact_at(start as u64, &mut prefix[start..])?;
    Ok(())
}
