//! Many pictures in one answer: parts of a multipart body (RFC 2046 5.1), each as soon as it and those before it are ready.
//!
//! The body is made as it is read: a few pictures ahead of the client, and none when the client is gone. What a client has
//! no quota for is waited for, not refused: the answer has begun. A body that ends before its time is cut off, so that nobody
//! takes the pictures he has for all there are.

use std::{
    fmt::Write,
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    catalog::ImageRecord,
    render::{Outcome, StoredRender},
    render_key::RenderKey,
    request::FrameRequest,
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{Place, found, unrenderable};
use crate::{
    allowance::Allowed,
    api::Api,
    caller::Caller,
    edge::RequestId,
    problem::{Kind, Problem},
    visible::{Listed, Permitted},
};

/// Pictures that are asked for ahead of the one that is sent, at most.
const AHEAD_MAX: usize = 4;
/// Bytes that they hold together, at two for each pixel.
const AHEAD_BYTES_MAX: u64 = 8 << 20;
/// How often a part waits for what its client may not have yet, and how long at a time.
const WAITS_MAX: u32 = 60;
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What is streamed, to whom.
pub(crate) struct Streamed {
    pub(crate) api: Arc<Api>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) request: FrameRequest,
    pub(crate) kind: Many,
    pub(crate) request_id: RequestId,
    /// Pixels of the largest image.
    pub(crate) pixels_max: u64,
}

/// What the body is, and what its parts are called.
pub(crate) enum Many {
    /// `multipart/mixed` of our own pictures.
    Mixed {
        /// The query of each picture by itself, without its frame.
        query: String,
    },
    /// `multipart/related` of rendered resources (PS3.18 8.6.1.2), each of this media type.
    Related {
        media_type: &'static str,
        /// Where the frame of an image is; `None` of pictures that have no address of their own.
        location: Option<fn(&ImageRecord, u32) -> String>,
    },
}

/// Pixels of the largest of these images.
pub(crate) fn pixels_max(images: &[Listed]) -> u64 {
    images.iter().map(|image| image.pixels).max().unwrap_or(0)
}

/// The answer with the pictures of `places`, in this order. `permit` is held until it is read.
pub(crate) fn answer(streamed: Streamed, places: Vec<Place>, permit: Allowed) -> Response {
    let boundary = Uuid::new_v4().simple().to_string();
    let content_type = match &streamed.kind {
        Many::Mixed { .. } => format!("multipart/mixed; boundary={boundary}"),
        Many::Related { media_type, .. } => {
            format!("multipart/related; type=\"{media_type}\"; boundary={boundary}")
        }
    };
    let content_type =
        HeaderValue::try_from(content_type).unwrap_or(HeaderValue::from_static("multipart/mixed"));
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::VARY, HeaderValue::from_static("Authorization")),
    ];
    let pieces = body(Arc::new(streamed), places, boundary, permit);
    (headers, Body::from_stream(pieces)).into_response()
}

/// The server ends, and the client has not all it asked for; or what comes next is not what was begun.
#[derive(Debug, thiserror::Error)]
#[error("an answer ends before all pictures are sent")]
pub(super) struct CutOff;

fn body(
    streamed: Arc<Streamed>,
    places: Vec<Place>,
    boundary: String,
    permit: Allowed,
) -> impl Stream<Item = Result<Bytes, CutOff>> {
    let ends = streamed.api.drains.clone().cancelled_owned();
    let ahead = ahead(streamed.pixels_max);
    let (total, sent) = (places.len(), Arc::new(AtomicUsize::new(0)));
    let (counted, roomy) = (Arc::clone(&sent), Arc::clone(&streamed));
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let parts = stream::iter(places).map(move |place| part(Arc::clone(&streamed), place)).buffered(ahead);
    // In their order: what waits for room must not hold what those before it need.
    let parts = parts.then(move |part| with_room(Arc::clone(&roomy), part));
    let pieces = parts.take_until(ends).flat_map(move |Part { head, body, .. }| {
        let _while_it_streams = &permit;
        // Nothing stands before the first delimiter: some clients look for it at the very beginning.
        let line_end = if counted.fetch_add(1, Ordering::Relaxed) == 0 { "" } else { "\r\n" };
        stream::iter([Ok(Bytes::from(format!("{line_end}--{boundary}\r\n{head}\r\n"))), Ok(body)])
    });
    let end = async move { if sent.load(Ordering::Relaxed) == total { Ok(end) } else { Err(CutOff) } };
    pieces.chain(stream::once(end))
}

/// Pictures that are asked for ahead of the one that is sent, none of more pixels than these.
pub(super) fn ahead(pixels_max: u64) -> usize {
    (AHEAD_BYTES_MAX / pixels_max.saturating_mul(2).max(1)).clamp(1, AHEAD_MAX as u64) as usize
}

/// One part: its header fields, each with its line end, and its body.
struct Part {
    place: Place,
    head: String,
    body: Bytes,
}

/// The part, once its client has read enough of those before it. What waits holds nothing that lies in a cache. One that never
/// reads is cut off by its connection.
async fn with_room(streamed: Arc<Streamed>, mut part: Part) -> Part {
    loop {
        match streamed.api.outgoing.to(&streamed.caller.name).take(mem::take(&mut part.body)) {
            Ok(body) => return Part { body, ..part },
            Err(problem) => sleep(problem.pause().min(WAIT_MAX)).await,
        }
        part = self::part(Arc::clone(&streamed), part.place).await;
    }
}

/// What an answer that has begun has for its client, who may not have the quota for the next piece yet.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    waits: u32,
}

impl Patience {
    /// Waits out `problem`.
    ///
    /// # Errors
    /// `problem`, where it is of something else, and after [`WAITS_MAX`] times.
    pub(crate) async fn outlast(&mut self, problem: Problem) -> Result<(), Problem> {
        if !problem.is_of_quota() || self.waits >= WAITS_MAX {
            return Err(problem);
        }
        self.waits += 1;
        sleep(problem.pause().min(WAIT_MAX)).await;
        Ok(())
    }
}

async fn part(streamed: Arc<Streamed>, place: Place) -> Part {
    let Streamed { api, caller, request, .. } = &*streamed;
    match drawn(api, caller, request, place).await {
        Ok(drawn) => picture(&streamed, place, drawn),
        Err(problem) => told(&streamed, place, problem),
    }
}

/// One of many pictures.
pub(super) struct Drawn {
    pub(super) image: Permitted<Arc<ImageRecord>>,
    pub(super) key: RenderKey,
    pub(super) render: StoredRender,
}

/// The picture of a frame, drawn as `request` says. What its client has no quota for is waited for.
///
/// # Errors
/// Those of a picture.
pub(super) async fn drawn(
    api: &Arc<Api>,
    caller: &Caller,
    request: &FrameRequest,
    place: Place,
) -> Result<Drawn, Problem> {
    let mut waits = 0;
    loop {
        let problem = match drawn_once(api, caller, request, place).await {
            Ok(drawn) => return Ok(drawn),
            Err(problem) => problem,
        };
        let passes = problem.is_of_quota() || problem.kind() == Kind::ImageReplaced;
        if !passes || waits >= WAITS_MAX {
            return Err(problem);
        }
        if problem.kind() == Kind::ImageReplaced {
            api.images.forget_with(place.image_id, &api.cache).await;
        }
        waits += 1;
        sleep(problem.pause().min(WAIT_MAX)).await;
    }
}

async fn drawn_once(
    api: &Arc<Api>,
    caller: &Caller,
    request: &FrameRequest,
    place: Place,
) -> Result<Drawn, Problem> {
    let image = api.visible_to(caller).image(place.image_id).await?;
    unrenderable::check_frame(&image, place.frame_number)?;
    let request = FrameRequest { frame_number: place.frame_number, ..request.clone() };
    let key = RenderKey::new(&image.content_digest, &request);
    let found = found(api, &image, key, request, caller).await?;
    api.numbers.count_picture(found.tier);
    match found.outcome {
        Outcome::Picture(render) => Ok(Drawn { image, key, render }),
        Outcome::Failure(failure) => Err(unrenderable::problem(&failure)),
    }
}

fn picture(streamed: &Streamed, place: Place, Drawn { image, key, render }: Drawn) -> Part {
    let StoredRender { facts, picture } = render;
    let mut head = head(streamed, place, Some(&image), facts.format.media_type(), picture.len());
    // Writing to a string cannot fail.
    let _ = write!(head, "ETag: \"{key}\"\r\n");
    if let Some((slope, offset)) = facts.pixel_scale {
        let _ = write!(head, "X-Pixel-Scale: {slope},{offset}\r\n");
    }
    if let Some((rows, columns)) = facts.size_apart() {
        let _ = write!(head, "X-Rows: {rows}\r\nX-Columns: {columns}\r\n");
    }
    for what in &facts.left_out {
        let _ = write!(head, "Warning: 299 noctis \"{what}\"\r\n");
    }
    if facts.partial {
        head.push_str("X-Render-Integrity: partial\r\n");
    }
    Part { place, head, body: picture }
}

/// A part that says why there is no picture.
fn told(streamed: &Streamed, place: Place, problem: Problem) -> Part {
    let path = match streamed.kind {
        Many::Mixed { .. } => format!("/api/v1/dicom/images/{}", place.image_id),
        Many::Related { .. } => "/dicom-web".to_owned(),
    };
    let document = problem.document(&path, streamed.request_id.as_str());
    let body = Bytes::from(document.body);
    Part { place, head: head(streamed, place, None, "application/problem+json", body.len()), body }
}

/// The fields that every part has; of a part without its `image` nobody knows how the standard calls it.
fn head(
    streamed: &Streamed,
    place: Place,
    image: Option<&ImageRecord>,
    media_type: &str,
    byte_count: usize,
) -> String {
    let Place { image_id, frame_number } = place;
    let mut head = format!("Content-Type: {media_type}\r\nContent-Length: {byte_count}\r\n");
    // Writing to a string cannot fail.
    let _ = match (&streamed.kind, image) {
        (Many::Mixed { query }, _) => write!(
            head,
            "Content-Location: /api/v1/dicom/images/{image_id}?frame={frame_number}&{query}\r\n\
             X-Image-Id: {image_id}\r\nX-Frame: {frame_number}\r\n"
        ),
        (Many::Related { location: Some(location), .. }, Some(image)) => {
            write!(head, "Content-Location: {}\r\n", location(image, frame_number))
        }
        (Many::Related { .. }, _) => Ok(()),
    };
    head
}
