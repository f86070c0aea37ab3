//! Frames of an instance (WADO-RS, PS3.18 10.4.1.1.6), as they are stored.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use noctis_shared::{
    catalog::{HeadersOf, ImageRecord},
    job::FrameRange,
};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Asking,
    accepted::{self, Shape, Stored},
    address::{self, Uids},
    metadata::accept,
    transfer_syntax::{self, EXPLICIT_LITTLE, OCTETS},
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    edge::Origin,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out,
    problem::{Kind, Problem},
    visible::Permitted,
};

/// What stands before a delimiter.
const LINE_END_BYTES: usize = 2;
/// Frames of one request.
const FRAMES_MAX: usize = 1000;

/// The frames that a list names, each a part of its own, in the order of the list.
pub(super) async fn frames(
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    (State(api), Extension(caller), Origin(origin), headers, RawQuery(query)): Asking,
) -> Result<Response, Problem> {
    let numbers = numbers(&list)?;
    let visible = api.visible_to(&caller);
    let HeadersOf::Instance(own_id) = *visible.headers_of(&study, Some(&series), Some(&instance))? else {
        return Err(Problem::no_such_image());
    };
    let image = visible.image(own_id).await?;
    let syntax = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
    let media_type = transfer_syntax::media_type(syntax);
    let stored = Stored { media_type, transfer_syntax: syntax, is_one: numbers.len() == 1 };
    let shape = accepted::choose(accept(query.as_deref()).as_deref(), &headers, stored)?;
    check(&image, &numbers)?;
    let told_as = format!("{list} {} {}", shape.is_multipart, shape.media_type);
    let validator = format!("{}-{:016x}", image.content_digest, xxh3_64(told_as.as_bytes()));
    let tag = || EntityTag::weak(&validator);
    if tag().is_named_by(&headers) || any_is_named_by(&headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag()));
    }
    let download = api.downloads.begin(&caller.name)?;
    let address = address::of(&origin, Uids::instance(&study, &series, &instance));
    let sender = Sender { api: Arc::clone(&api), caller, image, shape, address };
    // The first before the status: what fails at once is said.
    let first = sender.frame(numbers[0]).await?;
    Ok(told(sender.answer(numbers, first, download), tag()))
}

/// What is sent, of what, to whom.
struct Sender {
    api: Arc<Api>,
    caller: Arc<Caller>,
    image: Permitted<Arc<ImageRecord>>,
    shape: Shape,
    address: String,
}

impl Sender {
    fn syntax(&self) -> &str {
        self.image.image.transfer_syntax_uid.as_deref().unwrap_or_default()
    }

    /// The bytes of a frame, which count until they are read.
    async fn frame(&self, number: u32) -> Result<Bytes, Problem> {
        let range = self.range(number).await?;
        let is_of_fragments = transfer_syntax::is_encapsulated(self.syntax());
        let bytes = handed_out::frame(&self.api.storage, &self.image, range, is_of_fragments).await?;
        let samples = self.image.render_cost;
        // Samples of single bits: all others take a byte or more.
        let is_of_bits =
            !is_of_fragments && !samples.is_multiple_of(8) && range.byte_count <= samples.div_ceil(8) + 1;
        let bytes = match is_of_bits {
            true => handed_out::aligned(&bytes, u64::from(number - 1), samples),
            false => bytes,
        };
        self.api.outgoing.to(&self.caller.name).take(bytes)
    }

    async fn range(&self, number: u32) -> Result<FrameRange, Problem> {
        let range = match self.image.frame(number) {
            Some(range) => Some(range),
            None => {
                let range = self.api.catalog.frame_range(self.image.key, number).await;
                range.map_err(|error| catalog_problem(&error))?
            }
        };
        let lost =
            || Problem::new(Kind::Unrenderable, "The bytes of the frame could not be located in the file.");
        range.filter(|range| range.byte_count > 0).ok_or_else(lost)
    }

    fn content_type(&self) -> String {
        let media_type = self.shape.media_type;
        // The same bytes, under the name that is asked for.
        let is_renamed = media_type == OCTETS && transfer_syntax::is_as_explicit_little(self.syntax());
        transfer_syntax::named(media_type, Some(if is_renamed { EXPLICIT_LITTLE } else { self.syntax() }))
    }

    /// One frame alone, or each as a part.
    fn answer(self, numbers: Vec<u32>, first: Bytes, download: Allowed) -> Response {
        if !self.shape.is_multipart {
            let content_type = [(header::CONTENT_TYPE, value(self.content_type()))];
            return (content_type, Body::from(first)).into_response();
        }
        let boundary = Uuid::new_v4().simple().to_string();
        let whole = format!("multipart/related; type=\"{}\"; boundary={boundary}", self.shape.media_type);
        let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        // Nothing stands before the first delimiter: some clients look for it at the very beginning.
        let first = [self.head(&boundary, numbers[0], first.len()).slice(LINE_END_BYTES..), first].map(Ok);
        let (sender, numbers) = (Arc::new(self), numbers.into_iter().skip(1));
        let reader = Arc::clone(&sender);
        let rest = stream::iter(numbers).then(move |number| {
            let reader = Arc::clone(&reader);
            async move { reader.frame(number).await.map(|bytes| (number, bytes)) }
        });
        let rest = rest.flat_map(move |part| {
            let _until_the_last_piece = &download;
            stream::iter(match part {
                Ok((number, bytes)) => vec![Ok(sender.head(&boundary, number, bytes.len())), Ok(bytes)],
                Err(problem) => vec![Err(CutOff(problem.kind()))],
            })
        });
        let pieces = stream::iter(first).chain(rest);
        let pieces = pieces.chain(stream::once(async { Ok(end) }));
        let pieces = pieces.inspect(|piece| {
            if let Err(error) = piece {
                tracing::warn!(%error, "frames that were sent were cut off");
            }
        });
        ([(header::CONTENT_TYPE, value(whole))], Body::from_stream(pieces)).into_response()
    }

    fn head(&self, boundary: &str, number: u32, byte_count: usize) -> Bytes {
        let (content_type, address) = (self.content_type(), &self.address);
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Length: {byte_count}\r\n\
             Content-Location: {address}/frames/{number}\r\n\r\n"
        );
        head.into()
    }
}

/// Why an answer ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("a frame could not be sent: {0:?}")]
struct CutOff(Kind);

/// Frame numbers from 1, between commas.
fn numbers(list: &str) -> Result<Vec<u32>, Problem> {
    let takes = || {
        Problem::parameter(
            "frames",
            format_args!("takes frame numbers from 1, like 1,2,5; {FRAMES_MAX} at most"),
        )
    };
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number >= 1).ok_or_else(takes);
    let numbers: Vec<u32> = list.split(',').take(FRAMES_MAX + 1).map(number).collect::<Result<_, _>>()?;
    if numbers.len() > FRAMES_MAX { Err(takes()) } else { Ok(numbers) }
}

/// # Errors
/// 404 for a frame that the instance does not have, and for all of one without pixels.
fn check(image: &ImageRecord, numbers: &[u32]) -> Result<(), Problem> {
    let frame_count = image.image.frame_count;
    match numbers.iter().find(|number| **number > frame_count) {
        None => Ok(()),
        Some(number) => {
            Err(Problem::new(Kind::FrameNotFound, format!("The instance has {frame_count} frames."))
                .with("frame", *number)
                .with("frame_count", frame_count))
        }
    }
}

/// Media types, UIDs and boundaries; what a file has in the place of a UID may be none.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(OCTETS))
}

fn told(mut response: Response, tag: EntityTag) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    tag.put_into(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_numbers_from_one() {
        assert_eq!(numbers("1,3,2"), Ok(vec![1, 3, 2]));
        for wrong in ["", "0", "1,", "1-3", "-1", "a", &"1,".repeat(FRAMES_MAX + 1)] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
