//! Bodies of requests in JSON.

use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::problem::{Kind, Problem};

/// Enough of what a body lacks to mend it by.
const CHARS_MAX: usize = 200;

/// What a body tells; what is left out for one that is empty.
///
/// # Errors
/// 415 for a body that is not said to be JSON, 400 for one that does not read.
pub(super) fn read_or_default<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { read(headers, body) }
}

/// What a body tells.
///
/// # Errors
/// As [`read_or_default`], and 400 for one that is empty.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !body.is_empty() {
        check_media_type(headers)?;
    }
    serde_json::from_slice(body).map_err(|error| {
        let text: String = error.to_string().chars().take(CHARS_MAX).collect();
        Problem::parameter("body", format_args!("does not read: {text}"))
    })
}

/// # Errors
/// 415 for a body that is not said to be JSON.
pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = sent.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Kind::UnsupportedMediaType, "Send application/json, and say so."))
}
