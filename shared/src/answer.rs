//! Bodies of the HTTP answers that describe studies, series and images.
//!
//! Absent DICOM values are `null`. Dates are ISO 8601.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Study {
    /// UUID version 5 of the Study Instance UID.
    pub study_id: Uuid,
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Patient ID (0010,0020).
    pub patient_id: Option<String>,
    /// Patient's Name (0010,0010), component groups as stored.
    pub patient_name: Option<String>,
    /// Patient's Birth Date (0010,0030), ISO 8601.
    pub patient_birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    pub patient_sex: Option<String>,
    /// Study Date (0008,0020), ISO 8601.
    pub study_date: Option<String>,
    /// Study Time (0008,0030), ISO 8601.
    pub study_time: Option<String>,
    /// Study Description (0008,1030).
    pub study_description: Option<String>,
    /// Accession Number (0008,0050).
    pub accession_number: Option<String>,
    /// Modalities of its series, sorted.
    pub modalities: Vec<String>,
    /// How many series it has.
    pub series_count: u32,
    /// How many instances it has.
    pub image_count: u32,
    /// How many of these name another patient than the study: each tells its own.
    pub other_patient_count: u32,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// UUID version 5 of the Series Instance UID; while series of other studies have that UID, one that names this
    /// series alone.
    pub series_id: Uuid,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// The study it belongs to.
    pub study_id: Uuid,
    /// Series Number (0020,0011).
    pub series_number: Option<i32>,
    /// Series Description (0008,103E).
    pub series_description: Option<String>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// Body Part Examined (0018,0015).
    pub body_part: Option<String>,
    /// How many instances it has.
    pub image_count: u32,
}

/// An instance that may hold pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// UUID version 5 of the SOP Instance UID; while instances of other series have that UID, one that names this
    /// instance alone.
    pub image_id: Uuid,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: Option<String>,
    /// The series it belongs to.
    pub series_id: Uuid,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// Rows (0028,0010); `null` without pixel data, and where the file does not say.
    pub rows: Option<u32>,
    /// Columns (0028,0011); `null` without pixel data, and where the file does not say.
    pub columns: Option<u32>,
    /// Frames; 0 without pixel data.
    pub frame_count: u32,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax_uid: Option<String>,
    /// Photometric Interpretation (0028,0004).
    pub photometric_interpretation: Option<String>,
    /// Width of the file's first window.
    pub window: Option<f64>,
    /// Center of the file's first window.
    pub level: Option<f64>,
    /// Whether the Study, Series or SOP Instance UID is none of the file, which lacks it, but made from its bytes.
    #[serde(default)]
    pub uids_derived: bool,
    /// Who the file is of, where its study is another patient's; `null` otherwise.
    pub other_patient: Option<OtherPatient>,
}

/// The patient of an instance that stands in the study of another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherPatient {
    /// Patient ID (0010,0020).
    pub patient_id: Option<String>,
    /// Patient's Name (0010,0010), component groups as stored.
    pub patient_name: Option<String>,
    /// Patient's Birth Date (0010,0030), ISO 8601.
    pub patient_birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    pub patient_sex: Option<String>,
}
