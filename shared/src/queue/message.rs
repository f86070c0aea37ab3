//! Messages: how jobs and events are encoded, and what decodes.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::PublishError;
use crate::{
    dicom_uid::public_id,
    event::{Event, STUDY_DELETED, STUDY_NEW, STUDY_UPLOADED, StudyEvent, StudyIndexed},
    job::{RenderJob, is_render_job},
    lane::Lane,
    purpose::Purpose,
    trace_context::TraceContext,
};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all work is renders, which a box would only hold elsewhere"
)]
pub enum Work {
    /// Render a picture: from the render lanes.
    Render(RenderJob),
    /// Index or remove a study, or take an upload: from the index and the upload lane.
    Study(StudyEvent),
}

/// An encoded job or event, and what travels beside its body.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Job or event id.
    pub(super) id: String,
    /// The `type`, with its version.
    pub(super) kind: String,
    /// Attempts that failed so far.
    pub(super) failed_attempts: u32,
    /// Why the last attempt failed, in words.
    pub(super) last_cause: Option<String>,
    pub(super) trace: TraceContext,
    /// JSON.
    pub(super) body: Bytes,
}

/// Why a message is none of ours. The text quotes nothing of the body, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecodable {
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    #[error("no message type of this lane")]
    Type,
    #[error("a job of another lane")]
    Lane,
    #[error("{category:?} error at line {line} column {column}")]
    Json { category: serde_json::error::Category, line: usize, column: usize },
}

impl Message {
    /// # Errors
    /// [`PublishError::TooLarge`] past `bytes_max`.
    pub(super) fn job(job: &RenderJob, bytes_max: usize) -> Result<Self, PublishError> {
        Self::new(job.job_id.to_string(), job.message_type(), job, bytes_max)
    }

    /// # Errors
    /// [`PublishError::TooLarge`] past `bytes_max`.
    pub(super) fn event(event: &StudyEvent, bytes_max: usize) -> Result<Self, PublishError> {
        match event {
            StudyEvent::New(event) => Self::envelope(event, bytes_max),
            StudyEvent::Deleted(event) => Self::envelope(event, bytes_max),
            StudyEvent::Uploaded(event) => Self::envelope(event, bytes_max),
        }
    }

    /// # Errors
    /// [`PublishError::TooLarge`] past `bytes_max`.
    pub(super) fn indexed(event: &Event<StudyIndexed>, bytes_max: usize) -> Result<Self, PublishError> {
        Self::envelope(event, bytes_max)
    }

    fn envelope<D: Serialize>(event: &Event<D>, bytes_max: usize) -> Result<Self, PublishError> {
        Self::new(event.id.clone(), &event.kind, event, bytes_max)
    }

    fn new(id: String, kind: &str, value: &impl Serialize, bytes_max: usize) -> Result<Self, PublishError> {
        // Our own types encode always; a number that JSON lacks would be the one exception, and no peer could read it.
        let body = serde_json::to_vec(value).map_err(|error| PublishError::Unavailable(error.to_string()))?;
        if body.len() > bytes_max {
            return Err(PublishError::TooLarge);
        }
        let trace = TraceContext::current();
        Ok(Self { id, kind: kind.to_owned(), failed_attempts: 0, last_cause: None, trace, body: body.into() })
    }

    /// The message as an operator sends it back: no attempt failed yet, and a job says who wants it now, since nobody
    /// who asked then still waits.
    pub(super) fn made_new(self) -> Self {
        let job = serde_json::from_slice::<RenderJob>(&self.body).ok().filter(|_| is_render_job(&self.kind));
        let redriven =
            job.and_then(|job| serde_json::to_vec(&RenderJob { purpose: Purpose::Redriven, ..job }).ok());
        let body = redriven.map_or(self.body, Bytes::from);
        Self { failed_attempts: 0, last_cause: None, body, ..self }
    }

    /// What the message asks a consumer of `lane` to do.
    ///
    /// # Errors
    /// Everything that can be wrong with bytes from outside.
    pub(super) fn decode(&self, lane: Lane, bytes_max: usize) -> Result<Work, Undecodable> {
        if self.body.len() > bytes_max {
            return Err(Undecodable::TooLarge(self.body.len()));
        }
        match lane {
            Lane::Index | Lane::Upload => self.decode_event().map(Work::Study),
            Lane::OnScreen | Lane::OnScreenHeavy | Lane::Background => {
                self.decode_job(lane).map(Work::Render)
            }
        }
    }

    fn decode_job(&self, lane: Lane) -> Result<RenderJob, Undecodable> {
        if !is_render_job(&self.kind) {
            return Err(Undecodable::Type);
        }
        let job: RenderJob = self.parse()?;
        if job.lane == lane { Ok(job) } else { Err(Undecodable::Lane) }
    }

    /// The envelope says what an event is: pipelines that know CloudEvents need not know AMQP's `type` property.
    fn decode_event(&self) -> Result<StudyEvent, Undecodable> {
        #[derive(serde::Deserialize)]
        struct Kind {
            #[serde(rename = "type")]
            kind: String,
        }
        match self.parse::<Kind>()?.kind.as_str() {
            STUDY_NEW => self.parse().map(StudyEvent::New),
            STUDY_DELETED => self.parse().map(StudyEvent::Deleted),
            STUDY_UPLOADED => self.parse().map(StudyEvent::Uploaded),
            _ => Err(Undecodable::Type),
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Undecodable> {
        serde_json::from_slice(&self.body).map_err(|error| Undecodable::Json {
            category: error.classify(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// The study a body speaks of, be it a job, an event, or half of one.
    pub(super) fn study_id(body: &serde_json::Value) -> Option<Uuid> {
        match body.get("study_id") {
            Some(id) => Uuid::try_parse(id.as_str()?).ok(),
            None => Some(public_id(body.get("subject")?.as_str()?)),
        }
    }
}
