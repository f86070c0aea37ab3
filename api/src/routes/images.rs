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
    tag = "images",
    params(
        ("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID"),
        ("preset" = Option<String>, Query, description = "A window by name; `default` is the file's own"),
        ("window" = Option<f64>, Query, description = "Width of the window, with `level`"),
        ("level" = Option<f64>, Query, description = "Center of the window, with `window`"),
        ("function" = Option<String>, Query, description = "`linear`, `linear_exact` or `sigmoid` (PS3.3 C.11.2.1)"),
        ("frame" = Option<u32>, Query, description = "Frame number, from 1", minimum = 1),
        ("width" = Option<u32>, Query, description = "Fit inside this width, in pixels", minimum = 1, maximum = 8192),
        ("height" = Option<u32>, Query, description = "Fit inside this height, in pixels", minimum = 1, maximum = 8192),
        ("enlarge" = Option<bool>, Query, description = "Whether a smaller picture grows to width and height"),
        ("region" = Option<String>, Query, description = "Part of the frame: `left,top,width,height` in its pixels"),
        ("invert" = Option<bool>, Query, description = "Whether black and white are swapped"),
        ("overlays" = Option<bool>, Query, description = "Whether overlays are shown, default true"),
        ("quality" = Option<u8>, Query, description = "Of lossy formats", minimum = 1, maximum = 100),
        ("format" = Option<String>, Query, description = "`png`, `png16`, `jpeg`, `webp` or `json`; overrides Accept"),
        ("iccprofile" = Option<String>, Query, description = "Colour pictures: `yes` (the default) embeds the ICC profile of the file, `no` leaves it out, `srgb` converts to sRGB, or answers 422 where the profile cannot be used (PS3.18 8.3.5.1.5)"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, with `wait=` seconds: 202 with a job for a picture that is not there by then (RFC 7240)"),
        ("best_effort" = Option<bool>, Query, description = "Whether a damaged picture is shown as far as it goes"),
    ),
    responses(
        (status = 200, description = "The frame", headers(
            ("ETag" = String, description = "Strong; the same picture has the same everywhere"),
            ("Server-Timing" = String, description = "Where it came from; the stages of a fresh render"),
            ("X-Pixel-Scale" = String, description = "16-bit PNG: `slope,offset` from samples to modality values"),
            ("X-Render-Integrity" = String, description = "`partial` when a damaged picture is shown as far as it goes"),
        ), content(
            (RenderedImage = "application/json"),
            (Vec<u8> = "image/png"),
            (Vec<u8> = "image/jpeg"),
            (Vec<u8> = "image/webp"),
        )),
        (status = 202, description = "The client preferred not to wait (`Prefer: respond-async`), and the picture is not there: the job by which it is made", body = JobAnswer, headers(("Location" = String, description = "Where the job is told of"), ("Preference-Applied" = String, description = "What was preferred"))),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong", body = Document, content_type = "application/problem+json"),
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
    let asked = Asked::parse(query.as_deref())?;
    answer_image(
        &api,
        &segment,
        asked,
        Shapes::JsonAndPictures,
        Request { uri: &uri, headers: &headers, caller: &caller },
    )
    .await
}
