//! Probes, metrics, limits, documents, pages.

use std::collections::BTreeSet;

use noctis_shared::queue::QueueLimits;
use serde_json::Value;

use crate::house::{House, SERIES, STUDY, image_path, picture};

#[tokio::test]
async fn probes_tell_each_back_end() {
    let house = House::new().await;
    assert_eq!(house.get("/livez").await.status, 200);
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status, &ready.body[..]), (200, &b"ok\nqueue: up\ncache: up\ncatalog: up\n"[..]));
    house.back_ends.catalog.close().await;
    let ready = house.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.body[..]),
        (200, &b"degraded\nqueue: up\ncache: up\ncatalog: down\n"[..])
    );
    let health = house.get("/api/v1/health").await.json();
    assert_eq!((&health["status"], &health["back_ends"]["catalog"]), (&"degraded".into(), &"down".into()));
    assert!(health["version"].is_string());
}

#[tokio::test]
async fn a_client_past_its_rate_is_a_429_and_probes_are_not_counted() {
    let house = House::with(&[("NOCTIS_RATE_LIMIT", "2/60s")], QueueLimits::default()).await;
    let first = house.get("/api/v1/dicom/presets").await;
    assert_eq!((first.header("ratelimit-limit"), first.header("ratelimit-remaining")), ("2", "1"));
    assert_eq!(house.get("/livez").await.header("ratelimit-limit"), "");
    assert_eq!(house.get("/api/v1/dicom/presets").await.header("ratelimit-remaining"), "0");
    let refused = house.get("/api/v1/dicom/presets").await;
    refused.problem(429, "too-many-requests");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-remaining")), ("30", "0"));
    assert_eq!(house.get("/readyz").await.status, 200);
    assert_eq!(house.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn metrics_name_routes_never_paths() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    house.png("").await;
    house.png("").await;
    let page = String::from_utf8(house.get("/metrics").await.body.to_vec()).expect("text");
    let route = "route=\"/api/v1/dicom/images/{image_id}\"";
    assert!(
        page.lines().any(|line| line.starts_with("noctis_http_requests_total{") && line.contains(route)),
        "{page}"
    );
    assert!(page.contains("noctis_cache_lookups_total{tier=\"memory\",outcome=\"hit\"}"), "{page}");
    assert!(page.contains("noctis_queue_depth{lane=\"on-screen\"} 0"), "{page}");
    assert!(page.contains("noctis_dead_letters 0"), "{page}");
    assert!(!page.contains(&image_path()), "a path is in a label");
}

#[tokio::test]
async fn the_summary_counts_requests_hits_and_waiting_work() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    house.png("?frame=2").await.problem(504, "render-timeout");
    let waiting = house.get("/api/v1/metrics").await.json();
    assert_eq!((&waiting["queue_depth"], &waiting["requests_total"]), (&1.into(), &1.into()));
    assert_eq!((&waiting["requests_failed"], &waiting["success_rate"]), (&1.into(), &0.0.into()));
    assert!(waiting["queued_work_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    house.start_worker(picture()).await;
    house.png("").await;
    house.png("").await;
    let summary = house.get("/api/v1/metrics").await.json();
    assert_eq!((&summary["cache_hit_rate"], &summary["active_requests"]), (&0.5.into(), &1.into()));
    assert!(summary["avg_response_time"].as_f64().is_some_and(|seconds| seconds > 0.0));
}

#[tokio::test]
async fn what_is_not_built_is_no_failed_request() {
    let house = House::new().await;
    house.get("/dicom-web/workitems").await.problem(501, "not-built");
    let summary = house.get("/api/v1/metrics").await.json();
    assert_eq!((&summary["requests_total"], &summary["requests_failed"]), (&1.into(), &0.into()));
    assert_eq!(summary["success_rate"], 1.0);
}

#[tokio::test]
async fn the_openapi_document_states_the_scope_of_each_operation() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let scope = |path: &str, method: &str| document["paths"][path][method]["x-scope"].clone();
    assert_eq!(scope("/api/v1/dicom/studies", "get"), "studies:read");
    assert_eq!(scope("/api/v1/dicom/images/{image_id}", "get"), "images:read");
    assert_eq!(scope("/api/v1/dicom/clear-cache", "post"), "admin");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(operation.get("x-scope").is_some(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_openapi_document_tells_of_every_route_that_is_built() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for path in [
        "/api/v1/dicom/studies",
        "/api/v1/dicom/studies/{study_id}",
        "/api/v1/dicom/studies/{study_id}/series",
        "/api/v1/dicom/series/{series_id}/images",
        "/api/v1/dicom/images/{image_id}",
        "/api/v1/dicom/images/{image_id}/thumbnail",
        "/api/v1/dicom/presets",
        "/api/v1/health",
        "/api/v1/metrics",
        "/metrics",
        "/livez",
        "/readyz",
    ] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
    assert!(document["paths"]["/api/v1/dicom/clear-cache"]["post"].is_object());
    let parameters = document["paths"]["/api/v1/dicom/images/{image_id}"]["get"]["parameters"].as_array();
    for side in ["width", "height"] {
        let parameter = parameters.expect("parameters").iter().find(|parameter| parameter["name"] == side);
        assert_eq!(parameter.expect(side)["schema"]["maximum"], noctis_shared::request::SIDE_PIXELS_MAX);
    }
    assert!(document["components"]["schemas"]["RenderedImage"]["properties"]["image_data_url"].is_object());
}

#[tokio::test]
async fn the_openapi_document_lists_every_member_of_an_answer() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let studies = house.get("/api/v1/dicom/studies").await.json();
    let series = house.get(&format!("/api/v1/dicom/studies/{STUDY}/series")).await.json();
    let images = house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.json();
    let rendered = house.get(&image_path()).await.json();
    for (schema, answer) in [
        ("Study", &studies["studies"][0]),
        ("Series", &series["series"][0]),
        ("Image", &images["images"][0]),
        ("RenderedImage", &rendered),
        ("RenderedImageMetadata", &rendered["metadata"]),
    ] {
        let told = answer.as_object().expect(schema).keys().cloned().collect();
        assert_eq!(members(&document, &document["components"]["schemas"][schema]), told, "{schema}");
    }
}

/// Names of the members that a schema lists, with those of what it is made of.
fn members(document: &Value, schema: &Value) -> BTreeSet<String> {
    let own = schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys().cloned());
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let referred = schema["$ref"].as_str().and_then(|path| document.pointer(path.strip_prefix('#')?));
    own.chain(parts.chain(referred).flat_map(|part| members(document, part))).collect()
}

#[tokio::test]
async fn the_documentation_and_the_page_are_served_from_the_program_alone() {
    let house = House::new().await;
    let docs = house.get("/api/v1/docs").await;
    assert_eq!((docs.status, docs.header("content-type")), (200, "text/html"));
    assert!(String::from_utf8_lossy(&docs.body).contains("<base href=\"/api/v1/docs/\">"));
    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert_eq!(house.get(&format!("/api/v1/docs/{part}")).await.status, 200, "{part}");
    }
    let start = house.get("/api/v1/docs/swagger-initializer.js").await;
    assert!(String::from_utf8_lossy(&start.body).contains("/api/v1/openapi.json"));
    house.get("/api/v1/docs/nothing").await.problem(404, "route-not-found");
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/page.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type));
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

#[tokio::test]
async fn only_origins_of_the_settings_may_call_from_a_browser() {
    let house =
        House::with(&[("NOCTIS_CORS_ORIGINS", "https://viewer.example")], QueueLimits::default()).await;
    let asked = |origin| [("origin", origin), ("access-control-request-method", "GET")];
    let allowed = house.send("OPTIONS", &image_path(), &asked("https://viewer.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://viewer.example");
    assert_eq!(allowed.header("access-control-max-age"), "7200");
    for header in ["authorization", "range", "if-none-match"] {
        assert!(allowed.header("access-control-allow-headers").contains(header), "{header}");
    }
    let refused = house.send("OPTIONS", &image_path(), &asked("https://elsewhere.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

/// What a page of an allowed origin may not read by itself (Fetch 4.9.2), it is let.
#[tokio::test]
async fn a_page_that_may_ask_may_read_all_that_answers_carry() {
    let settings = [("NOCTIS_CORS_ORIGINS", "https://viewer.example"), ("NOCTIS_RATE_LIMIT", "1000/60s")];
    let house = House::with(&settings, QueueLimits::default()).await;
    house.start_worker(picture()).await;
    let origin = ("origin", "https://viewer.example");
    // Read by any page, or by the browser alone.
    let others = [
        "access-control-allow-origin",
        "access-control-expose-headers",
        "cache-control",
        "content-length",
        "content-type",
        "cross-origin-resource-policy",
        "vary",
        "x-content-type-options",
    ];
    let image = image_path();
    for (method, path, accept) in [
        ("GET", &*image, "image/png"),
        ("GET", &image, "application/json"),
        ("GET", &image, "image/png; depth=16"),
        ("GET", &format!("{image}/thumbnail"), "*/*"),
        ("GET", "/api/v1/dicom/studies", "*/*"),
        ("GET", &format!("/dicom-web/studies/{STUDY}/rendered?annotation=patient"), "*/*"),
        ("GET", &format!("/dicom-web/studies/{STUDY}/metadata"), "*/*"),
        ("DELETE", "/api/v1/dicom/presets", "*/*"),
        ("GET", "/nowhere", "*/*"),
    ] {
        let answer = house.send(method, path, &[origin, ("accept", accept)]).await;
        let exposed = answer.header("access-control-expose-headers").to_owned();
        for name in answer.headers.keys().map(axum::http::HeaderName::as_str) {
            let read = others.contains(&name) || exposed.split(',').any(|header| header.trim() == name);
            assert!(read, "{name} of {method} {path}, beside {exposed}");
        }
    }
}

#[tokio::test]
async fn pages_have_nothing_from_elsewhere_and_tell_nobody_where_they_were() {
    let house = House::new().await;
    for path in ["/", "/page/page.js", "/api/v1/docs", "/api/v1/docs/swagger-ui.css"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        let script = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        assert_eq!(script.map(str::trim), Some("script-src 'self'"), "{path}");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn presets_are_listed_in_the_names_of_the_api() {
    let house = House::new().await;
    let presets = house.get("/api/v1/dicom/presets").await.json();
    let lung = &presets["presets"][0];
    assert_eq!(
        (&lung["name"], &lung["window"], &lung["level"]),
        (&"lung".into(), &1500.0.into(), &(-600.0).into())
    );
}

#[tokio::test]
async fn what_is_answered_is_shown_by_our_pages_alone_unless_others_may_ask() {
    let alone = House::new().await;
    let open =
        House::with(&[("NOCTIS_CORS_ORIGINS", "https://viewer.example")], QueueLimits::default()).await;
    for (house, shown_by) in [(alone, "same-origin"), (open, "cross-origin")] {
        for path in ["/", "/api/v1/dicom/studies", "/nowhere"] {
            let answer = house.get(path).await;
            assert_eq!(answer.header("cross-origin-resource-policy"), shown_by, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        }
        assert_eq!(house.get("/").await.header("cross-origin-opener-policy"), "same-origin");
    }
}
