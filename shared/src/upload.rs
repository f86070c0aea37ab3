//! Files that somebody sends over HTTP: they lie apart in the storage until a worker has looked at them, and what became of
//! each is told afterwards.
//!
//! What must not be here: how they are sent (the API), and how they are looked at (`receive` of the worker).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dicom_uid::public_id;

/// Most files of one upload.
pub const UPLOAD_FILES_MAX: u32 = 10_000;
/// How long it is told what became of an upload, and how long files lie of one that never came to its end.
pub const UPLOAD_KEPT: Duration = Duration::from_hours(7 * 24);
/// After how long workers are told again of an upload that arrived and is not done; each time after as long again as it is old.
pub const UPLOAD_TOLD_AGAIN: Duration = Duration::from_secs(600);

/// Files of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, and that of the event that asks for its files to be taken.
    pub event_id: Uuid,
    /// Who sends them, as its requests are counted.
    pub owner: String,
    /// What may be among them.
    pub admits: Admits,
    /// How far it is.
    pub state: UploadState,
    /// What became of each file, in their order; empty until it is done.
    pub instances: Vec<UploadedInstance>,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// Files are still coming, or the rest of them never came.
    Arriving,
    /// All files are there.
    Arrived,
    /// All files were looked at.
    Done,
}

impl UploadState {
    /// As the catalog has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UploadState::Arriving => "arriving",
            UploadState::Arrived => "arrived",
            UploadState::Done => "done",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [UploadState::Arriving, UploadState::Arrived, UploadState::Done]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// Which instances an upload may bring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admits {
    /// The study that was named beside them (PS3.18 10.5.1.1): what is of another is not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_instance_uid: Option<String>,
    /// Public ids of the studies that the sender may see; `None` for all. What it may not see it may not write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_ids: Option<Vec<Uuid>>,
}

impl Admits {
    /// Why an instance of this study is not taken.
    #[must_use]
    pub fn refuses(&self, study_instance_uid: &str) -> Option<UploadResult> {
        if self.study_ids.as_ref().is_some_and(|ids| !ids.contains(&public_id(study_instance_uid))) {
            return Some(UploadResult::NotAllowed);
        }
        let is_other = self.study_instance_uid.as_ref().is_some_and(|named| named != study_instance_uid);
        is_other.then_some(UploadResult::OtherStudy)
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedInstance {
    /// What it is; `None` where that could not be read.
    pub named: Option<InstanceUids>,
    /// What became of it.
    pub result: UploadResult,
    /// Why it was not taken, without patient data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The UIDs of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceUids {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: Option<String>,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadResult {
    /// It is stored.
    Accepted,
    /// It was there before with the same bytes.
    Duplicate,
    /// It is there with other bytes; the first stays.
    Conflict,
    /// It is no instance, or damaged.
    Rejected,
    /// It is of another study than was named.
    OtherStudy,
    /// It is of a study that the sender may not write.
    NotAllowed,
}

impl UploadResult {
    /// Whether the instance is stored now.
    #[must_use]
    pub fn is_stored(self) -> bool {
        matches!(self, UploadResult::Accepted | UploadResult::Duplicate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_seen_is_refused_before_it_is_held_against_the_study_named() {
        let named = |uid: &str| Some(uid.to_owned());
        let only = Some(vec![public_id("1.2")]);
        for (admits, study, expected) in [
            (Admits::default(), "1.2", None),
            (Admits { study_instance_uid: named("1.2"), study_ids: None }, "1.2", None),
            (
                Admits { study_instance_uid: named("1.2"), study_ids: None },
                "1.3",
                Some(UploadResult::OtherStudy),
            ),
            (Admits { study_instance_uid: None, study_ids: only.clone() }, "1.2", None),
            (
                Admits { study_instance_uid: None, study_ids: only.clone() },
                "1.3",
                Some(UploadResult::NotAllowed),
            ),
            (
                Admits { study_instance_uid: named("1.2"), study_ids: only },
                "1.3",
                Some(UploadResult::NotAllowed),
            ),
            (
                Admits { study_instance_uid: None, study_ids: Some(vec![]) },
                "1.2",
                Some(UploadResult::NotAllowed),
            ),
        ] {
            assert_eq!(admits.refuses(study), expected, "{admits:?} {study}");
        }
    }
}
