//! One file as a row of the catalog.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use noctis_render::Scan;
use noctis_shared::{
    catalog::NewInstance,
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    render_key::ContentDigest,
    request::Window,
};

use super::{
    checksums::Checksums,
    dicom_text::{date, integer, short_text, time},
    elements::Elements,
    header_json::header_json,
    identity::{Identity, MissingUids, uid},
    order_facts::order_facts,
    rejected::Rejected,
};
use crate::slot::render_terms::to_shared_window;

/// What is known of a file beside its content.
pub(super) struct FileFacts<'a> {
    pub(super) location: &'a str,
    pub(super) digest: ContentDigest,
    pub(super) byte_count: u64,
    pub(super) missing: MissingUids,
}

/// The row of a file that was scanned. What a file cut short lacks is not missing.
///
/// # Errors
/// [`Rejected`] for what nothing names, and for a DICOMDIR.
pub(super) fn row(scan: Scan, checksums: &Checksums, file: &FileFacts<'_>) -> Result<NewInstance, Rejected> {
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
        study_instance_uid: identity.study_instance_uid,
        study: study_facts(dataset),
        series_instance_uid: identity.series_instance_uid,
        series: series_facts(dataset),
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
        photometric_interpretation: short_text(dataset, tags::PHOTOMETRIC_INTERPRETATION),
        window: first_window(&scan),
        facts: ImageFacts::read(Elements(dataset)),
        header_json: header_json(dataset, header.bulk_values()),
        bulk_values: checksums.bulk_values(header.bulk_values()),
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

fn patient_facts(dataset: &InMemDicomObject) -> PatientFacts {
    PatientFacts {
        patient_id: short_text(dataset, tags::PATIENT_ID),
        patient_name: short_text(dataset, tags::PATIENT_NAME),
        patient_birth_date: date(dataset, tags::PATIENT_BIRTH_DATE),
        patient_sex: short_text(dataset, tags::PATIENT_SEX),
    }
}

fn study_facts(dataset: &InMemDicomObject) -> StudyFacts {
    StudyFacts {
        patient: patient_facts(dataset),
        study_date: date(dataset, tags::STUDY_DATE),
        study_time: time(dataset, tags::STUDY_TIME),
        study_description: short_text(dataset, tags::STUDY_DESCRIPTION),
        accession_number: short_text(dataset, tags::ACCESSION_NUMBER),
    }
}

fn series_facts(dataset: &InMemDicomObject) -> SeriesFacts {
    SeriesFacts {
        series_number: integer(dataset, tags::SERIES_NUMBER),
        series_description: short_text(dataset, tags::SERIES_DESCRIPTION),
        modality: short_text(dataset, tags::MODALITY),
        body_part: short_text(dataset, tags::BODY_PART_EXAMINED),
    }
}

fn unsigned(dataset: &InMemDicomObject, tag: Tag) -> Option<u32> {
    integer(dataset, tag).and_then(|value| u32::try_from(value).ok())
}

#[cfg(test)]
mod tests;
