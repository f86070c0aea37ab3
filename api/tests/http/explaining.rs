//! Why a pixel looks as it does, over HTTP. What a worker tells is held against pictures elsewhere.

use noctis_shared::{
    queue::QueueLimits,
    render::{FailureKind, Outcome, RenderFacts, StageTimings, StoredRender},
    request::PictureFormat,
};

use crate::house::{House, REPORT, failure, image_path, picture};

/// What the canned worker tells of a pixel.
fn explanation() -> Outcome {
    let facts = RenderFacts {
        format: PictureFormat::Explanation { column: 3, row: 2 },
        rows: 1,
        columns: 1,
        window: None,
        pixel_scale: None,
        partial: false,
        pixels: None,
        left_out: Vec::new(),
        timings: StageTimings::default(),
    };
    let told = br#"{"frame":1,"row":2,"column":3,"stored_value":1064,"modality_value":40,"display_value":128,
        "steps":[{"stage":"decode","source":"s","clause":"PS3.5 8.1","in":null,"out":1064}],"partial":false}"#;
    Outcome::Picture(StoredRender { facts, picture: bytes::Bytes::from_static(told) })
}

fn path(query: &str) -> String {
    format!("{}/explain{query}", image_path())
}

#[tokio::test]
async fn a_pixel_is_told_with_what_is_known_of_its_image() {
    let house = House::new().await;
    house.start_worker(explanation()).await;
    let answer = house.get(&path("?x=3&y=2&preset=lung")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let told = answer.json();
    assert_eq!((&told["stored_value"], &told["modality_value"]), (&1064.0.into(), &40.0.into()));
    assert_eq!((&told["display_value"], &told["unit"]), (&128.0.into(), &"HU".into()));
    assert_eq!((&told["preset"], &told["frame"]), (&"lung".into(), &1.into()));
    assert_eq!(told["digest"].as_str().map(str::len), Some(64));
    assert!(answer.header("server-timing").starts_with("cache;desc=render"));
    let again =
        house.send("GET", &path("?x=3&y=2&preset=lung"), &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!((again.status, house.jobs()), (304, 1), "it is kept");
    // Another pixel, and another view, are other questions.
    house.get(&path("?x=4&y=2&preset=lung")).await;
    house.get(&path("?x=3&y=2&preset=bone")).await;
    assert_eq!(house.jobs(), 3);
}

#[tokio::test]
async fn the_render_key_is_the_etag_of_the_picture() {
    let house = House::new().await;
    house.start_worker(explanation()).await;
    let told = house.get(&path("?x=3&y=2&preset=lung&width=100")).await.json();
    let drawn = House::new().await;
    drawn.start_worker(picture()).await;
    let etag = drawn.png("?preset=lung&width=100").await.header("etag").to_owned();
    assert_eq!(format!("\"{}\"", told["render_key"].as_str().expect("a key")), etag);
}

#[tokio::test]
async fn what_is_wrong_is_said_before_a_worker_is_asked() {
    let house = House::new().await;
    house.start_worker(explanation()).await;
    for (query, slug, parameter) in [
        ("", "invalid-parameter", "x"),
        ("?x=1", "invalid-parameter", "y"),
        ("?x=1&y=-1", "invalid-parameter", "y"),
        ("?x=512&y=0", "request-does-not-fit", "x"),
        ("?x=0&y=256", "request-does-not-fit", "y"),
        ("?x=0&y=0&format=png16", "invalid-parameter", "format"),
        ("?x=0&y=0&preset=nose", "invalid-parameter", "preset"),
    ] {
        let problem = house.get(&path(query)).await.problem(400, slug);
        assert_eq!(problem["details"]["parameter"], parameter, "{query}");
    }
    house.get(&path("?x=0&y=0&frame=9")).await.problem(404, "frame-not-found");
    house.get("/api/v1/dicom/images/9.9.9/explain?x=0&y=0").await.problem(404, "image-not-found");
    let report = format!("/api/v1/dicom/images/{REPORT}/explain?x=0&y=0");
    house.get(&report).await.problem(422, "unrenderable");
    assert_eq!(house.jobs(), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_rendered_cannot_be_explained_either() {
    let house = House::new().await;
    house.start_worker(failure(FailureKind::Unrenderable)).await;
    house.get(&path("?x=0&y=0")).await.problem(422, "unrenderable");
}

#[tokio::test]
async fn where_only_presets_may_be_asked_for_other_windows_are_a_403() {
    let house = House::with(&[("NOCTIS_WINDOWS", "presets-only")], QueueLimits::default()).await;
    house.start_worker(picture()).await;
    let problem = house.png("?window=401&level=40").await.problem(403, "window-not-allowed");
    assert!(problem["details"]["presets"].as_array().is_some_and(|presets| presets.contains(&"lung".into())));
    house.get(&path("?x=0&y=0&window=401&level=40")).await.problem(403, "window-not-allowed");
    for query in ["", "?preset=lung", "?window=1500&level=-600", "?function=sigmoid"] {
        assert_eq!(house.png(query).await.status, 200, "{query}");
    }
    assert_eq!(house.get("/api/v1/dicom/presets").await.json()["free_windows"], false);
}
