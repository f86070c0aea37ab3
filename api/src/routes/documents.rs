//! JSON answers about studies: kept in the cache as the bytes that were sent, and told with a validator.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    entity_tag::{EntityTag, any_is_named_by},
    outgoing::Recipient,
    problem::Problem,
    visible::{Permitted, Visible},
};

/// The body under `name`, from the cache or else by `fetch`. A body that is kept tells of which study it is, so that it
/// is looked at only by who may see that study.
///
/// # Errors
/// `unknown` for what is kept and not for this caller; whatever `fetch` says.
pub(super) async fn cached<T: Serialize>(
    visible: Visible<'_>,
    name: &str,
    unknown: impl FnOnce() -> Problem,
    fetch: impl Future<Output = Result<Permitted<T>, Problem>>,
) -> Result<Permitted<Bytes>, Problem> {
    if let Some((study_id, body)) = visible.cache.metadata(name).await.and_then(unpacked) {
        return visible.of_study(study_id, body).ok_or_else(unknown);
    }
    let fetched = fetch.await?;
    let body = body_of(&*fetched)?;
    visible.cache.put_metadata(name, packed(fetched.study_id(), &body)).await;
    Ok(fetched.told_as(body))
}

const ID_BYTES: usize = 16;

/// The body behind the id of its study.
fn packed(study_id: Uuid, body: &[u8]) -> Bytes {
    let mut packed = BytesMut::with_capacity(ID_BYTES + body.len());
    packed.put_slice(study_id.as_bytes());
    packed.put_slice(body);
    packed.freeze()
}

fn unpacked(packed: Bytes) -> Option<(Uuid, Bytes)> {
    let id = packed.first_chunk::<ID_BYTES>()?;
    Some((Uuid::from_bytes(*id), packed.slice(ID_BYTES..)))
}

/// # Errors
/// A problem when the value is not to be written, which never happens.
pub(super) fn body_of(value: &impl Serialize) -> Result<Bytes, Problem> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| Problem::internal(&error))
}

/// What a body tells, for an answer with a part of it.
///
/// # Errors
/// A problem when it is none of ours.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::internal(&error))
}

/// `body` to a recipient that sent `headers`; a 304 to one that has it. Nobody between us and the client keeps it: it may
/// name patients.
///
/// # Errors
/// 503 to one that has too much unread.
pub(super) fn tell(body: Bytes, headers: &HeaderMap, recipient: Recipient<'_>) -> Result<Response, Problem> {
    // Weak: 64 bits tell two bodies apart and do not vouch for each byte.
    let tag = EntityTag::weak(format_args!("{:016x}", xxh3_64(&body)));
    let mut response = if tag.is_named_by(headers) || any_is_named_by(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (content_type, recipient.take(body)?).into_response()
    };
    let headers = response.headers_mut();
    tag.put_into(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    Ok(response)
}
