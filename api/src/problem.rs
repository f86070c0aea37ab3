//! Every error that leaves over HTTP: one table of kinds, and the document that tells of one (RFC 9457).
//!
//! A handler returns a [`Problem`]; the edge writes it, since only the edge knows the path and the request id.
//! Architecture invariant: no other place makes an error body.

mod kind;
mod page;

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::kind::Kind;
pub(crate) use self::page::ProblemKind;

/// One problem, on its way to the edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    details: Map<String, Value>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of `kind`; `detail` is one sentence for the user, without anything of the inside.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), details: Map::new(), retry_after: None }
    }

    /// A parameter that is wrong: named in `details.parameter`.
    pub fn parameter(name: &str, takes: impl std::fmt::Display) -> Self {
        Self::new(Kind::InvalidParameter, format!("{name}: {takes}")).with("parameter", name)
    }

    /// A study that is not there, or not for the caller.
    pub(crate) fn no_such_study() -> Self {
        Self::new(Kind::StudyNotFound, "No study has this id.")
    }

    /// A series that is not there, or not for the caller.
    pub(crate) fn no_such_series() -> Self {
        Self::new(Kind::SeriesNotFound, "No series has this id.")
    }

    /// An image that is not there, or not for the caller.
    pub(crate) fn no_such_image() -> Self {
        Self::new(Kind::ImageNotFound, "No image has this id.")
    }

    /// A job that is not there, or not for the caller.
    pub(crate) fn no_such_job() -> Self {
        Self::new(Kind::JobNotFound, "No job has this id.")
    }

    /// An upload that is not there, or not the caller's.
    pub(crate) fn no_such_upload() -> Self {
        Self::new(Kind::UploadNotFound, "No upload has this id.")
    }

    /// A caller that has ordered more than is made of what it ordered before.
    pub(crate) fn too_many_jobs() -> Self {
        let detail = "As many jobs of this caller are under way as may be.";
        Self::new(Kind::TooManyJobs, detail).retry_after(Duration::from_secs(5))
    }

    /// A fault of ours: logged here, in words that never leave; the answer is constant.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed inside");
        Self::new(Kind::Internal, "Something went wrong on our side; the request id finds it in our logs.")
    }

    /// The same with a member in `details`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same with `Retry-After`, in whole seconds, at least 1.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is of what the client may have a little later, so that an answer that has begun waits for it.
    pub(crate) fn is_of_quota(&self) -> bool {
        matches!(self.kind, Kind::TooManyRequests | Kind::QueueFull)
    }

    /// When to ask again.
    pub(crate) fn pause(&self) -> Duration {
        self.retry_after.unwrap_or(Duration::from_secs(1))
    }

    /// The document, and how to be let in, where it is about that.
    pub(crate) fn document(self, path: &str, request_id: &str) -> Written {
        let Self { kind, detail, mut details, .. } = self;
        if kind.status().is_server_error() {
            details.insert("request_id".to_owned(), request_id.into());
        }
        let challenge = challenge(kind, &details);
        let byte_count = details.get("byte_count").filter(|_| kind == Kind::RangeNotSatisfiable).cloned();
        let document = Document {
            r#type: kind.path(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: &detail,
            instance: format!("urn:noctis:request:{request_id}"),
            error: kind.title(),
            details: Value::Object(details),
            timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            path,
        };
        // Texts and numbers: serialisation cannot fail, and an empty body still has its status.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        // How long the file is that has none of the bytes (RFC 9110 14.4).
        let unsatisfied = byte_count.and_then(|count| HeaderValue::try_from(format!("bytes */{count}")).ok());
        Written { body, challenge, unsatisfied }
    }

    /// The whole answer, with its kind beside it for the log.
    pub(crate) fn write(self, path: &str, request_id: &str) -> Response {
        let (kind, retry_after) = (self.kind, self.retry_after);
        let Written { body, challenge, unsatisfied } = self.document(path, request_id);
        let mut response = (kind.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(pause) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(pause)));
        }
        if let Some(unsatisfied) = unsatisfied {
            headers.insert(header::CONTENT_RANGE, unsatisfied);
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(kind);
        response
    }
}

/// A problem as it is sent.
pub(crate) struct Written {
    pub(crate) body: Vec<u8>,
    challenge: Option<HeaderValue>,
    unsatisfied: Option<HeaderValue>,
}

/// How to be let in (RFC 9110 11.6.1), for the kinds that are about it. Names of ours alone stand in it.
fn challenge(kind: Kind, details: &Map<String, Value>) -> Option<HeaderValue> {
    let member = |name: &str| {
        let text = details.get(name).and_then(Value::as_str);
        text.map_or_else(String::new, |text| format!(", {name}=\"{text}\""))
    };
    let challenge = match kind {
        Kind::InvalidClient => "Basic realm=\"noctis\"".to_owned(),
        Kind::Unauthorized => format!("Bearer realm=\"noctis\"{}", member("error")),
        Kind::InsufficientScope => {
            format!("Bearer realm=\"noctis\", error=\"insufficient_scope\"{}", member("scope"))
        }
        _ => return None,
    };
    HeaderValue::try_from(challenge).ok()
}

/// Seconds, rounded up, at least 1.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

/// The bare status, with the problem beside it for the edge to write.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document (RFC 9457), with members of our own behind `instance`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Where the kind is told of: `/api/v1/problems/` and its slug.
    #[schema(example = "/api/v1/problems/frame-not-found")]
    r#type: String,
    /// The kind, in words.
    title: &'static str,
    /// The status again.
    status: u16,
    /// What happened this time.
    detail: &'a str,
    /// Names this occurrence, by the request id.
    instance: String,
    /// The same as `title`.
    error: &'static str,
    /// Facts for programs, by kind.
    #[schema(value_type = Object)]
    details: Value,
    /// When, RFC 3339.
    timestamp: String,
    /// The path asked for.
    path: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_slug_of_its_own_and_an_error_status() {
        let slugs: HashSet<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        assert_eq!(slugs.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{kind:?}");
            assert!(kind.slug().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind:?}");
        }
    }

    #[test]
    fn seconds_to_wait_are_rounded_up_and_never_none() {
        let cases = [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (59_999, 60)];
        for (milliseconds, seconds) in cases {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds, "{milliseconds} ms");
        }
    }
}
