//! Dead letters: messages that nobody will try again unless an operator says so.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::message::Message;
use crate::lane::Lane;

/// Reason of a message that is none of ours: bad JSON, wrong type, wrong lane, too large.
pub const UNDECODABLE: &str = "undecodable";
/// Reason of a job that failed as often as it may.
pub const ATTEMPTS_EXHAUSTED: &str = "attempts_exhausted";
/// Reason of a message that was lost with its consumer too often.
pub const DELIVERY_LIMIT: &str = "delivery_limit";

/// A dead letter, as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Job or event id; empty when the message had none.
    pub id: String,
    /// The lane it came from, and goes back to.
    pub lane: Option<Lane>,
    /// Its message type, such as `render.job.v1`; empty when the message had none.
    pub kind: String,
    /// A slug: one of the constants of this module, or what a worker gave.
    pub reason: String,
    /// What went wrong last, in words, where it is known.
    pub cause: Option<String>,
    /// Attempts that failed.
    pub attempt: u32,
    /// The study it is about, where the body says so.
    pub study_id: Option<Uuid>,
    /// When it was dead-lettered.
    pub at: DateTime<Utc>,
    /// The body; a string when it is no JSON, or when it is too large to show.
    pub body: serde_json::Value,
}

/// Why and when a message was dead-lettered.
#[derive(Debug, Clone)]
pub(super) struct Death {
    pub(super) lane: Option<Lane>,
    pub(super) reason: String,
    pub(super) cause: Option<String>,
    pub(super) at: DateTime<Utc>,
}

impl DeadLetter {
    /// Bodies past `bytes_max` are told by their length.
    pub(super) fn new(message: &Message, death: Death, bytes_max: usize) -> Self {
        let body = if message.body.len() > bytes_max {
            format!("{} bytes, too large to show", message.body.len()).into()
        } else {
            serde_json::from_slice(&message.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&message.body).into())
        };
        Self {
            id: message.id.clone(),
            lane: death.lane,
            kind: message.kind.clone(),
            reason: death.reason,
            cause: death.cause,
            attempt: message.failed_attempts,
            study_id: Message::study_id(&body),
            at: death.at,
            body,
        }
    }
}
