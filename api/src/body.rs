//! Bodies of logins. What they hold is repeated nowhere: there are secrets in them.

use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::problem::{Kind, Problem};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A body in the way of OAuth 2: a form (RFC 6749 4.3.2), or JSON.
///
/// # Errors
/// 415 for anything else; 400 for what does not read.
pub(crate) fn form_or_json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    match media_type(headers).as_str() {
        JSON => serde_json::from_slice(body).map_err(|_| does_not_read()),
        FORM => {
            let mut members = serde_json::Map::new();
            for (name, value) in form_urlencoded::parse(body) {
                // RFC 6749 3.2: a parameter is given once.
                if members.insert(name.into_owned(), value.into_owned().into()).is_some() {
                    return Err(does_not_read());
                }
            }
            serde_json::from_value(members.into()).map_err(|_| does_not_read())
        }
        _ => {
            let detail = "Send application/x-www-form-urlencoded or application/json, and say which.";
            Err(Problem::new(Kind::UnsupportedMediaType, detail))
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn does_not_read() -> Problem {
    Problem::new(Kind::InvalidRequest, "The body does not read, or lacks what it must have.")
}
