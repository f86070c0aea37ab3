//! Bodies of the HTTP answers that describe studies, series and images.
//!
//! Absent DICOM values are `null`. Dates are ISO 8601.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
};

/// A study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Study {
    /// UUID version 5 of the Study Instance UID.
    pub study_id: Uuid,
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// What its files tell of it.
    #[serde(flatten)]
    pub facts: StudyFacts,
    /// Modalities of its series, sorted.
    #[schema(example = json!(["CT"]))]
    pub modalities: Vec<String>,
    /// How many series it has.
    pub series_count: u32,
    /// How many instances it has.
    pub image_count: u32,
    /// How many of these name another patient than the study: each tells its own.
    pub other_patient_count: u32,
    /// When something of it last changed here, RFC 3339; `null` where that was before this was noted.
    #[serde(default)]
    #[schema(required, format = DateTime)]
    pub changed_at: Option<String>,
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
    /// What its files tell of it.
    #[serde(flatten)]
    pub facts: SeriesFacts,
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
    /// What viewers measure and show with.
    #[serde(flatten)]
    pub facts: ImageFacts,
    /// Whether the Study, Series or SOP Instance UID is none of the file, which lacks it, but made from its bytes.
    #[serde(default)]
    pub uids_derived: bool,
    /// Who the file is of, where its study is another patient's; `null` otherwise.
    pub other_patient: Option<PatientFacts>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Answers are kept in the cache, where those of an earlier build may lie.
    #[test]
    fn facts_are_members_of_what_they_are_told_of() {
        let study = json!({
            "study_id": Uuid::nil(),
            "study_instance_uid": "1.2.3",
            "patient_id": "P-1",
            "patient_name": "DOE^JANE",
            "patient_birth_date": "1970-12-31",
            "patient_sex": "F",
            "study_date": "2026-11-23",
            "study_time": "12:30:05",
            "study_description": null,
            "accession_number": null,
            "modalities": ["CT"],
            "series_count": 1,
            "image_count": 2,
            "other_patient_count": 0,
            "changed_at": "2026-11-23T12:30:05.000Z",
        });
        let read: Study = serde_json::from_value(study.clone()).expect("a study");
        assert_eq!(read.facts.patient.patient_sex.as_deref(), Some("F"));
        assert_eq!(serde_json::to_value(read).expect("JSON"), study);
        let series = json!({
            "series_id": Uuid::nil(),
            "series_instance_uid": "1.2.4",
            "study_id": Uuid::nil(),
            "series_number": 7,
            "series_description": null,
            "modality": "CT",
            "body_part": "HEAD",
            "image_count": 2,
        });
        let read: Series = serde_json::from_value(series.clone()).expect("a series");
        assert_eq!(read.facts.series_number, Some(7));
        assert_eq!(serde_json::to_value(read).expect("JSON"), series);
    }
}
