//! A study as OHIF's own source of data has it.

use serde_json::{Value, json};

use crate::{
    house::House,
    login::{LOGIN, token},
};

use super::archive::{JANE, ROOT, house, house_with, series_uid, uid};

fn path() -> String {
    format!("/api/v1/dicom/studies/{JANE}/ohif.json")
}

async fn study(house: &House) -> Value {
    let answer = house.get(&path()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

#[tokio::test]
async fn a_study_is_told_with_its_series_and_the_addresses_of_its_files() {
    let house = house().await;
    let told = study(&house).await;
    let study = &told["studies"][0];
    assert_eq!(
        (&study["StudyInstanceUID"], &study["NumInstances"], told["studies"].as_array().map(Vec::len)),
        (&json!(JANE), &json!(5), Some(1))
    );
    let series = study["series"].as_array().expect("series");
    let counts = series.iter().map(|one| {
        let uid = one["SeriesInstanceUID"].as_str().expect("a UID").to_owned();
        (uid, one["instances"].as_array().map(Vec::len))
    });
    let expected = [(1, 3), (2, 1), (3, 1)].map(|(number, count)| (series_uid(JANE, number), Some(count)));
    assert_eq!(counts.collect::<Vec<_>>(), expected);
    let first = &series[0]["instances"][0];
    assert_eq!(first["metadata"]["SOPInstanceUID"], uid(JANE, 1, 1));
    assert_eq!(first["metadata"]["Manufacturer"], "Maker");
    // The viewer reads the file where it is told to be, and puts a frame behind the address.
    let url = first["url"].as_str().expect("an address");
    let address = url.strip_prefix("dicomweb:http://localhost").expect("of this server");
    let (path, query) = address.split_once('?').expect("a query");
    assert_eq!(path, ROOT);
    for pair in [("studyUID", JANE), ("seriesUID", &series_uid(JANE, 1)), ("objectUID", &uid(JANE, 1, 1))] {
        assert!(query.contains(&format!("{}={}", pair.0, pair.1)), "{query}");
    }
    assert_ne!(house.get(&format!("{address}&frame=2")).await.status, 400);
}

#[tokio::test]
async fn a_study_that_is_not_for_the_caller_is_not_there() {
    let house = house_with(&LOGIN).await;
    let held = token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()]));
    let bearer = format!("Bearer {held}");
    let foreign = house.send("GET", &path(), &[("authorization", &*bearer)]).await;
    let unknown = path().replace(JANE, "1.2.404");
    let unknown = house.send("GET", &unknown, &[("authorization", &*bearer)]).await;
    assert_eq!(
        foreign.problem(404, "study-not-found")["detail"],
        unknown.problem(404, "study-not-found")["detail"]
    );
    house.get(&path()).await.problem(401, "unauthorized");
}
