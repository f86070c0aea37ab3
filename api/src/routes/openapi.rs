//! The OpenAPI document, made from the code, and the page to try it, from this program alone.

mod common_answers;
mod parameters;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
    routing::get,
};
use noctis_shared::auth::Scope;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, Info, License, OpenApi as Document, Ref, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::Config;

use crate::{
    api::Api,
    edge::policy,
    problem::{Kind, Problem},
    query::NoParameters,
};

const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

/// The page styles itself inline; scripts come from here alone.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
);

/// A page of our own beside that one: it builds the URL of a picture by hand and shows it.
const PLAYGROUND: [(&str, &str, &str); 3] = [
    ("playground.html", "text/html; charset=utf-8", include_str!("../playground/playground.html")),
    ("playground.css", "text/css; charset=utf-8", include_str!("../playground/playground.css")),
    ("playground.js", "text/javascript; charset=utf-8", include_str!("../playground/playground.js")),
];

/// What the document says beside the routes.
#[derive(OpenApi)]
#[openapi(
    tags(
        (name = "studies", description = "What there is"),
        (name = "images", description = "Pictures of it"),
        (name = "jobs", description = "What is made while nobody waits"),
        (name = "operation", description = "For those who run it"),
    )
)]
struct Head;

/// The document without its routes.
pub(crate) fn head() -> Document {
    let mut document = Head::openapi();
    document.info = Info::new("Noctis", env!("CARGO_PKG_VERSION"));
    document.info.description = Some("Renders DICOM images for viewers.".to_owned());
    document.info.license = Some(License::new("MIT OR Apache-2.0"));
    document
}

/// The document and its page.
pub(crate) fn routes(mut document: Document) -> Router<Arc<Api>> {
    state_scopes(&mut document);
    common_answers::state(&mut document);
    parameters::state(&mut document);
    let document = Arc::new(document);
    let config = Arc::new(Config::from(DOCUMENT_PATH).validator_url("none"));
    let page_config = Arc::clone(&config);
    Router::new()
        .route(DOCUMENT_PATH, get(async move |_: NoParameters| Json(&*document).into_response()))
        .route("/api/v1/docs", get(async move |_: NoParameters| part("index.html", &page_config)))
        .route(
            "/api/v1/docs/{*path}",
            get(async move |Path(path): Path<String>, _: NoParameters| part(&path, &config)),
        )
}

/// The name of the one way to say who one is.
const BEARER: &str = "bearer";

/// Says at each operation which scope it takes, and how those are answered who lack it, by the table of routes.
fn state_scopes(document: &mut Document) {
    for (route, item) in &mut document.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let scope = policy::of(route).of_method(&method).scope.map(Scope::name);
            operation.extensions.get_or_insert_default().insert("x-scope".to_owned(), scope.into());
            let Some(scope) = scope else { continue };
            operation.security = Some(vec![SecurityRequirement::new(BEARER, [scope])]);
            let responses = &mut operation.responses.responses;
            responses.insert(
                "401".to_owned(),
                refusal("Where tokens are asked for: none, or none that is valid").into(),
            );
            let forbidden = || refusal("The token lacks the scope of `x-scope`").into();
            responses.entry("403".to_owned()).or_insert_with(forbidden);
        }
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some(
        "From `/api/v1/auth/token`. A deployment with `NOCTIS_AUTH=off` asks nobody for one.",
    ));
    document
        .components
        .get_or_insert_default()
        .add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
}

fn refusal(description: &str) -> utoipa::openapi::Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", problem).build()
}

/// One file of the page.
fn part(path: &str, config: &Arc<Config<'static>>) -> Result<Response, Problem> {
    if let Some((_, content_type, text)) = PLAYGROUND.iter().find(|(name, ..)| *name == path) {
        return Ok(shown(HeaderValue::from_static(content_type), text.as_bytes().into()));
    }
    let file =
        utoipa_swagger_ui::serve(path, Arc::clone(config)).map_err(|error| Problem::internal(&error))?;
    let file = file.ok_or_else(|| Problem::new(Kind::RouteNotFound, "The page has no such part."))?;
    let body = match path {
        // The files are named relative to `/api/v1/docs/`, and the page is also at the path without the slash.
        "index.html" => String::from_utf8_lossy(&file.bytes)
            .replacen("<head>", "<head><base href=\"/api/v1/docs/\">", 1)
            .replacen(
                "<body>",
                "<body><p><a href=\"playground.html\">Playground: build a picture by hand</a></p>",
                1,
            )
            .into(),
        _ => file.bytes.into_owned(),
    };
    let content_type = HeaderValue::try_from(file.content_type).map_err(|error| Problem::internal(&error))?;
    Ok(shown(content_type, body))
}

fn shown(content_type: HeaderValue, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}
