//! One file read: its header, where its frames lie, its digest and checksums, and never all of what a deflated file
//! inflates to.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use noctis_render::{Limits, ReadAt};
use noctis_shared::{catalog::NewInstance, storage::FILE_BYTES_MAX};

use super::{
    checksums::{Checksums, Digested},
    file_state::FileState,
    identity::MissingUids,
    instance::{FileFacts, row},
    rejected::Rejected,
};

/// Files up to this size are read once, into memory; larger ones are streamed.
const IN_MEMORY_BYTES_MAX: u64 = 8 << 20;
/// Bytes of one read of a streamed file, and of what a deflated one inflates to.
const STREAM_BYTES: usize = 256 << 10;
/// How often a file is read that is written to meanwhile.
const READS_MAX: u32 = 3;

/// Reads the file at `path` as the row that describes it under the URL `location`.
///
/// The header is parsed; of the pixel data only item headers are looked at. All bytes are read once more or less
/// for the digest, which tells duplicates from conflicts and names renders. What is written to meanwhile is read anew,
/// so that header, digest and checksums are of one state of the file. `missing` decides about a picture without
/// UIDs; what has no pictures is not shown without them in any case.
///
/// # Errors
/// [`Rejected`] for everything that is no instance.
pub fn read_instance(path: &Path, location: &str, missing: MissingUids) -> Result<NewInstance, Rejected> {
    read_within(&Limits::default(), path, location, missing)
}

/// As [`read_instance`], within other limits than those of the renderer.
///
/// # Errors
/// [`Rejected::BeyondLimit`] for what may be an instance under wider limits; else as [`read_instance`].
pub(super) fn read_within(
    limits: &Limits,
    path: &Path,
    location: &str,
    missing: MissingUids,
) -> Result<NewInstance, Rejected> {
    for _ in 0..READS_MAX {
        let file = File::open(path)?;
        let before = FileState::of(&file.metadata()?);
        let instance = read_open(limits, &file, location, missing);
        if FileState::of(&file.metadata()?) == before {
            return instance;
        }
    }
    Err(Rejected::Away("it is being written to".to_owned()))
}

fn read_open(
    limits: &Limits,
    file: &File,
    location: &str,
    missing: MissingUids,
) -> Result<NewInstance, Rejected> {
    let byte_count = file.metadata()?.len();
    if byte_count > FILE_BYTES_MAX {
        return Err(Rejected::NotDicom(format!("{byte_count} bytes are more than a file may have")));
    }
    if byte_count > IN_MEMORY_BYTES_MAX {
        let start = BufReader::with_capacity(STREAM_BYTES, file);
        return read_source(limits, &OpenFile { file, byte_count }, start, location, missing);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(byte_count).unwrap_or(0));
    file.take(IN_MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    read_source(limits, &bytes, bytes.as_slice(), location, missing)
}

/// Reads `source`, and once more from `start` to end: digest and checksums are of that one reading.
fn read_source(
    limits: &Limits,
    source: &dyn ReadAt,
    start: impl BufRead,
    location: &str,
    missing: MissingUids,
) -> Result<NewInstance, Rejected> {
    let scan = noctis_render::scan(source, limits)?;
    let mut file = Digested::of(start);
    let (pixels, bulk_values) = (scan.pixels.as_ref(), scan.header.bulk_values());
    let checksums = match scan.deflation {
        _ if pixels.is_none() && bulk_values.is_empty() => Checksums::default(),
        None => Checksums::of_stream(&mut file, pixels, bulk_values)?,
        Some(deflation) => {
            let inflated = BufReader::with_capacity(STREAM_BYTES, deflation.inflate(&mut file));
            Checksums::of_stream(inflated, pixels, bulk_values)?
        }
    };
    let digest = file.end()?;
    row(scan, &checksums, &FileFacts { location, digest, byte_count: source.byte_count(), missing })
}

/// A file that is too large for memory.
struct OpenFile<'a> {
    file: &'a File,
    byte_count: u64,
}

impl ReadAt for OpenFile<'_> {
    fn byte_count(&self) -> u64 {
        self.byte_count
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
