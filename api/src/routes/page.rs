//! The page at `/`: a small viewer over the API, from this program alone.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use crate::api::Api;

/// Nothing from anywhere else, nothing inline; pictures also from data URLs and blobs.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/", get(async || part("text/html; charset=utf-8", include_str!("../page/index.html"))))
        .route("/page.css", get(async || part("text/css; charset=utf-8", include_str!("../page/page.css"))))
        .route(
            "/page.js",
            get(async || part("text/javascript; charset=utf-8", include_str!("../page/page.js"))),
        )
}

fn part(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text)
}
