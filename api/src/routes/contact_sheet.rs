//! The small pictures of a series, in one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::dicom_uid::parse_public_id;

use super::documents::body_of;
use crate::{
    api::Api,
    caller::Caller,
    edge::{self, SENT},
    entity_tag::{EntityTag, any_is_named_by},
    picture::{
        contact_sheet::{Layout, PIXELS_MAX, Sheet, SheetIndex},
        wants_json_rather_than_png,
    },
    problem::{Document, Kind, Problem},
    query::Query,
};

/// The sides of a cell in pixels, and the cells of a row, when none are asked.
const SIZE_PIXELS: u32 = 128;
const COLUMNS: u32 = 8;
const COLUMNS_MAX: u32 = 64;

/// The small pictures of a series in display order as one PNG; with `Accept: application/json` where each stands in it.
///
/// Each is that of `…/images/{image_id}/thumbnail`, in the middle of its cell. Where an image has no picture its cell is black,
/// and the index says why.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/series/{series_id}/contact-sheet",
    operation_id = "getContactSheet",
    tag = "images",
    params(
        ("series_id" = String, Path, description = "Its UUID, or its Series Instance UID"),
        ("size" = Option<u32>, Query, description = "Sides of a cell, in pixels, default 128", minimum = 16, maximum = 512),
        ("columns" = Option<u32>, Query, description = "Cells in a row, default 8", minimum = 1, maximum = 64),
    ),
    responses(
        (status = 200, description = "The sheet, or where its pictures stand", content(
            (String = "image/png"),
            (SheetIndex = "application/json"),
        ), headers(("ETag" = String, description = "Weak"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong, or the sheet has too many pixels", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such series", body = Document, content_type = "application/problem+json"),
        (status = 406, description = "Neither PNG nor JSON is acceptable", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Series of several studies have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The series has no images", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "No render can be made now, or earlier answers are not read yet; `Retry-After` says when to ask again", body = Document, content_type = "application/problem+json"),
        (status = 504, description = "Not ready in time; what was made is there the next time", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sheet(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(query.as_deref())?;
    let takes = "a number of pixels from 16 to 512";
    let size = query.take_value("size", takes, |size| (16..=512).contains(size))?.unwrap_or(SIZE_PIXELS);
    let columns = query
        .take_value("columns", "a number from 1 to 64", |columns| (1..=COLUMNS_MAX).contains(columns))?;
    query.finish("size, columns")?;
    let as_json = wants_json_rather_than_png(&headers)?;

    let series_id = parse_public_id(&segment).ok_or_else(Problem::no_such_series)?;
    let visible = api.visible_to(&caller);
    let series = visible.series(series_id).await?;
    let images: Vec<_> = visible.listed(&series).await?.iter().map(|image| image.image_id).collect();
    let count = u32::try_from(images.len()).unwrap_or(u32::MAX);
    let columns = columns.unwrap_or(COLUMNS).min(count.max(1));
    check_size(count, columns, size)?;
    edge::pay(&api, &caller, count.saturating_mul(SENT)).await?;

    let sheet = Sheet::of(&api, &caller, Layout { images, size, columns }).await?;
    let tag =
        EntityTag::weak(format_args!("{:016x}-{}", sheet.tag(), if as_json { "index" } else { "sheet" }));
    let mut response = if tag.is_named_by(&headers) || any_is_named_by(&headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (media_type, body) = if as_json {
            ("application/json", body_of(&sheet.index())?)
        } else {
            ("image/png", sheet.png().await?)
        };
        let body = api.outgoing.to(&caller.name).take(body)?;
        ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body).into_response()
    };
    let headers = response.headers_mut();
    tag.put_into(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}

/// # Errors
/// 422 for a series without images, 400 for a sheet with too many pixels.
fn check_size(count: u32, columns: u32, size: u32) -> Result<(), Problem> {
    if count == 0 {
        return Err(Problem::new(Kind::Unrenderable, "The series has no images."));
    }
    let cells = count.div_ceil(columns) as usize * columns as usize;
    if cells.saturating_mul(size as usize * size as usize) > PIXELS_MAX {
        let detail =
            format!("makes a sheet of {count} pictures larger than {PIXELS_MAX} pixels: take a smaller one");
        return Err(Problem::parameter("size", detail));
    }
    Ok(())
}
