//! Searches for studies, series and instances (QIDO-RS, PS3.18 10.6).

use std::collections::BTreeSet;

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use noctis_shared::{
    catalog::{Among, Catalog, HEADERS_MAX, Remaining, Search, SearchKey, SearchLevel},
    dicom_uid::public_id,
    own_id,
};
use uuid::Uuid;

use super::{
    super::documents::tell,
    address::Uids,
    asked::Asked,
    asks::{Asks, Named},
    matched::Telling,
    media_type,
};
use crate::{back_end::catalog_problem, edge, problem::Problem, visible::Visible};

/// Matches of an answer, at most: a study has some thousand instances, and a viewer asks for all of them.
const STUDIES_MAX: u32 = 1000;
const PARTS_MAX: u32 = 5000;
/// Bytes of an answer, at most; one match more may stand in it.
const BODY_BYTES_MAX: usize = 32 << 20;

/// What a search takes of its caller's requests that looks at headers, in hundredths: up to 10,000 of them.
const HEADERS_COST: u32 = 1000;
/// Bytes that it counts for: two are under way at a time.
const HEADERS_BYTES: u64 = 128 << 20;

/// All studies (10.6.1.1).
pub(super) async fn studies(asks: Asks) -> Result<Response, Problem> {
    answer(&asks, SearchLevel::Study, None).await
}

/// All series.
pub(super) async fn series(asks: Asks) -> Result<Response, Problem> {
    answer(&asks, SearchLevel::Series, None).await
}

/// All instances.
pub(super) async fn instances(asks: Asks) -> Result<Response, Problem> {
    answer(&asks, SearchLevel::Instance, None).await
}

/// The series of a study.
pub(super) async fn series_of(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    answer(&asks, SearchLevel::Series, Some(named.uids())).await
}

/// The instances of a study or of a series.
pub(super) async fn instances_of(Path(named): Path<Named>, asks: Asks) -> Result<Response, Problem> {
    answer(&asks, SearchLevel::Instance, Some(named.uids())).await
}

/// What matches under `place`, in JSON (10.6.3); a `Warning` where that is not all (8.3.4.4).
async fn answer(asks: &Asks, level: SearchLevel, place: Option<Uids<'_>>) -> Result<Response, Problem> {
    let Asks { api, caller, origin, headers, uri, .. } = asks;
    let (study, series) = (place.map(|uids| uids.study), place.and_then(|uids| uids.series));
    let asked = Asked::parse(uri.query())?;
    let media_type = media_type::of_json(asked.accept.as_deref(), headers)?;
    let visible = asks.visible();
    let telling = Telling::new(level, study.is_some(), series.is_some(), &asked.fields, origin);
    let search = Search {
        level,
        study_id: study.map(public_id),
        series_own_id: study.zip(series).map(|(study, series)| own_id::of_series(study, series)),
        among: Among::Everything,
        keys: asked.keys,
        order: asked.order,
        offset: asked.offset,
        limit: asked.limit.unwrap_or(u32::MAX).min(if level == SearchLevel::Study {
            STUDIES_MAX
        } else {
            PARTS_MAX
        }),
    };
    let most_bytes = if search.keys.iter().any(SearchKey::is_of_headers) {
        edge::pay(api, caller, HEADERS_COST).await?;
        HEADERS_BYTES
    } else {
        most_bytes(&search)
    };
    let _until_it_is_told = api.answers_in_hand.begin(most_bytes).await;
    let Found { body, remaining, study_ids } = find(visible, &search, &telling).await?;
    // A list of studies opens none.
    if level != SearchLevel::Study {
        study_ids.into_iter().for_each(|study_id| visible.note_opened(study_id));
    }
    let mut response = told(body.into(), media_type, headers, api.outgoing.to(&caller.name))?;
    if let Some(warning) = warning(remaining, origin) {
        response.headers_mut().insert(header::WARNING, warning);
    }
    Ok(response)
}

/// The matches as they are told.
struct Found {
    body: String,
    remaining: Remaining,
    /// Whose they are.
    study_ids: BTreeSet<Uuid>,
}

/// What an answer may come to, in bytes, before it is known what matches.
fn most_bytes(search: &Search) -> u64 {
    /// Of a match with all that `includefield` may ask for.
    const OF_A_MATCH: u64 = 4 << 10;
    u64::from(search.limit).saturating_mul(OF_A_MATCH).min(BODY_BYTES_MAX as u64)
}

async fn find(visible: Visible<'_>, search: &Search, telling: &Telling<'_>) -> Result<Found, Problem> {
    let found = visible.search(search).await.map_err(|error| catalog_problem(&error))?;
    let (mut body, mut remaining) = ("[".to_owned(), found.remaining);
    let study_ids = found.hits.iter().map(|hit| hit.study_id).collect();
    for portion in found.hits.chunks(Catalog::TOLD_MAX) {
        if body.len() > BODY_BYTES_MAX {
            remaining = Remaining::Some;
            break;
        }
        let told =
            visible.catalog.told_of(search.level, portion, [telling.with_study, telling.with_series]).await;
        let told = told.map_err(|error| catalog_problem(&error))?;
        for hit in portion {
            let before = body.len();
            if before > 1 {
                body.push(',');
            }
            // What went meanwhile is not told.
            if !telling.write(&told, hit, &mut body) {
                body.truncate(before);
            }
        }
    }
    body.push(']');
    Ok(Found { body, remaining, study_ids })
}

/// What the header says of matches that are not told.
fn warning(remaining: Remaining, origin: &str) -> Option<HeaderValue> {
    let text = match remaining {
        Remaining::Nothing => return None,
        Remaining::Matches(count) => format!("There are {count} additional results that can be requested"),
        Remaining::Some => "There are additional results that can be requested".to_owned(),
        Remaining::Unknown => {
            format!(
                "There may be additional results: the search looks at {HEADERS_MAX} headers at most, name a study or a date"
            )
        }
    };
    HeaderValue::try_from(format!("299 {origin}/dicom-web \"{text}\"")).ok()
}

/// `body` with a validator, as a list of `/api/v1` is told.
fn told(
    body: Bytes,
    media_type: HeaderValue,
    headers: &HeaderMap,
    recipient: crate::outgoing::Recipient<'_>,
) -> Result<Response, Problem> {
    let mut response = tell(body, headers, recipient)?;
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}
