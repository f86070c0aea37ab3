//! Planes through a series: what of it is asked of a worker, what is no volume, and for whom there is one.

use noctis_shared::{
    catalog::NewInstance, image_facts::ImageFacts, job::RenderJob, lane::Lane, queue::Work,
    render_key::ContentDigest, volume_plane::Projection,
};

use crate::{
    house::{Answer, House, PICTURE, STUDY, instance, picture},
    login::{self, token},
};

const SERIES: &str = "1.2.826.0.1.3680043.10.1.9";
const SLICES: u8 = 7;

fn uid(number: u8) -> String {
    format!("{SERIES}.{number}")
}

fn path(query: &str) -> String {
    format!("/dicom-web/studies/{STUDY}/series/{SERIES}/renderedmpr?{query}")
}

/// Slice `number` of an axial series, from the feet.
fn slice(number: u8) -> NewInstance {
    let facts = ImageFacts {
        pixel_spacing: Some([0.5, 0.5]),
        image_position: Some([-64.0, -64.0, f64::from(number) * 2.0]),
        image_orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        ..ImageFacts::default()
    };
    NewInstance {
        series_instance_uid: SERIES.to_owned(),
        instance_number: Some(number.into()),
        facts,
        location: format!("file:///nowhere/slice-{number}.dcm"),
        content_digest: ContentDigest([100 + number; 32]),
        ..instance(&uid(number), 1)
    }
}

async fn record(house: &House, slices: &[NewInstance]) {
    house.back_ends.catalog.record_instances(slices, true).await.expect("recorded");
}

async fn house() -> House {
    let house = House::new().await;
    record(&house, &(1..=SLICES).map(slice).collect::<Vec<_>>()).await;
    house
}

/// The answer, and the job that it was waited for.
async fn asked(house: &House, query: &str) -> (Answer, RenderJob) {
    let mut jobs = house.back_ends.queue.consume(Lane::OnScreenHeavy, 1).await.expect("a consumer");
    let path = path(query);
    tokio::join!(house.get(&path), async {
        let delivery = jobs.next().await.expect("a job");
        let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
        let settled = house.back_ends.coordination.settle(job.image_id, &job.render_key, &picture()).await;
        settled.expect("settled");
        delivery.ack().await.expect("acked");
        job
    })
}

#[tokio::test]
async fn the_job_of_a_plane_brings_the_files_of_the_slices_that_it_touches() {
    const SLAB: &str = "accept=image/png&orientation=a&mprslab=3&renderingmethod=maximum_ip";
    let house = house().await;
    let (answer, job) = asked(&house, SLAB).await;
    assert_eq!((answer.status, &*answer.body), (200, PICTURE), "{}", String::from_utf8_lossy(&answer.body));
    let plane = job.request.plane.expect("a plane");
    let files: Vec<String> =
        (1..=SLICES).map(|number| format!("file:///nowhere/slice-{number}.dcm")).collect();
    assert_eq!(job.slices.iter().map(|slice| slice.location.clone()).collect::<Vec<_>>(), files);
    let digests: Vec<u8> = plane.slices.iter().map(|slice| slice.content_digest.0[0]).collect();
    assert_eq!(digests, (101..=107).collect::<Vec<u8>>());
    assert_eq!(plane.projection, Projection::Maximum);
    assert_eq!(plane.through, [0.0, 6.0, 0.0], "three millimetres are six rows");
    assert_eq!((plane.rows, plane.columns), (28, 512), "14 mm by 256");
    assert_eq!((job.source.location.as_str(), job.request.frame_number), ("file:///nowhere/slice-4.dcm", 1));
    assert!(!job.keep, "the picture would outlast the other slices");
    // It is there now; another plane is another picture.
    assert_eq!(house.get(&path(SLAB)).await.status, 200);
    let tag = [("if-none-match", answer.header("etag"))];
    assert_eq!(house.send("GET", &path(SLAB), &tag).await.status, 304);
    let (other, job) = asked(&house, "accept=image/png").await;
    assert_ne!(other.header("etag"), answer.header("etag"));
    let touched: Vec<u8> =
        job.request.plane.expect("a plane").slices.iter().map(|slice| slice.content_digest.0[0]).collect();
    assert_eq!(touched, [103, 104, 105], "an axial plane is one slice, and those beside it");
    assert_eq!(job.slices.len(), 3);
}

#[tokio::test]
async fn a_slice_that_is_replaced_makes_another_picture() {
    let house = house().await;
    let (before, _) = asked(&house, "accept=image/png&orientation=l").await;
    record(&house, &[NewInstance { content_digest: ContentDigest([77; 32]), ..slice(2) }]).await;
    // This process knows the file from before, and hears of it as of what is gone; then it asks anew.
    house.get(&path("accept=image/png&orientation=l&window=40,400")).await.problem(503, "file-missing");
    let (after, job) = asked(&house, "accept=image/png&orientation=l").await;
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(job.request.plane.expect("a plane").slices[1].content_digest, ContentDigest([77; 32]));
}

#[tokio::test]
async fn what_is_no_volume_is_a_422_that_says_why() {
    let house = house().await;
    record(&house, &[NewInstance { rows: Some(255), content_digest: ContentDigest([78; 32]), ..slice(3) }])
        .await;
    let detail = house.get(&path("")).await.problem(422, "unrenderable")["detail"].to_string();
    assert!(detail.contains("slices 1 and 3 differ in their size"), "{detail}");
    let coloured = NewInstance {
        photometric_interpretation: Some("RGB".to_owned()),
        content_digest: ContentDigest([79; 32]),
        ..slice(5)
    };
    record(&house, &[coloured]).await;
    let detail = house.get(&path("")).await.problem(422, "unrenderable")["detail"].to_string();
    assert!(detail.contains("colours"), "{detail}");
    for series in [crate::house::SERIES, "1.2.404"] {
        let path = path("").replace(SERIES, series);
        let status = house.get(&path).await.status;
        assert_eq!(status, if series == "1.2.404" { 404 } else { 422 });
    }
    // Of frames whose header does not say where they lie.
    let image = format!(
        "/dicom-web/studies/{STUDY}/series/{}/instances/{}/renderedmpr",
        crate::house::SERIES,
        crate::house::IMAGE
    );
    let detail = house.get(&image).await.problem(422, "unrenderable")["detail"].to_string();
    assert!(detail.contains("slice 1 does not say where"), "{detail}");
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_plane_is_a_problem_of_its_parameter() {
    let house = house().await;
    for query in [
        "orientation=up",
        "mprslab=thick",
        "renderingmethod=volume_rendered",
        "viewport=10,10,1,1,5,5",
        "viewport=10,10,,,-5,",
        "segmentation=1.2.3",
        "viewpointposition=0,-500,4&viewpointlookat=0,-400,4&viewpointup=0,0,1",
        "window=wide",
        "swivelrange=90",
    ] {
        house.get(&path(query)).await.problem(400, "invalid-parameter");
    }
    let parts = [("accept", "multipart/related; type=\"image/jpeg\"")];
    house.send("GET", &path(""), &parts).await.problem(406, "not-acceptable");
}

#[tokio::test]
async fn a_plane_of_another_study_is_told_like_what_is_not_there() {
    let house = login::house().await;
    record(&house, &(1..=SLICES).map(slice).collect::<Vec<_>>()).await;
    house.start_worker(picture()).await;
    let bearer = |study: &str| {
        let studies = Some(vec![study.to_owned()]);
        format!("Bearer {}", token(|claims| claims.studies = studies))
    };
    let ask = async |path: &str, bearer: &str| {
        house.send("GET", path, &[("authorization", bearer), ("if-none-match", "*")]).await
    };
    let (mine, other) = (bearer(STUDY), bearer("1.2.3"));
    assert_eq!(ask(&path(""), &mine).await.status, 304);
    let of_instance = path("").replace("/renderedmpr", &format!("/instances/{}/renderedmpr", uid(1)));
    for path in [path(""), of_instance] {
        let (foreign, missing) =
            (ask(&path, &other).await, ask(&path.replace(STUDY, "1.2.404"), &other).await);
        assert_eq!((foreign.status, missing.status), (404, 404), "{path}");
        assert_eq!(foreign.json()["detail"], missing.json()["detail"], "{path}");
    }
}
