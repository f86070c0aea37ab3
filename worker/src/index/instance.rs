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
use noctis_render::{Limits, ReadAt, RenderError, Scan};
use noctis_shared::{
    catalog::{NewInstance, NewSeries, NewStudy},
    dicom_uid::UID_CHARS_MAX,
    render_key::ContentDigest,
    request::Window,
    storage::FILE_BYTES_MAX,
};

use super::{
    checksums::Checksums,
    dicom_text::{date, header_json, integer, text, time},
    file_state::FileState,
    identity::{Identity, MissingUids, uid},
    order_facts::order_facts,
};
use crate::slot::task::to_shared_window;

/// Files up to this size are read once, into memory; larger ones are streamed.
const IN_MEMORY_BYTES_MAX: u64 = 64 << 20;
/// How often a file is read that is written to meanwhile.
const READS_MAX: u32 = 3;

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
    /// A DICOMDIR.
    #[error("it is a DICOMDIR, the table of contents of a disc: its images are in the files beside it")]
    Directory,
    /// The file ends before what names it.
    #[error("the file is damaged: it ends in the middle of its header, as a copy that did not end")]
    HeaderCut,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It cannot be read now; the storage may be away for a moment.
    #[error("{0}; the storage may be away for a moment")]
    Away(String),
}

impl From<RenderError> for Rejected {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Io(error) => error.into(),
            other => Rejected::NotDicom(other.to_string()),
        }
    }
}

impl From<io::Error> for Rejected {
    fn from(error: io::Error) -> Self {
        let reason = format!("it cannot be read: {error}");
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::UnexpectedEof => Rejected::Unreadable(reason),
            // What is not there any more was listed a moment ago.
            _ => Rejected::Away(reason),
        }
    }
}

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
    for _ in 0..READS_MAX {
        let file = File::open(path)?;
        let before = FileState::of(&file.metadata()?);
        let instance = read_open(&file, location, missing);
        if FileState::of(&file.metadata()?) == before {
            return instance;
        }
    }
    Err(Rejected::Away("it is being written to".to_owned()))
}

fn read_open(file: &File, location: &str, missing: MissingUids) -> Result<NewInstance, Rejected> {
    let byte_count = file.metadata()?.len();
    if byte_count > FILE_BYTES_MAX {
        return Err(Rejected::NotDicom(format!("{byte_count} bytes are more than a file may have")));
    }
    if byte_count > IN_MEMORY_BYTES_MAX {
        read_large(file, byte_count, location, missing)
    } else {
        read_small(file, byte_count, location, missing)
    }
}

fn read_large(
    mut file: &File,
    byte_count: u64,
    location: &str,
    missing: MissingUids,
) -> Result<NewInstance, Rejected> {
    let scan = noctis_render::scan(&OpenFile { file, byte_count }, &Limits::default())?;
    let (digest, checksums) = Checksums::of_stream(&mut file, scan.pixels.as_ref())?;
    row(scan, &checksums, &FileFacts { location, digest, byte_count, missing })
}

fn read_small(
    file: &File,
    byte_count: u64,
    location: &str,
    missing: MissingUids,
) -> Result<NewInstance, Rejected> {
    let limits = Limits::default();
    let mut bytes = Vec::with_capacity(usize::try_from(byte_count).unwrap_or(0));
    file.take(IN_MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let digest = ContentDigest(*blake3::hash(&bytes).as_bytes());
    let facts = FileFacts { location, digest, byte_count: bytes.len() as u64, missing };
    let scan = noctis_render::scan(&bytes, &limits)?;
    if scan.pixels.as_ref().is_some_and(|pixels| pixels.deflated) {
        bytes = noctis_render::inflate(&bytes, &limits)?;
    }
    let checksums = Checksums::of_bytes(&bytes, scan.pixels.as_ref())?;
    row(scan, &checksums, &facts)
}

/// What is known of a file beside its content.
struct FileFacts<'a> {
    location: &'a str,
    digest: ContentDigest,
    byte_count: u64,
    missing: MissingUids,
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

/// As [`row_of`]; what a file cut short lacks is not missing.
fn row(scan: Scan, checksums: &Checksums, file: &FileFacts<'_>) -> Result<NewInstance, Rejected> {
    let ends_early = scan.header.ends_early();
    row_of(scan, checksums, file).map_err(|rejected| match rejected {
        Rejected::WithoutUid(_) if ends_early => Rejected::HeaderCut,
        rejected => rejected,
    })
}

fn row_of(scan: Scan, checksums: &Checksums, file: &FileFacts<'_>) -> Result<NewInstance, Rejected> {
    let header = &scan.header;
    let dataset = header.dataset();
    if is_directory(dataset) {
        return Err(Rejected::Directory);
    }
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
        order: order_facts(dataset),
        rows: with_pixels(header.rows()).filter(|rows| *rows > 0),
        columns: with_pixels(header.columns()).filter(|columns| *columns > 0),
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
        header_checksum: pixels.map_or(0, |pixels| checksums.header(pixels)),
        deflated: pixels.is_some_and(|pixels| pixels.deflated),
        frames: pixels.map_or_else(Vec::new, |pixels| checksums.frames(pixels)),
    })
}

/// Whether it is a basic directory, whose data set is of group 0004 (PS3.3 F.3.2.2).
fn is_directory(dataset: &InMemDicomObject) -> bool {
    [tags::DIRECTORY_RECORD_SEQUENCE, tags::OFFSET_OF_THE_FIRST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY]
        .iter()
        .any(|tag| dataset.element_opt(*tag).ok().flatten().is_some())
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

#[cfg(test)]
mod tests;
