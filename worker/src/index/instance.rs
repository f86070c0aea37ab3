//! One file as a row of the catalog.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use noctis_render::{Limits, PixelIndex, ReadAt, RenderError, Scan};
use noctis_shared::{
    catalog::{NewInstance, NewSeries, NewStudy},
    dicom_uid::UID_CHARS_MAX,
    job::FrameRange,
    render_key::ContentDigest,
    request::Window,
    storage::FILE_BYTES_MAX,
};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    dicom_text::{date, header_json, integer, text, time},
    identity::{Identity, MissingUids, uid},
    slice_position::slice_position,
};
use crate::slot::task::to_shared_window;

/// Files up to this size are read once, into memory; larger ones are streamed.
const IN_MEMORY_BYTES_MAX: u64 = 64 << 20;
/// Bytes of one read of a streamed file.
const STREAM_BYTES: usize = 1 << 20;

/// Why a file is no instance. Without patient data, since reasons are logged and published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not DICOM, damaged, or beyond a limit.
    #[error("{0}")]
    NotDicom(String),
    /// Without a value that names it.
    #[error("{0} is missing")]
    WithoutUid(&'static str),
    /// A value that names it has more characters than any UID.
    #[error("{name} is too long: it has {length} characters, a UID has {UID_CHARS_MAX} at most")]
    UidTooLong {
        /// Name of the attribute.
        name: &'static str,
        /// Its characters.
        length: usize,
    },
    /// What should name it could be read in more than one way.
    #[error("{0} is no UID: it has several values, or characters without a meaning")]
    NoUid(&'static str),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl From<RenderError> for Rejected {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Io(error) => Rejected::Unreadable(error.to_string()),
            other => Rejected::NotDicom(other.to_string()),
        }
    }
}

impl From<io::Error> for Rejected {
    fn from(error: io::Error) -> Self {
        Rejected::Unreadable(error.to_string())
    }
}

/// Reads the file at `path` as the row that describes it under the URL `location`.
///
/// The header is parsed; of the pixel data only item headers are looked at. All bytes are read once more or less
/// for the digest, which tells duplicates from conflicts and names renders. `missing` decides about a picture without
/// UIDs; what has no pictures is not shown without them in any case.
///
/// # Errors
/// [`Rejected`] for everything that is no instance.
pub fn read_instance(path: &Path, location: &str, missing: MissingUids) -> Result<NewInstance, Rejected> {
    let limits = Limits::default();
    let mut file = File::open(path)?;
    let byte_count = file.metadata()?.len();
    if byte_count > FILE_BYTES_MAX {
        return Err(Rejected::NotDicom(format!("{byte_count} bytes are more than a file may have")));
    }
    if byte_count > IN_MEMORY_BYTES_MAX {
        let digest = stream_digest(&mut file)?;
        let source = OpenFile { file, byte_count };
        let scan = noctis_render::scan(&source, &limits)?;
        return row(&source, scan, FileFacts { location, digest, byte_count, missing });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(byte_count).unwrap_or(0));
    file.take(IN_MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let digest = ContentDigest(*blake3::hash(&bytes).as_bytes());
    let facts = FileFacts { location, digest, byte_count: bytes.len() as u64, missing };
    let scan = noctis_render::scan(&bytes, &limits)?;
    if scan.pixels.as_ref().is_some_and(|pixels| pixels.deflated) {
        bytes = noctis_render::inflate(&bytes, &limits)?;
    }
    row(&bytes, scan, facts)
}

/// What is known of a file beside its content.
struct FileFacts<'a> {
    location: &'a str,
    digest: ContentDigest,
    byte_count: u64,
    missing: MissingUids,
}

fn stream_digest(file: &mut File) -> io::Result<ContentDigest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; STREAM_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(ContentDigest(*hasher.finalize().as_bytes())),
            count => hasher.update(&buffer[..count]),
        };
    }
}

/// A file that is too large for memory.
struct OpenFile {
    file: File,
    byte_count: u64,
}

impl ReadAt for OpenFile {
    fn byte_count(&self) -> u64 {
        self.byte_count
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

fn row(bytes: &dyn ReadAt, scan: Scan, file: FileFacts<'_>) -> Result<NewInstance, Rejected> {
    let header = &scan.header;
    let dataset = header.dataset();
    let pixels = scan.pixels.as_ref();
    let with_pixels = |value: u32| pixels.map(|_| value);
    let missing = if pixels.is_some() { file.missing } else { MissingUids::Refuse };
    let identity = Identity::of(dataset, missing, &file.digest)?;
    Ok(NewInstance {
        study: study(dataset, identity.study_instance_uid),
        series: series(dataset, identity.series_instance_uid),
        sop_instance_uid: identity.sop_instance_uid,
        sop_class_uid: uid(dataset, tags::SOP_CLASS_UID, "SOP Class UID").ok(),
        instance_number: integer(dataset, tags::INSTANCE_NUMBER),
        slice_position: slice_position(dataset),
        rows: with_pixels(header.rows()),
        columns: with_pixels(header.columns()),
        samples_per_pixel: unsigned(dataset, tags::SAMPLES_PER_PIXEL).unwrap_or(1),
        bits_allocated: unsigned(dataset, tags::BITS_ALLOCATED).unwrap_or(0),
        frame_count: with_pixels(header.frame_count()).unwrap_or(0),
        transfer_syntax_uid: header.transfer_syntax_uid().to_owned(),
        photometric_interpretation: text(dataset, tags::PHOTOMETRIC_INTERPRETATION),
        window: first_window(&scan),
        header_json: header_json(dataset),
        location: file.location.to_owned(),
        content_digest: file.digest,
        file_byte_count: file.byte_count,
        header_byte_count: pixels.map_or(0, |pixels| pixels.header_byte_count),
        header_checksum: pixels.map_or(Ok(0), |pixels| checksum(bytes, 0, pixels.header_byte_count))?,
        deflated: pixels.is_some_and(|pixels| pixels.deflated),
        frames: pixels.map_or(Ok(Vec::new()), |pixels| frames(bytes, pixels))?,
    })
}

fn first_window(scan: &Scan) -> Option<Window> {
    scan.pixels.as_ref()?;
    scan.header.file_window(1).and_then(to_shared_window)
}

fn study(dataset: &InMemDicomObject, uid: String) -> NewStudy {
    NewStudy {
        uid,
        patient_id: text(dataset, tags::PATIENT_ID),
        patient_name: text(dataset, tags::PATIENT_NAME),
        patient_birth_date: date(dataset, tags::PATIENT_BIRTH_DATE),
        patient_sex: text(dataset, tags::PATIENT_SEX),
        study_date: date(dataset, tags::STUDY_DATE),
        study_time: time(dataset, tags::STUDY_TIME),
        study_description: text(dataset, tags::STUDY_DESCRIPTION),
        accession_number: text(dataset, tags::ACCESSION_NUMBER),
    }
}

fn series(dataset: &InMemDicomObject, uid: String) -> NewSeries {
    NewSeries {
        uid,
        series_number: integer(dataset, tags::SERIES_NUMBER),
        series_description: text(dataset, tags::SERIES_DESCRIPTION),
        modality: text(dataset, tags::MODALITY),
        body_part: text(dataset, tags::BODY_PART_EXAMINED),
    }
}

fn unsigned(dataset: &InMemDicomObject, tag: Tag) -> Option<u32> {
    integer(dataset, tag).and_then(|value| u32::try_from(value).ok())
}

fn frames(bytes: &dyn ReadAt, pixels: &PixelIndex) -> Result<Vec<FrameRange>, Rejected> {
    let range = |range: &noctis_render::FrameRange| {
        let checksum = checksum(bytes, range.offset, range.byte_count)?;
        Ok(FrameRange { offset: range.offset, byte_count: range.byte_count, checksum })
    };
    pixels.frames.iter().map(range).collect()
}

/// XXH3-64 of a range, which the scan has bounded by the file.
fn checksum(bytes: &dyn ReadAt, offset: u64, byte_count: u64) -> Result<u64, Rejected> {
    let length =
        usize::try_from(byte_count).map_err(|_| Rejected::NotDicom("a frame is too large".into()))?;
    let mut buffer = vec![0; length];
    bytes.read_exact_at(offset, &mut buffer)?;
    Ok(xxh3_64(&buffer))
}

#[cfg(test)]
mod tests;
