//! What happens to every request, in this order: an id, the names it comes under, its caller, admission, a count, a span, the handler under a time limit
//! with panics caught, problems written, headers, the log.
//!
//! One layer does it all: each layer of its own would cost a cached picture a boxed future.

mod admission;
mod identity;
mod link;
mod names;
mod origin;
pub(crate) mod policy;
mod request_id;
mod segments;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http_body::Body;
use noctis_shared::trace_context::TraceContext;
use tracing::{Instrument, Span};

use self::{
    admission::{Quota, Refused},
    identity::Identified,
    link::Linked,
    policy::{NO_ROUTE, Policy},
};
pub(crate) use self::{
    admission::{give_back, pay, render_cost},
    names::Names,
    origin::{Origin, OverTls},
    policy::{SENT, UPLOAD_BYTES_MAX},
    request_id::RequestId,
    segments::without_empty_segments,
};
use crate::{
    api::Api,
    caller::Caller,
    numbers::{is_failure, method_label},
    problem::{Kind, Problem},
};

/// Requests above this are worth a line in the log.
const SLOW: Duration = Duration::from_secs(2);

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const SHOWN_BY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Beside an answer with an error status that is complete as it is, like that of a probe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Complete;

/// The one layer around every route.
pub(crate) async fn around(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = RequestId::of(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let active = api.numbers.begin();

    if method == Method::HEAD {
        // A range is of a GET alone (RFC 9110 14.2).
        request.headers_mut().remove(header::RANGE);
    }
    let policy = &policy::of(route).of_method(&method);
    debug_assert!(matched.is_none() || policy.route == route, "{route} has no row in the table of routes");
    let fits = admission::check_lengths(&request, policy)
        .and_then(|()| api.names.check(policy, &method, &uri, request.headers()));
    let linked = if api.auth.is_some() { link::take(&mut request) } else { Ok(Linked::No) };
    let address = identity::address(&request, &api.trusted_proxies);
    let Identified { caller, refused } =
        identity::identify(&api, policy, address, linked, request.headers()).await;
    let (response, quota) = match (admit(&api, policy, fits, &caller).await, refused) {
        (Ok(quota), Some(problem)) => (problem.into_response(), quota),
        (Ok(quota), None) => {
            request.extensions_mut().insert(Arc::clone(&caller));
            request.extensions_mut().insert(request_id.clone());
            if !request.body().is_end_stream() {
                // Announced lengths were held against it; this is for what comes without one.
                DefaultBodyLimit::max(policy.body_bytes_max).apply(&mut request);
            }
            let span = span(&method, route, &request_id, request.headers());
            let response = run(&api, policy, request, next).instrument(span).await;
            if comes_to_nothing(&response) {
                admission::give_back(&api, &caller, policy.cost).await;
            }
            (response, quota)
        }
        (Err(refused), _) => (refused.problem.into_response(), refused.quota),
    };

    let mut response = written(response, uri.path(), request_id.as_str());
    let took = started.elapsed();
    put_headers(response.headers_mut(), &api, &request_id, quota, took);
    drop(active);
    api.numbers.count_request(&method, route, response.status(), took);
    log(&method, route, &request_id, &response, took);
    response
}

async fn admit(
    api: &Api,
    policy: &Policy,
    fits: Result<(), Problem>,
    caller: &Caller,
) -> Result<Option<Quota>, Box<Refused>> {
    fits.map_err(|problem| Box::new(Refused { problem, quota: None }))?;
    admission::count(api, policy, caller).await
}

/// Whether nothing was done for this answer, so that it costs nothing.
fn comes_to_nothing(response: &Response) -> bool {
    let problem = response.extensions().get::<Problem>().map(Problem::kind);
    // An answer that its client has no room for was made all the same.
    problem != Some(Kind::AnswersUnread)
        && matches!(response.status(), StatusCode::NOT_IMPLEMENTED | StatusCode::SERVICE_UNAVAILABLE)
}

/// The handler, under a time limit, with panics caught.
async fn run(api: &Api, policy: &Policy, request: Request, next: Next) -> Response {
    let limit = api.render_wait + policy.time_beyond_render;
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handler).await {
        Ok(Ok(response)) => response,
        // The panic hook has told where; the payload may quote anything, so it is not repeated.
        Ok(Err(_panic)) => Problem::internal(&"a handler panicked").into_response(),
        Err(_elapsed) => {
            let detail = "The request took too long and was given up.";
            Problem::new(Kind::RequestTimeout, detail).retry_after(Duration::from_secs(2)).into_response()
        }
    }
}

/// The span of one request: the matched route, never path or query, which may name patients.
fn span(method: &Method, route: &str, request_id: &RequestId, headers: &HeaderMap) -> Span {
    let method = method_label(method);
    let span = tracing::info_span!("request", %method, route, request_id = request_id.as_str());
    if headers.contains_key("traceparent") {
        let of_trace = ["traceparent", "tracestate"];
        let sent = of_trace.iter().filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?)));
        TraceContext::from_headers(sent).adopt(&span);
    }
    span
}

/// An error as a problem document; anything else as it is.
fn written(mut response: Response, path: &str, request_id: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response.extensions().get::<Complete>().is_some()
    {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| bare(status));
    let mut written = problem.write(path, request_id);
    if let Some(methods) = response.headers_mut().remove(header::ALLOW) {
        written.headers_mut().insert(header::ALLOW, methods);
    }
    written
}

/// The problem of a status that the framework answered by itself.
fn bare(status: StatusCode) -> Problem {
    let kind = Kind::of_status(status);
    let detail = match kind {
        Kind::RouteNotFound => "There is no such route.",
        Kind::MethodNotAllowed => "The route does not take this method; Allow names those it takes.",
        Kind::BodyTooLarge => "The body is longer than this route takes.",
        Kind::UriTooLong => "Path and query are longer than any route takes.",
        _ => "The request does not read.",
    };
    match kind {
        Kind::Internal => Problem::internal(&status),
        kind => Problem::new(kind, detail),
    }
}

fn put_headers(
    headers: &mut HeaderMap,
    api: &Api,
    request_id: &RequestId,
    quota: Option<Quota>,
    took: Duration,
) {
    headers.insert(request_id::HEADER, request_id.to_header());
    if let Some(quota) = quota {
        quota.put_into(headers);
    }
    if !headers.contains_key(&SERVER_TIMING) {
        let total = format!("total;dur={:.2}", took.as_secs_f64() * 1000.0);
        headers
            .insert(SERVER_TIMING, HeaderValue::try_from(total).unwrap_or(HeaderValue::from_static("total")));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(SHOWN_BY, api.names.shown_by.clone());
}

/// Failed and slow requests are told; the rest only to who asks for it, and so are those that failed for a back end which
/// was said to be away.
fn log(method: &Method, route: &str, request_id: &RequestId, response: &Response, took: Duration) {
    let status = response.status();
    let is_known = response.extensions().get::<Kind>().is_some_and(|kind| kind.is_of_an_outage());
    let failed = is_failure(status) && !is_known;
    let method = method_label(method);
    let (status, took_ms, request_id) = (status.as_u16(), took.as_millis(), request_id.as_str());
    if failed {
        tracing::warn!(%method, route, status, took_ms, request_id, "a request failed");
    } else if took > SLOW {
        tracing::info!(%method, route, status, took_ms, request_id, "a request was slow");
    } else {
        tracing::debug!(%method, route, status, took_ms, request_id, "a request was answered");
    }
}
