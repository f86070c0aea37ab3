//! Deleting studies, series and instances.

use std::time::Duration;

use noctis_shared::{catalog::NewInstance, dicom_uid::public_id, queue::QueueLimits, storage::Stored};

use crate::{
    house::{House, IMAGE, REPORT, SERIES, STUDY, image_path, instance, picture},
    login,
};

#[tokio::test]
async fn a_deleted_study_is_nowhere_any_more_and_its_end_is_announced() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    assert_eq!(house.png("").await.status, 200);
    let study = format!("/api/v1/dicom/studies/{STUDY}");
    for path in [&study, &format!("{study}/series"), &format!("/api/v1/dicom/series/{SERIES}/images")] {
        assert_eq!(house.get(path).await.status, 200);
    }
    let etag = house.png("").await.header("etag").to_owned();

    let answer = house.send("DELETE", &study, &[]).await;
    assert_eq!(answer.status, 200);
    let expected = serde_json::json!({"deleted": {"instances": 2, "renders": 1, "objects": 0}});
    assert_eq!(answer.json(), expected);
    for path in [&study, &format!("{study}/series")] {
        house.get(path).await.problem(404, "study-not-found");
    }
    house.get(&format!("/api/v1/dicom/series/{SERIES}/images")).await.problem(404, "series-not-found");
    house.png("").await.problem(404, "image-not-found");
    // A validator must not tell that it was there.
    let headers = [("accept", "image/png"), ("if-none-match", etag.as_str())];
    house.send("GET", &image_path(), &headers).await.problem(404, "image-not-found");
    house.send("DELETE", &study, &[]).await.problem(404, "study-not-found");

    let told = house.back_ends.catalog.take_announcements(10, Duration::ZERO).await.expect("announcements");
    let event: serde_json::Value = serde_json::from_str(&told[0].body).expect("JSON");
    assert_eq!(
        (told.len(), &event["type"], &event["subject"]),
        (1, &"study.deleted.v1".into(), &STUDY.into())
    );
    assert_eq!(event["data"], serde_json::json!({}));
}

#[tokio::test]
async fn a_part_goes_and_the_rest_tells_of_less() {
    let house = House::new().await;
    let images = format!("/api/v1/dicom/series/{SERIES}/images");
    assert_eq!(house.get(&images).await.json()["total"], 2);
    let report = format!("/api/v1/dicom/images/{REPORT}");
    let answer = house.send("DELETE", &report, &[]).await;
    assert_eq!(answer.json()["deleted"]["instances"], 1);
    house.send("DELETE", &report, &[]).await.problem(404, "image-not-found");
    assert_eq!(house.get(&images).await.json()["total"], 1);
    assert_eq!(house.get(&format!("/api/v1/dicom/studies/{STUDY}")).await.json()["image_count"], 1);
    let series = format!("/api/v1/dicom/series/{}", public_id(SERIES));
    assert_eq!(house.send("DELETE", &series, &[]).await.json()["deleted"]["instances"], 1);
    house.send("DELETE", &series, &[]).await.problem(404, "series-not-found");
    house.get(&format!("/api/v1/dicom/studies/{STUDY}")).await.problem(404, "study-not-found");
}

#[tokio::test]
async fn what_is_wrong_with_an_order_to_delete_is_said_and_nothing_goes() {
    let house = House::new().await;
    house.record_copy("1.2.826.0.1.3680043.10.2").await;
    let image = format!("/api/v1/dicom/images/{IMAGE}");
    let choices = house.send("DELETE", &image, &[]).await.problem(409, "ambiguous-id");
    assert_eq!(choices["details"]["choices"].as_array().map(Vec::len), Some(2));
    let with_parameter = format!("/api/v1/dicom/studies/{STUDY}?force=true");
    house.send("DELETE", &with_parameter, &[]).await.problem(400, "invalid-parameter");
    house.send("DELETE", "/api/v1/dicom/studies/1.2.3", &[]).await.problem(404, "study-not-found");
    house.send("DELETE", "/api/v1/dicom/series/1.2.3", &[]).await.problem(404, "series-not-found");
    house.back_ends.catalog.close().await;
    let away = house.send("DELETE", &format!("/api/v1/dicom/studies/{STUDY}"), &[]).await;
    away.problem(503, "catalog-unavailable");
    assert_eq!(away.header("retry-after"), "2");
}

#[tokio::test]
async fn a_picture_that_is_drawn_while_its_image_is_deleted_does_not_come_back() {
    let house = House::new().await;
    let hold = house.start_held_worker(picture()).await;
    let (drawn, deleted) = tokio::join!(house.png(""), async {
        hold.begun().await;
        let deleted = house.send("DELETE", &format!("/api/v1/dicom/studies/{STUDY}"), &[]).await;
        hold.go_on();
        deleted
    });
    assert_eq!(deleted.status, 200);
    assert_eq!(drawn.status, 200, "who asked before it went is answered");
    house.png("").await.problem(404, "image-not-found");
    let key = hold.key();
    assert_eq!(house.back_ends.catalog.render(&key).await, Ok(None));
    for _ in 0..400 {
        if house.back_ends.cache.render(&key).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the late picture stays in the cache");
}

#[tokio::test]
async fn files_of_ours_are_counted_and_owed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().canonicalize().expect("a path");
    let url = format!("file://{}/", path.display());
    let house = House::with(&[("NOCTIS_STORAGE_URL", &url)], QueueLimits::default()).await;
    let study = "1.2.826.0.1.3680043.10.5";
    let mut stored = NewInstance { study_instance_uid: study.to_owned(), ..instance("1.2.5.1", 1) };
    stored.series_instance_uid = "1.2.5".to_owned();
    let name = Stored {
        study_instance_uid: study,
        series_instance_uid: &stored.series_instance_uid,
        sop_instance_uid: &stored.sop_instance_uid,
        content_digest: &stored.content_digest,
    }
    .name();
    stored.location = format!("{url}{name}");
    let in_place = NewInstance { sop_instance_uid: "1.2.5.2".to_owned(), ..stored.clone() };
    let both = [stored.clone(), in_place];
    house.back_ends.catalog.record_instances(&both, false).await.expect("recorded");
    let answer = house.send("DELETE", &format!("/api/v1/dicom/studies/{study}"), &[]).await;
    assert_eq!(answer.json()["deleted"], serde_json::json!({"instances": 2, "renders": 0, "objects": 1}));
    let owed = house.back_ends.catalog.take_owed_objects(10, Duration::ZERO).await.expect("owed");
    assert_eq!(owed, [stored.location]);
}

/// Reading is not deleting, and what one may not see is not there.
#[tokio::test]
async fn a_token_deletes_with_its_scope_and_only_what_it_sees() {
    let house = login::house().await;
    let other = "1.2.826.0.1.3680043.10.2";
    house.record_copy(other).await;
    let send = async |path: &str, change: &dyn Fn(&mut noctis_api::auth::Claims)| {
        let token = login::token(change);
        house.send("DELETE", path, &[("authorization", &format!("Bearer {token}"))]).await
    };
    let study = format!("/api/v1/dicom/studies/{STUDY}");
    let refused = send(&study, &|claims| claims.scope = "studies:read images:read admin".to_owned()).await;
    assert_eq!(refused.problem(403, "insufficient-scope")["details"]["scope"], "studies:write");
    let held = |claims: &mut noctis_api::auth::Claims| claims.studies = Some(vec![other.to_owned()]);
    let foreign = send(&study, &held).await.problem(404, "study-not-found");
    let unknown = send("/api/v1/dicom/studies/1.2.3", &held).await.problem(404, "study-not-found");
    assert_eq!(foreign["detail"], unknown["detail"]);
    let own = noctis_shared::own_id::of_image(STUDY, SERIES, IMAGE);
    send(&format!("/api/v1/dicom/images/{own}"), &held).await.problem(404, "image-not-found");
    // The UID is of two studies, and this caller sees one.
    assert_eq!(send(&format!("/api/v1/dicom/images/{IMAGE}"), &held).await.status, 200);
    assert!(house.back_ends.catalog.study(public_id(STUDY)).await.expect("catalog").is_some());
    assert!(house.back_ends.catalog.study(public_id(other)).await.expect("catalog").is_none());
}
