//! Forgetting pictures.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{RawQuery, State},
};
use noctis_shared::{
    cache::Forget,
    catalog::Scope,
    dicom_uid::parse_public_id,
    forget::{Change, Forgetting},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::Api,
    back_end::{catalog_problem, forget_problem},
    caller::Caller,
    problem::{Document, Kind, Problem},
    query::Query,
    visible::{Permitted, Visible},
};

/// What was cleared.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cleared {
    /// Pictures and remembered failures that are gone from caches and catalog.
    cleared: u64,
}

/// Forgets the pictures of everything, of a study, a series or an image, in every cache and in the catalog.
#[utoipa::path(
    post,
    path = "/api/v1/dicom/clear-cache",
    operation_id = "clearCache",
    tag = "operation",
    params(
        ("study_id" = Option<String>, Query, description = "Only this study"),
        ("series_id" = Option<String>, Query, description = "Only this series"),
        ("image_id" = Option<String>, Query, description = "Only this image"),
    ),
    responses(
        (status = 200, description = "Cleared", body = Cleared),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Several have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Cache or catalog do not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn clear(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Cleared>, Problem> {
    let Some(scope) = keyed(scope(query.as_deref())?, api.visible_to(&caller)).await? else {
        return Ok(Json(Cleared { cleared: 0 }));
    };
    let forgetting = Forgetting::new(&api.catalog, &api.cache);
    let cleared = forgetting.forget(Change::Cleared(&scope)).await.map_err(|error| forget_problem(&error))?;
    // Other processes are told by the cache; this one must not answer from memory a moment longer.
    api.forget(&match scope {
        Scope::Everything => Forget::Everything,
        scope => Forget::Images(image_ids(&api, &scope).await?.into()),
    });
    Ok(Json(Cleared { cleared }))
}

async fn image_ids(api: &Api, scope: &Scope) -> Result<Vec<Uuid>, Problem> {
    api.catalog.image_ids(scope).await.map_err(|error| catalog_problem(&error))
}

/// The scope by keys of the catalog, where public ids name one thing; `None` where there is nothing for the caller. Of
/// what the catalog does not know any more a cache may know something.
async fn keyed(scope: Scope, visible: Visible<'_>) -> Result<Option<Scope>, Problem> {
    let may_clear_all = visible.caller.sight.is_everything();
    let key_or = |id: Uuid, key: Result<Uuid, Problem>| match key {
        Err(problem) if matches!(problem.kind(), Kind::SeriesNotFound | Kind::ImageNotFound) => {
            Ok(may_clear_all.then_some(id))
        }
        key => key.map(Some),
    };
    Ok(match scope {
        Scope::Everything if may_clear_all => Some(scope),
        Scope::Everything => {
            let detail = "A token that is held to some studies clears one of them: name it.";
            return Err(Problem::new(Kind::InsufficientScope, detail));
        }
        Scope::Study(study_id) => visible.of_study(study_id, scope).map(Permitted::into_inner),
        Scope::Series(id) => {
            key_or(id, visible.series(id).await.map(|series| series.key))?.map(Scope::Series)
        }
        Scope::Image(id) => key_or(id, visible.image(id).await.map(|image| image.key))?.map(Scope::Image),
    })
}

fn scope(query: Option<&str>) -> Result<Scope, Problem> {
    let mut query = Query::parse(query)?;
    let mut id = |name: &'static str| {
        let id = query.take(name).map(|text| parse_public_id(&text));
        match id {
            None => Ok(None),
            Some(Some(id)) => Ok(Some(id)),
            Some(None) => Err(Problem::parameter(name, "takes a UUID or a DICOM UID")),
        }
    };
    let (study, series, image) = (id("study_id")?, id("series_id")?, id("image_id")?);
    query.finish("study_id, series_id or image_id")?;
    match (study, series, image) {
        (None, None, None) => Ok(Scope::Everything),
        (Some(study_id), None, None) => Ok(Scope::Study(study_id)),
        (None, Some(series_id), None) => Ok(Scope::Series(series_id)),
        (None, None, Some(image_id)) => Ok(Scope::Image(image_id)),
        (Some(_), Some(_), _) => {
            Err(Problem::parameter("series_id", "does not go with study_id: give one of them"))
        }
        (_, _, Some(_)) => {
            Err(Problem::parameter("image_id", "does not go with another id: give one of them"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_at_most_names_what_is_cleared() {
        assert_eq!(scope(None), Ok(Scope::Everything));
        assert_eq!(scope(Some("study_id=1.2.3")), Ok(Scope::Study(parse_public_id("1.2.3").expect("a UID"))));
        let long = format!("study_id={}", "1".repeat(65));
        for wrong in
            ["study_id=1.2&series_id=1.3", "image_id=1.2&study_id=1.2", &long, "study_id=", "study=1.2"]
        {
            assert!(scope(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
