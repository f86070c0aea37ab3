//! What a file tells of its patient and study, where its study is another patient's: a column of its own, as JSON.

use serde::{Deserialize, Serialize};

use super::{ImageMetadata, NewStudy, batch_rows::cleaned_study};
use crate::answer::OtherPatient;

/// All that the row of a study would say, had the file one of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OtherFacts {
    #[serde(flatten)]
    pub(super) patient: OtherPatient,
    study_date: Option<String>,
    study_time: Option<String>,
    study_description: Option<String>,
    accession_number: Option<String>,
}

impl OtherFacts {
    pub(super) fn of(study: &NewStudy) -> Self {
        let NewStudy {
            uid: _,
            patient_id,
            patient_name,
            patient_birth_date,
            patient_sex,
            study_date,
            study_time,
            study_description,
            accession_number,
        } = cleaned_study(study);
        let patient = OtherPatient { patient_id, patient_name, patient_birth_date, patient_sex };
        Self { patient, study_date, study_time, study_description, accession_number }
    }

    pub(super) fn to_json(&self) -> String {
        // Texts: serialisation cannot fail, and an empty text does not read as the study's patient.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Facts that do not read are no reason to tell those of the study instead: then nothing is told.
    pub(super) fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// The facts as those of the study with this UID.
    pub(super) fn into_study(self, uid: String) -> NewStudy {
        let Self { patient, study_date, study_time, study_description, accession_number } = self;
        let OtherPatient { patient_id, patient_name, patient_birth_date, patient_sex } = patient;
        NewStudy {
            uid,
            patient_id,
            patient_name,
            patient_birth_date,
            patient_sex,
            study_date,
            study_time,
            study_description,
            accession_number,
        }
    }

    /// What is told beside a picture of the file.
    pub(super) fn metadata(self, of_study: ImageMetadata) -> ImageMetadata {
        let NewStudy {
            uid: study_instance_uid,
            patient_id,
            patient_name,
            patient_birth_date,
            patient_sex,
            study_date,
            study_time,
            study_description,
            accession_number,
        } = self.into_study(of_study.study_instance_uid);
        ImageMetadata {
            study_instance_uid,
            patient_id,
            patient_name,
            patient_birth_date,
            patient_sex,
            study_date,
            study_time,
            study_description,
            accession_number,
            ..of_study
        }
    }
}
