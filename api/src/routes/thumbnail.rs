//! A small picture of an image.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, Uri},
    response::Response,
};

use crate::{
    api::Api,
    caller::Caller,
    jobs::JobAnswer,
    picture::{Asked, Request, Shapes, answer_image},
    problem::{Document, Problem},
    query::Query,
};

/// The longer side in pixels when none is asked.
const SIZE_PIXELS: u32 = 128;

/// Renders the first frame small, or answers with it from a cache. Picture bytes, never JSON; colours in sRGB
/// where the profile of the file can be used.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/images/{image_id}/thumbnail",
    operation_id = "getThumbnail",
    tag = "images",
    params(
        ("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID"),
        ("size" = Option<u32>, Query, description = "The longer side in pixels, default 128", minimum = 16, maximum = 512),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, with `wait=` seconds: 202 with a job for a picture that is not there by then (RFC 7240)"),
    ),
    responses(
        (status = 200, description = "The small picture", content(
            (Vec<u8> = "image/png"),
            (Vec<u8> = "image/jpeg"),
            (Vec<u8> = "image/webp"),
        )),
        (status = 202, description = "The client preferred not to wait (`Prefer: respond-async`), and the picture is not there: the job by which it is made", body = JobAnswer, headers(("Location" = String, description = "Where the job is told of"), ("Preference-Applied" = String, description = "What was preferred"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The file cannot be rendered", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many jobs under way", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "No render can be made now, or earlier answers are not read yet; `Retry-After` says when to ask again", body = Document, content_type = "application/problem+json"),
        (status = 504, description = "Not ready in time; the job is in `details`", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn thumbnail(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::parse(query.as_deref())?;
    let size =
        query.take_value("size", "a number of pixels from 16 to 512", |size| (16..=512).contains(size))?;
    query.finish("size")?;
    let asked = Asked::thumbnail(size.unwrap_or(SIZE_PIXELS));
    answer_image(
        &api,
        &segment,
        asked,
        Shapes::PicturesOnly,
        Request { uri: &uri, headers: &headers, caller: &caller },
    )
    .await
}
