//! What is told to a token that is held to some studies of all others: that they are not there.

use axum::body::Body;
use noctis_shared::{catalog::StudyFilter, dicom_uid::public_id};
use serde_json::json;

use crate::{
    house::{IMAGE, SERIES, STUDY, picture},
    login::{STUDIES, get, house, token},
};

/// Every route that tells of a study, asked with a token that is held to another.
#[tokio::test]
async fn a_token_of_another_study_finds_nothing_of_this_one() {
    let house = house().await;
    house.start_worker(picture()).await;
    let (mine, other) = (
        token(|claims| claims.studies = Some(vec![STUDY.to_owned()])),
        token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])),
    );
    let image = format!("/api/v1/dicom/images/{IMAGE}");
    let tag = {
        let headers = [("authorization", &*format!("Bearer {mine}")), ("accept", "image/png")];
        let answer = house.send("GET", &image, &headers).await;
        assert_eq!(answer.status, 200);
        answer.header("etag").to_owned()
    };
    let study = format!("{STUDIES}/{STUDY}");
    let series = format!("{study}/series");
    for path in [&study, &series, &image, &format!("{image}/thumbnail"), &format!("{image}/metadata")] {
        assert_eq!(get(&house, path, &mine).await.status, 200, "{path}");
        let (with_tag, unknown) = (
            house
                .send("GET", path, &[("authorization", &format!("Bearer {other}")), ("if-none-match", &tag)])
                .await,
            get(&house, &path.replace(STUDY, "1.2.9").replace(IMAGE, "1.2.9"), &other).await,
        );
        assert_eq!((with_tag.status, unknown.status), (404, 404), "{path}");
        assert_eq!(with_tag.json()["detail"], unknown.json()["detail"], "{path}");
    }
    // Not even whether the pixel is one of it.
    for query in ["x=0&y=0", "x=9999&y=0"] {
        let problem =
            get(&house, &format!("{image}/explain?{query}"), &other).await.problem(404, "image-not-found");
        assert_eq!(problem["detail"], "No image has this id.", "{query}");
    }
    let list = get(&house, STUDIES, &other).await.json();
    assert_eq!((&list["studies"], &list["total"]), (&json!([]), &0.into()));
    let none = token(|claims| claims.studies = Some(vec![]));
    assert_eq!(get(&house, STUDIES, &none).await.json()["total"], 0);
    let unreadable = token(|claims| claims.studies = Some(vec!["\u{0}".to_owned()]));
    assert_eq!(get(&house, STUDIES, &unreadable).await.json()["total"], 0);
    let clear = async |query: &str, token: &str| {
        let headers = [("authorization", &*format!("Bearer {token}"))];
        house.send("POST", &format!("/api/v1/dicom/clear-cache{query}"), &headers).await
    };
    clear("", &other).await.problem(403, "insufficient-scope");
    for query in [
        format!("?study_id={STUDY}"),
        format!("?image_id={IMAGE}"),
        format!("?study_id={}", public_id(STUDY)),
    ] {
        assert_eq!(clear(&query, &other).await.json()["cleared"], 0, "{query}");
    }
    assert_eq!(clear(&format!("?image_id={IMAGE}"), &mine).await.json()["cleared"], 2);
    let filter = StudyFilter { limit: 10, ..StudyFilter::default() };
    assert_eq!(house.back_ends.catalog.studies(&filter).await.expect("listed").total, 1);
}

/// Whatever route there is, also one that is added later.
#[tokio::test]
async fn on_every_route_what_is_of_another_study_is_told_like_what_is_not_there() {
    let house = house().await;
    house.start_worker(picture()).await;
    let held = format!("Bearer {}", token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])));
    let document = house.get("/api/v1/openapi.json").await.json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let (known, unknown) = (
            path.replace("{study_id}", STUDY).replace("{series_id}", SERIES).replace("{image_id}", IMAGE),
            ["{study_id}", "{series_id}", "{image_id}"]
                .into_iter()
                .fold(path.clone(), |path, id| path.replace(id, "1.2.404")),
        );
        if known == unknown || known.contains('{') {
            continue;
        }
        for (method, _) in
            item.as_object().expect("operations").iter().filter(|(name, _)| *name != "parameters")
        {
            let ask = async |path: &str| {
                let (query, body) = match path.rsplit('/').next() {
                    Some("explain") => ("?x=1&y=1", ""),
                    Some("prefetch") => ("", r#"{"from":1,"to":2}"#),
                    _ => ("", ""),
                };
                let mut headers = vec![("authorization", &*held), ("if-none-match", "*")];
                if !body.is_empty() {
                    headers.push(("content-type", "application/json"));
                }
                let path = format!("{path}{query}");
                house.send_body(&method.to_uppercase(), &path, &headers, Body::from(body)).await
            };
            let (foreign, missing) = (ask(&known).await, ask(&unknown).await);
            assert_eq!((foreign.status, missing.status), (404, 404), "{method} {path}");
            let (foreign, missing) = (foreign.json(), missing.json());
            for member in ["type", "detail", "details"] {
                assert_eq!(foreign[member], missing[member], "{method} {path}");
            }
            asked += 1;
        }
    }
    assert!(asked >= 6, "only {asked} operations name a study or a part of one");
}

/// The same of DICOMweb, which the OpenAPI document does not tell of.
#[tokio::test]
async fn on_dicomweb_what_is_of_another_study_is_told_like_what_is_not_there() {
    let house = house().await;
    house.start_worker(picture()).await;
    let held = format!("Bearer {}", token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])));
    let (study, series) = (format!("/studies/{STUDY}"), format!("/studies/{STUDY}/series/{SERIES}"));
    let instance = format!("{series}/instances/{IMAGE}");
    let mut paths = vec![format!("?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={IMAGE}")];
    paths.push(format!("{}&contentType=application/dicom&transferSyntax=*", paths[0]));
    for level in [&study, &series, &instance] {
        paths.extend(
            ["", "/metadata", "/rendered", "/thumbnail", "/bulkdata"].map(|end| format!("{level}{end}")),
        );
    }
    let of_instance = [
        "/frames/1",
        "/frames/1,2",
        "/frames/1/rendered",
        "/frames/1,2/rendered",
        "/frames/1/thumbnail",
        "/bulkdata/7FE00010",
        "/bulkdata/00420011",
    ];
    paths.extend(of_instance.map(|end| format!("{instance}{end}")));
    for path in paths {
        for (header, value) in [("if-none-match", "*"), ("prefer", "respond-async")] {
            let ask = async |path: &str| {
                let headers = [("authorization", &*held), (header, value)];
                house.send("GET", &format!("/dicom-web{path}"), &headers).await
            };
            let (foreign, missing) = (ask(&path).await, ask(&path.replace(STUDY, "1.2.404")).await);
            assert_eq!((foreign.status, missing.status), (404, 404), "{path}");
            assert_eq!(foreign.json()["detail"], missing.json()["detail"], "{path}");
        }
    }
    for search in [
        "/studies",
        "/series",
        "/instances",
        &format!("{study}/series"),
        &format!("{study}/instances"),
        &format!("{series}/instances"),
    ] {
        for query in ["", &format!("?StudyInstanceUID={STUDY}"), "?Modality=CT", "?PatientID=P-1"] {
            let headers = [("authorization", &*held)];
            let found = house.send("GET", &format!("/dicom-web{search}{query}"), &headers).await;
            assert_eq!((found.status, found.json()), (200, json!([])), "{search}{query}");
            assert_eq!(found.header("warning"), "", "{search}{query}");
        }
    }
}
