//! The series of a study.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use noctis_shared::{answer::Series, metadata_names};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    documents::{body_of, cached, read, tell},
    portion::{Page, Portion},
    sorting::{SeriesSort, Sorted},
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    problem::{Document, Problem},
    query::Query,
};

/// The series of a study.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct SeriesOfStudy {
    /// By number, then UID, unless `sort` asks otherwise.
    series: Vec<Series>,
    /// Series of the study, on all pages.
    #[serde(default)]
    #[schema(required)]
    total: usize,
    /// `cursor` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Lists the series of a study.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/studies/{study_id}/series",
    operation_id = "listSeriesOfStudy",
    tag = "studies",
    params(
        ("study_id" = String, Path, description = "Its UUID, or its Study Instance UID"),
        ("modality" = Option<String>, Query, description = "Series of this modality", example = "CT"),
        ("sort" = Option<String>, Query, description = "`number` (the default), `description`, `modality` or `images`; `-` before it descends", pattern = "^-?(number|description|modality|images)$", example = "-number"),
        ("limit" = Option<u32>, Query, description = "Entries on the page, 1 to 500, default all", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "Its series", body = SeriesOfStudy, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn of_study(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let SeriesAsked { modality, order, portion } = SeriesAsked::parse(query.as_deref())?;
    let visible = api.visible_to(&caller);
    let study = visible.study(&segment)?;
    let fetch = async {
        let series =
            visible.catalog.series_of_study(*study).await.map_err(|error| catalog_problem(&error))?;
        let series = series.ok_or_else(Problem::no_such_study)?;
        Ok(study.told_as(SeriesOfStudy { total: series.len(), series, next: None }))
    };
    let name = metadata_names::series_of_study(*study);
    let whole = cached(visible, &name, Problem::no_such_study, fetch).await?;
    if portion.is_all() && modality.is_none() && order.is_none() {
        return tell(whole.into_inner(), &headers, api.outgoing.to(&caller.name));
    }
    let SeriesOfStudy { mut series, .. } = read(&whole)?;
    if let Some(modality) = modality {
        series.retain(|series| series.facts.modality.as_deref() == Some(&modality));
    }
    if let Some(order) = order {
        order.apply(&mut series);
    }
    let Page { entries: series, total, next } = portion.cut(series, |series| &series.series_instance_uid)?;
    tell(body_of(&SeriesOfStudy { series, total, next })?, &headers, api.outgoing.to(&caller.name))
}

/// Which series are asked for, and in which order.
struct SeriesAsked {
    modality: Option<String>,
    order: Option<Sorted<SeriesSort>>,
    portion: Portion,
}

impl SeriesAsked {
    fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut query = Query::parse(query)?;
        let modality = query.take("modality").map(|modality| modality.trim().to_uppercase());
        let asked = Self {
            modality: modality.filter(|modality| !modality.is_empty()),
            order: Sorted::take(&mut query)?,
            portion: Portion::take(&mut query)?,
        };
        query.finish("modality, sort, limit and cursor")?;
        Ok(asked)
    }
}
