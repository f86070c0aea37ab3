//! The window presets.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::IntoResponse,
};
use noctis_shared::presets::{PRESETS, Preset};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{problem::Document, query::NoParameters};

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
        (status = 200, description = "The presets", body = Presets),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(_: NoParameters) -> impl IntoResponse {
    let an_hour = [(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"))];
    (an_hour, Json(Presets { presets: &PRESETS }))
}
