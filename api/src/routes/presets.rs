//! The window presets.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use noctis_shared::presets::Preset;
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
pub(super) struct Presets<'a> {
    /// Names the names and numbers below: another where any of them is.
    #[schema(example = "6f1d0c6b2a9e4d71")]
    version: &'a str,
    /// In the order of the list that viewers show.
    presets: &'a [Preset],
    /// The preset that a viewer begins with, by modality; `default` is the file's own window.
    defaults: BTreeMap<&'a str, &'a str>,
    /// Whether windows without a name may be asked for too.
    free_windows: bool,
}

/// Lists the window presets.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/presets",
    operation_id = "listPresets",
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
    let presets = api.windows.presets();
    let told = Presets {
        version: presets.version(),
        presets: presets.list(),
        defaults: presets.defaults().iter().copied().collect(),
        free_windows: api.windows.are_free(),
    };
    tell(body_of(&told)?, &headers, api.outgoing.to(&caller.name))
}
