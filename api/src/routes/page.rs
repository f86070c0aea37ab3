//! The page at `/`: a small viewer over the API, from this program alone.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use crate::api::Api;

/// Nothing from anywhere else, nothing inline; pictures also from data URLs and blobs. A worker decodes them.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file of the page: where it is asked for, what it is, and its text.
const PARTS: [(&str, &str, &str); 25] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/page/page.css", CSS, include_str!("../page/page.css")),
    ("/page/page.js", SCRIPT, include_str!("../page/page.js")),
    ("/page/album.js", SCRIPT, include_str!("../page/album.js")),
    ("/page/decoder.js", SCRIPT, include_str!("../page/decoder.js")),
    ("/page/elements.js", SCRIPT, include_str!("../page/elements.js")),
    ("/page/grey.js", SCRIPT, include_str!("../page/grey.js")),
    ("/page/hands.js", SCRIPT, include_str!("../page/hands.js")),
    ("/page/header.js", SCRIPT, include_str!("../page/header.js")),
    ("/page/keys.js", SCRIPT, include_str!("../page/keys.js")),
    ("/page/labels.js", SCRIPT, include_str!("../page/labels.js")),
    ("/page/link.js", SCRIPT, include_str!("../page/link.js")),
    ("/page/loader.js", SCRIPT, include_str!("../page/loader.js")),
    ("/page/login.js", SCRIPT, include_str!("../page/login.js")),
    ("/page/marks.js", SCRIPT, include_str!("../page/marks.js")),
    ("/page/multipart.js", SCRIPT, include_str!("../page/multipart.js")),
    ("/page/placement.js", SCRIPT, include_str!("../page/placement.js")),
    ("/page/places.js", SCRIPT, include_str!("../page/places.js")),
    ("/page/png16.js", SCRIPT, include_str!("../page/png16.js")),
    ("/page/screen.js", SCRIPT, include_str!("../page/screen.js")),
    ("/page/server.js", SCRIPT, include_str!("../page/server.js")),
    ("/page/shader.js", SCRIPT, include_str!("../page/shader.js")),
    ("/page/stack.js", SCRIPT, include_str!("../page/stack.js")),
    ("/page/tools.js", SCRIPT, include_str!("../page/tools.js")),
    ("/page/viewer.js", SCRIPT, include_str!("../page/viewer.js")),
];

pub(super) fn routes() -> Router<Arc<Api>> {
    PARTS.into_iter().fold(Router::new(), |router, (path, content_type, text)| {
        router.route(path, get(async move || part(content_type, text)))
    })
}

fn part(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // No page that opens this one, or is opened by it, reaches into it.
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_served() {
        for (path, _, text) in PARTS {
            let imports = text.lines().filter_map(|line| line.split_once(" from \"./")?.1.split_once('"'));
            let linked = text.split('"').filter(|value| value.starts_with("/page/"));
            let asked = imports.map(|(name, _)| format!("/page/{name}")).chain(linked.map(str::to_owned));
            for file in asked {
                assert!(PARTS.iter().any(|part| part.0 == file), "{path} asks for {file}");
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_for_everybody() {
        for (path, ..) in PARTS {
            assert_eq!(crate::edge::policy::of(path).scope, None, "{path}");
        }
    }
}
