//! The name of a request, in answers and logs: the client's, if it is one, else ours.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from a client, in characters.
const CHARS_MAX: usize = 128;

/// Names one request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(HEADER).filter(|value| is_sane(value.as_bytes())) {
            Some(value) => Self(value.clone()),
            None => Self::random(),
        }
    }

    fn random() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        // Hexadecimal digits and dashes are always a header value.
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unnamed")))
    }

    pub(crate) fn as_str(&self) -> &str {
        // Checked on the way in.
        self.0.to_str().unwrap_or("unnamed")
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Letters, digits and a few signs: nothing that could write into a log line or a document.
fn is_sane(id: &[u8]) -> bool {
    (1..=CHARS_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_write_into_a_log_is_replaced() {
        let long = "x".repeat(CHARS_MAX + 1);
        let cases = [
            ("abc-123", true),
            ("4bf92f35:00", true),
            ("a b", false),
            ("\"}", false),
            ("", false),
            (&long, false),
        ];
        for (id, kept) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, id.parse().expect("a header"));
            assert_eq!(RequestId::of(&headers).as_str() == id, kept, "{id}");
        }
    }
}
