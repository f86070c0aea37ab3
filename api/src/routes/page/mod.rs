//! The page at `/`, a viewer over the API, and the one at `/machine`, for operators: from this program alone.

mod bundle;

use std::{
    borrow::Cow,
    collections::HashMap,
    io::Write,
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use xxhash_rust::xxh3::xxh3_64;

use super::dicom_web;
use crate::{
    api::Api,
    entity_tag::EntityTag,
    problem::{Kind, Problem},
};

/// Nothing from anywhere else, nothing inline; pictures also from data URLs and blobs. A worker decodes them.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; frame-src blob:; media-src blob:; object-src blob:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Files of the page, with their text.
macro_rules! files {
    ($($name:literal,)*) => { &[$(($name, include_str!(concat!("../../page/", $name))),)*] };
}

/// Every file of the page.
const FILES: &[(&str, &str)] = files![
    "address.js",
    "album.js",
    "captions.js",
    "controls.js",
    "crosshair.js",
    "decoder.js",
    "dialogs.js",
    "documents.js",
    "drawing.js",
    "elements.js",
    "geometry.js",
    "grey.js",
    "hands.js",
    "header.js",
    "index.html",
    "keys.js",
    "layouts.js",
    "link.js",
    "loader.js",
    "login.js",
    "machine.css",
    "machine.html",
    "machine.js",
    "marks.js",
    "measures.js",
    "measuring.js",
    "mpr.js",
    "multipart.js",
    "notes.js",
    "page.css",
    "page.js",
    "pane.js",
    "panes.js",
    "placement.js",
    "places.js",
    "planes.js",
    "planeviewer.js",
    "png16.js",
    "reslicer.js",
    "screen.js",
    "server.js",
    "shader.js",
    "shelf.js",
    "slab.js",
    "stack.js",
    "tags.js",
    "texts.de.js",
    "texts.en.js",
    "tools.js",
    "uploads.js",
    "viewer.js",
    "volume.js",
    "words.js",
];
/// What the page asks for when somebody reads a header: keywords and tags of PS3.6.
const KEYWORDS: (&str, &str) = ("keywords.txt", dicom_web::KEYWORDS);
/// Modules that a document or a worker begins with: each is sent with all that it imports, since a browser takes longer to ask for
/// fifty files than to read them.
const ENTRIES: [&str; 3] = ["decoder.js", "machine.js", "page.js"];
const INDEX: &str = "index.html";
const MACHINE: &str = "machine.html";

pub(super) fn routes() -> Router<Arc<Api>> {
    let index = get(async |headers: HeaderMap| file(INDEX, &headers));
    let named = get(async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers));
    let machine = get(async |headers: HeaderMap| file(MACHINE, &headers));
    Router::new().route("/", index).route("/machine", machine).route("/page/{file}", named)
}

/// A file as it is sent.
struct File {
    text: Cow<'static, str>,
    packed: Bytes,
    /// Of its text.
    digest: u64,
}

/// Every file by its name, packed once.
static PACKED: LazyLock<HashMap<&str, File>> = LazyLock::new(|| {
    let file = |text: Cow<'static, str>| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let packed = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
        File { packed: packed.into(), digest: xxh3_64(text.as_bytes()), text }
    };
    let sent = |name: &str, text: &'static str| match ENTRIES.contains(&name).then(|| bundle::of(name, FILES))
    {
        Some(Ok(bundle)) => bundle.into(),
        // What cannot be put together, which a test finds, works as it is.
        _ => text.into(),
    };
    FILES.iter().chain([&KEYWORDS]).map(|(name, text)| (*name, file(sent(name, text)))).collect()
});

fn file(name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let no_file = || Problem::new(Kind::RouteNotFound, "The page has no such file.");
    let File { text, packed, digest } = PACKED.get(name).ok_or_else(no_file)?;
    let is_packed = takes_gzip(asked);
    let tag = EntityTag::strong(format_args!("{digest:016x}{}", if is_packed { "-gzip" } else { "" }));
    let mut response = if tag.is_named_by(asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if is_packed {
        ([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))], packed.clone()).into_response()
    } else {
        text.clone().into_response()
    };
    tag.put_into(response.headers_mut());
    let headers: [(HeaderName, HeaderValue); 6] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(name))),
        (header::VARY, HeaderValue::from_static("Accept-Encoding")),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // No page that opens this one, or is opened by it, reaches into it.
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    // In the place of what the body brings along.
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Whether `Accept-Encoding` names it (RFC 9110 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = weight.trim().trim_start_matches("q=").trim();
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>() != Ok(0.0)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "txt")) => "text/plain; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_served() {
        for (name, text) in FILES {
            let imports = text.lines().filter_map(|line| line.split_once(" from \"./")?.1.split_once('"'));
            let linked = text.split('"').filter_map(|value| value.strip_prefix("/page/"));
            for asked in imports.map(|(name, _)| name).chain(linked) {
                assert!(PACKED.contains_key(asked), "{name} asks for {asked}");
            }
        }
    }

    #[test]
    fn what_it_takes_to_show_it_is_light_and_in_few_files() {
        for (document, entry) in [("index.html", "page.js"), ("machine.html", "machine.js")] {
            let linked = FILES.iter().find(|(name, _)| *name == document).expect("the document").1;
            let files = linked.split('"').filter_map(|value| value.strip_prefix("/page/"));
            let files: Vec<_> = files.chain([document, "decoder.js"]).collect();
            assert!(files.contains(&entry) && files.len() <= 5, "{files:?}");
            let bytes: usize = files.iter().map(|name| PACKED[name].packed.len()).sum();
            assert!(bytes < 200_000, "{document}: {bytes} bytes");
        }
    }

    #[test]
    fn what_it_begins_with_brings_all_that_it_imports() {
        for entry in ENTRIES {
            let text = &PACKED[entry].text;
            assert!(
                !text.lines().any(|line| line.starts_with("import ") || line.starts_with("export ")),
                "{entry}"
            );
            bundle::of(entry, FILES).expect("put together");
        }
        let page = &PACKED["page.js"].text;
        for class in ["class Viewer", "class Mpr", "class Shelf"] {
            assert_eq!(page.matches(class).count(), 1, "{class}");
        }
    }

    #[test]
    fn it_is_packed_for_who_takes_that_and_not_sent_to_who_has_it() {
        let asking = |name: HeaderName, value: &str| {
            HeaderMap::from_iter([(name, HeaderValue::try_from(value).expect("a header"))])
        };
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
            ("xgzip", false),
        ] {
            assert_eq!(takes_gzip(&asking(header::ACCEPT_ENCODING, accepted)), expected, "{accepted}");
        }
        let whole = file("page.js", &HeaderMap::new()).expect("a file");
        let packed = file("page.js", &asking(header::ACCEPT_ENCODING, "gzip")).expect("a file");
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        for answer in [&whole, &packed] {
            let types: Vec<_> = answer.headers().get_all(header::CONTENT_TYPE).iter().collect();
            assert_eq!(types, ["text/javascript; charset=utf-8"]);
        }
        assert_ne!(packed.headers()[header::ETAG], whole.headers()[header::ETAG]);
        let tag = whole.headers()[header::ETAG].to_str().expect("text").to_owned();
        let known = file("page.js", &asking(header::IF_NONE_MATCH, &tag)).expect("a file");
        assert_eq!((known.status(), whole.status()), (StatusCode::NOT_MODIFIED, StatusCode::OK));
        assert!(file("nothing.js", &HeaderMap::new()).is_err());
    }

    #[test]
    fn every_file_of_the_page_is_for_everybody() {
        for route in ["/", "/machine", "/page/{file}"] {
            assert_eq!(crate::edge::policy::of(route).scope, None, "{route}");
        }
    }
}
