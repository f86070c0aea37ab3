//! JSON answers about studies, kept in the cache as the bytes that were sent.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use noctis_shared::catalog::{CatalogError, Found};
use serde::Serialize;

use crate::{api::Api, back_end::catalog_problem, found, problem::Problem};

/// The answer under `name`, from the cache or else from the catalog through `fetch`.
///
/// # Errors
/// `unknown` when the catalog has no such thing; 409 when it has several; 503 when only the catalog could tell and does not answer.
pub(super) async fn cached<T: Serialize>(
    api: &Arc<Api>,
    name: &str,
    unknown: impl FnOnce() -> Problem,
    fetch: impl Future<Output = Result<Found<T>, CatalogError>>,
) -> Result<Response, Problem> {
    if let Some(body) = api.cache.metadata(name).await {
        return Ok(json(body));
    }
    let value = found::one(fetch.await.map_err(|error| catalog_problem(&error))?, unknown)?;
    let body = Bytes::from(serde_json::to_vec(&value).map_err(|error| Problem::internal(&error))?);
    api.cache.put_metadata(name, body.clone()).await;
    Ok(json(body))
}

/// A JSON answer that nobody between us and the client keeps: it may name patients.
fn json(body: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("Authorization")),
    ];
    (headers, body).into_response()
}
