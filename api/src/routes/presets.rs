//! The window presets.

use axum::{
    Json,
    extract::RawQuery,
    http::{HeaderValue, header},
    response::IntoResponse,
};
use noctis_shared::presets::{PRESETS, Preset};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{problem::Problem, query::Query};

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
    responses((status = 200, description = "The presets", body = Presets))
)]
pub(super) async fn list(RawQuery(query): RawQuery) -> Result<impl IntoResponse, Problem> {
    Query::parse(query.as_deref())?.finish("none")?;
    let an_hour = [(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"))];
    Ok((an_hour, Json(Presets { presets: &PRESETS })))
}
