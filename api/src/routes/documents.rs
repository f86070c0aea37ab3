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
    caller::Sight,
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
    // Whether a part of a study is the one that is shared, only the catalog can tell.
    let kept = match visible.caller.sight {
        Sight::Shared(_) => None,
        Sight::Everything | Sight::Studies(_) => visible.cache.metadata(name).await.and_then(unpacked),
    };
    if let Some((study_id, body)) = kept {
        let body = visible.of_study(study_id, body).ok_or_else(unknown)?;
        visible.note_opened(study_id);
        return Ok(body);
    }
    let fetched = fetch.await?;
    visible.note_opened(fetched.study_id());
    let body = body_of(&*fetched)?;
    // What a caller is held to may be its choice of several, and must not become everybody's.
    if visible.caller.sight.is_everything() {
        visible.cache.put_metadata(name, packed(fetched.study_id(), &body)).await;
    }
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

#[cfg(test)]
mod tests {
    use noctis_shared::{
        cache::{Cache, CacheLimits},
        catalog::{Catalog, CatalogLimits},
    };

    use super::*;
    use crate::{audit::Audit, caller::Caller, visible::KnownImages};

    /// The choice of one caller among several is not everybody's answer, and what is everybody's is not told to all.
    #[tokio::test]
    async fn what_a_caller_is_held_to_is_kept_for_nobody_else() {
        let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.expect("a cache");
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let images = KnownImages::new();
        let [mine, other] = [1, 2].map(Uuid::from_u128);
        let audit = Audit::default();
        let caller = |sight| Caller::anybody(None).that_sees(sight);
        let [held, everybody, stranger] =
            [Sight::Studies([mine].into()), Sight::Everything, Sight::Studies([other].into())].map(caller);
        let to =
            |caller| Visible { caller, images: &images, cache: &cache, catalog: &catalog, audit: &audit };
        let ask = async |caller, told: &'static str| {
            let visible = to(caller);
            let fetch = async { visible.of_study(mine, told).ok_or_else(Problem::no_such_series) };
            let body = cached(visible, "of-series:shared", Problem::no_such_series, fetch).await;
            body.ok().map(Permitted::into_inner)
        };
        assert_eq!(ask(&held, "its own").await.as_deref(), Some(&b"\"its own\""[..]));
        assert_eq!(ask(&everybody, "everybody's").await.as_deref(), Some(&b"\"everybody's\""[..]));
        assert_eq!(ask(&held, "not fetched again").await.as_deref(), Some(&b"\"everybody's\""[..]));
        assert_eq!(ask(&stranger, "not fetched").await, None);
    }
}
