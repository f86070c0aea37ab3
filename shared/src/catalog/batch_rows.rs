//! The rows that a batch of instances becomes: ids computed, facts of its files put together.

use uuid::Uuid;

use super::{
    NewInstance,
    search_facts::{SeriesSearchFacts, StudySearchFacts},
    text::clean,
};
use crate::{
    dicom_uid::public_id,
    facts::{SeriesFacts, StudyFacts},
    own_id,
};

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
            series_uid_id: public_id(&instance.series_instance_uid),
            study_id: public_id(&instance.study_instance_uid),
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
        own_id::of_series(&self.instance.study_instance_uid, &self.instance.series_instance_uid)
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
    pub(super) study_instance_uid: String,
    pub(super) facts: StudyFacts,
    pub(super) search: StudySearchFacts,
}

impl StudyRow {
    /// Without a fact yet.
    pub(super) fn new(row: &InstanceRow<'_>) -> Self {
        let study_instance_uid = clean(&row.instance.study_instance_uid);
        let (facts, search) = (StudyFacts::default(), StudySearchFacts::default());
        StudyRow { study_id: row.study_id, study_instance_uid, facts, search }
    }

    /// Takes the facts that were lacking from one more instance.
    pub(super) fn add(&mut self, told: &NewInstance) {
        self.facts.fill_from(&told.study);
        if self.search == StudySearchFacts::default() {
            self.search = StudySearchFacts::read(&told.header_json);
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
    pub(super) series_instance_uid: String,
    pub(super) study_id: Uuid,
    pub(super) facts: SeriesFacts,
    pub(super) search: SeriesSearchFacts,
    /// New instances of it in this batch.
    pub(super) image_count: i64,
}

impl SeriesRow {
    /// Without an instance yet.
    pub(super) fn new(row: &InstanceRow<'_>, key: Uuid, uid_id: Option<Uuid>) -> Self {
        SeriesRow {
            key,
            uid_id,
            own_id: row.series_own_id(),
            series_instance_uid: clean(&row.instance.series_instance_uid),
            study_id: row.study_id,
            facts: SeriesFacts::default(),
            search: SeriesSearchFacts::read(&row.instance.header_json),
            image_count: 0,
        }
    }

    /// Counts one more instance and takes the facts that were lacking from it.
    pub(super) fn add(&mut self, told: &SeriesFacts) {
        self.image_count += 1;
        self.facts.fill_from(told);
    }
}
