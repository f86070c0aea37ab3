//! The kinds of problems, where `type` of a problem document leads.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::documents::{body_of, tell};
use crate::{
    api::Api,
    caller::Caller,
    picture::wants_page,
    problem::{Document, Kind, Problem, ProblemKind},
    query::NoParameters,
};

/// The page has no style, no script and no picture.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Every kind of problem.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problems {
    /// In the order of `docs/problems.md`.
    problems: Vec<ProblemKind>,
}

/// Lists the kinds of problems that answers may be.
#[utoipa::path(
    get,
    path = "/api/v1/problems",
    operation_id = "listProblemKinds",
    tag = "operation",
    responses(
        (status = 200, description = "The kinds", body = Problems, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let problems = Kind::ALL.iter().copied().map(Kind::told).collect();
    tell(body_of(&Problems { problems })?, &headers, api.outgoing.to(&caller.name))
}

/// Tells of one kind of problem: JSON, or a page to who asks for `text/html`.
#[utoipa::path(
    get,
    path = "/api/v1/problems/{slug}",
    operation_id = "getProblemKind",
    tag = "operation",
    params(("slug" = String, Path, description = "The end of `type`", example = "frame-not-found")),
    responses(
        (status = 200, description = "The kind", headers(("ETag" = String, description = "Weak; of JSON")), content(
            (ProblemKind = "application/json"),
            (String = "text/html"),
        )),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such kind", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(slug): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = Kind::named(&slug);
    let kind = kind.ok_or_else(|| Problem::new(Kind::RouteNotFound, "No kind of problem has this slug."))?;
    if wants_page(&headers) {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::VARY, HeaderValue::from_static("Accept")),
        ];
        return Ok((headers, kind.told().page()).into_response());
    }
    let mut response = tell(body_of(&kind.told())?, &headers, api.outgoing.to(&caller.name))?;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}
