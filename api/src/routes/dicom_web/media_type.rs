//! In which media type DICOM JSON is told: by `accept=`, else by `Accept` (PS3.18 8.7.4 and 8.3.3.1). It is the same
//! text under both of its names; XML is not told.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{
    picture::{takes, wants_plain_json},
    problem::{Kind, Problem},
};

pub(super) const DICOM_JSON: HeaderValue = HeaderValue::from_static("application/dicom+json");
const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media type of an answer in DICOM JSON.
///
/// # Errors
/// 406 for a client that takes no JSON.
pub(super) fn of_json(accept: Option<&str>, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let mut asked = HeaderMap::new();
    match accept {
        // A plus that is not encoded reads as a space, and no media type has one.
        Some(accept) => match HeaderValue::try_from(accept.trim().replace("dicom json", "dicom+json")) {
            Ok(accept) => drop(asked.insert(header::ACCEPT, accept)),
            Err(_) => return Err(not_acceptable()),
        },
        None => {
            for accept in headers.get_all(header::ACCEPT) {
                asked.append(header::ACCEPT, accept.clone());
            }
        }
    }
    if takes(&asked, "application/dicom+json") && !wants_plain_json(&asked) {
        Ok(DICOM_JSON)
    } else if takes(&asked, "application/json") {
        Ok(PLAIN_JSON)
    } else {
        Err(not_acceptable())
    }
}

fn not_acceptable() -> Problem {
    Problem::new(Kind::NotAcceptable, "This is told as JSON alone, and Accept takes none.")
        .with("media_types", vec!["application/dicom+json", "application/json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PS3.18 table 8.7.3-5 has JSON as the default of both resources.
    #[test]
    fn json_is_told_to_who_takes_it_under_either_name() {
        let cases = [
            (None, None, Some("application/dicom+json")),
            (None, Some("*/*"), Some("application/dicom+json")),
            (None, Some("application/*"), Some("application/dicom+json")),
            (None, Some("application/dicom+json"), Some("application/dicom+json")),
            (None, Some("application/dicom+json; charset=utf-8"), Some("application/dicom+json")),
            (None, Some("application/json"), Some("application/json")),
            (None, Some("application/dicom+json, application/json"), Some("application/dicom+json")),
            (
                None,
                Some("multipart/related; type=\"application/dicom+xml\", application/json;q=0.1"),
                Some("application/json"),
            ),
            (None, Some("multipart/related; type=\"application/dicom+xml\""), None),
            (None, Some("application/dicom+xml"), None),
            (None, Some("text/html"), None),
            (None, Some("application/dicom+json;q=0, application/json;q=0"), None),
            (Some("application/dicom+json"), Some("text/html"), Some("application/dicom+json")),
            (Some("application/dicom json"), None, Some("application/dicom+json")),
            (Some("application/json"), Some("application/dicom+json"), Some("application/json")),
            (Some("application/dicom+xml"), Some("application/dicom+json"), None),
            (Some("\n"), None, Some("application/dicom+json")),
        ];
        for (parameter, sent, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(header::ACCEPT, sent.parse().expect("a header"));
            }
            let told = of_json(parameter, &headers).ok();
            assert_eq!(told.as_ref().and_then(|it| it.to_str().ok()), expected, "{parameter:?} {sent:?}");
        }
    }
}
