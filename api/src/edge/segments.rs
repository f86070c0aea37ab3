//! Empty segments in paths of DICOMweb: viewers put roots that end in a slash before paths that begin with one.

use axum::{
    extract::Request,
    http::{Uri, uri::PathAndQuery},
};

const ROOT: &str = "/dicom-web";

/// The same request, for `/dicom-web/studies` where it is for `/dicom-web//studies/`. Other paths stay as they are.
pub(crate) fn without_empty_segments(mut request: Request) -> Request {
    let path = request.uri().path();
    let is_ours =
        path.trim_start_matches('/').strip_prefix(&ROOT[1..]).is_some_and(|rest| rest.starts_with('/'));
    if is_ours && (path.contains("//") || path.ends_with('/')) {
        *request.uri_mut() = shortened(request.uri());
    }
    request
}

fn shortened(uri: &Uri) -> Uri {
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    // A part of what was an address is one.
    let shorter = PathAndQuery::try_from(format!("/{}{query}", segments.join("/")));
    parts.path_and_query = shorter.ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn paths_of_dicom_web_alone_are_shortened() {
        for (uri, expected) in [
            ("/dicom-web//studies?a=//", "/dicom-web/studies?a=//"),
            ("//dicom-web/studies///1.2//series/", "/dicom-web/studies/1.2/series"),
            ("/dicom-web/", "/dicom-web"),
            ("/dicom-web/studies", "/dicom-web/studies"),
            ("http://h:1/dicom-web//studies", "http://h:1/dicom-web/studies"),
            ("/dicom-web-2//studies", "/dicom-web-2//studies"),
            ("/api//v1/", "/api//v1/"),
            ("/", "/"),
        ] {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = uri.parse().expect("an address");
            assert_eq!(without_empty_segments(request).uri().to_string(), expected, "{uri}");
        }
    }
}
