//! Segmentations laid over pictures: which pictures are asked for, and by whom.

use noctis_shared::{catalog::NewInstance, lane::Lane, queue::Work, render_key::ContentDigest};

use crate::{
    house::{House, IMAGE, PICTURE, REPORT, SERIES, STUDY, instance, picture},
    login::{self, token},
};

const SEGMENTATION: &str = "1.2.826.0.1.3680043.10.1.8.1";

fn path(rest: &str) -> String {
    format!("/dicom-web/studies/{STUDY}/series/{SERIES}/instances/{IMAGE}/{rest}")
}

/// A segmentation of the study with this UID.
fn segmentation(study_instance_uid: &str) -> NewInstance {
    NewInstance {
        study_instance_uid: study_instance_uid.to_owned(),
        series_instance_uid: "1.2.826.0.1.3680043.10.1.8".to_owned(),
        sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.66.4".to_owned()),
        location: "file:///nowhere/segmentation.dcm".to_owned(),
        content_digest: ContentDigest([6; 32]),
        file_byte_count: 4321,
        ..instance(SEGMENTATION, 1)
    }
}

async fn record(house: &House, study_instance_uid: &str) {
    let instances = [segmentation(study_instance_uid)];
    house.back_ends.catalog.record_instances(&instances, false).await.expect("recorded");
}

#[tokio::test]
async fn the_job_of_a_picture_under_a_segmentation_brings_its_file() {
    let house = House::new().await;
    record(&house, STUDY).await;
    let mut jobs = house.back_ends.queue.consume(Lane::OnScreen, 1).await.expect("a consumer");
    let asked = path(&format!("frames/2/rendered?accept=image/png&segmentation={SEGMENTATION}"));
    let (answer, ()) = tokio::join!(house.get(&asked), async {
        let delivery = jobs.next().await.expect("a job");
        let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
        let file = job.segmentation.expect("its file");
        assert_eq!((&*file.location, file.byte_count), ("file:///nowhere/segmentation.dcm", 4321));
        assert_eq!(job.request.segmentation.map(|file| file.content_digest), Some(ContentDigest([6; 32])));
        assert!(!job.keep, "the picture would outlast the segmentation");
        let settled = house.back_ends.coordination.settle(job.image_id, &job.render_key, &picture()).await;
        settled.expect("settled");
        delivery.ack().await.expect("acked");
    });
    assert_eq!((answer.status, &*answer.body), (200, PICTURE));
    assert_ne!(answer.header("etag"), house.png("?frame=2").await.header("etag"));
}

#[tokio::test]
async fn what_is_no_segmentation_of_the_study_is_said_to_be_so() {
    let house = House::new().await;
    record(&house, "1.2.3").await;
    for (uid, status, slug) in [
        ("", 400, "invalid-parameter"),
        (REPORT, 400, "invalid-parameter"),
        ("1.2.404", 404, "image-not-found"),
        (SEGMENTATION, 404, "image-not-found"),
    ] {
        for resource in ["rendered", "frames/1,2/rendered"] {
            house.get(&path(&format!("{resource}?segmentation={uid}"))).await.problem(status, slug);
        }
    }
}

#[tokio::test]
async fn a_segmentation_that_a_caller_may_not_see_is_not_there() {
    let house = login::house().await;
    record(&house, "1.2.3").await;
    let bearer = format!("Bearer {}", token(|claims| claims.studies = Some(vec![STUDY.to_owned()])));
    let ask = async |uid: &str| {
        let path = path(&format!("rendered?segmentation={uid}"));
        house.send("GET", &path, &[("authorization", &*bearer)]).await
    };
    let (foreign, missing) = (ask(SEGMENTATION).await, ask("1.2.404").await);
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(foreign.json()["detail"], missing.json()["detail"]);
}
