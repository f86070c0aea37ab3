//! Deleting studies, series and instances. Rows and pictures go at once; stored files of ours are owed then, and a worker
//! removes them; files that are read where they lie stay.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use noctis_shared::{
    cache::Forget, catalog::Scope, dicom_uid::parse_public_id, forget::Forgetting, storage::Stored,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::Api,
    back_end::forget_problem,
    caller::Caller,
    problem::{Document, Problem},
    query::NoParameters,
    visible::Permitted,
};

/// What went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deletion {
    deleted: DeletedCounts,
}

/// How much of each kind.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedCounts {
    /// Instances that are not known any more.
    instances: u64,
    /// Pictures and remembered failures that are gone from caches and catalog.
    renders: u64,
    /// Stored files that are removed within moments. Files that are read where they lie stay.
    objects: u64,
}

/// Deletes a study.
#[utoipa::path(
    delete,
    path = "/api/v1/dicom/studies/{study_id}",
    operation_id = "deleteStudy",
    tag = "studies",
    params(("study_id" = String, Path, description = "Its UUID, or its Study Instance UID")),
    responses(
        (status = 200, description = "Deleted", body = Deletion),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Cache or catalog do not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn study(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Deletion>, Problem> {
    let study = api.visible_to(&caller).study(&segment)?;
    let scope = study.told_as(Scope::Study(*study));
    delete(&api, scope, Problem::no_such_study).await
}

/// Deletes a series. A study of which nothing is left goes with it.
#[utoipa::path(
    delete,
    path = "/api/v1/dicom/series/{series_id}",
    operation_id = "deleteSeries",
    tag = "studies",
    params(("series_id" = String, Path, description = "Its UUID, or its Series Instance UID")),
    responses(
        (status = 200, description = "Deleted", body = Deletion),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such series", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Series of several studies have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Cache or catalog do not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn series(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Deletion>, Problem> {
    let series_id = parse_public_id(&segment).ok_or_else(Problem::no_such_series)?;
    let series = api.visible_to(&caller).series(series_id).await?;
    let scope = series.told_as(Scope::Series(series.key));
    delete(&api, scope, Problem::no_such_series).await
}

/// Deletes an instance. A series or study of which nothing is left goes with it.
#[utoipa::path(
    delete,
    path = "/api/v1/dicom/images/{image_id}",
    operation_id = "deleteImage",
    tag = "images",
    params(("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID")),
    responses(
        (status = 200, description = "Deleted", body = Deletion),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Cache or catalog do not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn image(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Deletion>, Problem> {
    let image_id = parse_public_id(&segment).ok_or_else(Problem::no_such_image)?;
    let image = api.visible_to(&caller).image(image_id).await?;
    let scope = image.told_as(Scope::Image(image.key));
    delete(&api, scope, Problem::no_such_image).await
}

/// In a task of its own: a client that goes away must not leave half of it forgotten.
async fn delete(
    api: &Arc<Api>,
    scope: Permitted<Scope>,
    unknown: fn() -> Problem,
) -> Result<Json<Deletion>, Problem> {
    let of_task = Arc::clone(api);
    let deleting = tokio::spawn(async move {
        let storage = &of_task.storage;
        let is_ours = |location: &str, stored: &Stored<'_>| storage.is_ours(location, stored);
        Forgetting::new(&of_task.catalog, &of_task.cache).delete(&scope, &is_ours).await
    });
    let deleted = deleting.await.map_err(|error| Problem::internal(&error))?;
    let deleted = deleted.map_err(|error| forget_problem(&error))?;
    if deleted.image_ids.is_empty() {
        return Err(unknown());
    }
    // Other processes are told by the cache; this one must not answer from memory a moment longer.
    api.forget(&Forget::Images(deleted.image_ids.as_slice().into()));
    let instances = deleted.image_ids.len() as u64;
    let (renders, objects) = (deleted.renders, deleted.objects);
    Ok(Json(Deletion { deleted: DeletedCounts { instances, renders, objects } }))
}
