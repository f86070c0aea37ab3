//! Having pictures of a series made that a client is about to show.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, TryStreamExt, stream};
use noctis_shared::{
    dicom_uid::parse_public_id,
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat, Voi, VoiFunction, Window},
    submit::{Wanted, view},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json;
use crate::{
    api::Api,
    caller::Caller,
    jobs::POSITIONS_MAX,
    picture::{NamedWindows, Place, Places},
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

/// Images that are looked up at a time.
const LOOK_UPS_MAX: usize = 16;

/// Which pictures a client is about to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PrefetchOrder {
    /// The position that is shown next: pictures of the series in display order, from 1; each frame has one.
    #[schema(minimum = 1)]
    from: usize,
    /// The position that is shown last; below `from` for a client that goes back. 200 positions at most.
    #[schema(minimum = 1)]
    to: usize,
    /// Width of the window, with `level`.
    window: Option<f64>,
    /// Center of the window, with `window`.
    level: Option<f64>,
    /// A window by name, in place of `window` and `level`; without any, the file's own.
    preset: Option<String>,
}

/// What is fetched.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Prefetched {
    /// The first position.
    from: usize,
    /// The last position: `to`, or the end of the series.
    to: usize,
    /// Pictures.
    pictures: usize,
}

/// Has pictures of a series made in the background, the nearest first.
///
/// A newer order of the same client takes the place of this one: what it left in the queue is taken back. What is not made
/// within half a minute is not made.
#[utoipa::path(
    post,
    path = "/api/v1/dicom/series/{series_id}/prefetch",
    operation_id = "prefetchSeries",
    tag = "jobs",
    params(("series_id" = String, Path, description = "Its UUID, or its Series Instance UID")),
    request_body(content = PrefetchOrder, content_type = "application/json"),
    responses(
        (status = 202, description = "They are being made", body = Prefetched),
        (status = 400, description = "The body does not read, or names no positions of the series or no window", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such series", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Series of several studies have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or too many clients have pictures fetched", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn prefetch(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let series_id = parse_public_id(&segment).ok_or_else(Problem::no_such_series)?;
    let visible = api.visible_to(&caller);
    let series = visible.series(series_id).await?;
    let order: PrefetchOrder = json::read(&headers, &body)?;
    let voi = voi(&order, &api.windows)?;
    let (places, to) = between(&Places::of(visible.listed(&series).await?), order.from, order.to)?;
    let pictures = places.len();
    let look_ups = places.into_iter().map(|Place { image_id, frame_number }| async move {
        let image = visible.image(image_id).await?.into_inner();
        let request = FrameRequest { frame_number, voi, ..FrameRequest::new(PictureFormat::Png) };
        let key = RenderKey::new(&image.content_digest, &request);
        Ok::<_, Problem>(Wanted { image, key, request, client: visible.caller.name.clone() })
    });
    let wanted: Vec<Wanted> = stream::iter(look_ups).buffered(LOOK_UPS_MAX).try_collect().await?;
    if !api.prefetches.begin(&caller.name, wanted) {
        let detail = "Too many clients have pictures fetched now.";
        return Err(Problem::new(Kind::QueueFull, detail).retry_after(std::time::Duration::from_secs(5)));
    }
    Ok((StatusCode::ACCEPTED, Json(Prefetched { from: order.from, to, pictures })).into_response())
}

/// The pictures from one position to the other, and the last position. A series that ends before is asked for up to its
/// end.
///
/// # Errors
/// 400 for positions that the series does not have, and for too many.
fn between(all: &Places, from: usize, to: usize) -> Result<(Vec<Place>, usize), Problem> {
    let count = all.total();
    if !(1..=count).contains(&from) {
        return Err(Problem::parameter("from", format_args!("takes a position from 1 to {count}")));
    }
    if to < 1 {
        return Err(Problem::parameter("to", "takes a position from 1"));
    }
    let to = to.min(count);
    if from.abs_diff(to) >= POSITIONS_MAX {
        return Err(Problem::parameter(
            "to",
            format_args!("is more than {POSITIONS_MAX} positions from from"),
        ));
    }
    let mut places: Vec<Place> = all.between(from.min(to)..=from.max(to)).collect();
    if from > to {
        places.reverse();
    }
    Ok((places, to))
}

fn voi(order: &PrefetchOrder, windows: &NamedWindows) -> Result<Voi, Problem> {
    match (order.window, order.level, order.preset.as_deref()) {
        (None, None, None) => Ok(view::from_file(None)),
        (None, None, Some(name)) => Ok(windows.view(name, None)?.0),
        (Some(width), Some(center), None) => {
            let window = Window::new(center, width, VoiFunction::Linear);
            let window = window.map_err(|error| Problem::parameter("window", error))?;
            windows.check(&window)?;
            Ok(Voi::Window(window))
        }
        (_, _, Some(_)) => {
            Err(Problem::parameter("preset", "takes the place of window and level: give one of them"))
        }
        (Some(_), None, None) => Err(Problem::parameter("level", "is missing: window and level go together")),
        (None, Some(_), None) => {
            Err(Problem::parameter("window", "is missing: window and level go together"))
        }
    }
}
