//! What travels beside a body: properties and headers of a message.

use chrono::{DateTime, Utc};
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::{
    queue::{
        dead_letter::{Death, UNDECODABLE},
        message::Message,
    },
    trace_context::TraceContext,
};

/// Attempts that failed so far; absent for none.
const ATTEMPT: &str = "x-noctis-attempt";
/// Why a worker dead-lettered the message, a slug.
const REASON: &str = "x-noctis-reason";
/// What went wrong last, in words.
const CAUSE: &str = "x-noctis-cause";
/// The broker's count of deliveries that were lost or given back (quorum queues).
const DELIVERY_COUNT: &str = "x-delivery-count";
/// The broker's record of dead-lettering, newest first.
const BROKER_DEATHS: &str = "x-death";
/// Longest cause that is kept, in bytes.
const CAUSE_BYTES_MAX: usize = 500;
/// Persistent (AMQP 0-9-1, 1.8.2.2).
const PERSISTENT: u8 = 2;

/// Why a worker gives a message up, or puts it aside.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verdict<'a> {
    /// Set for dead letters.
    pub(super) reason: Option<&'a str>,
    pub(super) cause: Option<&'a str>,
}

/// The properties to send with `message`.
pub(super) fn properties(message: &Message, verdict: Verdict<'_>) -> BasicProperties {
    let mut headers = FieldTable::default();
    let mut set = |name: &str, value: &str| {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    };
    message.trace.headers().for_each(|(name, value)| set(name, value));
    verdict.reason.into_iter().for_each(|reason| set(REASON, reason));
    verdict.cause.into_iter().for_each(|cause| set(CAUSE, cut(cause, CAUSE_BYTES_MAX)));
    if message.failed_attempts > 0 {
        headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(message.failed_attempts.into()));
    }
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short(&message.id))
        .with_type(short(&message.kind))
        .with_timestamp(u64::try_from(Utc::now().timestamp()).unwrap_or(0))
        .with_headers(headers)
}

/// The message of a delivery. What is missing is empty: outsiders need not send it.
pub(super) fn message(delivery: Delivery) -> Message {
    let properties = delivery.properties;
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let headers = properties.headers().clone().unwrap_or_default();
    Message {
        id: text(properties.message_id()),
        kind: text(properties.kind()),
        failed_attempts: number(&headers, ATTEMPT),
        last_cause: headers.inner().get(CAUSE).and_then(as_text).map(str::to_owned),
        trace: TraceContext::from_headers(
            headers.inner().iter().filter_map(|(name, value)| Some((name.as_str(), as_text(value)?))),
        ),
        body: delivery.data.into(),
    }
}

/// How often the broker delivered the message in vain.
pub(super) fn crashes(properties: &BasicProperties) -> u32 {
    properties.headers().as_ref().map_or(0, |headers| number(headers, DELIVERY_COUNT))
}

/// Why a dead letter is one: a worker's word, else the broker's.
pub(super) fn death(delivery: &Delivery) -> Death {
    let headers = delivery.properties.headers().clone().unwrap_or_default();
    let text = |name: &str| headers.inner().get(name).and_then(as_text).map(str::to_owned);
    let broker = broker_death(&headers);
    let (reason, seconds) = match (text(REASON), broker) {
        (Some(reason), _) => (reason, *delivery.properties.timestamp()),
        (None, Some((reason, seconds))) => (reason, seconds),
        (None, None) => (UNDECODABLE.to_owned(), *delivery.properties.timestamp()),
    };
    let at = seconds.and_then(|seconds| DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0));
    Death {
        lane: delivery.routing_key.as_str().parse().ok(),
        reason,
        cause: text(CAUSE),
        at: at.unwrap_or_default(),
    }
}

/// Reason and time, in seconds, of the newest death on the broker.
fn broker_death(headers: &FieldTable) -> Option<(String, Option<u64>)> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get(BROKER_DEATHS)? else { return None };
    let AMQPValue::FieldTable(newest) = deaths.as_slice().first()? else { return None };
    let reason = as_text(newest.inner().get("reason")?)?.to_owned();
    let seconds = match newest.inner().get("time") {
        Some(AMQPValue::Timestamp(seconds)) => Some(*seconds),
        _ => None,
    };
    Some((reason, seconds))
}

fn number(headers: &FieldTable, name: &str) -> u32 {
    let value = headers.inner().get(name).and_then(|value| match value {
        AMQPValue::ShortShortInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortShortUInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortUInt(number) => Some(i64::from(*number)),
        AMQPValue::LongInt(number) => Some(i64::from(*number)),
        AMQPValue::LongUInt(number) => Some(i64::from(*number)),
        AMQPValue::LongLongInt(number) => Some(*number),
        _ => None,
    });
    // From outside: a negative count is none, a huge one is past every limit.
    value.map_or(0, |number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

fn as_text(value: &AMQPValue) -> Option<&str> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    }
}

/// AMQP's short strings hold 255 bytes; the client library panics past them.
fn short(text: &str) -> ShortString {
    cut(text, 255).into()
}

/// The longest start of `text` that fits into `bytes_max`, whole characters only.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("häng", 2), "h");
        assert_eq!(cut("häng", 3), "hä");
        assert_eq!(cut("häng", 50), "häng");
        assert_eq!(short(&"x".repeat(300)).as_str().len(), 255);
    }

    #[test]
    fn counts_from_outside_are_held_in_bounds() {
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPT.into(), AMQPValue::LongInt(-1));
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(i64::MAX));
        assert_eq!(number(&headers, ATTEMPT), 0);
        assert_eq!(number(&headers, DELIVERY_COUNT), u32::MAX);
        assert_eq!(number(&headers, "absent"), 0);
    }
}
