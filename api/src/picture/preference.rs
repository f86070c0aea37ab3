//! Whether a client would rather hear of a job than wait (RFC 7240): `Prefer: respond-async, wait=5`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Longest `Prefer` that is looked at, in bytes.
const BYTES_MAX: usize = 1024;

/// A client that is told of a job after `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RespondAsync {
    pub(crate) wait: Duration,
    says_wait: bool,
}

impl RespondAsync {
    /// The value of `Preference-Applied`.
    pub(crate) fn applied(self) -> HeaderValue {
        let wait = self
            .says_wait
            .then(|| HeaderValue::try_from(format!("respond-async, wait={}", self.wait.as_secs())));
        wait.and_then(Result::ok).unwrap_or(HeaderValue::from_static("respond-async"))
    }
}

/// The preference, if it is among those that were sent. What does not read is not preferred, and of a preference that is
/// given twice the first holds (RFC 7240 2).
pub(crate) fn respond_async(headers: &HeaderMap) -> Option<RespondAsync> {
    let texts = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let texts = texts.filter(|text| text.len() <= BYTES_MAX);
    let (mut prefers, mut wait) = (false, None);
    for preference in texts.flat_map(|text| text.split(',')) {
        // What stands behind a semicolon says more of a preference; nothing of these two.
        let said = preference.split(';').next().unwrap_or_default();
        let (name, value) = said.split_once('=').unwrap_or((said, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("respond-async") {
            prefers = true;
        } else if name.eq_ignore_ascii_case("wait") && wait.is_none() {
            wait = value.trim().trim_matches('"').parse::<u32>().ok();
        }
    }
    let seconds = u64::from(wait.unwrap_or(0));
    prefers.then(|| RespondAsync { wait: Duration::from_secs(seconds), says_wait: wait.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sent: &[&'static str]) -> Option<(u64, String)> {
        let mut headers = HeaderMap::new();
        for text in sent {
            headers.append(PREFER, HeaderValue::from_static(text));
        }
        let preference = respond_async(&headers)?;
        Some((preference.wait.as_secs(), preference.applied().to_str().expect("text").to_owned()))
    }

    #[test]
    fn the_preference_is_read_as_it_may_be_written() {
        let alone = Some((0, "respond-async".to_owned()));
        let waits = Some((5, "respond-async, wait=5".to_owned()));
        let cases: [(&[&str], _); 10] = [
            (&[], None),
            (&["wait=5"], None),
            (&["return=minimal"], None),
            (&["respond-async"], alone.clone()),
            (&["Respond-Async; foo=bar"], alone.clone()),
            (&["respond-async, wait=soon"], alone),
            (&["respond-async, wait=5"], waits.clone()),
            (&["wait=\"5\"", "respond-async"], waits.clone()),
            (&["wait = 5, handling=lenient, respond-async"], waits.clone()),
            (&["respond-async, wait=5, wait=9"], waits),
        ];
        for (sent, expected) in cases {
            assert_eq!(read(sent), expected, "{sent:?}");
        }
    }
}
