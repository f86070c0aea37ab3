//! What a file tells of its patient and study, where its study is another patient's: a column of its own, as JSON.

use crate::facts::StudyFacts;

/// All that the row of a study would say, had the file one of its own.
pub(super) fn to_json(told: &StudyFacts) -> String {
    let mut facts = StudyFacts::default();
    facts.fill_from(told);
    // Texts: serialisation cannot fail, and an empty text does not read as the study's patient.
    serde_json::to_string(&facts).unwrap_or_default()
}

/// Facts that do not read are no reason to tell those of the study instead: then nothing is told.
pub(super) fn from_json(json: &str) -> StudyFacts {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PatientFacts;

    /// Files tell the same when their columns are the same text, whichever release wrote them.
    #[test]
    fn the_text_is_that_of_earlier_releases() {
        let patient = PatientFacts { patient_id: Some("P-2\0".to_owned()), ..PatientFacts::default() };
        let told = StudyFacts { patient, study_date: Some("2026-11-23".to_owned()), ..StudyFacts::default() };
        let json = r#"{"patient_id":"P-2","patient_name":null,"patient_birth_date":null,"patient_sex":null,"study_date":"2026-11-23","study_time":null,"study_description":null,"accession_number":null}"#;
        assert_eq!(to_json(&told), json);
        assert_eq!(to_json(&from_json(json)), json);
        assert_eq!(from_json("damaged"), StudyFacts::default());
    }
}
