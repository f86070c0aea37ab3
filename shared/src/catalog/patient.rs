//! Whether two files of one study can be of one person.
//!
//! A study shows one patient, so a file of somebody else must be told with its own. But one person is written in many ways:
//! with and without a title, in two scripts, transliterated, with a typing error that was mended between two series.
//! `docs/decisions/one-uid-in-two-studies.md` has the rule in words.

use uuid::Uuid;

use super::text::fold;
use crate::facts::PatientFacts;

/// What tells one person from another. Absent values tell nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Patient {
    #[sqlx(rename = "patient_id_folded")]
    id: Option<String>,
    #[sqlx(rename = "patient_name_folded")]
    name: Option<String>,
    #[sqlx(rename = "patient_birth_date")]
    birth_date: Option<String>,
}

/// The patient of a study that is in the catalog.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct PatientOfStudy {
    pub(super) study_id: Uuid,
    #[sqlx(flatten)]
    pub(super) patient: Patient,
}

impl Patient {
    /// As a file tells of the patient of its study.
    pub(super) fn of(told: &PatientFacts) -> Self {
        let folded = |text: &Option<String>| text.as_deref().map(fold);
        Self {
            id: folded(&told.patient_id),
            name: folded(&told.patient_name),
            birth_date: told.patient_birth_date.clone(),
        }
    }

    /// Whether a file of `other` is of this patient, who is known better with it then.
    pub(super) fn takes(&mut self, other: Self) -> bool {
        let can_be = self.can_be(&other);
        if can_be {
            self.fill_from(other);
        }
        can_be
    }

    /// Takes what it does not know from `other`.
    fn fill_from(&mut self, other: Self) {
        self.id = present(&self.id).map(str::to_owned).or(other.id);
        self.name = present(&self.name).map(str::to_owned).or(other.name);
        self.birth_date = present(&self.birth_date).map(str::to_owned).or(other.birth_date);
    }

    /// Whether both can be one person: no ID and no birth date differs, and the names are the same words, or one has
    /// more of them, or at least one in common or in another script where ID and birth date are there and agree.
    fn can_be(&self, other: &Self) -> bool {
        let ids = agreement(&self.id, &other.id);
        let birth_dates = agreement(&self.birth_date, &other.birth_date);
        if ids == Some(false) || birth_dates == Some(false) {
            return false;
        }
        let (Some(mine), Some(other)) = (present(&self.name), present(&other.name)) else { return true };
        let has = |words: &str, word: &str| words.split(' ').any(|other| other == word);
        let in_common = mine.split(' ').filter(|word| has(other, word)).count();
        let all_of_one =
            mine.split(' ').all(|word| has(other, word)) || other.split(' ').all(|word| has(mine, word));
        let is_spelled_otherwise = in_common > 0 || is_latin(mine) != is_latin(other);
        all_of_one || (is_spelled_otherwise && ids == Some(true) && birth_dates == Some(true))
    }
}

/// Whether a name has Latin letters: one without any is written in another script.
fn is_latin(name: &str) -> bool {
    name.chars().any(|c| c.is_ascii_alphabetic())
}

fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Whether two values are the same; `None` when one is absent.
fn agreement(left: &Option<String>, right: &Option<String>) -> Option<bool> {
    Some(present(left)? == present(right)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient((id, name, birth_date): (&str, &str, &str)) -> Patient {
        let value = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Patient::of(&PatientFacts {
            patient_id: value(id),
            patient_name: value(name),
            patient_birth_date: value(birth_date),
            ..PatientFacts::default()
        })
    }

    #[test]
    fn one_person_may_be_written_in_many_ways_and_two_are_two() {
        let doe = ("P-1", "DOE^JANE", "1970-01-01");
        let cases = [
            (doe, doe, true),
            (doe, ("p-1", "Doe^Jane^^Dr.", ""), true),
            (doe, ("P-1", "DOE^JANE=山田^太郎", "1970-01-01"), true),
            (doe, ("", "", ""), true),
            (doe, ("P-1", "", "1970-01-01"), true),
            // Mended or transliterated: what else is known says who it is.
            (("7", "MUELLER^HANS", "1950-05-05"), ("7", "Müller^Hans", "1950-05-05"), true),
            (("7", "MUELLER^HANS", ""), ("7", "Müller^Hans", "1950-05-05"), false),
            (("7", "Yamada^Tarou", "1950-05-05"), ("7", "山田^太郎", "1950-05-05"), true),
            (("7", "Yamada^Tarou", ""), ("7", "山田^太郎", ""), false),
            // An ID used by two people.
            (doe, ("P-1", "ROE^RICHARD", "1970-01-01"), false),
            (doe, ("P-1", "DOE^JANE", "1971-01-01"), false),
            // Two people of one name.
            (doe, ("P-2", "DOE^JANE", "1970-01-01"), false),
            (("", "DOE^JANE", ""), ("", "DOE^JOHN", ""), false),
        ];
        for (left, right, expected) in cases {
            assert_eq!(patient(left).can_be(&patient(right)), expected, "{left:?} {right:?}");
            assert_eq!(patient(right).can_be(&patient(left)), expected, "{right:?} {left:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_taken_from_the_next_file() {
        let mut one = patient(("P-1", "", ""));
        one.fill_from(patient(("P-9", "DOE^JANE", "1970-01-01")));
        assert_eq!(one, patient(("P-1", "DOE^JANE", "1970-01-01")));
    }
}
