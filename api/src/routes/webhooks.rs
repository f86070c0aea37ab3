//! Who is told over HTTP of what happens to studies (Standard Webhooks). The sending is the workers'.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use noctis_shared::webhook::{Secret, StudyNews, WEBHOOKS_MAX, Webhook, check_url};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json;
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

/// A new subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// Where messages go: `http` or `https`, without a name and a password in it.
    #[schema(
        format = "uri",
        pattern = "^https?://[^@]+$",
        max_length = 2048,
        example = "https://viewer.example/hooks"
    )]
    url: String,
    /// What is told, at least one.
    #[schema(min_items = 1)]
    events: Vec<StudyNews>,
    /// What messages are signed with: `whsec_` and base64 of 24 to 64 bytes. One is made without it.
    #[schema(
        pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
        example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )]
    secret: Option<String>,
}

/// A subscription that was added. Its secret is shown here and never again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AddedWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    /// What messages are signed with.
    secret: String,
}

/// Subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Webhooks {
    /// The oldest first, without their secrets.
    webhooks: Vec<Webhook>,
}

/// Lists webhooks.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "operation",
    responses(
        (status = 200, description = "Webhooks", body = Webhooks),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope of `x-scope`, or is held to some studies", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<Webhooks>, Problem> {
    check_sight(&caller)?;
    let webhooks = api.catalog.webhooks().await.map_err(|error| catalog_problem(&error))?;
    Ok(Json(Webhooks { webhooks }))
}

/// Adds a webhook. Its messages are CloudEvents (`study.new.v1`, `study.changed.v1`, `study.deleted.v1`), signed as
/// Standard Webhooks has it and sent again for more than a day where nobody takes them.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    operation_id = "addWebhook",
    tag = "operation",
    request_body = NewWebhook,
    responses(
        (status = 201, description = "Added; the only time that its secret is shown", body = AddedWebhook),
        (status = 400, description = "Body, URL, events or secret are wrong", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "There are as many as there may be", body = Document, content_type = "application/problem+json"),
        (status = 413, description = "The body is too long", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "The body is no JSON by its `Content-Type`", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope of `x-scope`, or is held to some studies", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    check_sight(&caller)?;
    let (webhook, secret) = read(&headers, &body)?;
    if !api.catalog.add_webhook(&webhook, &secret).await.map_err(|error| catalog_problem(&error))? {
        let detail = format!("There are {WEBHOOKS_MAX} webhooks, and no more may be.");
        return Err(Problem::new(Kind::TooManyWebhooks, detail));
    }
    let added = AddedWebhook { webhook, secret: secret.reveal() };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(added)).into_response())
}

/// Removes a webhook, and what is on its way to it.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{webhook_id}",
    operation_id = "removeWebhook",
    tag = "operation",
    params(("webhook_id" = Uuid, Path, description = "As listed")),
    responses(
        (status = 204, description = "Removed"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such webhook", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The token lacks the scope of `x-scope`, or is held to some studies", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<StatusCode, Problem> {
    check_sight(&caller)?;
    let unknown = || Problem::new(Kind::WebhookNotFound, "No webhook has this id.");
    let webhook_id = Uuid::try_parse(&id).map_err(|_| unknown())?;
    let removed = api.catalog.remove_webhook(webhook_id).await.map_err(|error| catalog_problem(&error))?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// A webhook tells of every study, so that it is for those who see every study.
fn check_sight(caller: &Caller) -> Result<(), Problem> {
    if caller.sight.is_everything() {
        return Ok(());
    }
    let detail = "A webhook tells of every study, and this token is held to some.";
    Err(Problem::new(Kind::InsufficientScope, detail))
}

/// What the body asks for. What it holds is not repeated: there may be a secret in it.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Webhook, Secret), Problem> {
    json::check_media_type(headers)?;
    let does_not_read =
        "takes a JSON object of url, events (study.new, study.changed, study.deleted) and secret";
    let asked: NewWebhook =
        serde_json::from_slice(body).map_err(|_| Problem::parameter("body", does_not_read))?;
    let url = Url::parse(&asked.url).map_err(|_| Problem::parameter("url", "takes an http or https URL"))?;
    check_url(&url).map_err(|refused| Problem::parameter("url", refused))?;
    let mut events = asked.events;
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(Problem::parameter(
            "events",
            "names at least one of study.new, study.changed, study.deleted",
        ));
    }
    let secret = match asked.secret {
        None => Secret::random(),
        Some(text) => text.parse().map_err(|refused| Problem::parameter("secret", refused))?,
    };
    let webhook = Webhook { webhook_id: Uuid::new_v4(), url: url.into(), events, created_at: Utc::now() };
    Ok((webhook, secret))
}
