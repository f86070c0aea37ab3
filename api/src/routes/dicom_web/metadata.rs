//! Metadata of a study, a series or an instance (WADO-RS, PS3.18 10.4.1.1.2): the header of each instance, all of them in
//! one answer, copied from the catalog portion by portion.
//!
//! A validator is made of the digests of the files, so that a client that has the answer costs no header. The answer for a
//! series of usual size is kept in the cache under the same validator.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use noctis_shared::{
    catalog::{CatalogError, HeaderPlace, HeadersOf, InstanceHeader, header_portion},
    metadata_names,
};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    asks::{Asks, Named},
    media_type, told_header,
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    entity_tag::{EntityTag, any_is_named_by},
    problem::Problem,
};

/// Raised with every change of what is told of a header.
const TELLING_VERSION: u64 = 2;
/// Longest answer that is put together before it is sent, in bytes; some 1000 instances of a CT.
const WHOLE_BYTES_MAX: u64 = 8 << 20;
/// What is told beside a header, in bytes.
const BESIDE_BYTES: u64 = 400;

/// Metadata of all instances of a study or of a series, or of one.
pub(super) async fn metadata(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    let media_type = media_type::of_json(asks.accept().as_deref(), &asks.headers)?;
    let Asks { api, caller, origin, headers, .. } = &asks;
    let (visible, uids) = (asks.visible(), named.uids());
    let of = visible.headers_of(uids.study, uids.series, uids.instance)?;
    let places = api.catalog.header_places(*of).await.map_err(|error| catalog_problem(&error))?;
    if places.is_empty() {
        return Err(unknown(*of));
    }
    visible.note_opened(of.study_id());
    let validator = validator(&places, origin);
    let tag = || EntityTag::weak(format_args!("{validator:016x}"));
    if tag().is_named_by(headers) || any_is_named_by(headers) {
        return Ok(told(StatusCode::NOT_MODIFIED.into_response(), tag(), None));
    }
    let told_bytes = places.iter().map(|place| place.byte_count + BESIDE_BYTES).sum::<u64>();
    let mut telling =
        Telling { api: Arc::clone(api), origin: origin.clone(), places, at: 0, is_begun: false };
    let body = if told_bytes <= WHOLE_BYTES_MAX {
        let _until_it_is_told = api.answers_in_hand.begin(told_bytes).await;
        let whole = whole(api, *of, telling, validator).await.map_err(|error| catalog_problem(&error))?;
        Body::from(api.outgoing.to(&caller.name).take(whole)?)
    } else {
        let permit = api.streams.begin(&caller.name)?;
        // The first portion before the status: what fails at once is said.
        let mut first = String::new();
        telling.write_portion(&mut first).await.map_err(|error| catalog_problem(&error))?;
        Body::from_stream(pieces(first, telling, permit))
    };
    Ok(told(body.into_response(), tag(), Some(media_type)))
}

pub(super) fn unknown(of: HeadersOf) -> Problem {
    match of {
        HeadersOf::Study(_) => Problem::no_such_study(),
        HeadersOf::Series(_) => Problem::no_such_series(),
        HeadersOf::Instance(_) => Problem::no_such_image(),
    }
}

/// Of what the answer is made: the bytes of the files, and the name that addresses in it begin with.
fn validator(places: &[HeaderPlace], origin: &str) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(&TELLING_VERSION.to_le_bytes());
    for place in places {
        hasher.update(place.key.as_bytes());
        hasher.update(&place.content_digest.0);
        hasher.update(&place.byte_count.to_le_bytes());
    }
    hasher.update(origin.as_bytes());
    hasher.digest()
}

/// The whole answer, from the cache where it has the one of this validator.
async fn whole(
    api: &Api,
    of: HeadersOf,
    mut telling: Telling,
    validator: u64,
) -> Result<Bytes, CatalogError> {
    let of_validator = format!("{validator:016x}");
    let behind_it = of_validator.len()..;
    let name = match of {
        HeadersOf::Series(own_id) => Some(metadata_names::headers_of_series(own_id)),
        HeadersOf::Study(_) | HeadersOf::Instance(_) => None,
    };
    if let Some(name) = &name
        && let Some(kept) =
            api.cache.metadata(name).await.filter(|kept| kept.starts_with(of_validator.as_bytes()))
    {
        return Ok(kept.slice(behind_it));
    }
    let mut text = of_validator;
    while telling.write_portion(&mut text).await? {}
    let text = Bytes::from(text);
    if let Some(name) = name {
        api.cache.put_metadata(&name, text.clone()).await;
    }
    Ok(text.slice(behind_it))
}

/// A list of headers that is being told.
struct Telling {
    api: Arc<Api>,
    origin: String,
    places: Vec<HeaderPlace>,
    /// Places that were told of.
    at: usize,
    /// Whether there is something in the list.
    is_begun: bool,
}

impl Telling {
    /// Writes the next headers, with what stands around the list; whether there was anything left to write.
    async fn write_portion(&mut self, text: &mut String) -> Result<bool, CatalogError> {
        let rest = self.places.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(false);
        }
        let portion = &rest[..header_portion(rest)];
        let headers: Vec<InstanceHeader> = self.api.catalog.headers(portion).await?;
        text.reserve(headers.iter().map(|header| header.header_json.len() + BESIDE_BYTES as usize).sum());
        if self.at == 0 {
            text.push('[');
        }
        for header in &headers {
            if std::mem::replace(&mut self.is_begun, true) {
                text.push(',');
            }
            told_header::write(header, &self.origin, text);
        }
        self.at += portion.len();
        if self.at == self.places.len() {
            text.push(']');
        }
        Ok(true)
    }
}

/// The list piece by piece, each read when the one before was taken.
fn pieces(
    first: String,
    telling: Telling,
    permit: Allowed,
) -> impl Stream<Item = Result<Bytes, CatalogError>> {
    let rest = stream::try_unfold(telling, async |mut telling: Telling| {
        let mut text = String::new();
        Ok(telling.write_portion(&mut text).await?.then(|| (Bytes::from(text), telling)))
    });
    let pieces = stream::once(async { Ok(Bytes::from(first)) }).chain(rest);
    pieces.map(move |piece| {
        let _while_it_streams = &permit;
        piece.inspect_err(
            |error: &CatalogError| tracing::warn!(%error, "metadata that were sent were cut off"),
        )
    })
}

/// Nobody between us and the client keeps it: it names patients.
pub(super) fn told(mut response: Response, tag: EntityTag, media_type: Option<HeaderValue>) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    if let Some(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    tag.put_into(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    response
}
