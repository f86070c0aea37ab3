//! Builds small DICOM files in the native transfer syntaxes, for the demonstration study and for tests.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use thiserror::Error;
use uuid::Uuid;

/// Names the program, and the version of what it draws, in every file (Implementation Version Name).
pub(crate) const MARK: &str = "NOCTIS_DEMO_1";

/// A file that could not be made.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The folder or file cannot be read, made or renamed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The attributes cannot be encoded, such as a UID with letters in it.
    #[error("the DICOM file cannot be encoded: {0}")]
    Encode(String),
}

/// A UID that is the same on every machine: `2.25.` and the UUID (version 5, OID namespace) of a name (PS3.5 B.2).
pub fn demo_uid(name: &str) -> String {
    format!("2.25.{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u128())
}

/// Where an instance belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uids {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub instance: String,
}

impl Uids {
    /// UIDs made by [`demo_uid`]: equal names give equal UIDs.
    pub fn named(study: &str, series: &str, instance: u32) -> Self {
        let (series, study) = (format!("{study}/{series}"), study);
        Self {
            study: demo_uid(study),
            instance: demo_uid(&format!("{series}/{instance}")),
            series: demo_uid(&series),
        }
    }
}

/// Stored values of all frames, row-major, frame after frame.
#[derive(Debug, Clone)]
pub enum Samples {
    /// 16 bits, two's complement, as CT.
    Signed16(Vec<i16>),
    /// `bits_stored` of 16 bits, as MR and radiographs.
    Unsigned16 {
        /// 1 to 16.
        bits_stored: u16,
        /// The values.
        values: Vec<u16>,
    },
    /// Three bytes a pixel, interleaved.
    Rgb8(Vec<u8>),
    /// One byte a pixel.
    Grey8(Vec<u8>),
}

/// The transfer syntaxes whose pixel data is not compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NativeSyntax {
    /// Explicit VR Little Endian.
    #[default]
    ExplicitLittle,
    /// Implicit VR Little Endian.
    ImplicitLittle,
    /// Explicit VR Big Endian (retired, still found in archives).
    ExplicitBig,
}

impl NativeSyntax {
    fn uid(self) -> &'static str {
        match self {
            Self::ExplicitLittle => uids::EXPLICIT_VR_LITTLE_ENDIAN,
            Self::ImplicitLittle => uids::IMPLICIT_VR_LITTLE_ENDIAN,
            // The dictionary marks the retired syntax as deprecated, so its UID is written out.
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
        }
    }
}

/// A DICOM file in the making: pixels first, then whatever attributes the case needs.
///
/// ```
/// use noctis_demo::{DemoFile, Samples, Uids};
/// use dicom_dictionary_std::{tags, uids};
///
/// let bytes = DemoFile::new(uids::CT_IMAGE_STORAGE, &Uids::named("study", "series", 1))
///     .pixels(4, 4, 1, Samples::Signed16(vec![0; 16]))
///     .set(tags::MODALITY, "CT")
///     .set(tags::RESCALE_INTERCEPT, "-1024")
///     .to_bytes()?;
/// assert_eq!(&bytes[128..132], b"DICM");
/// # Ok::<(), noctis_demo::DemoError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DemoFile {
    object: InMemDicomObject,
    sop_class_uid: String,
    sop_instance_uid: String,
    syntax: NativeSyntax,
}

/// An item of a sequence.
#[derive(Debug, Clone)]
pub struct DemoItem(InMemDicomObject);

impl DemoItem {
    /// An item with nothing in it.
    pub fn empty() -> Self {
        Self(InMemDicomObject::new_empty())
    }

    /// Sets a text attribute, as [`DemoFile::set`] does.
    pub fn set(mut self, tag: Tag, value: &str) -> Self {
        self.0.put(text(tag, value));
        self
    }

    /// Sets an attribute of VR US.
    pub fn number(mut self, tag: Tag, value: u16) -> Self {
        self.0.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        self
    }

    /// Sets a sequence of these items.
    pub fn sequence(mut self, tag: Tag, items: Vec<DemoItem>) -> Self {
        self.0.put(sequence(tag, items));
        self
    }
}

fn text(tag: Tag, value: &str) -> DataElement<InMemDicomObject> {
    let vr = StandardDataDictionary.by_tag(tag).map_or(VR::LO, |entry| entry.vr().relaxed());
    DataElement::new(tag, vr, PrimitiveValue::from(value))
}

fn sequence(tag: Tag, items: Vec<DemoItem>) -> DataElement<InMemDicomObject> {
    let items: Vec<InMemDicomObject> = items.into_iter().map(|DemoItem(item)| item).collect();
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

impl DemoFile {
    /// A file with its four UIDs and nothing else.
    pub fn new(sop_class_uid: &str, uids: &Uids) -> Self {
        let file = Self {
            object: InMemDicomObject::new_empty(),
            sop_class_uid: sop_class_uid.to_owned(),
            sop_instance_uid: uids.instance.clone(),
            syntax: NativeSyntax::default(),
        };
        file.set(tags::SOP_CLASS_UID, sop_class_uid)
            .set(tags::SOP_INSTANCE_UID, &uids.instance)
            .set(tags::STUDY_INSTANCE_UID, &uids.study)
            .set(tags::SERIES_INSTANCE_UID, &uids.series)
    }

    /// Sets the Image Pixel module (PS3.3 C.7.6.3); grey data is MONOCHROME2 until [`Self::set`] says otherwise.
    ///
    /// Number of Frames is written when `frames` is not 1. The lengths are not checked against each other, so that a
    /// test can make a file that lies.
    pub fn pixels(self, rows: u16, columns: u16, frames: u32, samples: Samples) -> Self {
        let (samples_per_pixel, photometric, allocated, stored, signed) = match &samples {
            Samples::Signed16(_) => (1, "MONOCHROME2", 16, 16, 1),
            Samples::Unsigned16 { bits_stored, .. } => (1, "MONOCHROME2", 16, *bits_stored, 0),
            Samples::Rgb8(_) => (3, "RGB", 8, 8, 0),
            Samples::Grey8(_) => (1, "MONOCHROME2", 8, 8, 0),
        };
        let mut file = self
            .number(tags::SAMPLES_PER_PIXEL, samples_per_pixel)
            .set(tags::PHOTOMETRIC_INTERPRETATION, photometric)
            .number(tags::ROWS, rows)
            .number(tags::COLUMNS, columns)
            .number(tags::BITS_ALLOCATED, allocated)
            .number(tags::BITS_STORED, stored)
            .number(tags::HIGH_BIT, stored.saturating_sub(1))
            .number(tags::PIXEL_REPRESENTATION, signed);
        if samples_per_pixel == 3 {
            file = file.number(tags::PLANAR_CONFIGURATION, 0);
        }
        if frames != 1 {
            file = file.set(tags::NUMBER_OF_FRAMES, &frames.to_string());
        }
        let (vr, value) = encoded(samples);
        file.object.put(DataElement::new(tags::PIXEL_DATA, vr, value));
        file
    }

    /// Sets a text attribute, several values parted by `\`; the data dictionary decides its VR.
    pub fn set(mut self, tag: Tag, value: &str) -> Self {
        self.object.put(text(tag, value));
        self
    }

    /// Sets an attribute of VR OB.
    pub fn bytes(mut self, tag: Tag, value: &[u8]) -> Self {
        self.object.put(DataElement::new(tag, VR::OB, PrimitiveValue::from(value.to_vec())));
        self
    }

    /// Sets an attribute of VR US.
    pub fn number(mut self, tag: Tag, value: u16) -> Self {
        self.object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        self
    }

    /// Sets an attribute whose value is a tag (VR AT).
    pub fn pointer(mut self, tag: Tag, value: Tag) -> Self {
        self.object.put(DataElement::new(tag, VR::AT, PrimitiveValue::from(value)));
        self
    }

    /// Sets a sequence of these items.
    pub fn sequence(mut self, tag: Tag, items: Vec<DemoItem>) -> Self {
        self.object.put(sequence(tag, items));
        self
    }

    /// Takes an attribute away.
    pub fn without(mut self, tag: Tag) -> Self {
        self.object.remove_element(tag);
        self
    }

    /// Writes the data set in another native transfer syntax.
    pub fn syntax(mut self, syntax: NativeSyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// The whole file: preamble, meta information, data set.
    ///
    /// # Errors
    /// [`DemoError::Encode`] when an attribute cannot be encoded.
    pub fn to_bytes(self) -> Result<Vec<u8>, DemoError> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes the file, whole or not at all: under another name first, then renamed. Missing folders are made.
    ///
    /// # Errors
    /// [`DemoError`] when the file cannot be written or encoded.
    pub fn write(self, path: &Path) -> Result<(), DemoError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| DemoError::Io { path, source }
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let unfinished = path.with_extension("part");
        let mut out = BufWriter::new(File::create(&unfinished).map_err(at(&unfinished))?);
        self.encode(&mut out)?;
        out.flush().map_err(at(&unfinished))?;
        fs::rename(&unfinished, path).map_err(at(path))
    }

    fn encode(self, out: impl Write) -> Result<(), DemoError> {
        let meta = FileMetaTableBuilder::new()
            .media_storage_sop_class_uid(self.sop_class_uid)
            .media_storage_sop_instance_uid(self.sop_instance_uid)
            .transfer_syntax(self.syntax.uid())
            .implementation_class_uid(demo_uid("noctis"))
            .implementation_version_name(MARK);
        let file = self.object.with_meta(meta).map_err(|error| DemoError::Encode(error.to_string()))?;
        file.write_all(out).map_err(|error| DemoError::Encode(error.to_string()))
    }
}

fn encoded(samples: Samples) -> (VR, PrimitiveValue) {
    match samples {
        Samples::Signed16(values) => {
            (VR::OW, PrimitiveValue::U16(values.into_iter().map(|value| value as u16).collect()))
        }
        Samples::Unsigned16 { values, .. } => (VR::OW, PrimitiveValue::U16(values.into())),
        Samples::Rgb8(mut bytes) | Samples::Grey8(mut bytes) => {
            // PS3.5 8.1.1: pixel data has an even length.
            if bytes.len() % 2 == 1 {
                bytes.push(0);
            }
            (VR::OB, PrimitiveValue::U8(bytes.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> DemoFile {
        let values = (0..6).map(|value| value * 257 - 700).collect();
        DemoFile::new(uids::CT_IMAGE_STORAGE, &Uids::named("test", "series", 3))
            .pixels(2, 3, 1, Samples::Signed16(values))
            .set(tags::WINDOW_CENTER, r"40\-600")
    }

    #[test]
    fn a_file_parses_back_in_every_native_syntax() {
        for syntax in [NativeSyntax::ExplicitLittle, NativeSyntax::ImplicitLittle, NativeSyntax::ExplicitBig]
        {
            let bytes = file().syntax(syntax).to_bytes().expect("encodes");
            let read = dicom_object::from_reader(&bytes[..]).expect("parses");
            assert_eq!(read.meta().transfer_syntax(), syntax.uid());
            let pixels = read.element(tags::PIXEL_DATA).expect("has pixels").to_multi_int::<u16>();
            let expected: Vec<u16> = (0..6).map(|value| (value * 257 - 700) as u16).collect();
            assert_eq!(pixels.expect("are numbers"), expected, "{syntax:?}");
            let centers = read.element(tags::WINDOW_CENTER).expect("has windows").to_multi_float64();
            assert_eq!(centers.expect("are numbers"), [40.0, -600.0]);
        }
    }

    #[test]
    fn uids_are_short_enough_and_stable() {
        let uids = Uids::named("study", "series", 1);
        assert_eq!(uids, Uids::named("study", "series", 1));
        assert_ne!(uids.instance, Uids::named("study", "series", 2).instance);
        assert!(uids.instance.len() <= 64 && uids.instance.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    }

    #[test]
    fn an_odd_number_of_bytes_is_padded() {
        let file = DemoFile::new(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, &Uids::named("odd", "s", 1));
        let bytes = file.pixels(1, 3, 1, Samples::Grey8(vec![1, 2, 3])).to_bytes().expect("encodes");
        let read = dicom_object::from_reader(&bytes[..]).expect("parses");
        assert_eq!(
            read.element(tags::PIXEL_DATA).expect("has pixels").to_bytes().expect("are bytes").len(),
            4
        );
    }
}
