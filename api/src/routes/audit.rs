//! Who opened what, for those who must know.

use std::sync::Arc;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    auth::{AuditEntry, AuditFilter},
    catalog::CatalogError,
    dicom_uid::parse_public_id,
};

use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    problem::{Document, Problem},
    query::Query,
};

/// JSON values, one a line.
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
/// Entries that are read at a time.
const PORTION: usize = 1000;

/// Who opened which study, when, from where, and by which token or link: one JSON object a line, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "exportAudit",
    tag = "operation",
    params(
        ("since" = Option<String>, Query, description = "Of this moment or later (RFC 3339)", format = DateTime, example = "2026-11-01T00:00:00Z"),
        ("until" = Option<String>, Query, description = "Before this moment (RFC 3339)", format = DateTime),
        ("study_id" = Option<String>, Query, description = "Of this study, by id or UID"),
        ("subject" = Option<String>, Query, description = "Of this subject"),
    ),
    responses(
        (status = 200, description = "The entries; a body that ends early is not whole", body = String, content_type = "application/x-ndjson"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many streams", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn export(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let filter = filter(query.as_deref())?;
    let permit = api.streams.begin(&caller.name)?;
    // The first portion before the status: what fails at once is said.
    let first = api.catalog.audit(&filter, None, PORTION).await.map_err(|error| catalog_problem(&error))?;
    let body = Body::from_stream(lines(api, caller, filter, first, permit));
    Ok(([(header::CONTENT_TYPE, JSON_LINES)], [(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// Portion by portion, each read when the one before was taken.
fn lines(
    api: Arc<Api>,
    caller: Arc<Caller>,
    filter: AuditFilter,
    first: Vec<AuditEntry>,
    permit: Allowed,
) -> impl Stream<Item = Result<Bytes, CatalogError>> {
    let (again, after) = (Arc::clone(&api), filter);
    let portions = stream::try_unfold(Some(first), move |portion| {
        let (api, filter) = (Arc::clone(&again), after.clone());
        async move {
            let Some(portion) = portion.filter(|portion| !portion.is_empty()) else { return Ok(None) };
            let next = match portion.last() {
                Some(last) if portion.len() == PORTION => {
                    Some(api.catalog.audit(&filter, Some(last), PORTION).await?)
                }
                _ => None,
            };
            Ok(Some((portion, next)))
        }
    });
    portions.map(move |portion| {
        let _while_it_streams = &permit;
        portion.map(|entries| written(&entries, &caller))
    })
}

fn written(entries: &[AuditEntry], caller: &Caller) -> Bytes {
    let mut text = Vec::new();
    for entry in entries.iter().filter(|entry| caller.sight.reaches(entry.study_id)) {
        // Texts, ids and times: writing them to memory cannot fail.
        let _ = serde_json::to_writer(&mut text, entry);
        text.push(b'\n');
    }
    text.into()
}

fn filter(query: Option<&str>) -> Result<AuditFilter, Problem> {
    let mut query = Query::parse(query)?;
    let takes = "a moment, like 2026-11-01T00:00:00Z";
    let moment = |query: &mut Query<'_>, name| query.take_value(name, takes, |_: &DateTime<Utc>| true);
    let study_id = query.take("study_id").map(|text| {
        parse_public_id(&text).ok_or_else(|| Problem::parameter("study_id", "takes a UUID or a DICOM UID"))
    });
    let filter = AuditFilter {
        since: moment(&mut query, "since")?,
        until: moment(&mut query, "until")?,
        study_id: study_id.transpose()?,
        subject: query.take("subject").map(Into::into),
    };
    query.finish("since, until, study_id, subject")?;
    Ok(filter)
}
