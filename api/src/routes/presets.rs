//! The window presets.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use noctis_shared::presets::{PRESETS, Preset};
use serde::Serialize;
use utoipa::ToSchema;

use super::documents::{body_of, tell};
use crate::{
    api::Api,
    caller::Caller,
    problem::{Document, Problem},
    query::NoParameters,
};

/// Every preset.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Presets {
    /// In the order of the list that viewers show.
    presets: &'static [Preset],
}

/// Lists the window presets.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/presets",
    tag = "images",
    responses(
        (status = 200, description = "The presets", body = Presets, headers(("ETag" = String, description = "Weak"))),
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
    tell(body_of(&Presets { presets: &PRESETS })?, &headers, api.outgoing.to(&caller.name))
}
