//! Studies, series and images.

use noctis_shared::dicom_uid::public_id;

use crate::house::{FRAMES, House, IMAGE, SERIES, STUDY};

#[tokio::test]
async fn studies_are_listed_and_filtered() {
    let house = House::new().await;
    let all = house.get("/api/v1/dicom/studies").await.json();
    assert_eq!(
        (&all["studies"][0]["study_instance_uid"], &all["next"]),
        (&STUDY.into(), &serde_json::Value::Null)
    );
    assert_eq!(all["studies"][0]["study_description"], serde_json::Value::Null, "absent values are null");
    let count = async |query: &str| {
        let page = house.get(&format!("/api/v1/dicom/studies?{query}")).await.json();
        page["studies"].as_array().map(Vec::len)
    };
    assert_eq!(count("patient=doe*&modality=CT&from=2026-11-01&to=2026-11-30&q=jane").await, Some(1));
    assert_eq!(count("modality=MR").await, Some(0));
    assert_eq!(count("to=2026-11-22").await, Some(0));
    let wrong = house.get("/api/v1/dicom/studies?after=here").await.problem(400, "invalid-parameter");
    assert_eq!(wrong["details"]["parameter"], "after");
}

#[tokio::test]
async fn a_study_leads_to_its_series_and_these_to_their_images() {
    let house = House::new().await;
    for study in [STUDY.to_owned(), public_id(STUDY).to_string()] {
        let one = house.get(&format!("/api/v1/dicom/studies/{study}")).await.json();
        assert_eq!((&one["patient_id"], &one["image_count"]), (&"P-1".into(), &2.into()));
        let series = house.get(&format!("/api/v1/dicom/studies/{study}/series")).await.json();
        assert_eq!(series["series"][0]["series_instance_uid"], SERIES);
    }
    let images = house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.json();
    assert_eq!(images["images"][0]["sop_instance_uid"], IMAGE);
    assert_eq!(images["images"][0]["frame_count"], FRAMES);
}

#[tokio::test]
async fn unknown_studies_and_series_are_404_problems() {
    let house = House::new().await;
    for study in ["9.9.9", "nobody"] {
        house.get(&format!("/api/v1/dicom/studies/{study}")).await.problem(404, "study-not-found");
        house.get(&format!("/api/v1/dicom/studies/{study}/series")).await.problem(404, "study-not-found");
        house.get(&format!("/api/v1/dicom/series/{study}/images")).await.problem(404, "series-not-found");
    }
}

#[tokio::test]
async fn an_answer_about_a_study_is_kept_until_the_index_forgets_it() {
    let house = House::new().await;
    let path = format!("/api/v1/dicom/studies/{STUDY}");
    assert_eq!(house.get(&path).await.status, 200);
    house.back_ends.catalog.delete_study(public_id(STUDY)).await.expect("deleted");
    assert_eq!(house.get(&path).await.status, 200);
    let names = noctis_shared::metadata_names::all_of_study(public_id(STUDY), &[], &[]);
    house.back_ends.cache.forget_metadata(&names).await.expect("forgotten");
    assert_eq!(house.get(&path).await.status, 404);
}
