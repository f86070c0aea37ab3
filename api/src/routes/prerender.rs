//! Having the pictures of a study made before anybody asks for them.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use noctis_shared::{
    catalog::{Again, Ordered},
    client_job::{ClientJob, ClientWork},
    presets::Presets,
    submit::{PICTURES_MAX, Views, view},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json;
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    jobs::{JobAnswer, accepted},
    problem::{Document, Problem},
    query::NoParameters,
};

/// Views of one order.
const PRESETS_MAX: usize = 16;

/// Which pictures are made ahead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PrerenderOrder {
    /// Views by name, of every frame; `default` is the file's own. 16 at most.
    #[schema(example = json!(["default", "lung"]), max_items = 16)]
    presets: Vec<String>,
    /// Whether small pictures are made, too.
    thumbnails: bool,
}

impl Default for PrerenderOrder {
    fn default() -> Self {
        Self { presets: vec![view::DEFAULT.to_owned()], thumbnails: true }
    }
}

/// Has the pictures of a study made in the background, and kept.
///
/// Without a body these are every frame as its file wants it, and the small pictures. What is kept already counts at once.
#[utoipa::path(
    post,
    path = "/api/v1/dicom/studies/{study_id}/prerender",
    operation_id = "prerenderStudy",
    tag = "jobs",
    params(("study_id" = String, Path, description = "Its UUID, or its Study Instance UID")),
    request_body(content = Option<PrerenderOrder>, content_type = "application/json"),
    responses(
        (status = 202, description = "The job", body = JobAnswer, headers(("Location" = String, description = "Where the job is told of"))),
        (status = 400, description = "The body does not read, names a view that is none, or asks for more than 100,000 pictures", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many jobs under way", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn prerender(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let study = api.visible_to(&caller).study(&segment)?;
    let order: PrerenderOrder = json::read_or_default(&headers, &body)?;
    let views = views(&order, api.submit.presets())?;
    let images = api.catalog.frames_of_study(*study).await.map_err(|error| catalog_problem(&error))?;
    if images.is_empty() {
        return Err(Problem::no_such_study());
    }
    let total = views.count(&images).ok_or_else(|| {
        let takes = format!("asks for more than {PICTURES_MAX} pictures of this study: ask for fewer views");
        Problem::parameter("presets", takes)
    })?;
    let work = ClientWork::Prerender { presets: views.names(), thumbnails: order.thumbnails };
    let job = ClientJob::new(Uuid::new_v4(), *study, &caller.name, work, total);
    match api.jobs.order(&job, Again::Never).await.map_err(|error| catalog_problem(&error))? {
        Ordered::Job(job) => accepted(&study.told_as(*job), None),
        Ordered::TooMany => Err(Problem::too_many_jobs()),
    }
}

fn views(order: &PrerenderOrder, presets: &Presets) -> Result<Views, Problem> {
    if order.presets.len() > PRESETS_MAX {
        return Err(Problem::parameter("presets", format_args!("takes {PRESETS_MAX} views at most")));
    }
    if order.presets.is_empty() && !order.thumbnails {
        return Err(Problem::parameter("presets", "names no view, and no small pictures are asked for"));
    }
    Views::of(presets, &order.presets, order.thumbnails).map_err(|_| {
        let names: Vec<&str> = view::names(presets).collect();
        Problem::parameter("presets", "there is no such preset").with("presets", names)
    })
}
