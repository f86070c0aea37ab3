//! HTTP in, picture out. The API answers from a cache or puts a render job on the queue and waits for it.
//!
//! Architecture invariant: no decoder of DICOM here; a picture is bytes that are passed on, but for the small ones that a contact
//! sheet is put together of. The storage is read by those routes
//! alone that hand out files as they are, and written by those that take files, in a place apart (`upload`).
//! Start with [`router`]; a request goes through `edge`, then `routes`, asks in `visible` for what its caller may see, and for pictures goes through `picture`.

mod accept;
mod allowance;
mod api;
mod audit;
pub mod auth;
mod back_end;
mod body;
mod caller;
mod edge;
mod entity_tag;
mod handed_out;
mod in_hand;
mod jobs;
mod machine;
mod numbers;
mod outgoing;
mod picture;
pub mod problem;
mod query;
mod routes;
mod serve;
mod upload;
mod visible;
mod volume;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
};
use tower::util::MapRequest;
use tower_http::cors::CorsLayer;

pub use self::{
    api::Api,
    serve::{DRAIN_SECONDS_MAX, Door, ServeTimes, Tls, serve},
};

/// Every route, behind the edge. Serve it with connect info of `SocketAddr`, or all clients count as one.
pub fn router(api: Arc<Api>) -> Router {
    let cors = cors(&api.cors_origins);
    let routes = routes::all(Arc::clone(&api)).layer(middleware::from_fn_with_state(api, edge::around));
    let routes = match cors {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    // Before a route is looked for, which no layer of a router is.
    Router::new().fallback_service(MapRequest::new(routes, edge::without_empty_segments))
}

/// How long a browser need not ask again what it may send: the longest that browsers take.
const PREFLIGHT_HOLDS: Duration = Duration::from_secs(2 * 60 * 60);

/// What browsers on these origins may send and read; `None` without origins.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let sent = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::RANGE,
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("prefer"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("x-request-id"),
    ];
    let read = [
        header::ACCEPT_RANGES,
        header::ALLOW,
        header::CONTENT_DISPOSITION,
        header::CONTENT_LOCATION,
        header::CONTENT_RANGE,
        header::ETAG,
        header::LAST_MODIFIED,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WARNING,
        HeaderName::from_static("preference-applied"),
        header::WWW_AUTHENTICATE,
        HeaderName::from_static("ratelimit-limit"),
        HeaderName::from_static("ratelimit-remaining"),
        HeaderName::from_static("ratelimit-reset"),
        HeaderName::from_static("server-timing"),
        HeaderName::from_static("x-columns"),
        HeaderName::from_static("x-frame"),
        HeaderName::from_static("x-image-id"),
        HeaderName::from_static("x-pixel-scale"),
        HeaderName::from_static("x-render-integrity"),
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("x-rows"),
    ];
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::DELETE];
    (!origins.is_empty()).then(|| {
        let cors = CorsLayer::new().allow_origin(origins).allow_methods(methods);
        cors.allow_headers(sent).expose_headers(read).max_age(PREFLIGHT_HOLDS)
    })
}
