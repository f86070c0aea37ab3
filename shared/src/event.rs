//! Events about studies: CloudEvents 1.0 in structured JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lane::Lane;

/// `type` and routing key of an event that asks for an index run.
pub const STUDY_NEW: &str = "study.new.v1";
/// `type` and routing key of the event that tells of a finished index run.
pub const STUDY_INDEXED: &str = "study.indexed.v1";
/// `type` and routing key of an event that removes a study.
pub const STUDY_DELETED: &str = "study.deleted.v1";

/// `type` of the event that tells webhooks of new instances of a study.
pub const STUDY_CHANGED: &str = "study.changed.v1";

/// `type` and routing key of the event that asks for uploaded files to be taken: ours alone, `id` names the upload.
pub const STUDY_UPLOADED: &str = "study.uploaded.v1";

/// `source` of the events that this system publishes.
pub const SOURCE: &str = "/noctis";

/// The CloudEvents envelope around `D`. Unknown members are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event<D> {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique within `source`; the same `source` and `id` again changes nothing.
    pub id: String,
    /// Who says so, a URI reference.
    pub source: String,
    /// One of the types above.
    #[serde(rename = "type")]
    pub kind: String,
    /// The Study Instance UID, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// `application/json`.
    #[serde(default = "json_content_type")]
    pub datacontenttype: String,
    /// What happened.
    pub data: D,
}

fn json_content_type() -> String {
    "application/json".to_owned()
}

impl<D> Event<D> {
    /// A new event of `kind` from `source`, now, with an id of its own.
    #[must_use]
    pub fn new(kind: &str, source: &str, subject: Option<String>, data: D) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: Uuid::new_v4().to_string(),
            source: source.to_owned(),
            kind: kind.to_owned(),
            subject,
            time: Some(Utc::now()),
            datacontenttype: json_content_type(),
            data,
        }
    }
}

/// Data of `study.new.v1`: where the new instances lie. One of the two must be there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyNew {
    /// A file, a folder or an object-store prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Single objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceLocation>,
    /// Presets to render ahead, in the background.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerender: Vec<String>,
    /// Whether a known instance with other bytes is replaced instead of reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

/// One object of `study.new.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceLocation {
    /// URL of the object.
    pub location: String,
}

/// Data of `study.indexed.v1`: what an index run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyIndexed {
    /// `id` of the event that asked for the run.
    pub event_id: String,
    /// New instances.
    pub accepted: u64,
    /// Known instances with the same bytes.
    pub duplicate: u64,
    /// Known instances with other bytes.
    pub conflict: u64,
    /// Files that are none.
    pub rejected: u64,
    /// Why, for the first rejected and conflicting ones.
    pub reasons: Vec<RejectedFile>,
}

/// A file that was not indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedFile {
    /// URL of the file.
    pub location: String,
    /// One sentence without patient data.
    pub reason: String,
}

/// Data of `study.new.v1` and `study.changed.v1` as webhooks are told them: the rest is asked of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyTold {
    /// Public id of the study.
    pub study_id: Uuid,
}

/// Data of `study.deleted.v1`; `subject` names the study. Without a member the whole study is meant, with the first one a
/// series, with both an instance of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyDeleted {
    /// The series, where others of the study stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_instance_uid: Option<String>,
    /// The instance, where others of its series stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sop_instance_uid: Option<String>,
}

/// Data of `study.uploaded.v1`: nothing, for the catalog knows what the upload may bring, and the storage has its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyUploaded {}

/// What arrives on the index and the upload lane.
#[derive(Debug, Clone, PartialEq)]
pub enum StudyEvent {
    /// Index a study.
    New(Event<StudyNew>),
    /// Remove a study.
    Deleted(Event<StudyDeleted>),
    /// Take uploaded files.
    Uploaded(Event<StudyUploaded>),
}

impl StudyEvent {
    /// The lane that it waits in.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            StudyEvent::New(_) | StudyEvent::Deleted(_) => Lane::Index,
            StudyEvent::Uploaded(_) => Lane::Upload,
        }
    }

    /// The order to take the files of the upload of this name.
    #[must_use]
    pub fn uploaded(event_id: Uuid) -> Self {
        let event = Event::new(STUDY_UPLOADED, SOURCE, None, StudyUploaded {});
        StudyEvent::Uploaded(Event { id: event_id.to_string(), ..event })
    }

    /// The envelope's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            StudyEvent::New(event) => &event.id,
            StudyEvent::Deleted(event) => &event.id,
            StudyEvent::Uploaded(event) => &event.id,
        }
    }
}
