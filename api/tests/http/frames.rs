//! Pictures of a series in one answer.

use noctis_shared::{
    dicom_uid::public_id,
    queue::QueueLimits,
    render::{FailureKind, Outcome},
    request::PictureFormat,
};

use crate::house::{Answer, FRAMES, House, IMAGE, PICTURE, SERIES, Served, failure, picture};

fn path(query: &str) -> String {
    format!("/api/v1/dicom/series/{}/frames{query}", public_id(SERIES))
}

/// One part: its head, and its body.
struct Part {
    head: String,
    body: Vec<u8>,
}

impl Part {
    fn field(&self, name: &str) -> &str {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(own, value)| (own == name).then_some(value)).unwrap_or_default()
    }
}

/// The parts of an answer, cut by the lengths that they state.
fn parts(answer: &Answer) -> Vec<Part> {
    let content_type = answer.header("content-type");
    let boundary = content_type.strip_prefix("multipart/mixed; boundary=").expect("a boundary");
    let (start, end) = (format!("\r\n--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
    // Nothing stands before the first.
    let body = if answer.body.starts_with(b"--") {
        [b"\r\n", &answer.body[..]].concat()
    } else {
        answer.body.to_vec()
    };
    let (mut rest, mut parts) = (&body[..], Vec::new());
    while let Some(part) = rest.strip_prefix(start.as_bytes()) {
        let blank = part.windows(4).position(|window| window == b"\r\n\r\n").expect("an empty line");
        let head = String::from_utf8_lossy(&part[..blank]).into_owned();
        let mut part_of = Part { head, body: Vec::new() };
        let length: usize = part_of.field("Content-Length").parse().expect("a length");
        let body = &part[blank + 4..];
        part_of.body = body[..length].to_vec();
        rest = &body[length..];
        parts.push(part_of);
    }
    assert_eq!(rest, end.as_bytes(), "the end of the body");
    parts
}

#[tokio::test]
async fn a_series_comes_in_display_order_and_each_part_says_what_it_is() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answer = house.get(&path("?window=1500&level=-600")).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let parts = parts(&answer);
    assert_eq!(parts.len(), FRAMES as usize, "the report has no frames");
    for (part, frame) in parts.iter().zip(1..) {
        assert_eq!(part.body, PICTURE);
        assert_eq!(part.field("Content-Type"), "image/png");
        assert_eq!(part.field("X-Image-Id"), public_id(IMAGE).to_string());
        assert_eq!(part.field("X-Frame"), frame.to_string());
        assert_eq!(part.field("X-Pixel-Scale"), "1,-1024");
        assert_eq!(part.field("X-Render-Integrity"), "partial");
        let alone = house.get(part.field("Content-Location")).await;
        assert_eq!((alone.status, &alone.body[..]), (200, PICTURE));
        assert_eq!(alone.header("etag"), part.field("ETag"), "the same picture");
        assert!(alone.header("server-timing").contains("memory"));
    }
    assert_eq!(house.jobs(), FRAMES);
}

/// Samples in no file do not tell their size themselves.
#[tokio::test]
async fn bare_samples_come_with_their_size() {
    let house = House::new().await;
    let Outcome::Picture(mut bare) = picture() else { unreachable!("a picture") };
    bare.facts.format = PictureFormat::Raw16;
    house.start_worker(Outcome::Picture(bare)).await;
    let answer = house.get(&path("?format=raw16")).await;
    for part in parts(&answer) {
        assert_eq!(part.field("Content-Type"), "application/octet-stream");
        assert_eq!((part.field("X-Rows"), part.field("X-Columns")), ("256", "512"));
        assert_eq!(part.field("X-Pixel-Scale"), "1,-1024");
        let alone = house.get(part.field("Content-Location")).await;
        assert_eq!((alone.status, alone.header("content-type")), (200, "application/octet-stream"));
        assert_eq!((alone.header("x-rows"), alone.header("x-columns")), ("256", "512"));
    }
}

#[tokio::test]
async fn positions_are_those_that_are_asked_for_in_their_order() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answer = house.get(&path("?frames=3,1-2&format=jpeg&quality=80")).await;
    let parts = parts(&answer);
    let frames: Vec<_> = parts.iter().map(|part| part.field("X-Frame")).collect();
    assert_eq!(frames, ["3", "1", "2"]);
    assert!(parts[0].field("Content-Location").ends_with("?frame=3&format=jpeg&quality=80"));
    assert_eq!(house.get(&path("?frames=4")).await.problem(404, "frame-not-found")["details"]["total"], 3);
    for wrong in
        ["?frames=0", "?frames=2-1", "?frames=", "?frame=1", "?format=json", "?format=gif", "?window=7"]
    {
        house.get(&path(wrong)).await.problem(400, "invalid-parameter");
    }
    house.get("/api/v1/dicom/series/1.2.404/frames").await.problem(404, "series-not-found");
    house.send("GET", &path(""), &[("accept", "image/png")]).await.problem(406, "not-acceptable");
    for accept in ["multipart/mixed", "multipart/*;q=0.5", "*/*"] {
        assert_eq!(
            house.send("GET", &path("?frames=1"), &[("accept", accept)]).await.status,
            200,
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_part_that_cannot_be_drawn_says_why_and_the_others_come() {
    let house = House::new().await;
    house.start_worker(failure(FailureKind::Unrenderable)).await;
    let answer = house.get(&path("")).await;
    let parts = parts(&answer);
    assert_eq!(parts.len(), FRAMES as usize);
    for part in &parts {
        assert_eq!(part.field("Content-Type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&part.body).expect("JSON");
        assert_eq!(problem["status"], 422);
        assert_eq!(part.field("ETag"), "");
    }
}

#[tokio::test]
async fn a_client_has_some_streams_at_a_time_and_one_that_leaves_gives_its_back() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let house = House::new().await;
    house.start_worker(picture()).await;
    let uri = path("");
    let begin = async || {
        let request = axum::http::Request::builder().uri(&uri).header("host", "localhost");
        let request = request.body(axum::body::Body::empty()).expect("a request");
        house.router.clone().oneshot(request).await.expect("infallible")
    };
    let mut streams = Vec::new();
    let refused = loop {
        let mut answer = begin().await;
        if answer.status() != 200 {
            break answer;
        }
        assert!(streams.len() < 100, "no bound");
        // Its first part has come, and the others are not read.
        answer.body_mut().frame().await.expect("a part").expect("sound");
        streams.push(answer);
    };
    assert_eq!((refused.status(), streams.len()), (axum::http::StatusCode::TOO_MANY_REQUESTS, 16));
    streams.pop();
    assert_eq!(begin().await.status(), 200);
}

#[tokio::test]
async fn what_a_client_may_not_have_yet_comes_when_it_may() {
    let house = House::with(&[("NOCTIS_RATE_LIMIT", "2/2s")], QueueLimits::default()).await;
    house.start_worker(picture()).await;
    // The request takes one of the two; what is drawn is waited for.
    let answer = house.get(&path("")).await;
    assert!(parts(&answer).iter().all(|part| part.body == PICTURE));
}

#[tokio::test]
async fn a_contact_sheet_says_where_each_picture_stands_and_why_one_does_not() {
    let house = House::new().await;
    house.start_worker(failure(FailureKind::Unrenderable)).await;
    let path = format!("/api/v1/dicom/series/{}/contact-sheet", public_id(SERIES));
    let json = [("accept", "application/json")];
    let answer = house.send("GET", &path, &json).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let index = answer.json();
    assert_eq!((&index["columns"], &index["size"], &index["width"]), (&2.into(), &128.into(), &256.into()));
    let cells = index["cells"].as_array().expect("cells");
    assert!(cells.iter().all(|cell| cell["problem"] == "unrenderable" && cell["width"] == 0), "{index}");
    let sheet = house.get(&path).await;
    assert_eq!((sheet.status, sheet.header("content-type")), (200, "image/png"));
    assert_ne!(sheet.header("etag"), answer.header("etag"));
    let again = house.send("GET", &path, &[("if-none-match", sheet.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    for wrong in ["?size=15", "?size=513", "?columns=0", "?columns=65", "?frames=1"] {
        house.get(&format!("{path}{wrong}")).await.problem(400, "invalid-parameter");
    }
    house.send("GET", &path, &[("accept", "image/gif")]).await.problem(406, "not-acceptable");
    house.get("/api/v1/dicom/series/1.2.404/contact-sheet").await.problem(404, "series-not-found");
}

#[tokio::test]
async fn a_server_that_ends_cuts_a_series_off_instead_of_closing_it() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let house = House::new().await;
    house.start_worker(picture()).await;
    let Served { shutdown, serving, .. } = house.served().await;
    let request = axum::http::Request::builder().uri(path("")).header("host", "localhost");
    let request = request.body(axum::body::Body::empty()).expect("a request");
    let mut body = house.router.clone().oneshot(request).await.expect("infallible").into_body();
    body.frame().await.expect("a part").expect("sound");
    shutdown.cancel();
    serving.await.expect("no panic");
    let rest = async {
        while body.frame().await.transpose()?.is_some() {}
        Ok::<_, axum::Error>(())
    };
    rest.await.expect_err("it is not whole");
}
