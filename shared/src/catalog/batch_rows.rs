//! The rows that a batch of instances becomes: ids computed, texts cleaned and folded.

use uuid::Uuid;

use super::{
    NewInstance, NewSeries, NewStudy,
    text::{clean, clean_option, fold},
};
use crate::{dicom_uid::public_id, own_id};

/// A series, wherever its UID stands besides: its study, and UUID version 5 of its UID.
pub(super) type SeriesIdentity = (Uuid, Uuid);
/// An instance, wherever its UID stands besides: its series, and UUID version 5 of its UID.
pub(super) type ImageIdentity = (SeriesIdentity, Uuid);

/// An instance with the ids of itself and what it belongs to.
pub(super) struct InstanceRow<'a> {
    /// UUID version 5 of its UID, which other studies and series may have too; so with the series.
    pub(super) image_uid_id: Uuid,
    pub(super) series_uid_id: Uuid,
    pub(super) study_id: Uuid,
    pub(super) instance: &'a NewInstance,
}

impl<'a> InstanceRow<'a> {
    pub(super) fn new(instance: &'a NewInstance) -> Self {
        InstanceRow {
            image_uid_id: public_id(&instance.sop_instance_uid),
            series_uid_id: public_id(&instance.series.uid),
            study_id: public_id(&instance.study.uid),
            instance,
        }
    }

    pub(super) fn series_identity(&self) -> SeriesIdentity {
        (self.study_id, self.series_uid_id)
    }

    pub(super) fn identity(&self) -> ImageIdentity {
        (self.series_identity(), self.image_uid_id)
    }

    pub(super) fn series_own_id(&self) -> Uuid {
        own_id::of_series(&self.instance.study.uid, &self.instance.series.uid)
    }

    pub(super) fn own_id(&self) -> Uuid {
        self.instance.own_id()
    }

    pub(super) fn content_digest(&self) -> &[u8] {
        &self.instance.content_digest.0
    }
}

/// A row of `studies`.
pub(super) struct StudyRow {
    pub(super) study_id: Uuid,
    pub(super) facts: NewStudy,
}

impl StudyRow {
    pub(super) fn new(study_id: Uuid, study: &NewStudy) -> Self {
        StudyRow { study_id, facts: cleaned_study(study) }
    }

    /// Takes the facts it lacks from another file of the same study.
    pub(super) fn fill_from(&mut self, other: &NewStudy) {
        let mine = &mut self.facts;
        for (mine, other) in [
            (&mut mine.patient_id, &other.patient_id),
            (&mut mine.patient_name, &other.patient_name),
            (&mut mine.patient_birth_date, &other.patient_birth_date),
            (&mut mine.patient_sex, &other.patient_sex),
            (&mut mine.study_date, &other.study_date),
            (&mut mine.study_time, &other.study_time),
            (&mut mine.study_description, &other.study_description),
            (&mut mine.accession_number, &other.accession_number),
        ] {
            fill(mine, other.as_ref());
        }
    }
}

/// A row of `instances`, with its key and that of its series.
pub(super) struct KeyedInstance<'a> {
    pub(super) key: Uuid,
    /// As the column has it.
    pub(super) uid_id: Option<Uuid>,
    pub(super) series_key: Uuid,
    /// Whether its study is another patient's.
    pub(super) is_of_other_patient: bool,
    pub(super) row: &'a InstanceRow<'a>,
}

/// A row of `series`.
pub(super) struct SeriesRow {
    pub(super) key: Uuid,
    pub(super) uid_id: Option<Uuid>,
    pub(super) own_id: Uuid,
    pub(super) study_id: Uuid,
    pub(super) facts: NewSeries,
    /// New instances of it in this batch.
    pub(super) image_count: i64,
}

impl SeriesRow {
    /// Without an instance yet.
    pub(super) fn new(row: &InstanceRow<'_>, key: Uuid, uid_id: Option<Uuid>) -> Self {
        let facts = NewSeries { uid: clean(&row.instance.series.uid), ..NewSeries::default() };
        let (own_id, study_id) = (row.series_own_id(), row.study_id);
        SeriesRow { key, uid_id, own_id, study_id, facts, image_count: 0 }
    }

    /// Counts one more instance and takes the facts that were lacking from it.
    pub(super) fn add(&mut self, other: &NewSeries) {
        self.image_count += 1;
        self.facts.series_number = self.facts.series_number.or(other.series_number);
        fill(&mut self.facts.series_description, other.series_description.as_ref());
        fill(&mut self.facts.modality, other.modality.as_ref());
        fill(&mut self.facts.body_part, other.body_part.as_ref());
    }
}

fn fill(mine: &mut Option<String>, other: Option<&String>) {
    if mine.is_none() {
        *mine = clean_option(other);
    }
}

/// What a file tells of a study that is another patient's: nothing.
pub(super) fn of_stranger(study: &NewStudy) -> NewStudy {
    NewStudy { uid: study.uid.clone(), ..NewStudy::default() }
}

pub(super) fn cleaned_study(study: &NewStudy) -> NewStudy {
    NewStudy {
        uid: clean(&study.uid),
        patient_id: clean_option(study.patient_id.as_ref()),
        patient_name: clean_option(study.patient_name.as_ref()),
        patient_birth_date: clean_option(study.patient_birth_date.as_ref()),
        patient_sex: clean_option(study.patient_sex.as_ref()),
        study_date: clean_option(study.study_date.as_ref()),
        study_time: clean_option(study.study_time.as_ref()),
        study_description: clean_option(study.study_description.as_ref()),
        accession_number: clean_option(study.accession_number.as_ref()),
    }
}

/// The folded form of a column that filters look at.
pub(super) fn folded(text: Option<&String>) -> Option<String> {
    text.map(|text| fold(text))
}
