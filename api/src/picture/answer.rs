//! From an outcome to the answer. Picture bytes are sent as they lie in memory: never parsed, and copied for JSON alone,
//! piece by piece.

use std::{fmt::Write, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use noctis_shared::{
    answer::Image,
    catalog::{ImageMetadata, ImageRecord},
    render::{Outcome, RenderFacts, StageTimings, StoredRender},
    render_key::RenderKey,
    submit::{Found, Tier},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3Default;

use super::{json_body::JsonBody, unrenderable};
use crate::{
    entity_tag::{EntityTag, any_is_named_by},
    outgoing::Recipient,
    problem::Problem,
    visible::Permitted,
};

/// A minute without asking again; then a 304 that needs no look.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=60");
const VARY: HeaderValue = HeaderValue::from_static("Accept, Authorization");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const PIXEL_SCALE: HeaderName = HeaderName::from_static("x-pixel-scale");
const ROWS: HeaderName = HeaderName::from_static("x-rows");
const COLUMNS: HeaderName = HeaderName::from_static("x-columns");
const RENDER_INTEGRITY: HeaderName = HeaderName::from_static("x-render-integrity");

/// The validator of one representation: strong for a picture; weak for JSON, which tells besides whether the picture was
/// there before, and of facts that a correction changes.
pub(crate) struct Validator(EntityTag);

impl Validator {
    pub(crate) fn new(key: &RenderKey, asked: &Asked<'_>) -> Self {
        let Some(metadata) = &asked.metadata else { return Self(EntityTag::strong(key)) };
        let mut told = Xxh3Default::new();
        told.update(metadata.get().as_bytes());
        told.update(asked.preset.unwrap_or_default().as_bytes());
        Self(EntityTag::weak(format_args!("{key}-{:016x}", told.digest())))
    }

    /// Whether the client names this representation, and so has it. `*` names none: that there is a picture is known
    /// only once it was looked at.
    pub(crate) fn is_known_to(&self, headers: &HeaderMap) -> bool {
        self.0.is_named_by(headers)
    }

    pub(super) fn put_into(self, headers: &mut HeaderMap) {
        self.0.put_into(headers);
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
    }
}

impl From<EntityTag> for Validator {
    fn from(tag: EntityTag) -> Self {
        Self(tag)
    }
}

/// The answer to a client that has the picture.
pub(crate) fn not_modified(validator: Validator) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    validator.put_into(response.headers_mut());
    response
}

/// What was asked, as far as the answer repeats it.
pub(crate) struct Asked<'a> {
    pub(crate) image: &'a Permitted<Arc<ImageRecord>>,
    pub(crate) frame_number: u32,
    pub(crate) preset: Option<&'static str>,
    /// What JSON tells of the image; without it the picture is sent alone.
    pub(crate) metadata: Option<Box<RawValue>>,
}

/// What JSON tells of an image beside its picture: written once, for the validator and for the body.
///
/// # Errors
/// A problem when the facts are not to be written, which never happens.
pub(crate) fn metadata(image: &ImageRecord) -> Result<Box<RawValue>, Problem> {
    serde_json::value::to_raw_value(&Metadata::of(image)).map_err(|error| Problem::internal(&error))
}

/// The answer that tells of `found` to a recipient that sent `headers`.
///
/// # Errors
/// The problem that a remembered failure is; 503 to one that has too much unread.
pub(crate) fn tell(
    found: Found,
    asked: &Asked<'_>,
    validator: Validator,
    headers: &HeaderMap,
    recipient: Recipient<'_>,
) -> Result<Response, Problem> {
    let Found { outcome, tier } = found;
    let StoredRender { facts, picture } = match outcome {
        Outcome::Picture(render) => render,
        Outcome::Failure(failure) => return Err(unrenderable::problem(&failure)),
    };
    if any_is_named_by(headers) {
        return Ok(not_modified(validator));
    }
    let (content_type, body) = if let Some(metadata) = &asked.metadata {
        (JSON, Body::new(json_body(&facts, picture, asked, metadata, tier, recipient)?))
    } else {
        let media_type = HeaderValue::from_static(facts.format.media_type());
        (media_type, Body::from(recipient.take(picture)?))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(SERVER_TIMING, server_timing(tier, &facts.timings));
    if let Some((slope, offset)) = facts.pixel_scale
        && let Ok(scale) = HeaderValue::try_from(format!("{slope},{offset}"))
    {
        headers.insert(PIXEL_SCALE, scale);
    }
    if let Some((rows, columns)) = facts.size_apart() {
        headers.insert(ROWS, rows.into());
        headers.insert(COLUMNS, columns.into());
    }
    for left_out in facts.left_out.iter().filter_map(|what| warning(what)) {
        headers.append(header::WARNING, left_out);
    }
    if facts.partial {
        headers.insert(RENDER_INTEGRITY, HeaderValue::from_static("partial"));
    }
    validator.put_into(headers);
    Ok(response)
}

/// The field that says what was asked and is not in the answer.
pub(crate) fn warning(what: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("299 noctis \"{what}\"")).ok()
}

/// `Server-Timing`: where the picture came from, and the stages when it was made just now.
pub(crate) fn server_timing(tier: Tier, timings: &StageTimings) -> HeaderValue {
    match tier {
        Tier::Memory => HeaderValue::from_static("cache;desc=memory"),
        Tier::Redis => HeaderValue::from_static("cache;desc=redis"),
        Tier::Postgres => HeaderValue::from_static("cache;desc=postgres"),
        Tier::Render => {
            let StageTimings { queue_ms, slot_ms, fetch_ms, decode_ms, render_ms, encode_ms } = timings;
            let mut text = String::from("cache;desc=render");
            let stages = [
                ("queue", queue_ms),
                ("slot", slot_ms),
                ("fetch", fetch_ms),
                ("decode", decode_ms),
                ("render", render_ms),
                ("encode", encode_ms),
            ];
            for (stage, milliseconds) in stages {
                // Writing to a string cannot fail.
                let _ = write!(text, ", {stage};dur={milliseconds:.2}");
            }
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("cache;desc=render"))
        }
    }
}

/// The JSON answer of one image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RenderedImage)]
pub(crate) struct RenderedImage<'a> {
    /// The picture as a data URL: `data:image/png;base64,…`. First, and up to the comma only: the rest of it is
    /// written in between, since a serializer would look at each of its bytes for quotes.
    image_data_url: &'a str,
    /// Public id of the instance.
    image_id: Uuid,
    /// What viewers show beside the picture.
    #[schema(value_type = Metadata<'static>)]
    metadata: &'a RawValue,
    /// Width of the window really used; `null` for colour and for VOI LUTs.
    window: Option<f64>,
    /// Center of the window really used.
    level: Option<f64>,
    /// The preset asked for.
    preset: Option<&'static str>,
    /// The frame shown, from 1.
    frame: u32,
    /// Rows of the picture.
    rows: u32,
    /// Columns of the picture.
    columns: u32,
    /// Whether it was there before this request.
    cached: bool,
}

/// The instance, and what it belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RenderedImageMetadata)]
pub(crate) struct Metadata<'a> {
    #[serde(flatten)]
    image: &'a Image,
    /// Public id of the study.
    study_id: Uuid,
    #[serde(flatten)]
    belongs_to: &'a ImageMetadata,
}

impl<'a> Metadata<'a> {
    fn of(image: &'a ImageRecord) -> Self {
        Self { image: &image.image, study_id: image.study_id, belongs_to: &image.metadata }
    }
}

fn json_body(
    facts: &RenderFacts,
    picture: Bytes,
    asked: &Asked<'_>,
    metadata: &RawValue,
    tier: Tier,
    recipient: Recipient<'_>,
) -> Result<JsonBody, Problem> {
    let url_start = format!("data:{};base64,", facts.format.media_type());
    let members = RenderedImage {
        image_data_url: &url_start,
        image_id: asked.image.image.image_id,
        metadata,
        window: facts.window.map(|window| window.width()),
        level: facts.window.map(|window| window.center()),
        preset: asked.preset,
        frame: asked.frame_number,
        rows: facts.rows,
        columns: facts.columns,
        cached: tier != Tier::Render,
    };
    let mut before =
        serde_json::to_vec(&members).map(Bytes::from).map_err(|error| Problem::internal(&error))?;
    let after = before.split_off("{\"image_data_url\":\"".len() + url_start.len());
    JsonBody::new(before, picture, after, recipient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_render_tells_its_stages() {
        let timings = StageTimings {
            queue_ms: 0.5,
            slot_ms: 0.25,
            fetch_ms: 1.0,
            decode_ms: 2.0,
            render_ms: 3.25,
            encode_ms: 4.0,
        };
        assert_eq!(
            server_timing(Tier::Render, &timings),
            "cache;desc=render, queue;dur=0.50, slot;dur=0.25, fetch;dur=1.00, decode;dur=2.00, render;dur=3.25, encode;dur=4.00"
        );
        assert_eq!(server_timing(Tier::Redis, &timings), "cache;desc=redis");
    }
}
