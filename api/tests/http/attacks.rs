//! Requests that mean ill: ids that climb, bodies without an end, and words that would write into the log or the answer.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::body::{Body, Bytes};
use futures::stream;
use noctis_shared::{dicom_uid::public_id, queue::QueueLimits};
use tracing::Level;

use crate::{
    house::{House, IMAGE},
    wire::Server,
};

/// Everything that is said on this thread, at every level.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As a path holds them.
const IDS: [&str; 16] = [
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cwindows",
    "..;",
    "%00",
    "1.2.3%00.png",
    "%c0%ae%c0%ae%c0%afetc",
    "%e0%80%ae",
    "%ff%fe",
    "1.2.3%0d%0aSet-Cookie:%20a=b",
    "%0a",
    "%252e%252e%252f",
    "'%20OR%201=1--",
    "%7b%7b7*7%7d%7d",
    "%3Cscript%3E",
    "-1",
];

#[tokio::test]
async fn ids_that_climb_or_end_early_are_ids_of_nothing() {
    let house = House::new().await;
    let long = "9.".repeat(2000);
    for id in IDS.into_iter().chain([&*long]) {
        for path in [
            format!("/api/v1/dicom/studies/{id}"),
            format!("/api/v1/dicom/studies/{id}/series"),
            format!("/api/v1/dicom/series/{id}/images"),
            format!("/api/v1/dicom/images/{id}"),
            format!("/api/v1/dicom/images/{id}/thumbnail"),
            format!("/page/{id}"),
            format!("/api/v1/docs/{id}"),
        ] {
            let answer = house.get(&path).await;
            assert!(answer.status == 404 || answer.status == 400, "{path}: {}", answer.status);
            let problem = answer.json();
            assert_eq!(problem["status"], answer.status, "{path}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
            assert_eq!(answer.header("set-cookie"), "", "{path}");
            let body = String::from_utf8_lossy(&answer.body);
            assert!(!body.contains("root:") && !body.contains("<script>"), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn what_a_client_says_writes_no_line_of_the_log_and_no_header() {
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let house = House::new().await;
    let words = [
        ("x-request-id", "a FORGED level=ERROR"),
        ("user-agent", "FORGED\tagent"),
        ("traceparent", "00-FORGED-00f067aa0ba902b7-01"),
        ("tracestate", "FORGED=1"),
        ("referer", "https://FORGED/"),
        ("x-forwarded-for", "FORGED"),
        ("authorization", "Bearer FORGED"),
        ("if-none-match", "\"FORGED\""),
        ("accept", "image/FORGED"),
        ("prefer", "FORGED"),
    ];
    let image = format!("/api/v1/dicom/images/{}", public_id(IMAGE));
    for path in [
        "/api/v1/dicom/studies/1%0aFORGED",
        "/api/v1/dicom/studies?q=a%0aFORGED",
        "/api/v1/dicom/studies?FORGED%0d%0a=1",
        "/FORGED%0a",
        &image,
    ] {
        for method in ["GET", "POST", "FORGED"] {
            let answer = house.send(method, path, &words).await;
            assert!(answer.status < 500, "{method} {path}");
            for (name, value) in &answer.headers {
                let value = String::from_utf8_lossy(value.as_bytes());
                assert!(!value.contains("FORGED"), "{name}: {value}");
            }
        }
    }
    drop(guard);
    let said = String::from_utf8(said.0.lock().expect("no panic").clone()).expect("UTF-8");
    assert!(said.contains("a request was answered"), "nothing was said at all");
    assert!(!said.contains("FORGED"), "{said}");
}

const LOGIN: [(&str, &str); 2] =
    [("NOCTIS_AUTH", "jwt"), ("NOCTIS_JWT_SECRET", "0123456789abcdef0123456789abcdef")];

#[tokio::test]
async fn a_body_without_a_length_is_read_to_its_limit_and_no_further() {
    let house = House::with(&LOGIN, QueueLimits::default()).await;
    let pieces = Arc::new(Mutex::new(0_u64));
    let counted = Arc::clone(&pieces);
    let endless = stream::repeat_with(move || {
        *counted.lock().expect("no panic") += 1;
        Ok::<_, io::Error>(Bytes::from_static(&[b'a'; 8192]))
    });
    let headers = [("content-type", "application/json")];
    let answer = house.send_body("POST", "/api/v1/auth/token", &headers, Body::from_stream(endless)).await;
    answer.problem(413, "body-too-large");
    assert!(*pieces.lock().expect("no panic") <= 64 / 8 + 2, "it read on");
}

/// Deep documents and numbers without an end, in the one kind of body that is parsed.
#[tokio::test]
async fn bodies_that_are_bombs_are_refused() {
    let house = House::with(&LOGIN, QueueLimits::default()).await;
    let headers = [("content-type", "application/json")];
    let bombs = [
        "[".repeat(60_000),
        "{\"a\":".repeat(10_000),
        format!("{{\"grant_type\":{}}}", "9".repeat(60_000)),
        format!("{{\"grant_type\":\"{}\"}}", "\\u0000".repeat(10_000)),
    ];
    for bomb in bombs {
        let answer = house.send_body("POST", "/api/v1/auth/token", &headers, Body::from(bomb)).await;
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(&answer.body));
        assert!(answer.body.len() < 1000);
    }
}

/// A form of somebody else's page cannot set headers; a script can, after a preflight that is not granted.
#[tokio::test]
async fn a_page_of_somebody_else_is_granted_nothing() {
    let house =
        House::with(&[("NOCTIS_CORS_ORIGINS", "https://viewer.example")], QueueLimits::default()).await;
    let server = Server::start(&house, noctis_api::ServeTimes::DEFAULT).await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /api/v1/dicom/clear-cache HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\
             Connection: close\r\n\r\n"
        )
    };
    let granted = server.exchange(preflight("https://viewer.example").as_bytes()).await;
    assert!(granted.contains("access-control-allow-origin: https://viewer.example"), "{granted}");
    for origin in ["https://evil.example", "null", "https://viewer.example.evil", "http://viewer.example"] {
        let refused = server.exchange(preflight(origin).as_bytes()).await;
        assert!(!refused.contains("access-control-allow-origin"), "{refused}");
    }
    let simple = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    house.send("POST", "/api/v1/dicom/clear-cache", &simple).await.problem(403, "origin-not-allowed");
    for header in ["access-control-allow-credentials", "access-control-allow-origin"] {
        let answer = house.send("GET", "/api/v1/dicom/studies", &simple[..1]).await;
        assert_eq!(answer.header(header), "");
    }
}
