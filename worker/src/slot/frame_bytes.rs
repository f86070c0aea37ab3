//! The bytes of one frame and of its header, read where they lie and held against their checksums.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, path::Path};

use noctis_render::{Limits, RenderError};
use noctis_shared::{job::FrameSource, render::FailureKind};
use xxhash_rust::xxh3::xxh3_64;

use super::task::{FrameBytes, failure};
use noctis_shared::render::RenderFailure;

/// Header bytes and frame bytes, in one buffer: a small file is one read.
pub(super) struct Loaded {
    buffer: Vec<u8>,
    header: Range<usize>,
    frame: Range<usize>,
}

impl Loaded {
    pub(super) fn header(&self) -> &[u8] {
        &self.buffer[self.header.clone()]
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.buffer[self.frame.clone()]
    }
}

/// Why bytes could not be had.
pub(super) enum LoadError {
    /// For good.
    Failure(RenderFailure),
    /// May go away.
    Io(String),
}

const CHANGED: &str = "the file is no longer as it was when it was indexed";

/// # Errors
/// [`LoadError::Failure`] when the bytes are not the indexed ones, [`LoadError::Io`] when reading failed.
pub(super) fn load(bytes: &FrameBytes, source: &FrameSource, limits: &Limits) -> Result<Loaded, LoadError> {
    let loaded = match bytes {
        FrameBytes::Local(path) if source.deflated => inflated(read_whole(path, source)?, source, limits)?,
        FrameBytes::Local(path) => read_ranges(path, source)?,
        FrameBytes::Fetched(parts) if source.deflated => inflated(parts.concat(), source, limits)?,
        FrameBytes::Fetched(parts) => joined(parts.iter().map(AsRef::as_ref)),
    };
    let as_indexed = xxh3_64(loaded.header()) == source.header_checksum
        && xxh3_64(loaded.frame()) == source.frame.checksum;
    if as_indexed { Ok(loaded) } else { Err(changed()) }
}

/// The ranges of the file that [`FrameBytes::Fetched`] holds, in order.
#[must_use]
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges with one range in it")]
pub fn ranges_to_fetch(source: &FrameSource) -> Vec<Range<u64>> {
    if source.deflated {
        return vec![0..source.file_byte_count];
    }
    let frame = source.frame.offset..source.frame.offset.saturating_add(source.frame.byte_count);
    vec![0..source.header_byte_count, frame]
}

fn changed() -> LoadError {
    LoadError::Failure(failure(FailureKind::FileChanged, CHANGED))
}

fn read_ranges(path: &Path, source: &FrameSource) -> Result<Loaded, LoadError> {
    let file = open(path, source)?;
    let lengths = ranges_to_fetch(source).into_iter().map(|range| length(range.end - range.start));
    let [header, frame] = lengths.collect::<Result<Vec<_>, _>>()?[..] else { return Err(changed()) };
    let mut buffer = vec![0; header.checked_add(frame).ok_or_else(changed)?];
    if source.frame.offset == source.header_byte_count {
        file.read_exact_at(&mut buffer, 0).map_err(from_io)?;
    } else {
        let (header_bytes, frame_bytes) = buffer.split_at_mut(header);
        file.read_exact_at(header_bytes, 0).map_err(from_io)?;
        file.read_exact_at(frame_bytes, source.frame.offset).map_err(from_io)?;
    }
    Ok(Loaded { buffer, header: 0..header, frame: header..header + frame })
}

fn read_whole(path: &Path, source: &FrameSource) -> Result<Vec<u8>, LoadError> {
    let file = open(path, source)?;
    let mut buffer = vec![0; length(source.file_byte_count)?];
    file.read_exact_at(&mut buffer, 0).map_err(from_io)?;
    Ok(buffer)
}

/// The file, if it still has the bytes that the index counted: checked before a buffer of that size is made.
fn open(path: &Path, source: &FrameSource) -> Result<File, LoadError> {
    let file = File::open(path).map_err(from_io)?;
    let byte_count = file.metadata().map_err(from_io)?.len();
    let frame_end = source.frame.offset.saturating_add(source.frame.byte_count);
    let inside = source.deflated || (source.header_byte_count <= byte_count && frame_end <= byte_count);
    if byte_count == source.file_byte_count && inside { Ok(file) } else { Err(changed()) }
}

fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Loaded {
    let mut buffer = Vec::new();
    let mut ends = Vec::new();
    for part in parts {
        buffer.extend_from_slice(part);
        ends.push(buffer.len());
    }
    let header = ends.first().copied().unwrap_or(0);
    Loaded { header: 0..header, frame: header..buffer.len(), buffer }
}

fn inflated(file: Vec<u8>, source: &FrameSource, limits: &Limits) -> Result<Loaded, LoadError> {
    let buffer = noctis_render::inflate(&file, limits).map_err(|error: RenderError| {
        LoadError::Failure(failure(FailureKind::Unrenderable, &error.to_string()))
    })?;
    let header = length(source.header_byte_count)?;
    let frame = length(source.frame.offset)?;
    let frame = frame..frame.checked_add(length(source.frame.byte_count)?).ok_or_else(changed)?;
    if header > buffer.len() || frame.end > buffer.len() {
        return Err(changed());
    }
    Ok(Loaded { buffer, header: 0..header, frame })
}

fn length(byte_count: u64) -> Result<usize, LoadError> {
    usize::try_from(byte_count).map_err(|_| changed())
}

fn from_io(error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => changed(),
        _ => LoadError::Io(error.to_string()),
    }
}
