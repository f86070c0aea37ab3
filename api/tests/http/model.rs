//! What is told of studies, series and images beyond their names: geometry, headers, sorts, presets.

use noctis_shared::queue::QueueLimits;

use crate::house::{House, IMAGE, SERIES, STUDY, image_path, picture};

#[tokio::test]
async fn lists_and_pictures_tell_the_geometry_of_an_image() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    let list = house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.json();
    let of_picture = house.get(&image_path()).await.json();
    for image in [&list["images"][0], &of_picture["metadata"]] {
        assert_eq!(image["pixel_spacing"], serde_json::json!([0.5, 0.25]));
        assert_eq!((&image["unit"], &image["slice_thickness"]), (&"HU".into(), &serde_json::Value::Null));
        let window = &image["windows"][0];
        assert_eq!((&window["window"], &window["level"]), (&400.0.into(), &40.0.into()));
        assert_eq!((&window["function"], &window["explanation"]), (&"linear".into(), &"ABDOMEN".into()));
    }
}

#[tokio::test]
async fn the_header_is_told_as_dicom_json() {
    let house = House::new().await;
    let path = format!("{}/metadata", image_path());
    let answer = house.get(&path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/dicom+json"));
    assert_eq!(answer.json()["00080018"]["Value"][0], IMAGE);
    let plain = house.send("GET", &path, &[("accept", "application/json")]).await;
    assert_eq!(plain.header("content-type"), "application/json");
    let known = house.send("GET", &path, &[("if-none-match", answer.header("etag"))]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    house.get("/api/v1/dicom/images/9.9.9/metadata").await.problem(404, "image-not-found");
    // The report was recorded with a header that was too long.
    let report = format!("/api/v1/dicom/images/{}/metadata", crate::house::REPORT);
    house.get(&report).await.problem(422, "header-not-kept");
}

#[tokio::test]
async fn lists_are_sorted_and_filtered_as_asked() {
    let house = House::new().await;
    let uids = async |query: &str| {
        let list = house.get(&format!("/api/v1/dicom/series/{SERIES}/images{query}")).await.json();
        let images = list["images"].as_array().expect("images").iter();
        images.map(|image| image["sop_instance_uid"].as_str().expect("a UID").to_owned()).collect::<Vec<_>>()
    };
    let (ascending, mut descending) = (uids("?sort=uid").await, uids("?sort=-uid").await);
    descending.reverse();
    assert_eq!((ascending.len(), &ascending), (2, &descending));
    let mut turned = uids("?sort=-position").await;
    turned.reverse();
    assert_eq!(turned, uids("").await);
    let series = async |query: &str| {
        house.get(&format!("/api/v1/dicom/studies/{STUDY}/series{query}")).await.json()["total"].clone()
    };
    assert_eq!((series("?modality=ct").await, series("?modality=MR").await), (1.into(), 0.into()));
    assert_eq!(series("?sort=-number&modality=CT").await, 1);
    for wrong in [
        "/api/v1/dicom/studies?sort=colour".to_owned(),
        format!("/api/v1/dicom/studies/{STUDY}/series?sort=uid"),
        format!("/api/v1/dicom/series/{SERIES}/images?sort=--number"),
    ] {
        let problem = house.get(&wrong).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], "sort", "{wrong}");
    }
}

#[tokio::test]
async fn sorted_studies_come_in_pages_and_a_page_of_another_sort_is_refused() {
    let house = House::new().await;
    for copy in 2..6 {
        house.record_copy(&format!("1.2.826.0.1.3680043.10.{copy}")).await;
    }
    for sort in ["date", "-date", "name", "-id", "modality", "-changed"] {
        let (mut seen, mut cursor) = (std::collections::HashSet::new(), String::new());
        loop {
            let page = house.get(&format!("/api/v1/dicom/studies?sort={sort}&limit=2{cursor}")).await.json();
            assert_eq!(page["total"], 5, "{sort}");
            for study in page["studies"].as_array().expect("studies") {
                assert!(seen.insert(study["study_id"].to_string()), "{sort}: a study comes twice");
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), 5, "{sort}");
    }
    let next = house.get("/api/v1/dicom/studies?sort=name&limit=2").await.json()["next"].clone();
    let other = format!("/api/v1/dicom/studies?sort=-name&cursor={}", next.as_str().expect("a cursor"));
    house.get(&other).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn what_changed_is_told_and_asked_for() {
    let house = House::new().await;
    let answer = house.get("/api/v1/dicom/studies").await;
    assert!(answer.header("last-modified").ends_with(" GMT"), "{}", answer.header("last-modified"));
    let changed_at = answer.json()["studies"][0]["changed_at"].as_str().expect("a time").to_owned();
    let count = async |since: &str| {
        house.get(&format!("/api/v1/dicom/studies?since={since}")).await.json()["total"].clone()
    };
    assert_eq!((count(&changed_at).await, count("2999-01-01T00:00:00Z").await), (1.into(), 0.into()));
    let problem = house.get("/api/v1/dicom/studies?since=yesterday").await.problem(400, "invalid-parameter");
    assert_eq!(problem["details"]["parameter"], "since");
}

#[tokio::test]
async fn presets_have_a_version_and_are_those_of_the_operator() {
    let house = House::new().await;
    let told = house.get("/api/v1/dicom/presets").await.json();
    assert_eq!(told["version"].as_str().map(str::len), Some(16));
    for modality in ["CT", "MR", "CR", "DX", "PT", "NM", "US"] {
        assert!(told["defaults"][modality].is_string(), "{modality}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("presets.toml");
    let text = "[[preset]]\nname = \"mr_t2\"\nwindow = 900\nlevel = 450\nmodality = \"MR\"\ndescription = \"T2\"\n\
                [defaults]\nMR = \"mr_t2\"\n";
    std::fs::write(&file, text).expect("written");
    let settings = [("NOCTIS_PRESETS_FILE", file.to_str().expect("a path"))];
    let own = House::with(&settings, QueueLimits::default()).await;
    own.start_worker(picture()).await;
    let of_operator = own.get("/api/v1/dicom/presets").await.json();
    assert_ne!(of_operator["version"], told["version"]);
    assert_eq!(of_operator["defaults"]["MR"], "mr_t2");
    assert_eq!(own.png("?preset=mr_t2").await.status, 200);
    house.png("?preset=mr_t2").await.problem(400, "invalid-parameter");
}
