//! Errors: what the framework answers by itself is a problem document too.

use crate::house::{House, image_path};

#[tokio::test]
async fn an_unknown_route_is_a_404_problem_that_tells_its_path() {
    let house = House::new().await;
    let problem = house.get("/api/v1/nowhere?secret=1").await.problem(404, "route-not-found");
    assert_eq!(problem["path"], "/api/v1/nowhere");
}

#[tokio::test]
async fn a_wrong_method_is_a_405_problem_with_the_right_ones() {
    let house = House::new().await;
    let answer = house.send("DELETE", "/api/v1/dicom/studies", &[]).await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn lengths_past_the_limits_are_problems() {
    let house = House::new().await;
    let long = format!("/api/v1/dicom/studies?q={}", "x".repeat(9000));
    house.get(&long).await.problem(414, "uri-too-long");
    let announced = [("content-length", "100000000")];
    house.send("POST", "/api/v1/dicom/clear-cache", &announced).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn an_unknown_parameter_is_named_on_every_route() {
    let house = House::new().await;
    let paths = [
        image_path(),
        format!("{}/thumbnail", image_path()),
        "/api/v1/dicom/studies".to_owned(),
        "/api/v1/dicom/studies/1.2.3".to_owned(),
        "/api/v1/dicom/studies/1.2.3/series".to_owned(),
        "/api/v1/dicom/series/1.2.3/images".to_owned(),
        "/api/v1/dicom/presets".to_owned(),
    ];
    for path in paths {
        let problem = house.get(&format!("{path}?colour=red")).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], "colour", "{path}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let house = House::new().await;
    let kept = house.send("GET", "/nowhere", &[("x-request-id", "viewer-7")]).await;
    assert_eq!(kept.header("x-request-id"), "viewer-7");
    assert_eq!(kept.json()["instance"], "urn:noctis:request:viewer-7");
    let replaced = house.send("GET", "/nowhere", &[("x-request-id", "a\"b")]).await;
    assert_eq!(replaced.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let house = House::new().await;
    for (method, path) in [
        ("POST", "/api/v1/auth/token"),
        ("GET", "/api/v1/jobs/17"),
        ("POST", "/api/v1/dicom/studies/1.2.3/prerender"),
        ("GET", "/dicom-web/studies"),
    ] {
        house.send(method, path, &[]).await.problem(501, "not-built");
    }
}

#[tokio::test]
async fn a_catalog_that_is_away_is_a_503_unless_the_image_is_known() {
    let house = House::new().await;
    house.start_worker(crate::house::picture()).await;
    house.png("").await;
    house.back_ends.catalog.close().await;
    assert_eq!(house.png("").await.status, 200);
    let unknown = house.get("/api/v1/dicom/images/1.2.3").await;
    unknown.problem(503, "catalog-unavailable");
    assert_eq!(unknown.header("retry-after"), "2");
    assert_eq!(house.get("/readyz").await.status, 200);
}
