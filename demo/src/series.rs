//! The four series of the demonstration study: which files there are, and what each says about itself.

use dicom_dictionary_std::{tags, uids};

use super::chest::{Chest, HEIGHT_MM};
use super::dicom_file::{DemoFile, Samples, Uids, demo_uid};
use super::ultrasound::Cine;
use super::{phantom_ct, phantom_mr, xray};

/// The name that all UIDs of the study are derived from; a new one makes a new study.
pub(crate) const STUDY: &str = "noctis demo study 1";
/// The patient that all pictures show.
pub(crate) const SEED: u64 = 7;

const CT_SLICES: u32 = 72;
const CT_SIZE: u16 = 512;
const MR_SLICES: u32 = 24;
const MR_SIZE: u16 = 320;
const XRAY_ROWS: u16 = 2500;
const XRAY_COLUMNS: u16 = 2000;
const CINE_ROWS: u16 = 480;
const CINE_COLUMNS: u16 = 640;
const CINE_FRAMES: u32 = 20;

/// One file of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    Ct(u32),
    Mr(u32),
    XRay,
    Ultrasound,
}

impl Picture {
    /// All files, the ones that take longest first.
    pub(crate) fn all() -> Vec<Self> {
        let slow = [Self::XRay, Self::Ultrasound];
        slow.into_iter().chain((0..CT_SLICES).map(Self::Ct)).chain((0..MR_SLICES).map(Self::Mr)).collect()
    }

    /// Where the file lies in the study's folder.
    pub(crate) fn file_name(self) -> String {
        match self {
            Self::Ct(index) => format!("ct-chest/{:03}.dcm", index + 1),
            Self::Mr(index) => format!("mr-head/{:03}.dcm", index + 1),
            Self::XRay => "xray-chest/001.dcm".to_owned(),
            Self::Ultrasound => "us-heart/001.dcm".to_owned(),
        }
    }

    /// Draws the picture and describes it. `chest` is made when the first picture needs it.
    pub(crate) fn file<'a>(self, chest: impl FnOnce() -> &'a Chest) -> DemoFile {
        match self {
            Self::Ct(index) => ct(chest(), index),
            Self::Mr(index) => mr(index),
            Self::XRay => radiograph(chest()),
            Self::Ultrasound => cine(),
        }
    }
}

/// Patient, study, series and equipment (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1), equal in all files of a series.
fn described(sop_class_uid: &str, modality: &str, number: u32, description: &str, instance: u32) -> DemoFile {
    DemoFile::new(sop_class_uid, &Uids::named(STUDY, modality, instance))
        .set(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192")
        .set(tags::PATIENT_NAME, "Demo^Noctis")
        .set(tags::PATIENT_ID, "NOCTIS-DEMO")
        .set(tags::PATIENT_BIRTH_DATE, "19700101")
        .set(tags::PATIENT_SEX, "O")
        .set(tags::PATIENT_COMMENTS, "Synthetic pictures: no person was imaged")
        .set(tags::STUDY_DATE, "20260115")
        .set(tags::STUDY_TIME, "093000")
        .set(tags::ACCESSION_NUMBER, "DEMO0001")
        .set(tags::STUDY_ID, "1")
        .set(tags::STUDY_DESCRIPTION, "Noctis demonstration (synthetic)")
        .set(tags::REFERRING_PHYSICIAN_NAME, "")
        .set(tags::MODALITY, modality)
        .set(tags::SERIES_NUMBER, &number.to_string())
        .set(tags::SERIES_DESCRIPTION, description)
        .set(tags::SERIES_DATE, "20260115")
        .set(tags::SERIES_TIME, &format!("09{:02}00", 30 + 5 * number))
        .set(tags::CONTENT_DATE, "20260115")
        .set(tags::CONTENT_TIME, &format!("09{:02}{:02}", 30 + 5 * number, instance % 60))
        .set(tags::INSTANCE_NUMBER, &instance.to_string())
        .set(tags::MANUFACTURER, "Noctis")
        .set(tags::MANUFACTURER_MODEL_NAME, "Synthetic phantom")
        .set(tags::SOFTWARE_VERSIONS, "1")
}

/// Frame of reference and image plane (PS3.3 C.7.4.1, C.7.6.2) of an axial slice centred on the patient.
fn axial(file: DemoFile, modality: &str, size: u16, field_mm: f32, z_mm: f32, thickness_mm: f32) -> DemoFile {
    let spacing_mm = field_mm / f32::from(size);
    let first_mm = -spacing_mm * (f32::from(size) - 1.0) / 2.0;
    file.set(tags::FRAME_OF_REFERENCE_UID, &demo_uid(&format!("{STUDY}/{modality}/frame of reference")))
        .set(tags::POSITION_REFERENCE_INDICATOR, "")
        .set(tags::PATIENT_POSITION, "HFS")
        .set(tags::IMAGE_POSITION_PATIENT, &format!(r"{first_mm:.4}\{first_mm:.4}\{z_mm:.2}"))
        .set(tags::IMAGE_ORIENTATION_PATIENT, r"1\0\0\0\1\0")
        .set(tags::PIXEL_SPACING, &format!(r"{spacing_mm:.6}\{spacing_mm:.6}"))
        .set(tags::SLICE_THICKNESS, &format!("{thickness_mm}"))
        .set(tags::SPACING_BETWEEN_SLICES, &format!("{thickness_mm}"))
        .set(tags::SLICE_LOCATION, &format!("{z_mm:.2}"))
        .set(tags::ACQUISITION_NUMBER, "1")
}

fn ct(chest: &Chest, index: u32) -> DemoFile {
    let thickness_mm = HEIGHT_MM / CT_SLICES as f32;
    let z_mm = (index as f32 + 0.5) * thickness_mm - HEIGHT_MM;
    let values = phantom_ct::stored_slice(chest, CT_SIZE, CT_SIZE, index, CT_SLICES, SEED);
    let file = described(uids::CT_IMAGE_STORAGE, "CT", 1, "Chest with contrast, 4 mm", index + 1);
    axial(file, "CT", CT_SIZE, phantom_ct::FIELD_MM, z_mm, thickness_mm)
        .pixels(CT_SIZE, CT_SIZE, 1, Samples::Signed16(values))
        .set(tags::IMAGE_TYPE, r"ORIGINAL\PRIMARY\AXIAL")
        .set(tags::BODY_PART_EXAMINED, "CHEST")
        .set(tags::CONTRAST_BOLUS_AGENT, "SYNTHETIC")
        .set(tags::KVP, "120")
        .set(tags::X_RAY_TUBE_CURRENT, "220")
        .set(tags::EXPOSURE_TIME, "500")
        .set(tags::CONVOLUTION_KERNEL, "STANDARD")
        .set(tags::RESCALE_INTERCEPT, &format!("{}", -phantom_ct::STORED_OFFSET))
        .set(tags::RESCALE_SLOPE, "1")
        .set(tags::RESCALE_TYPE, "HU")
        .set(tags::WINDOW_CENTER, r"40\-600")
        .set(tags::WINDOW_WIDTH, r"400\1500")
        .set(tags::WINDOW_CENTER_WIDTH_EXPLANATION, r"MEDIASTINUM\LUNG")
}

fn mr(index: u32) -> DemoFile {
    let thickness_mm = phantom_mr::SPACING_MM;
    let values = phantom_mr::stored_slice(MR_SIZE, MR_SIZE, index, MR_SLICES, SEED);
    let (center, width) = phantom_mr::window(&values);
    let file = described(uids::MR_IMAGE_STORAGE, "MR", 2, "Head T1 axial", index + 1);
    axial(file, "MR", MR_SIZE, phantom_mr::FIELD_MM, (index as f32 + 0.5) * thickness_mm, thickness_mm)
        .pixels(MR_SIZE, MR_SIZE, 1, Samples::Unsigned16 { bits_stored: 12, values })
        .set(tags::IMAGE_TYPE, r"ORIGINAL\PRIMARY\M\SE")
        .set(tags::BODY_PART_EXAMINED, "HEAD")
        .set(tags::SCANNING_SEQUENCE, "SE")
        .set(tags::SEQUENCE_VARIANT, "NONE")
        .set(tags::SCAN_OPTIONS, "")
        .set(tags::MR_ACQUISITION_TYPE, "2D")
        .set(tags::REPETITION_TIME, "520")
        .set(tags::ECHO_TIME, "12")
        .set(tags::ECHO_TRAIN_LENGTH, "1")
        .set(tags::MAGNETIC_FIELD_STRENGTH, "1.5")
        .set(tags::WINDOW_CENTER, &center.to_string())
        .set(tags::WINDOW_WIDTH, &width.to_string())
}

fn radiograph(chest: &Chest) -> DemoFile {
    let values = xray::stored_image(chest, XRAY_ROWS, XRAY_COLUMNS, SEED);
    let spacing_mm = xray::SPACING_MM;
    let class = uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE;
    described(class, "CR", 3, "Chest PA", 1)
        .pixels(XRAY_ROWS, XRAY_COLUMNS, 1, Samples::Unsigned16 { bits_stored: 12, values })
        .set(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1")
        .set(tags::IMAGE_TYPE, r"ORIGINAL\PRIMARY")
        .set(tags::BODY_PART_EXAMINED, "CHEST")
        .set(tags::VIEW_POSITION, "PA")
        .set(tags::LATERALITY, "")
        .set(tags::PATIENT_ORIENTATION, r"L\F")
        .set(tags::KVP, "125")
        .set(tags::IMAGER_PIXEL_SPACING, &format!(r"{spacing_mm}\{spacing_mm}"))
        .set(tags::BURNED_IN_ANNOTATION, "NO")
        .set(tags::WINDOW_CENTER, "2150")
        .set(tags::WINDOW_WIDTH, "3300")
}

fn cine() -> DemoFile {
    const FRAME_MS: u32 = 45;
    let cine = Cine::new(CINE_ROWS, CINE_COLUMNS, CINE_FRAMES, SEED);
    let frame_bytes = usize::from(CINE_ROWS) * usize::from(CINE_COLUMNS) * 3;
    let mut bytes = Vec::with_capacity(frame_bytes * CINE_FRAMES as usize);
    for frame_index in 0..CINE_FRAMES {
        bytes.extend_from_slice(&cine.frame(frame_index));
    }
    described(uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE, "US", 4, "Heart, four chambers", 1)
        .pixels(CINE_ROWS, CINE_COLUMNS, CINE_FRAMES, Samples::Rgb8(bytes))
        .set(tags::IMAGE_TYPE, r"ORIGINAL\PRIMARY")
        .set(tags::BODY_PART_EXAMINED, "HEART")
        .set(tags::LATERALITY, "")
        .set(tags::PATIENT_ORIENTATION, "")
        .set(tags::FRAME_TIME, &FRAME_MS.to_string())
        .pointer(tags::FRAME_INCREMENT_POINTER, tags::FRAME_TIME)
        .set(tags::CINE_RATE, &(1000 / FRAME_MS).to_string())
        .set(tags::HEART_RATE, "67")
        .set(tags::LOSSY_IMAGE_COMPRESSION, "00")
        .set(tags::BURNED_IN_ANNOTATION, "YES")
}
