//! The images of a series.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use noctis_shared::{answer::Image, dicom_uid::parse_public_id, metadata_names};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    documents::{body_of, cached, read, tell},
    portion::{Page, Portion},
    sorting::{ImageSort, Sorted},
};
use crate::{
    api::Api,
    caller::Caller,
    problem::{Document, Problem},
    query::Query,
};

/// The images of a series.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ImagesOfSeries {
    /// In display order, unless `sort` asks otherwise.
    images: Vec<Image>,
    /// Images of the series, on all pages.
    #[serde(default)]
    #[schema(required)]
    total: usize,
    /// `cursor` of the next page; `null` on the last one.
    next: Option<String>,
}

/// Lists the images of a series in display order.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/series/{series_id}/images",
    operation_id = "listImagesOfSeries",
    tag = "studies",
    params(
        ("series_id" = String, Path, description = "Its UUID, or its Series Instance UID"),
        ("sort" = Option<String>, Query, description = "`position` (the default, display order), `number` or `uid`; `-` before it descends", pattern = "^-?(position|number|uid)$", example = "-position"),
        ("limit" = Option<u32>, Query, description = "Entries on the page, 1 to 500, default all", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, description = "Its images", body = ImagesOfSeries, headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such series", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Series of several studies have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn of_series(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (order, portion) = images_asked(query.as_deref())?;
    let series_id = parse_public_id(&segment).ok_or_else(Problem::no_such_series)?;
    let visible = api.visible_to(&caller);
    let fetch = async {
        let series = visible.series(series_id).await?;
        let images = visible.images_of(&series).await?;
        Ok(series.told_as(ImagesOfSeries { total: images.len(), images, next: None }))
    };
    let name = metadata_names::images_of_series(series_id);
    let whole = cached(visible, &name, Problem::no_such_series, fetch).await?;
    if portion.is_all() && order.is_none() {
        return tell(whole.into_inner(), &headers, api.outgoing.to(&caller.name));
    }
    let ImagesOfSeries { mut images, .. } = read(&whole)?;
    match order {
        Some(order) if order.is_reversed_position() => images.reverse(),
        Some(order) => order.apply(&mut images),
        None => {}
    }
    let Page { entries: images, total, next } = portion.cut(images, |image| &image.sop_instance_uid)?;
    tell(body_of(&ImagesOfSeries { images, total, next })?, &headers, api.outgoing.to(&caller.name))
}

fn images_asked(query: Option<&str>) -> Result<(Option<Sorted<ImageSort>>, Portion), Problem> {
    let mut query = Query::parse(query)?;
    let asked = (Sorted::take(&mut query)?, Portion::take(&mut query)?);
    query.finish("sort, limit and cursor")?;
    Ok(asked)
}
