//! Pictures: representations, caches, validators.

use futures::future::join_all;
use noctis_shared::{
    dicom_uid::public_id,
    render::{FailureKind, Outcome},
};

use crate::house::{FRAMES, House, IMAGE, PICTURE, REPORT, failure, image_path, picture};

#[tokio::test]
async fn thirty_two_equal_cold_requests_make_one_job() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answers = join_all((0..32).map(|_| house.png("?preset=lung"))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body[..]), (200, PICTURE));
        assert_eq!(answer.header("etag"), answers[0].header("etag"));
    }
    assert_eq!(house.jobs(), 1);
}

#[tokio::test]
async fn a_fresh_render_tells_its_stages_and_a_cached_one_its_tier() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let fresh = house.png("").await;
    assert_eq!(
        fresh.header("server-timing"),
        "cache;desc=render, queue;dur=1.00, slot;dur=0.50, fetch;dur=2.00, decode;dur=3.00, render;dur=4.00, encode;dur=5.00"
    );
    assert_eq!(house.png("").await.header("server-timing"), "cache;desc=memory");
    house.back_ends.cache.clear().await.expect("cleared");
    assert_eq!(house.png("").await.header("server-timing"), "cache;desc=postgres");
    assert_eq!(house.png("").await.header("server-timing"), "cache;desc=memory");
    assert_eq!(house.jobs(), 1);
}

#[tokio::test]
async fn a_png_comes_as_it_was_made_under_the_headers_of_the_contract() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answer = house.png("").await;
    assert_eq!(&answer.body[..], PICTURE);
    let expected = [
        ("content-type", "image/png"),
        ("content-length", "19"),
        ("vary", "Accept, Authorization"),
        ("cache-control", "private, max-age=60"),
        ("x-pixel-scale", "1,-1024"),
        ("x-render-integrity", "partial"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("etag").starts_with('"') && answer.header("x-request-id").len() == 36);
}

#[tokio::test]
async fn json_holds_the_picture_and_what_viewers_show_beside_it() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answer = house.get(&format!("{}?preset=lung&frame=2", image_path())).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let url = body["image_data_url"].as_str().expect("a data URL");
    assert_eq!(url, "data:image/png;base64,iVBORyBjYW5uZWQgcGljdHVyZQ==");
    assert_eq!((&body["window"], &body["level"]), (&1500.0.into(), &(-600.0).into()));
    assert_eq!(
        (&body["preset"], &body["frame"], &body["cached"]),
        (&"lung".into(), &2.into(), &false.into())
    );
    assert_eq!((&body["rows"], &body["columns"]), (&256.into(), &512.into()));
    let metadata = &body["metadata"];
    assert_eq!((&metadata["modality"], &metadata["patient_name"]), (&"CT".into(), &"DOE^JANE".into()));
    assert_eq!((&metadata["sop_instance_uid"], &metadata["frame_count"]), (&IMAGE.into(), &FRAMES.into()));
    let again = house.get(&format!("{}?preset=lung&frame=2", image_path())).await;
    assert_eq!(again.json()["cached"], true);
}

#[tokio::test]
async fn a_uid_names_the_same_picture_as_its_id() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let by_id = house.png("").await;
    let path = format!("/api/v1/dicom/images/{IMAGE}");
    let by_uid = house.send("GET", &path, &[("accept", "image/png")]).await;
    assert_eq!((by_uid.status, by_uid.header("etag")), (200, by_id.header("etag")));
    assert_eq!(house.jobs(), 1);
}

#[tokio::test]
async fn head_tells_the_length_without_the_picture() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let answer = house.send("HEAD", &image_path(), &[("accept", "image/png")]).await;
    assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (200, "19", 0));
}

#[tokio::test]
async fn a_client_that_has_the_picture_gets_a_304_without_a_look() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let tag = house.png("").await.header("etag").to_owned();
    house.send("POST", "/api/v1/dicom/clear-cache", &[]).await;
    let headers = [("accept", "image/png"), ("if-none-match", &*tag)];
    let answer = house.send("GET", &image_path(), &headers).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, &*tag));
    assert_eq!(house.jobs(), 1);
    let as_json = house.send("GET", &image_path(), &[("if-none-match", &*tag)]).await;
    assert_eq!(as_json.status, 200);
}

/// RFC 9110 13.1.2: `*` is met by whatever there is, and there is none where the answer is a problem.
#[tokio::test]
async fn a_star_is_a_304_of_a_picture_that_can_be_shown_and_of_nothing_else() {
    let star = async |house: &House, path: &str, accept| {
        house.send("GET", path, &[("accept", accept), ("if-none-match", "*")]).await
    };
    let house = House::new().await;
    house.start_worker(picture()).await;
    for accept in ["image/png", "application/json"] {
        let known = star(&house, &image_path(), accept).await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{accept}");
        let tag = house.send("GET", &image_path(), &[("accept", accept)]).await.header("etag").to_owned();
        assert_eq!(known.header("etag"), tag, "{accept}");
    }
    let of = |uid: &str| format!("/api/v1/dicom/images/{uid}");
    star(&house, &of("9.9.9"), "image/png").await.problem(404, "image-not-found");
    star(&house, &of(REPORT), "image/png").await.problem(422, "unrenderable");
    star(&house, &format!("{}?frame=4", image_path()), "image/png").await.problem(404, "frame-not-found");
    for (kind, status, slug) in
        [(FailureKind::Unrenderable, 422, "unrenderable"), (FailureKind::NotAPicture, 406, "not-a-picture")]
    {
        let house = House::new().await;
        house.start_worker(failure(kind)).await;
        star(&house, &image_path(), "image/png").await.problem(status, slug);
    }
}

/// JSON tells more than the picture: its tag is weak, and another one where another preset or another fact is told.
#[tokio::test]
async fn the_tag_of_json_names_what_it_tells_beside_the_picture() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let json = async |query: &str, tag: &str| {
        let path = format!("{}{query}", image_path());
        house.send("GET", &path, &[("accept", "application/json"), ("if-none-match", tag)]).await
    };
    let by_preset = json("?preset=lung", "").await.header("etag").to_owned();
    let by_window = json("?window=1500&level=-600", "").await.header("etag").to_owned();
    assert!(by_preset.starts_with("W/\"") && by_window.starts_with("W/\""), "{by_preset} {by_window}");
    assert_ne!(by_preset, by_window, "one tells the preset");
    assert_eq!(json("?preset=lung", &by_preset).await.status, 304);
    assert_eq!(json("?preset=lung", &by_window).await.status, 200);
}

#[tokio::test]
async fn clearing_the_cache_makes_a_new_render() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    for (jobs, query) in [(1, ""), (2, &*format!("?image_id={IMAGE}")), (3, "?study_id=9.9.9")] {
        house.png("").await;
        assert_eq!(house.jobs(), jobs.min(3), "{query}");
        let cleared = house.send("POST", &format!("/api/v1/dicom/clear-cache{query}"), &[]).await;
        let expected = if query == "?study_id=9.9.9" { 0 } else { 1 };
        assert_eq!((cleared.status, &cleared.json()["cleared"]), (200, &expected.into()), "{query}");
    }
    house.png("").await;
    assert_eq!(house.jobs(), 3, "another study was cleared");
}

#[tokio::test]
async fn a_thumbnail_is_a_picture_whatever_is_asked() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let path = format!("{}/thumbnail", image_path());
    let answer = house.get(&format!("{path}?size=64")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
    let wrong = house.get(&format!("{path}?size=15")).await.problem(400, "invalid-parameter");
    assert_eq!(wrong["details"]["parameter"], "size");
}

#[tokio::test]
async fn a_remembered_failure_is_its_problem_and_is_not_tried_again() {
    let cases = [
        (FailureKind::Unrenderable, 422, "unrenderable"),
        (FailureKind::Crashed, 422, "unrenderable"),
        (FailureKind::NotAPicture, 406, "not-a-picture"),
        (FailureKind::NoSuchFrame, 404, "frame-not-found"),
        (FailureKind::InvalidRequest, 400, "request-does-not-fit"),
    ];
    for (kind, status, slug) in cases {
        let house = House::new().await;
        house.start_worker(failure(kind)).await;
        for _ in 0..2 {
            let problem = house.png("").await.problem(status, slug);
            assert_eq!(problem["detail"], "for this test");
            if kind == FailureKind::NotAPicture {
                assert_eq!(problem["details"]["media_types"][0], "video/mp4");
            }
        }
        assert_eq!(house.jobs(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_without_a_job() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let frame = house.png("?frame=4").await.problem(404, "frame-not-found");
    assert_eq!(frame["details"]["frame_count"], FRAMES);
    for unknown in ["9.9.9", &*public_id("9.9.9").to_string(), "nobody", "%20"] {
        house.get(&format!("/api/v1/dicom/images/{unknown}")).await.problem(404, "image-not-found");
    }
    house.get(&format!("/api/v1/dicom/images/{REPORT}")).await.problem(422, "unrenderable");
    assert_eq!(house.jobs(), 0);
}

#[tokio::test]
async fn a_media_type_we_do_not_have_is_a_406_that_names_ours() {
    let house = House::new().await;
    let answer = house.send("GET", &image_path(), &[("accept", "image/gif")]).await;
    let problem = answer.problem(406, "not-acceptable");
    assert!(
        problem["details"]["media_types"].as_array().is_some_and(|types| types.contains(&"image/png".into()))
    );
}

#[tokio::test]
async fn a_picture_that_another_process_recorded_is_found_without_a_job() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let key = house.png("").await.header("etag").trim_matches('"').parse().expect("a key");
    let found = house.back_ends.catalog.render(&key).await.expect("a catalog");
    assert!(matches!(found, Some(Outcome::Picture(_))));
}
