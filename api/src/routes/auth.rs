//! Logging in and out (RFC 6749, RFC 7009).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::{
    auth::{AccountKind, Scopes},
    settings::RateLimit,
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::{
    api::Api,
    auth::{Auth, Login, LoginRefused, Tokens},
    back_end::catalog_problem,
    body::form_or_json,
    caller::Caller,
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

/// When a client may try again after too many had logged in at once.
const LOGINS_PAUSE: Duration = Duration::from_secs(2);
/// Wrong secrets under one name from one address.
const WRONG_FROM_ONE: RateLimit = RateLimit { requests: 10, window: Duration::from_secs(60) };
/// Wrong secrets under one name.
const WRONG_OF_ONE: RateLimit = RateLimit { requests: 100, window: Duration::from_secs(60) };

/// A login: by user name and password, by client id and secret, or by the refresh token of an earlier one.
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenRequest {
    /// How: `password`, `client_credentials` or `refresh_token`.
    #[schema(example = "password", pattern = "^(password|client_credentials|refresh_token)$")]
    grant_type: String,
    /// For `password`: who.
    username: Option<String>,
    /// For `password`: the password.
    #[schema(format = Password)]
    password: Option<String>,
    /// For `client_credentials`: who. May stand in `Authorization: Basic` instead.
    client_id: Option<String>,
    /// For `client_credentials`: the secret.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// For `refresh_token`: the token.
    refresh_token: Option<String>,
    /// Scopes with blanks between them; without, all that the account may have.
    scope: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub(super) struct RefreshRequest {
    /// Of the last login or refresh; it works once.
    refresh_token: String,
}

/// What to log out: a token in the body, or the one in `Authorization`.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct LogoutRequest {
    /// A refresh token: its login ends.
    refresh_token: Option<String>,
    /// Any token (RFC 7009 2.1).
    token: Option<String>,
}

/// Tokens (RFC 6749 5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is valid.
    expires_in: u64,
    /// Works once, for the next tokens; not for services, which have their secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// What was granted, with blanks between.
    scope: String,
}

/// Tokens for who knows the secret of an account.
///
/// The body is a form or JSON.
#[utoipa::path(
    post,
    path = "/api/v1/auth/token",
    operation_id = "logIn",
    tag = "login",
    request_body(content((TokenRequest = "application/x-www-form-urlencoded"), (TokenRequest = "application/json"))),
    responses(
        (status = 200, description = "Tokens", body = TokenAnswer),
        (status = 400, description = "No such account, another secret, a scope it may not have, or a login in a way that is none; `error` is of RFC 6749 5.2", body = Document, content_type = "application/problem+json"),
        (status = 401, description = "No service has this id and secret", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Neither a form nor JSON", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or too many wrong secrets", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "This deployment asks nobody for a token", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or too many log in at once", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn token(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Arc<Caller>>,
    _: NoParameters,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let auth = login_of(&api)?;
    let asked: TokenRequest = form_or_json(&headers, &body)?;
    let scopes = asked.scope.as_deref().filter(|scope| !scope.is_empty()).map(str::parse::<Scopes>);
    let scopes = scopes
        .transpose()
        .map_err(|unknown| Problem::new(Kind::InvalidScope, format!("scope: {unknown}.")))?;
    let tokens = match asked.grant_type.as_str() {
        "password" => {
            let (name, secret) = both("username", asked.username, "password", asked.password)?;
            log_in(&api, auth, &caller, Login { kind: AccountKind::Person, name, secret, scopes }).await?
        }
        "client_credentials" => {
            let (client_id, client_secret) = match basic(&headers)? {
                Some((name, secret)) => (Some(name), Some(secret)),
                None => (asked.client_id, asked.client_secret),
            };
            let (name, secret) = both("client_id", client_id, "client_secret", client_secret)?;
            log_in(&api, auth, &caller, Login { kind: AccountKind::Service, name, secret, scopes }).await?
        }
        "refresh_token" => {
            if scopes.is_some() {
                return Err(Problem::new(Kind::InvalidScope, "A refresh has the scope of its login."));
            }
            let used = asked.refresh_token.ok_or_else(|| missing("refresh_token"))?;
            auth.refresh(&used).await.map_err(refused)?
        }
        _ => {
            let detail = "grant_type takes password, client_credentials or refresh_token.";
            return Err(Problem::new(Kind::UnsupportedGrantType, detail));
        }
    };
    Ok(granted(tokens))
}

/// The next tokens, for a refresh token. It works once; a second use ends its login.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    operation_id = "renewLogin",
    tag = "login",
    request_body(content((RefreshRequest = "application/x-www-form-urlencoded"), (RefreshRequest = "application/json"))),
    responses(
        (status = 200, description = "Tokens", body = TokenAnswer),
        (status = 400, description = "The refresh token is none, or no longer", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Neither a form nor JSON", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "This deployment asks nobody for a token", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn refresh(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let auth = login_of(&api)?;
    let RefreshRequest { refresh_token } = form_or_json(&headers, &body)?;
    auth.refresh(&refresh_token).await.map(granted).map_err(refused)
}

/// Ends a login: all its tokens at once in this process, and within ten seconds in every other.
///
/// What is no token of ours, or no longer, is logged out already: the answer is the same (RFC 7009 2.2).
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    operation_id = "logOut",
    tag = "login",
    request_body(content((LogoutRequest = "application/x-www-form-urlencoded"), (LogoutRequest = "application/json"))),
    responses(
        (status = 204, description = "Logged out"),
        (status = 400, description = "No token was named", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Neither a form nor JSON", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "This deployment asks nobody for a token", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn logout(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let auth = login_of(&api)?;
    let asked = if body.is_empty() { LogoutRequest::default() } else { form_or_json(&headers, &body)? };
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let tokens: Vec<&str> =
        [asked.refresh_token.as_deref(), asked.token.as_deref(), shown.map(|(_, token)| token.trim())]
            .into_iter()
            .flatten()
            .collect();
    if tokens.is_empty() {
        let detail = "Name a token in the body, or show one in Authorization.";
        return Err(Problem::new(Kind::InvalidRequest, detail));
    }
    for token in tokens {
        auth.log_out(token).await.map_err(|error| catalog_problem(&error))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Tokens for a login, unless too many were wrong before it: under its name from this address, or under its name at all.
/// What was right is not counted, so that whoever knows a secret is kept out by those who guess it only when these have
/// many addresses.
async fn log_in(api: &Api, auth: &Auth, caller: &Caller, login: Login) -> Result<Tokens, LoginFailed> {
    let (kind, name) = (login.kind, &login.name);
    let counted = [
        (format!("wrong-login:{name} {}", caller.name), WRONG_FROM_ONE),
        (format!("wrong-login:{name}"), WRONG_OF_ONE),
    ];
    for (who, limit) in &counted {
        if api.coordination.count_request(who, 0, *limit).await.remaining == 0 {
            return Err(LoginFailed::TooMany(limit.window / limit.requests));
        }
    }
    let tokens = auth.log_in(login).await;
    if let Err(LoginRefused::Unknown) = tokens {
        for (who, limit) in &counted {
            api.coordination.count_request(who, 1, *limit).await;
        }
    }
    tokens.map_err(|reason| LoginFailed::Refused(kind, reason))
}

/// Why a login has no tokens.
enum LoginFailed {
    Refused(AccountKind, LoginRefused),
    TooMany(Duration),
}

impl From<LoginFailed> for Problem {
    fn from(failed: LoginFailed) -> Self {
        match failed {
            LoginFailed::Refused(AccountKind::Service, LoginRefused::Unknown) => {
                Problem::new(Kind::InvalidClient, "No service has this id and secret.")
            }
            LoginFailed::Refused(_, reason) => refused(reason),
            LoginFailed::TooMany(pause) => {
                let detail = "Too many have tried to log in under this name.";
                Problem::new(Kind::TooManyRequests, detail).retry_after(pause)
            }
        }
    }
}

fn login_of(api: &Api) -> Result<&Auth, Problem> {
    let off = "This deployment asks nobody for a token: NOCTIS_AUTH is off.";
    api.auth.as_ref().ok_or_else(|| Problem::new(Kind::RouteNotFound, off))
}

fn granted(tokens: Tokens) -> Response {
    let Tokens { access_token, expires_in, refresh_token, scopes } = tokens;
    let answer = TokenAnswer {
        access_token,
        token_type: "Bearer",
        expires_in: expires_in.as_secs(),
        refresh_token,
        scope: scopes.to_string(),
    };
    // RFC 6749 5.1: no cache may keep it.
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn refused(reason: LoginRefused) -> Problem {
    match reason {
        LoginRefused::Unknown => Problem::new(Kind::InvalidGrant, "No account has this name and secret."),
        LoginRefused::Refresh => {
            Problem::new(Kind::InvalidGrant, "The refresh token is none, or no longer: log in again.")
        }
        LoginRefused::Scope => {
            Problem::new(Kind::InvalidScope, "The account may not have all of these scopes.")
        }
        LoginRefused::Busy => {
            Problem::new(Kind::LoginsWait, "Too many log in at once.").retry_after(LOGINS_PAUSE)
        }
        LoginRefused::Elsewhere => {
            let detail =
                "People log in at the identity provider of this deployment, and send its tokens here.";
            Problem::new(Kind::RouteNotFound, detail)
        }
        LoginRefused::Catalog(error) => catalog_problem(&error),
        LoginRefused::Token(error) => Problem::internal(&error),
    }
}

fn both(
    first_name: &str,
    first: Option<String>,
    second_name: &str,
    second: Option<String>,
) -> Result<(String, String), Problem> {
    let first = first.ok_or_else(|| missing(first_name))?;
    let second = second.ok_or_else(|| missing(second_name))?;
    Ok((first, second))
}

fn missing(name: &str) -> Problem {
    Problem::new(Kind::InvalidRequest, format!("{name} is missing."))
}

/// Id and secret of a client in `Authorization: Basic` (RFC 6749 2.3.1: each form-encoded).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Problem> {
    let Some(sent) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let wrong = || {
        Problem::new(
            Kind::InvalidRequest,
            "Authorization takes Basic with the id and the secret of a client.",
        )
    };
    let (scheme, coded) = sent.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let decoded = base64_simd::STANDARD.decode_to_vec(coded.trim()).map_err(|_| wrong())?;
    let decoded = String::from_utf8(decoded).map_err(|_| wrong())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(wrong)?;
    let plain = |text: &str| {
        // One value, also where it was not encoded.
        let whole = text.replace('&', "%26").replace('=', "%3D");
        let pair = form_urlencoded::parse(whole.as_bytes()).next();
        pair.map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    Ok(Some((plain(id), plain(secret))))
}
