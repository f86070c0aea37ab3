//! Pixels of an instance as one part, and when they are several.

use crate::house::{PICTURE, picture};

use super::{
    archive::{ROOT, series_uid, uid},
    frames::{STUDY, Stored, parts},
};

/// One head would stand before frames that come, and before others that do not.
#[tokio::test]
async fn pixels_that_cannot_be_joined_are_a_problem_in_their_place_and_the_others_come() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker(picture()).await;
    let path = format!("{ROOT}/studies/{}/bulkdata", STUDY);
    let told = parts(&stored.house.send("GET", &path, &[("accept", "*/*")]).await);
    // Native, two fragments, single bits, deflated.
    let types: Vec<&str> = told.iter().map(|(head, _)| head.split(';').next().unwrap_or_default()).collect();
    assert_eq!(types.len(), 5, "{types:?}");
    assert!(types[3].starts_with("Content-Type: application/problem+json"), "{types:?}");
    assert_eq!(told[0].1.len(), 12_000);
}

/// What is coded is a part a frame, whatever it is stored as.
#[tokio::test]
async fn pixels_in_a_codec_are_parts() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker(picture()).await;
    let (series, instance) = (series_uid(STUDY, 1), uid(STUDY, 1, 1));
    let path = format!("{ROOT}/studies/{}/series/{series}/instances/{instance}/bulkdata/7FE00010", STUDY);
    let ask = async |accept: &str| stored.house.send("GET", &path, &[("accept", accept)]).await;
    let told = parts(&ask("multipart/related; type=\"image/dicom-rle\"").await);
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|(head, body)| head.contains("/frames/") && body == PICTURE));
    ask("image/dicom-rle").await.problem(406, "not-acceptable");
    assert_eq!(ask("application/octet-stream").await.body.len(), 12_000);
}
