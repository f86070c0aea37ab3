//! The columns that hold the facts of studies and series: their names, what is written into them, and how a row takes
//! facts of one more file. SELECT, INSERT and UPDATE all go by these lists.

use sqlx::{Database, Encode, Type, query_builder::Separated};

use super::text::{clean_option, fold, plain};
use crate::facts::{PatientFacts, SeriesFacts, StudyFacts};

/// The columns of [`StudyFacts`] in `studies`: `read` by `FromRow`, where '' in the column is undated; `written` in the
/// order of [`push_study`], with the folded and plain forms that filters look at.
///
/// Beside `read`, other mentions of `study_date` in a statement are to name the table: Postgres takes a bare name in
/// ORDER BY for what is read, where undated is NULL and comes first.
macro_rules! study_columns {
    (read) => {
        $crate::catalog::fact_columns::study_columns!("NULLIF(studies.study_date, '') AS study_date")
    };
    (written) => {
        concat!(
            $crate::catalog::fact_columns::study_columns!("study_date"),
            ", patient_id_folded, patient_name_folded, study_description_folded, accession_number_folded, ",
            "patient_name_plain, study_description_plain"
        )
    };
    ($study_date:literal) => {
        concat!(
            "patient_id, patient_name, patient_birth_date, patient_sex, ",
            $study_date,
            ", study_time, study_description, accession_number"
        )
    };
}

/// The columns of [`SeriesFacts`] in `series`, read by `FromRow` and written in the order of [`push_series`].
macro_rules! series_columns {
    () => {
        "series_number, series_description, modality, body_part"
    };
}

pub(super) use {series_columns, study_columns};

/// Binds a value for each of the columns that are written of a study.
pub(super) fn push_study<DB: Database>(row: &mut Separated<'_, DB, &'static str>, facts: &StudyFacts)
where
    Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
{
    let StudyFacts { patient, study_date, study_time, study_description, accession_number } = facts;
    let PatientFacts { patient_id, patient_name, patient_birth_date, patient_sex } = patient;
    row.push_bind(patient_id)
        .push_bind(patient_name)
        .push_bind(patient_birth_date)
        .push_bind(patient_sex)
        .push_bind(Some(study_date.clone().unwrap_or_default()))
        .push_bind(study_time)
        .push_bind(study_description)
        .push_bind(accession_number);
    for text in [patient_id, patient_name, study_description, accession_number] {
        row.push_bind(text.as_deref().map(fold));
    }
    for text in [patient_name, study_description] {
        row.push_bind(text.as_deref().map(plain));
    }
}

/// Binds a value for each of the columns of a series.
pub(super) fn push_series<DB: Database>(row: &mut Separated<'_, DB, &'static str>, facts: &SeriesFacts)
where
    Option<i32>: for<'q> Encode<'q, DB> + Type<DB>,
    Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
{
    let SeriesFacts { series_number, series_description, modality, body_part } = facts;
    row.push_bind(series_number).push_bind(series_description).push_bind(modality).push_bind(body_part);
}

/// `SET column = …` for each of the columns: the value that was there first stays, or the new one wins.
pub(super) fn merged(table: &str, columns: &str, newest_wins: bool) -> String {
    let (first, second) = if newest_wins { ("excluded", table) } else { (table, "excluded") };
    let one = |column: &str| match column {
        // '' is undated.
        "study_date" => format!("study_date = COALESCE(NULLIF({first}.study_date, ''), {second}.study_date)"),
        _ => format!("{column} = COALESCE({first}.{column}, {second}.{column})"),
    };
    columns.split(", ").map(one).collect::<Vec<_>>().join(", ")
}

impl PatientFacts {
    fn fill_from(&mut self, told: &Self) {
        let Self { patient_id, patient_name, patient_birth_date, patient_sex } = self;
        fill(patient_id, told.patient_id.as_ref());
        fill(patient_name, told.patient_name.as_ref());
        fill(patient_birth_date, told.patient_birth_date.as_ref());
        fill(patient_sex, told.patient_sex.as_ref());
    }
}

impl StudyFacts {
    /// Takes the facts it lacks from those that another file tells, made fit for columns.
    pub(super) fn fill_from(&mut self, told: &Self) {
        let Self { patient, study_date, study_time, study_description, accession_number } = self;
        patient.fill_from(&told.patient);
        fill(study_date, told.study_date.as_ref());
        fill(study_time, told.study_time.as_ref());
        fill(study_description, told.study_description.as_ref());
        fill(accession_number, told.accession_number.as_ref());
    }
}

impl SeriesFacts {
    /// Takes the facts it lacks from those that another file tells, made fit for columns.
    pub(super) fn fill_from(&mut self, told: &Self) {
        let Self { series_number, series_description, modality, body_part } = self;
        *series_number = series_number.or(told.series_number);
        fill(series_description, told.series_description.as_ref());
        fill(modality, told.modality.as_ref());
        fill(body_part, told.body_part.as_ref());
    }
}

fn fill(mine: &mut Option<String>, told: Option<&String>) {
    if mine.is_none() {
        *mine = clean_option(told);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Serialize;
    use serde_json::Value;

    use super::*;

    /// What the compiler cannot see: a fact whose column is in no list would be kept nowhere.
    #[test]
    fn each_fact_has_its_column() {
        assert_eq!(names(StudyFacts::default()), study_columns!("study_date").split(", ").collect());
        assert_eq!(names(SeriesFacts::default()), series_columns!().split(", ").collect());
    }

    fn names(facts: impl Serialize) -> BTreeSet<&'static str> {
        let Ok(Value::Object(members)) = serde_json::to_value(facts) else { panic!("facts are an object") };
        members.into_iter().map(|(name, _)| &*name.leak()).collect()
    }

    #[test]
    fn an_undated_study_takes_the_date_of_another_file() {
        let columns = "study_date, study_time";
        let first_stays = "study_date = COALESCE(NULLIF(studies.study_date, ''), excluded.study_date), \
            study_time = COALESCE(studies.study_time, excluded.study_time)";
        let newest_wins = "study_date = COALESCE(NULLIF(excluded.study_date, ''), studies.study_date), \
            study_time = COALESCE(excluded.study_time, studies.study_time)";
        assert_eq!(merged("studies", columns, false), first_stays);
        assert_eq!(merged("studies", columns, true), newest_wins);
    }
}
