//! The bytes of one frame and of its header, read where they lie and held against their checksums.
//!
//! A read that fails or hangs is the storage's fault and is told apart from everything else: [`ReadStep`] says how far
//! it came, so that the worker can time reading by itself.

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::FileExt,
};

use bytes::Bytes;
use noctis_render::{Deflation, Limits};
use noctis_shared::{
    job::FrameSource,
    render::{FailureKind, RenderFailure},
    render_key::ContentDigest,
    storage::{LocalPlace, StorageError},
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::index::FileState;

/// Bytes of one read. After each of several the worker hears that the storage is still there.
const PIECE_BYTES: usize = 4 << 20;

/// How a slot gets at the bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FrameBytes {
    /// It reads them from this file.
    Local(LocalPlace),
    /// They were fetched: the parts that [`ranges_to_fetch`] lists.
    Fetched(#[serde(skip)] Vec<Bytes>),
}

/// How far the reading of a frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadStep {
    /// A part of it is here, more is to come.
    GoesOn,
    /// All of it is here, or none was needed.
    Done,
}

/// Why bytes could not be read: nothing that the file is to blame for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ReadError {
    /// Nothing is at its path.
    #[error("nothing is stored at this location")]
    NotFound,
    /// Links lead from its path out of the root.
    #[error("the file lies outside the root of its location")]
    NotAllowed,
    /// The system said so, in its words.
    #[error("reading failed: {0}")]
    Failed(String),
}

/// Header bytes and frame bytes, in one buffer: a small file is one read.
pub(super) struct Loaded {
    /// The state of the local file that was read.
    pub(super) state: Option<FileState>,
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

    /// The header, which is the whole file where there are no pixels.
    pub(super) fn up_to_pixels(&self, source: &FrameSource) -> &[u8] {
        if source.is_whole_file() { self.frame() } else { self.header() }
    }

    fn is_as_indexed(&self, source: &FrameSource) -> bool {
        if source.is_whole_file() {
            return ContentDigest(*blake3::hash(self.frame()).as_bytes()) == source.content_digest;
        }
        xxh3_64(self.header()) == source.header_checksum && xxh3_64(self.frame()) == source.frame.checksum
    }
}

/// Why bytes could not be had.
pub(super) enum LoadError {
    /// They are not those of the index, or too many.
    Failure(RenderFailure),
    /// May go away.
    NotRead(ReadError),
}

const CHANGED: &str = "the file is no longer as it was when it was indexed";

/// Tells `step` how the reading goes: [`ReadStep::Done`] once, before a byte of what was read is interpreted.
///
/// # Errors
/// [`LoadError::Failure`] when the bytes are not the indexed ones, [`LoadError::NotRead`] when reading failed.
pub(super) fn load(
    bytes: &FrameBytes,
    source: &FrameSource,
    limits: &Limits,
    step: &mut dyn FnMut(ReadStep),
) -> Result<Loaded, LoadError> {
    check_lengths(source, limits)?;
    let read = match bytes {
        FrameBytes::Local(place) => read_ranges(place, source, step)?,
        FrameBytes::Fetched(parts) => joined(parts.iter().map(AsRef::as_ref)),
    };
    step(ReadStep::Done);
    let loaded = if source.deflated { inflated(&read, source, limits)? } else { read };
    if loaded.is_as_indexed(source) { Ok(loaded) } else { Err(changed()) }
}

/// The bytes of a frame whose header is known; there is none in what comes of it.
///
/// # Errors
/// As [`load`].
pub(super) fn load_frame_alone(
    bytes: &FrameBytes,
    source: &FrameSource,
    limits: &Limits,
    step: &mut dyn FnMut(ReadStep),
) -> Result<Loaded, LoadError> {
    check_lengths(source, limits)?;
    let loaded = match bytes {
        FrameBytes::Local(place) => {
            let (file, state) = open(place, source)?;
            let mut buffer = vec![0; length(source.frame.byte_count)?];
            read_pieces(&file, source.frame.offset, &mut buffer, step)?;
            Loaded { state: Some(state), header: 0..0, frame: 0..buffer.len(), buffer }
        }
        FrameBytes::Fetched(parts) => {
            let buffer = parts.concat();
            Loaded { state: None, header: 0..0, frame: 0..buffer.len(), buffer }
        }
    };
    step(ReadStep::Done);
    if xxh3_64(loaded.frame()) == source.frame.checksum { Ok(loaded) } else { Err(changed()) }
}

/// Whether what was read in `state` is what a reading would find now, as far as can be told without one. A storage that
/// is away says nothing against it.
pub(super) fn is_unchanged(bytes: &FrameBytes, source: &FrameSource, state: Option<FileState>) -> bool {
    match bytes {
        FrameBytes::Local(place) => {
            place.path().metadata().map_or(true, |now| Some(FileState::of(&now)) == state)
        }
        FrameBytes::Fetched(_) if source.deflated => false,
        FrameBytes::Fetched(parts) => joined(parts.iter().map(AsRef::as_ref)).is_as_indexed(source),
    }
}

/// The ranges of the file that [`FrameBytes::Fetched`] holds, in order.
#[must_use]
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges with one range in it")]
pub fn ranges_to_fetch(source: &FrameSource) -> Vec<Range<u64>> {
    if source.deflated {
        return vec![0..source.file_byte_count];
    }
    vec![0..source.header_byte_count, range_of_frame(source)]
}

/// The range of the frame alone.
#[must_use]
pub fn range_of_frame(source: &FrameSource) -> Range<u64> {
    source.frame.offset..source.frame.offset.saturating_add(source.frame.byte_count)
}

pub(super) fn changed() -> LoadError {
    LoadError::Failure(RenderFailure::new(FailureKind::FileChanged, CHANGED))
}

/// A frame beyond the limits is refused for good, before memory is taken for it.
fn check_lengths(source: &FrameSource, limits: &Limits) -> Result<(), LoadError> {
    let whole = if source.deflated { source.file_byte_count } else { 0 };
    let cases = [
        ("header", source.header_byte_count, limits.header_bytes_max),
        ("frame", source.frame.byte_count, limits.frame_bytes_max),
        ("deflated file", whole, limits.inflated_bytes_max),
    ];
    match cases.into_iter().find(|(_, actual, limit)| actual > limit) {
        None => Ok(()),
        Some((what, actual, limit)) => {
            let reason = format!("bytes of the {what} are {actual}, more than the limit of {limit}");
            Err(LoadError::Failure(RenderFailure::new(FailureKind::Unrenderable, reason)))
        }
    }
}

/// The ranges of [`ranges_to_fetch`]; those of a deflated file are one, and its bytes are not looked at here.
fn read_ranges(
    place: &LocalPlace,
    source: &FrameSource,
    step: &mut dyn FnMut(ReadStep),
) -> Result<Loaded, LoadError> {
    let (file, state) = open(place, source)?;
    let ranges = ranges_to_fetch(source);
    let lengths = ranges.iter().map(|range| length(range.end - range.start));
    let (header, frame) = match lengths.collect::<Result<Vec<_>, _>>()?[..] {
        [header, frame] => (header, frame),
        [whole] => (whole, 0),
        _ => return Err(changed()),
    };
    let mut buffer = vec![0; header.checked_add(frame).ok_or_else(changed)?];
    if frame == 0 || source.frame.offset == source.header_byte_count {
        read_pieces(&file, 0, &mut buffer, step)?;
    } else {
        let (header_bytes, frame_bytes) = buffer.split_at_mut(header);
        read_pieces(&file, 0, header_bytes, step)?;
        read_pieces(&file, source.frame.offset, frame_bytes, step)?;
    }
    Ok(Loaded { state: Some(state), buffer, header: 0..header, frame: header..header + frame })
}

/// Fills `buffer` from `offset`, and says after each piece but the last that it goes on.
pub(super) fn read_pieces(
    file: &File,
    offset: u64,
    buffer: &mut [u8],
    step: &mut dyn FnMut(ReadStep),
) -> Result<(), LoadError> {
    let mut at = offset;
    let mut pieces = buffer.chunks_mut(PIECE_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        file.read_exact_at(piece, at).map_err(from_io)?;
        at += piece.len() as u64;
        if pieces.peek().is_some() {
            step(ReadStep::GoesOn);
        }
    }
    Ok(())
}

/// The file, if it still has the bytes that the index counted: checked before a buffer of that size is made.
fn open(place: &LocalPlace, source: &FrameSource) -> Result<(File, FileState), LoadError> {
    let file = place.open().map_err(from_storage)?;
    let metadata = file.metadata().map_err(from_io)?;
    let byte_count = metadata.len();
    let frame_end = source.frame.offset.saturating_add(source.frame.byte_count);
    let inside = source.deflated || (source.header_byte_count <= byte_count && frame_end <= byte_count);
    if byte_count != source.file_byte_count || !inside {
        return Err(changed());
    }
    Ok((file, FileState::of(&metadata)))
}

fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Loaded {
    let mut buffer = Vec::new();
    let mut ends = Vec::new();
    for part in parts {
        buffer.extend_from_slice(part);
        ends.push(buffer.len());
    }
    let header = ends.first().copied().unwrap_or(0);
    Loaded { state: None, header: 0..header, frame: header..buffer.len(), buffer }
}

/// Header and frame of a deflated file, of which nothing else is kept.
fn inflated(read: &Loaded, source: &FrameSource, limits: &Limits) -> Result<Loaded, LoadError> {
    // The index inflated it: what cannot be inflated now is not what the index read.
    let ways = Deflation::ways(&read.buffer, limits).map_err(|_| changed())?;
    let parts = ways.into_iter().filter_map(|way| inflated_parts(read, way, source).ok());
    parts.into_iter().find(|loaded| loaded.is_as_indexed(source)).ok_or_else(changed)
}

fn inflated_parts(read: &Loaded, way: Deflation, source: &FrameSource) -> io::Result<Loaded> {
    let length = |byte_count: u64| usize::try_from(byte_count).map_err(io::Error::other);
    let (header, frame) = (length(source.header_byte_count)?, length(source.frame.byte_count)?);
    let mut stream = way.inflate(read.buffer.as_slice());
    let mut buffer = vec![0; header.saturating_add(frame)];
    stream.read_exact(&mut buffer[..header])?;
    // A frame that is not there has no place either.
    let between = source.frame.offset.saturating_sub(source.header_byte_count);
    io::copy(&mut (&mut stream).take(between), &mut io::sink())?;
    stream.read_exact(&mut buffer[header..])?;
    Ok(Loaded { state: read.state, buffer, header: 0..header, frame: header..header + frame })
}

pub(super) fn length(byte_count: u64) -> Result<usize, LoadError> {
    usize::try_from(byte_count).map_err(|_| changed())
}

pub(super) fn from_storage(error: StorageError) -> LoadError {
    LoadError::NotRead(match error {
        StorageError::NotFound => ReadError::NotFound,
        StorageError::NotAllowed => ReadError::NotAllowed,
        error => ReadError::Failed(error.to_string()),
    })
}

pub(super) fn from_io(error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => changed(),
        io::ErrorKind::NotFound => LoadError::NotRead(ReadError::NotFound),
        _ => LoadError::NotRead(ReadError::Failed(error.to_string())),
    }
}
