//! What there is, told to programs (PS3.18 8.9, Retrieve Capabilities): each resource with its methods, parameters and media
//! types, as WADL. The table is the whole of it; a test holds it against the routes.

use std::fmt::Write as _;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::asks::Asks;
use crate::{
    picture::takes,
    problem::{Kind, Problem},
};

const WADL: &str = "application/vnd.sun.wadl+xml";

/// What a resource does with a method.
struct Transaction {
    method: &'static str,
    /// As the standard names it.
    name: &'static str,
    /// Of the query, beside `accept`.
    parameters: &'static [&'static str],
    /// Media types of what is sent.
    takes: &'static [&'static str],
    /// Media types of what is answered.
    tells: &'static [&'static str],
}

const JSON: &[&str] = &["application/dicom+json", "application/json"];
const FILES: &[&str] = &["multipart/related; type=\"application/dicom\"", "application/dicom"];
const BULK: &[&str] = &[
    "multipart/related; type=\"application/octet-stream\"",
    "multipart/related; type=\"image/jpeg\"",
    "multipart/related; type=\"image/jls\"",
    "multipart/related; type=\"image/jp2\"",
    "multipart/related; type=\"image/jpx\"",
    "multipart/related; type=\"image/jphc\"",
    "multipart/related; type=\"image/jxl\"",
    "multipart/related; type=\"image/dicom-rle\"",
    "application/octet-stream",
];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/webp"];
/// Of one instance.
const MOVING_PICTURES: &[&str] = &["image/jpeg", "image/png", "image/webp", "image/gif"];
const SEARCH: &[&str] = &["limit", "offset", "includefield", "fuzzymatching", "orderby"];
const RENDERED: &[&str] = &["window", "viewport", "quality", "iccprofile", "annotation", "segmentation"];

const MPR: &[&str] = &[
    "window",
    "viewport",
    "quality",
    "iccprofile",
    "orientation",
    "viewpointposition",
    "viewpointlookat",
    "viewpointup",
    "mprslab",
    "renderingmethod",
];

const fn get(
    name: &'static str,
    parameters: &'static [&'static str],
    tells: &'static [&'static str],
) -> Transaction {
    Transaction { method: "GET", name, parameters, takes: &[], tells }
}

const SEARCHES: &[Transaction] = &[get("Search", SEARCH, JSON)];
const STORE: Transaction =
    Transaction { method: "POST", name: "Store", parameters: &[], takes: FILES, tells: JSON };
const METADATA: &[Transaction] = &[get("RetrieveMetadata", &[], JSON)];
const ALL_BULK: &[Transaction] =
    &[get("RetrieveBulkdata", &[], &["multipart/related; type=\"application/octet-stream\""])];
const MOVING: &[Transaction] = &[get("RetrieveRendered", RENDERED, MOVING_PICTURES)];
const PICTURE: &[Transaction] = &[get("RetrieveRendered", RENDERED, PICTURES)];
const THUMBNAIL: &[Transaction] = &[get("RetrieveThumbnail", &["viewport"], PICTURES)];
const PLANE: &[Transaction] = &[get("RetrieveRenderedMPR", MPR, PICTURES)];
const INSTANCES: Transaction = get("RetrieveInstances", &[], FILES);

/// Every resource below the root.
const RESOURCES: &[(&str, &[Transaction])] = &[
    ("studies", &[get("Search", SEARCH, JSON), STORE]),
    ("series", SEARCHES),
    ("instances", SEARCHES),
    ("studies/{study}", &[INSTANCES, STORE]),
    ("studies/{study}/series", SEARCHES),
    ("studies/{study}/instances", SEARCHES),
    ("studies/{study}/metadata", METADATA),
    ("studies/{study}/bulkdata", ALL_BULK),
    ("studies/{study}/rendered", PICTURE),
    ("studies/{study}/thumbnail", THUMBNAIL),
    ("studies/{study}/series/{series}", &[INSTANCES]),
    ("studies/{study}/series/{series}/instances", SEARCHES),
    ("studies/{study}/series/{series}/metadata", METADATA),
    ("studies/{study}/series/{series}/bulkdata", ALL_BULK),
    ("studies/{study}/series/{series}/rendered", PICTURE),
    ("studies/{study}/series/{series}/thumbnail", THUMBNAIL),
    ("studies/{study}/series/{series}/renderedmpr", PLANE),
    ("studies/{study}/series/{series}/instances/{instance}", &[INSTANCES]),
    ("studies/{study}/series/{series}/instances/{instance}/metadata", METADATA),
    ("studies/{study}/series/{series}/instances/{instance}/bulkdata", ALL_BULK),
    ("studies/{study}/series/{series}/instances/{instance}/rendered", MOVING),
    ("studies/{study}/series/{series}/instances/{instance}/thumbnail", THUMBNAIL),
    ("studies/{study}/series/{series}/instances/{instance}/renderedmpr", PLANE),
    (
        "studies/{study}/series/{series}/instances/{instance}/bulkdata/{tag}",
        &[get("RetrieveBulkdata", &[], BULK)],
    ),
    (
        "studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        &[get("RetrieveFrames", &[], BULK)],
    ),
    ("studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", MOVING),
    ("studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail", THUMBNAIL),
];

/// Answers `OPTIONS /dicom-web`.
///
/// # Errors
/// 406 for a client that does not take WADL.
pub(super) async fn tell(asks: Asks) -> Result<Response, Problem> {
    if !takes(&asks.headers, WADL) {
        let problem = Problem::new(Kind::NotAcceptable, "Capabilities are told as WADL alone.");
        return Err(problem.with("media_types", vec![WADL]));
    }
    let body = wadl(&format!("{}/dicom-web", asks.origin));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(WADL))], body).into_response())
}

fn wadl(base: &str) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n",
    );
    // Writing to memory cannot fail.
    let _ = writeln!(out, "<resources base=\"{}\">", escaped(base));
    let mut nth = 0;
    for (path, transactions) in RESOURCES {
        let _ = writeln!(out, "<resource path=\"{path}\">");
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let _ = writeln!(out, "<param name=\"{name}\" style=\"template\" required=\"true\"/>");
        }
        for transaction in *transactions {
            // An id is one of its kind in the document.
            nth += 1;
            write_transaction(&mut out, transaction, nth);
        }
        out.push_str("</resource>\n");
    }
    out.push_str("</resources>\n</application>\n");
    out
}

fn write_transaction(out: &mut String, transaction: &Transaction, nth: usize) {
    let Transaction { method, name, parameters, takes, tells } = transaction;
    let _ = writeln!(out, "<method name=\"{method}\" id=\"{name}-{nth}\">\n<request>");
    for parameter in ["accept"].iter().chain(*parameters) {
        let _ = writeln!(out, "<param name=\"{parameter}\" style=\"query\"/>");
    }
    for media_type in *takes {
        let _ = writeln!(out, "<representation mediaType=\"{}\"/>", escaped(media_type));
    }
    out.push_str("</request>\n<response>\n");
    for media_type in *tells {
        let _ = writeln!(out, "<representation mediaType=\"{}\"/>", escaped(media_type));
    }
    out.push_str("</response>\n</method>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::edge::policy::POLICIES;

    #[test]
    fn what_is_told_is_what_there_is() {
        let told: BTreeSet<&str> = RESOURCES.iter().map(|(path, _)| *path).collect();
        let routes = POLICIES.iter().filter_map(|policy| policy.route.strip_prefix("/dicom-web/"));
        // The tag of a value in a sequence stands at the end of a path.
        let routes: Vec<String> = routes.map(|route| route.replace("{*path}", "{tag}")).collect();
        assert_eq!(told, routes.iter().map(String::as_str).filter(|route| *route != "{*rest}").collect());
        assert_eq!(told.len(), RESOURCES.len());
    }

    #[test]
    fn it_is_wadl_of_every_resource() {
        let text = wadl("http://h/\"<&");
        assert!(text.contains("<resources base=\"http://h/&quot;&lt;&amp;\">"), "{text}");
        assert!(
            text.contains("mediaType=\"multipart/related; type=&quot;application/dicom&quot;\""),
            "{text}"
        );
        for element in ["resource", "method", "request", "response"] {
            let opened =
                text.matches(&format!("<{element}>")).count() + text.matches(&format!("<{element} ")).count();
            assert_eq!(opened, text.matches(&format!("</{element}>")).count(), "{element}");
        }
        assert_eq!(text.matches("<resource ").count(), RESOURCES.len());
    }
}
