//! The facts of a patient, a study and a series, each spelled here once: what a header tells, the catalog keeps and
//! answers show. Absent DICOM values are `None`, in JSON `null`; dates and times are ISO 8601.
//!
//! A new fact is a field here, and the compiler lists the rest: the element it is read from
//! (`worker/src/index/instance.rs`) and how a row takes it (`catalog/fact_columns.rs`, where its column is listed; the
//! table gets it by a migration). UIDs and ids are no facts: they name what has facts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who a file is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct PatientFacts {
    /// Patient ID (0010,0020).
    #[schema(example = "P-1")]
    pub patient_id: Option<String>,
    /// Patient's Name (0010,0010), component groups as stored.
    #[schema(example = "DOE^JANE")]
    pub patient_name: Option<String>,
    /// Patient's Birth Date (0010,0030), ISO 8601.
    #[schema(example = "1970-12-31")]
    pub patient_birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    #[schema(example = "F")]
    pub patient_sex: Option<String>,
}

/// What is told of a study, its patient included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct StudyFacts {
    /// Who it is of.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub patient: PatientFacts,
    /// Study Date (0008,0020), ISO 8601.
    #[schema(example = "2026-11-23")]
    pub study_date: Option<String>,
    /// Study Time (0008,0030), ISO 8601.
    #[schema(example = "12:30:05")]
    pub study_time: Option<String>,
    /// Study Description (0008,1030).
    #[schema(example = "CT Thorax")]
    pub study_description: Option<String>,
    /// Accession Number (0008,0050).
    #[schema(example = "A-17")]
    pub accession_number: Option<String>,
}

/// What is told of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct SeriesFacts {
    /// Series Number (0020,0011).
    #[schema(example = 2)]
    pub series_number: Option<i32>,
    /// Series Description (0008,103E).
    #[schema(example = "Thorax 1.0")]
    pub series_description: Option<String>,
    /// Modality (0008,0060).
    #[schema(example = "CT")]
    pub modality: Option<String>,
    /// Body Part Examined (0018,0015).
    #[schema(example = "CHEST")]
    pub body_part: Option<String>,
}
