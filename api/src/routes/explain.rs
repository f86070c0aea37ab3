//! Why one pixel of a picture looks as it does.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};

use super::documents::{body_of, tell};
use crate::{
    api::Api,
    caller::Caller,
    picture::{Asked, Explained, ExplainedPixel, SERVER_TIMING, explain_pixel, server_timing},
    problem::{Document, Problem},
};

/// Tells why one pixel of a picture looks as it does: stored value, modality value, display value, and which attribute or
/// parameter decided each step.
///
/// It takes the parameters of the picture. `x` and `y` name a pixel of the frame as it is stored, so that those of size
/// and region move no pixel: they are checked, and decide `render_key`.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/images/{image_id}/explain",
    operation_id = "explainPixel",
    tag = "images",
    params(
        ("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID"),
        ("x" = u32, Query, description = "Column of the frame as it is stored, from 0", minimum = 0, maximum = 65535, example = 128),
        ("y" = u32, Query, description = "Row of the frame as it is stored, from 0", minimum = 0, maximum = 65535, example = 128),
        super::picture_parameters::ViewParameters,
        super::picture_parameters::FrameParameters,
    ),
    responses(
        (status = 200, description = "The pixel", body = ExplainedPixel, headers(
            ("ETag" = String, description = "Weak"),
            ("Server-Timing" = String, description = "Where it came from; the stages of a fresh one"),
        )),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "A parameter is wrong, or the pixel is none of the frame", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope of `x-scope`, or only presets may be asked for here", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image or frame", body = Document, content_type = "application/problem+json"),
        (status = 406, description = "A video", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The file cannot be rendered", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "No render can be made now, or earlier answers are not read yet; `Retry-After` says when to ask again", body = Document, content_type = "application/problem+json"),
        (status = 504, description = "Not ready in time", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn explain(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::parse_with_pixel(query.as_deref(), &api.windows)?;
    let Explained { pixel, tier, timings } = explain_pixel(&api, &segment, asked, &caller).await?;
    let mut response = tell(body_of(&pixel)?, &headers, api.outgoing.to(&caller.name))?;
    response.headers_mut().insert(SERVER_TIMING, server_timing(tier, &timings));
    Ok(response)
}
