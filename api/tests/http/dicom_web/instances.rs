//! Instances as they are stored.

use axum::body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;

use noctis_shared::render::FailureKind;

use crate::{
    house::{PICTURE, failure, picture},
    login::{LOGIN, token},
};

use super::{
    archive::{ROOT, series_uid, uid},
    frames::{STUDY, Stored, parts},
};

const MULTIPART: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

fn series() -> String {
    format!("{ROOT}/studies/{STUDY}/series/{}", series_uid(STUDY, 1))
}

fn instance(number: u32) -> String {
    format!("{}/instances/{}", series(), uid(STUDY, 1, number))
}

fn on_disk(stored: &Stored, number: u32) -> std::path::PathBuf {
    stored.folder.path().join(format!("{number}.dcm"))
}

#[tokio::test]
async fn files_of_a_study_and_a_series_are_parts_in_their_order() {
    let stored = Stored::with(&[]).await;
    for path in [format!("{ROOT}/studies/{STUDY}"), series()] {
        for accept in ["*/*", MULTIPART, "multipart/related; type=application/dicom"] {
            let answer = stored.house.send("GET", &path, &[("accept", accept)]).await;
            assert!(
                answer
                    .header("content-type")
                    .starts_with("multipart/related; type=\"application/dicom\"; boundary=")
            );
            let told = parts(&answer);
            assert_eq!(told.len(), 4, "{path} {accept}");
            for (number, (head, body)) in (1..).zip(&told) {
                assert!(*body == std::fs::read(on_disk(&stored, number)).expect("read"), "{path} {number}");
                let location = format!("Content-Location: http://localhost{}", instance(number));
                assert!(head.contains(&location), "{head}");
            }
            assert!(
                told[1]
                    .0
                    .contains("Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90\r\n")
            );
        }
        let other = "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.50";
        for accept in [other, "application/dicom", "application/dicom+json"] {
            let refused = stored.house.send("GET", &path, &[("accept", accept)]).await;
            refused.problem(406, "not-acceptable");
        }
    }
}

#[tokio::test]
async fn an_instance_is_a_part_or_alone() {
    let stored = Stored::with(&[]).await;
    let file = std::fs::read(on_disk(&stored, 2)).expect("read");
    let of_its_syntax =
        "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90";
    for accept in ["*/*", MULTIPART, of_its_syntax] {
        let told = parts(&stored.house.send("GET", &instance(2), &[("accept", accept)]).await);
        assert!(told.len() == 1 && told[0].1 == file, "{accept}");
    }
    let alone = stored.house.send("GET", &instance(2), &[("accept", "application/dicom")]).await;
    assert_eq!((alone.status, alone.body == file), (200, true));
    assert_eq!(alone.header("content-type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90");
    assert_eq!(alone.header("content-length"), file.len().to_string());
    let other = of_its_syntax.replace(".90", ".50");
    stored.house.send("GET", &instance(2), &[("accept", &*other)]).await.problem(406, "not-acceptable");
    stored.house.get(&instance(9)).await.problem(404, "image-not-found");
}

/// Of what is in the syntax already nothing is made.
#[tokio::test]
async fn instances_are_written_anew_for_who_takes_nothing_of_what_is_stored() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker(picture()).await;
    let explicit = "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1";
    let answer = stored.house.send("GET", &series(), &[("accept", explicit)]).await;
    let told = parts(&answer);
    assert_eq!(told.len(), 4);
    for (number, (head, body)) in (1..).zip(&told) {
        assert!(
            head.contains("Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"),
            "{head}"
        );
        assert!(head.contains(&format!("Content-Location: http://localhost{}", instance(number))), "{head}");
        let expected =
            if number == 3 { std::fs::read(on_disk(&stored, 3)).expect("read") } else { PICTURE.to_vec() };
        assert!(*body == expected, "{number}");
    }
    assert_eq!(stored.house.jobs(), 3);
    let held = [("accept", explicit), ("if-none-match", answer.header("etag"))];
    assert_eq!(stored.house.send("GET", &series(), &held).await.status, 304);
    let as_stored = stored.house.get(&series()).await;
    assert_ne!(as_stored.header("etag"), answer.header("etag"));
    let alone = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1";
    let alone = stored.house.send("GET", &instance(2), &[("accept", alone)]).await;
    assert_eq!((alone.status, &alone.body[..]), (200, PICTURE));
    assert_eq!(alone.header("content-length"), PICTURE.len().to_string());
    assert_eq!(stored.house.jobs(), 3, "it is there by then");
}

#[tokio::test]
async fn an_instance_that_cannot_be_written_anew_says_so() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker_of_any_format(failure(FailureKind::Unrenderable)).await;
    let rle = "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.5";
    for accept in [rle, "application/dicom; transfer-syntax=1.2.840.10008.1.2.5"] {
        stored.house.send("GET", &instance(2), &[("accept", accept)]).await.problem(422, "unrenderable");
    }
    let explicit = rle.replace("2.5", "2.1");
    let told = parts(&stored.house.send("GET", &series(), &[("accept", &*explicit)]).await);
    assert_eq!(told.len(), 4);
    for (number, (head, body)) in (1..).zip(&told) {
        if number == 3 {
            assert!(*body == std::fs::read(on_disk(&stored, 3)).expect("read"));
            continue;
        }
        assert!(head.starts_with("Content-Type: application/problem+json\r\n"), "{head}");
        let problem: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(problem["status"], 422, "{number}");
    }
}

/// Whoever gets the end of a body has the bytes that were indexed.
#[tokio::test]
async fn a_file_that_is_not_as_it_was_indexed_cuts_the_body_off() {
    let stored = Stored::with(&[]).await;
    let mut bytes = std::fs::read(on_disk(&stored, 3)).expect("read");
    bytes[10] ^= 1;
    std::fs::write(on_disk(&stored, 3), &bytes).expect("written");
    let request = axum::http::Request::builder().uri(series()).header("host", "localhost");
    let request = request.body(Body::empty()).expect("a request");
    let response = stored.house.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err(), "it has no end");
    std::fs::remove_file(on_disk(&stored, 1)).expect("removed");
    stored.house.get(&series()).await.problem(503, "file-missing");
}

#[tokio::test]
async fn a_client_that_has_them_is_told_so_and_others_nothing() {
    let stored = Stored::with(&LOGIN).await;
    let (all, held) = (token(|_| {}), token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])));
    let ask = async |token: &str, path: &str, tag: &str| {
        let headers = [("authorization", &*format!("Bearer {token}")), ("if-none-match", tag)];
        stored.house.send("GET", path, &headers).await
    };
    let study = format!("{ROOT}/studies/{STUDY}");
    for (path, slug) in
        [(study, "study-not-found"), (series(), "series-not-found"), (instance(1), "image-not-found")]
    {
        let tag = ask(&all, &path, "\"x\"").await.header("etag").to_owned();
        assert_eq!(ask(&all, &path, &tag).await.status, 304, "{path}");
        for tag in [&*tag, "*"] {
            let foreign = ask(&held, &path, tag).await.problem(404, slug);
            let unknown = ask(&held, &path.replace(STUDY, "1.2.404"), tag).await.problem(404, slug);
            assert_eq!(foreign["detail"], unknown["detail"], "{path}");
        }
        stored.house.get(&path).await.problem(401, "unauthorized");
    }
}
