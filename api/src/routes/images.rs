//! One rendered frame.

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
    picture::{Asked, RenderedImage, Request, Shapes, answer_image},
    problem::{Document, Problem},
};

/// Renders one frame, or answers with it from a cache.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/images/{image_id}",
    operation_id = "getImage",
    tag = "images",
    params(
        ("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID"),
        super::picture_parameters::ViewParameters,
        super::picture_parameters::FrameParameters,
        ("Prefer" = Option<String>, Header, description = "`respond-async`, with `wait=` seconds: 202 with a job for a picture that is not there by then (RFC 7240)"),
    ),
    responses(
        (status = 200, description = "The frame", headers(
            ("ETag" = String, description = "Strong; the same picture has the same everywhere"),
            ("Server-Timing" = String, description = "Where it came from; the stages of a fresh render"),
            ("X-Pixel-Scale" = String, description = "`png16` and `raw16`: `slope,offset` from samples to modality values"),
            ("X-Rows" = String, description = "`raw16`: rows of the samples, which do not tell it"),
            ("X-Columns" = String, description = "`raw16`: columns of the samples"),
            ("X-Render-Integrity" = String, description = "`partial` when a damaged picture is shown as far as it goes"),
        ), content(
            (RenderedImage = "application/json"),
            (Vec<u8> = "image/png"),
            (Vec<u8> = "image/jpeg"),
            (Vec<u8> = "image/webp"),
            (Vec<u8> = "application/octet-stream"),
        )),
        (status = 202, description = "The client preferred not to wait (`Prefer: respond-async`), and the picture is not there: the job by which it is made", body = JobAnswer, headers(("Location" = String, description = "Where the job is told of"), ("Preference-Applied" = String, description = "What was preferred"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope of `x-scope`, or only presets may be asked for here", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image or frame", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 406, description = "No acceptable media type, or a video", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The file cannot be rendered", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many jobs under way", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "No render can be made now, or earlier answers are not read yet; `Retry-After` says when to ask again", body = Document, content_type = "application/problem+json"),
        (status = 504, description = "Not ready in time; the job is in `details`", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn image(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    uri: Uri,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::parse(query.as_deref(), &api.windows)?;
    answer_image(
        &api,
        &segment,
        asked,
        Shapes::JsonAndPictures,
        Request { uri: &uri, headers: &headers, caller: &caller },
    )
    .await
}
