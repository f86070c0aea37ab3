//! Links that show a study, a series or an image to whoever has them.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SubsecRound, Utc};
use noctis_shared::{
    auth::{Scope, Share, SharedThing},
    dicom_uid::parse_public_id,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::json;
use crate::{
    api::Api,
    auth::Auth,
    back_end::catalog_problem,
    caller::{By, Caller},
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

const LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const LASTS_MIN: u64 = 60;
const LASTS_MAX: u64 = 90 * 24 * 60 * 60;

/// What to share: one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareRequest {
    /// A study, by id or UID.
    study_id: Option<String>,
    /// A series.
    series_id: Option<String>,
    /// An image.
    image_id: Option<String>,
    /// Seconds for which the link works; a week without.
    #[schema(minimum = 60, maximum = 7_776_000, example = 3600)]
    ttl: Option<u64>,
}

/// A link that was made. Its token is told this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    #[serde(flatten)]
    share: Told,
    /// For `?share=` of any picture, list or page of what is shared.
    token: String,
    /// The page that shows it, relative to this server.
    url: String,
}

/// A link, without its token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told {
    /// Its name, which is no secret.
    share_id: Uuid,
    /// The study that is shared, or is its series' or image's.
    study_id: Uuid,
    /// The series, if it is one.
    series_id: Option<Uuid>,
    /// The image, if it is one.
    image_id: Option<Uuid>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it works.
    expires_at: DateTime<Utc>,
}

impl From<&Share> for Told {
    fn from(share: &Share) -> Self {
        let (series_id, image_id) = match share.thing {
            SharedThing::Study { .. } => (None, None),
            SharedThing::Series { series_id, .. } => (Some(series_id), None),
            SharedThing::Image { image_id, .. } => (None, Some(image_id)),
        };
        Self {
            share_id: share.share_id,
            study_id: share.thing.study_id(),
            series_id,
            image_id,
            created_at: share.created_at,
            expires_at: share.expires_at,
        }
    }
}

/// Makes a link to a study, a series or an image.
///
/// Whoever has the link sees that, and nothing around it, until it expires or is revoked.
#[utoipa::path(
    post,
    path = "/api/v1/share",
    operation_id = "createShare",
    tag = "sharing",
    request_body(content = ShareRequest, content_type = "application/json"),
    responses(
        (status = 201, description = "The link", body = Made, headers(("Location" = String, description = "Where it is revoked"))),
        (status = 400, description = "The body does not read, or does not name one thing", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks `studies:read` or `images:read`, or it is a link", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "What should be shared is not there, or this deployment signs no links", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Several have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Arc<Caller>>,
    _: NoParameters,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let auth = auth_of(&api)?;
    if !matches!(caller.by, By::Token { .. }) || !caller.scopes.has(Scope::ImagesRead) {
        let detail = "Links are made with a token that has the scopes images:read and studies:read.";
        return Err(Problem::new(Kind::InsufficientScope, detail).with("scope", Scope::ImagesRead.name()));
    }
    let asked: ShareRequest = json::read(&headers, &body)?;
    let lasts = asked.ttl.unwrap_or(LASTS.as_secs());
    if !(LASTS_MIN..=LASTS_MAX).contains(&lasts) {
        return Err(Problem::parameter("ttl", format_args!("takes {LASTS_MIN} to {LASTS_MAX} seconds")));
    }
    let thing = shared(&api, &caller, &asked).await?;
    let created_at = Utc::now().trunc_subsecs(3);
    let share = Share {
        share_id: Uuid::new_v4(),
        thing,
        shared_by: caller.name.clone(),
        created_at,
        expires_at: created_at + Duration::from_secs(lasts),
    };
    let token = auth.share_token(share.share_id).ok_or_else(unsigned)?;
    api.catalog.add_share(&share).await.map_err(|error| catalog_problem(&error))?;
    let shows = match thing {
        SharedThing::Study { study_id } => format!("study={study_id}"),
        SharedThing::Series { series_id, .. } => format!("series={series_id}"),
        SharedThing::Image { image_id, .. } => format!("image={image_id}"),
    };
    let location = format!("/api/v1/share/{}", share.share_id);
    let made = Made { url: format!("/?share={token}#{shows}"), share: Told::from(&share), token };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// Tells of a link.
#[utoipa::path(
    get,
    path = "/api/v1/share/{share_id}",
    operation_id = "getShare",
    tag = "sharing",
    params(("share_id" = Uuid, Path, description = "As it was told when it was made")),
    responses(
        (status = 200, description = "The link, without its token", body = Told),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such link, or it is another's, or works no more", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(segment): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    let share = find(&api, &caller, &segment).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Told::from(&share))).into_response())
}

/// Revokes a link: at once in this process, and within ten seconds in every other.
#[utoipa::path(
    delete,
    path = "/api/v1/share/{share_id}",
    operation_id = "revokeShare",
    tag = "sharing",
    params(("share_id" = Uuid, Path, description = "As it was told when it was made")),
    responses(
        (status = 204, description = "It works no more"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such link, or it is another's, or works no more", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(segment): Path<String>,
    _: NoParameters,
) -> Result<StatusCode, Problem> {
    let share = find(&api, &caller, &segment).await?;
    api.catalog.revoke_share(share.share_id).await.map_err(|error| catalog_problem(&error))?;
    auth_of(&api)?.forget_share(share.share_id);
    Ok(StatusCode::NO_CONTENT)
}

/// The link of this name, for who made it, and for who runs the system.
async fn find(api: &Api, caller: &Caller, segment: &str) -> Result<Share, Problem> {
    auth_of(api)?;
    let unknown = || Problem::new(Kind::ShareNotFound, "No link has this name, or it works no more.");
    let share_id = segment.parse().map_err(|_| unknown())?;
    let share = api.catalog.share(share_id).await.map_err(|error| catalog_problem(&error))?;
    let may = |share: &Share| {
        let is_own = share.shared_by == caller.name || caller.scopes.has(Scope::Admin);
        is_own && caller.sight.reaches(share.thing.study_id())
    };
    share.filter(may).ok_or_else(unknown)
}

/// What is asked for, by ids that name it alone. There for the caller, or not there.
async fn shared(api: &Api, caller: &Caller, asked: &ShareRequest) -> Result<SharedThing, Problem> {
    let visible = api.visible_to(caller);
    match (&asked.study_id, &asked.series_id, &asked.image_id) {
        (Some(study), None, None) => {
            let study_id = visible.study(study)?.into_inner();
            let known = api.catalog.study(study_id).await.map_err(|error| catalog_problem(&error))?;
            known.map(|_| SharedThing::Study { study_id }).ok_or_else(Problem::no_such_study)
        }
        (None, Some(series), None) => {
            let id = parse_public_id(series).ok_or_else(Problem::no_such_series)?;
            let series = visible.series(id).await?;
            Ok(SharedThing::Series { study_id: series.study_id(), series_id: series.own_id })
        }
        (None, None, Some(image)) => {
            let id = parse_public_id(image).ok_or_else(Problem::no_such_image)?;
            let image = visible.image(id).await?;
            Ok(SharedThing::Image { study_id: image.study_id(), image_id: image.own.image_id })
        }
        _ => Err(Problem::parameter("body", "names one of study_id, series_id and image_id")),
    }
}

fn auth_of(api: &Api) -> Result<&Auth, Problem> {
    let off = "This deployment asks nobody for a token, and needs no links: NOCTIS_AUTH is off.";
    api.auth.as_ref().ok_or_else(|| Problem::new(Kind::RouteNotFound, off))
}

fn unsigned() -> Problem {
    Problem::new(Kind::RouteNotFound, "This deployment has no secret to sign links by: NOCTIS_JWT_SECRET.")
}
