//! Bulk data of an instance (WADO-RS, PS3.18 10.4.1.1.5): the value of an attribute that metadata have the place of. One in a
//! sequence is named by the path to it, with the number of each item from 1: `bulkdata/00480200/1/00282000`.

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    bulk::{self, BulkValue},
    catalog::{HeaderPlace, HeadersOf, ImageRecord},
};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    accepted::{self, Shape, Stored},
    address::{self, Uids},
    asks::Asks,
    boundary, dictionary, frames,
    laid_out::cut,
    metadata,
    told_header::pixel_data,
    transfer_syntax::{self, EXPLICIT_LITTLE, OCTETS},
};
use crate::{
    api::Api,
    back_end::catalog_problem,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, CutOff, Sent},
    problem::{Kind, Problem},
};

/// Raised with every change of what stands around a value.
const TELLING_VERSION: u64 = 1;

/// The value at a path.
pub(super) async fn bulk_data(
    Path((study, series, instance, path)): Path<(String, String, String, String)>,
    asks: Asks,
) -> Result<Response, Problem> {
    let uids = Uids::instance(&study, &series, &instance);
    let visible = asks.visible();
    let HeadersOf::Instance(own_id) = *visible.headers_of(uids.study, uids.series, uids.instance)? else {
        return Err(Problem::no_such_image());
    };
    let image = visible.image(own_id).await?;
    let path = canonical(&path).ok_or_else(no_such_value)?;
    if let Some(tag) = pixel_tag(&asks.api, &image).await?.filter(|tag| format!("{tag:08X}") == path) {
        return frames::pixels(&asks, uids, tag).await;
    }
    let values = asks.api.catalog.bulk_values(image.key).await.map_err(|error| catalog_problem(&error))?;
    let values = values.ok_or_else(|| {
        let detail = "An earlier release read this file, and did not look for such values; noctis ingest reads it again.";
        Problem::new(Kind::BulkDataNotFound, detail)
    })?;
    let value = values.into_iter().find(|value| value.path == path).ok_or_else(no_such_value)?;
    check_sent(&image)?;
    let accept = asks.accept();
    let stored = Stored { media_type: OCTETS, transfer_syntax: EXPLICIT_LITTLE, is_one: true };
    let shape = accepted::choose(accept.as_deref(), &asks.headers, stored)?;
    answer(&asks, &image, &Told { value, shape, address: address::of(&asks.origin, uids) }).await
}

/// The tag of its pixels; `None` of an instance without any.
pub(super) async fn pixel_tag(api: &Api, image: &ImageRecord) -> Result<Option<u32>, Problem> {
    let place = HeaderPlace { key: image.key, content_digest: image.content_digest, byte_count: 0 };
    let headers = api.catalog.headers(&[place]).await.map_err(|error| catalog_problem(&error))?;
    Ok(headers.first().and_then(pixel_data).map(|(tag, _)| tag))
}

/// # Errors
/// 501 for values of a deflated file: nothing here inflates it.
pub(super) fn check_sent(image: &ImageRecord) -> Result<(), Problem> {
    let syntax = image.image.transfer_syntax_uid.as_deref().unwrap_or_default();
    if !transfer_syntax::is_deflated(syntax) {
        return Ok(());
    }
    let detail = "The file is deflated as a whole; long values are not taken out of it in this version.";
    Err(Problem::new(Kind::NotBuilt, detail))
}

/// Tags as eight digits and numbers as they are, with slashes between them; `None` for what leads to no value.
fn canonical(path: &str) -> Option<String> {
    let step = |(place, step): (usize, &str)| match place % 2 {
        0 => dictionary::tag(step).map(|tag| format!("{tag:08X}")),
        _ => step.parse::<u32>().ok().filter(|number| *number >= 1).map(|number| number.to_string()),
    };
    let steps: Vec<String> = path.split('/').enumerate().map(step).collect::<Option<_>>()?;
    (steps.len() % 2 == 1).then(|| steps.join("/"))
}

pub(super) fn no_such_value() -> Problem {
    let detail =
        "The instance has no such bulk data; metadata say what it has, and tell short values themselves.";
    Problem::new(Kind::BulkDataNotFound, detail)
}

/// A value, and how it is told.
struct Told {
    value: BulkValue,
    shape: Shape,
    /// Of the instance.
    address: String,
}

impl Told {
    fn validator(&self, image: &ImageRecord) -> String {
        let Self { value, shape, address } = self;
        let mut told_as = Xxh3Default::new();
        told_as.update(&TELLING_VERSION.to_le_bytes());
        told_as.update(value.path.as_bytes());
        told_as.update(if shape.is_multipart { address.as_bytes() } else { b"" });
        format!("{}-{:016x}", image.content_digest, told_as.digest())
    }
}

async fn answer(asks: &Asks, image: &ImageRecord, told: &Told) -> Result<Response, Problem> {
    let Asks { api, caller, headers, .. } = asks;
    let Told { value, shape, address } = told;
    let validator = told.validator(image);
    let tag = || EntityTag::strong(&validator);
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(metadata::told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let boundary = boundary::of(validator.as_bytes());
    let (content_type, head, end) = match shape.is_multipart {
        true => (
            format!("multipart/related; type=\"{OCTETS}\"; boundary={boundary}"),
            format!("--{boundary}\r\n{}\r\n", part_head(value, address)),
            format!("\r\n--{boundary}--\r\n"),
        ),
        false => (transfer_syntax::named(OCTETS, Some(EXPLICIT_LITTLE)), String::new(), String::new()),
    };
    let (head, end) = (Bytes::from(head), Bytes::from(end));
    let value_start = head.len() as u64;
    let value_end = value_start + value.byte_count;
    let sent = Sent::of(headers, value_end + end.len() as u64, &tag())?;
    let range = sent.range();
    let download = api.downloads.begin(&caller.name)?;
    let _until_it_is_read = api.frames_in_hand.begin(value.byte_count).await;
    let of_value = range.start.clamp(value_start, value_end)..range.end.clamp(value_start, value_end);
    let of_value = of_value.start - value_start..of_value.end - value_start;
    let file = handed_out::open(&api.storage, &image.location, image.file_byte_count).await?;
    let pieces = handed_out::value(&file, value, of_value, api.outgoing.to(&caller.name)).await?;
    let pieces = around(cut(&head, 0, &range), pieces, cut(&end, value_end, &range));
    let content_type = HeaderValue::try_from(content_type).unwrap_or(HeaderValue::from_static(OCTETS));
    let body = handed_out::body(pieces, download);
    let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    sent.put_into(&mut response);
    Ok(metadata::told(response, tag(), None))
}

/// The header fields of the part that a value is, each with its line end.
pub(super) fn part_head(value: &BulkValue, instance: &str) -> String {
    format!(
        "Content-Type: {}\r\nContent-Length: {}\r\nContent-Location: {instance}/{}\r\n",
        transfer_syntax::named(OCTETS, Some(EXPLICIT_LITTLE)),
        value.byte_count,
        bulk::address(&value.path)
    )
}

fn around(
    head: Bytes,
    pieces: impl Stream<Item = Result<Bytes, CutOff>> + Send + 'static,
    end: Bytes,
) -> impl Stream<Item = Result<Bytes, CutOff>> + Send + 'static {
    let one = |bytes: Bytes| stream::iter((!bytes.is_empty()).then_some(Ok(bytes)));
    one(head).chain(pieces).chain(one(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_items_to_a_value() {
        for (path, expected) in [
            ("00420011", Some("00420011")),
            ("0042001a", Some("0042001A")),
            ("EncapsulatedDocument", Some("00420011")),
            ("OpticalPathSequence/2/ICCProfile", Some("00480105/2/00282000")),
            ("00480105/02/00282000", Some("00480105/2/00282000")),
            ("00480105/0/00282000", None),
            ("00480105/1", None),
            ("00480105/1/", None),
            ("00480105//00282000", None),
            ("document", None),
        ] {
            assert_eq!(canonical(path).as_deref(), expected, "{path}");
        }
    }
}
