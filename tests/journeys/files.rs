//! DICOM files that journeys make themselves.

use std::path::Path;

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Samples, Uids};

/// Rows and columns of a slice.
pub(crate) const SIDE: u16 = 64;

/// SOP Instance UID of slice `number` of the study named `study`.
pub(crate) fn slice_uid(study: &str, number: u32) -> String {
    Uids::named(study, "axial", number).instance
}

/// Study Instance UID of the study named `study`.
pub(crate) fn study_uid(study: &str) -> String {
    Uids::named(study, "axial", 1).study
}

/// A CT slice whose stored value is row + column + number, in Hounsfield units from -1024.
pub(crate) fn slice(study: &str, number: u32) -> DemoFile {
    let offset = i16::try_from(number).expect("few slices");
    let values =
        (0..SIDE as i16).flat_map(|row| (0..SIDE as i16).map(move |column| row * 10 + column + offset));
    DemoFile::new(uids::CT_IMAGE_STORAGE, &Uids::named(study, "axial", number))
        .pixels(SIDE, SIDE, 1, Samples::Signed16(values.collect()))
        .set(tags::MODALITY, "CT")
        .set(tags::PATIENT_NAME, "Journey^Test")
        .set(tags::PATIENT_ID, "JOURNEY-1")
        .set(tags::STUDY_DATE, "20261123")
        .set(tags::INSTANCE_NUMBER, &number.to_string())
        .set(tags::RESCALE_INTERCEPT, "-1024")
        .set(tags::RESCALE_SLOPE, "1")
        .set(tags::WINDOW_CENTER, "-700")
        .set(tags::WINDOW_WIDTH, "600")
        // Written backwards, so that display order is seen to come from the geometry.
        .set(tags::IMAGE_POSITION_PATIENT, &format!("0\\0\\-{number}"))
        .set(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
}

/// Writes `count` slices of the study named `study` to `folder`.
pub(crate) fn write_study(folder: &Path, study: &str, count: u32) {
    for number in 1..=count {
        slice(study, number).write(&folder.join(format!("{number}.dcm"))).expect("written");
    }
}

/// The display value that PS3.3 C.11.2.1.2.1 (LINEAR) gives a modality value.
pub(crate) fn linear(value: f64, center: f64, width: f64) -> u8 {
    let fraction = (value - (center - 0.5)) / (width - 1.0) + 0.5;
    (fraction.clamp(0.0, 1.0) * 255.0 + 0.5).floor() as u8
}

/// The display values of slice `number` under a window.
pub(crate) fn windowed_slice(number: u32, center: f64, width: f64) -> Vec<u8> {
    let values = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| f64::from(row * 10 + column)));
    values.map(|stored| linear(stored + f64::from(number) - 1024.0, center, width)).collect()
}
