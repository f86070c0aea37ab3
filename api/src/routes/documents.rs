//! JSON answers about studies: kept in the cache as the bytes that were sent, and told with a validator.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use noctis_shared::catalog::{CatalogError, Found};
use serde::{Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    api::Api,
    back_end::catalog_problem,
    entity_tag::{EntityTag, any_is_named_by},
    found,
    problem::Problem,
};

/// The body under `name`, from the cache or else from the catalog through `fetch`.
///
/// # Errors
/// `unknown` when the catalog has no such thing; 409 when it has several; 503 when only the catalog could tell and does not answer.
pub(super) async fn cached<T: Serialize>(
    api: &Arc<Api>,
    name: &str,
    unknown: impl FnOnce() -> Problem,
    fetch: impl Future<Output = Result<Found<T>, CatalogError>>,
) -> Result<Bytes, Problem> {
    if let Some(body) = api.cache.metadata(name).await {
        return Ok(body);
    }
    let value = found::one(fetch.await.map_err(|error| catalog_problem(&error))?, unknown)?;
    let body = body_of(&value)?;
    api.cache.put_metadata(name, body.clone()).await;
    Ok(body)
}

/// # Errors
/// A problem when the value is not to be written, which never happens.
pub(super) fn body_of(value: &impl Serialize) -> Result<Bytes, Problem> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| Problem::internal(&error))
}

/// What a body tells, for an answer with a part of it.
///
/// # Errors
/// A problem when it is none of ours.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::internal(&error))
}

/// `body` to a client that sent `headers`; a 304 to one that has it. Nobody between us and the client keeps it: it may
/// name patients.
pub(super) fn tell(body: Bytes, headers: &HeaderMap) -> Response {
    // Weak: 64 bits tell two bodies apart and do not vouch for each byte.
    let tag = EntityTag::weak(format_args!("{:016x}", xxh3_64(&body)));
    let mut response = if tag.is_named_by(headers) || any_is_named_by(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    let headers = response.headers_mut();
    tag.put_into(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    response
}
