//! Dead letters: messages that nobody will try again unless an operator says so.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
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
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Job or event id; empty when the message had none.
    pub id: String,
    /// The lane it came from, and goes back to.
    #[schema(value_type = Option<String>)]
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
    /// The body; a string when it is no JSON, or when it is too large to show; null in lists.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
}

/// Which dead letters are meant: those for which every condition holds that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only with this id.
    pub id: Option<String>,
    /// Only with this reason.
    pub reason: Option<String>,
    /// Only of this study.
    pub study_id: Option<Uuid>,
    /// Only from before this moment.
    pub before: Option<DateTime<Utc>>,
}

impl Selection {
    /// Whether it leaves anything out.
    #[must_use]
    pub fn is_a_choice(&self) -> bool {
        *self != Self::default()
    }

    /// Whether `letter` is meant.
    #[must_use]
    pub fn picks(&self, letter: &DeadLetter) -> bool {
        self.id.as_ref().is_none_or(|id| *id == letter.id)
            && self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
            && self.study_id.is_none_or(|study_id| letter.study_id == Some(study_id))
            && self.before.is_none_or(|before| letter.at < before)
    }
}

/// How old something is, like `30m`, `2h` or `7d`; `None` for what is no time longer than none.
#[must_use]
pub fn parse_age(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let age = match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    };
    age.filter(|age| *age > TimeDelta::zero())
}

/// The moment that was `age` before `now`; the earliest there is for one that is older than time.
#[must_use]
pub fn before(now: DateTime<Utc>, age: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC)
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

    /// The same for a list.
    pub(super) fn without_body(&self) -> Self {
        Self {
            id: self.id.clone(),
            lane: self.lane,
            kind: self.kind.clone(),
            reason: self.reason.clone(),
            cause: self.cause.clone(),
            attempt: self.attempt,
            study_id: self.study_id,
            at: self.at,
            body: serde_json::Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit_and_longer_than_none() {
        let cases = [("30s", 30), ("30m", 1800), ("2h", 7200), ("7d", 604_800)];
        for (text, seconds) in cases {
            assert_eq!(parse_age(text), TimeDelta::try_seconds(seconds), "{text}");
        }
        for wrong in
            ["", "7", "d", "0m", "-1h", "1w", "1.5h", "99999999999999999999d", "9223372036854775807d"]
        {
            assert_eq!(parse_age(wrong), None, "{wrong:?}");
        }
        let longest = parse_age("100000000d").expect("a time");
        assert_eq!(before(Utc::now(), longest), DateTime::<Utc>::MIN_UTC);
    }

    #[test]
    fn every_condition_must_hold() {
        let letter = DeadLetter {
            id: "a".to_owned(),
            lane: None,
            kind: String::new(),
            reason: "crashed".to_owned(),
            cause: None,
            attempt: 1,
            study_id: Some(Uuid::from_u128(1)),
            at: DateTime::UNIX_EPOCH,
            body: serde_json::Value::Null,
        };
        let all = Selection {
            id: Some("a".to_owned()),
            reason: Some("crashed".to_owned()),
            study_id: Some(Uuid::from_u128(1)),
            before: Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(1)),
        };
        assert!(all.picks(&letter) && all.is_a_choice());
        assert!(Selection::default().picks(&letter) && !Selection::default().is_a_choice());
        let others = [
            Selection { id: Some("b".to_owned()), ..all.clone() },
            Selection { reason: Some("panicked".to_owned()), ..all.clone() },
            Selection { study_id: Some(Uuid::from_u128(2)), ..all.clone() },
            Selection { before: Some(DateTime::UNIX_EPOCH), ..all },
        ];
        assert!(others.iter().all(|selection| !selection.picks(&letter)));
    }
}
