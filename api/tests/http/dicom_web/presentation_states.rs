//! Presentation states: which pictures are asked for under them, and by whom.

use noctis_shared::{
    catalog::NewInstance,
    queue::{Consumer, Work},
    render::{Outcome, StoredRender},
    render_key::ContentDigest,
};

use crate::{
    house::{Answer, House, IMAGE, PICTURE, SERIES, STUDY, instance, picture},
    login::{self, token},
};

const GRAYSCALE: &str = "1.2.840.10008.5.1.4.1.1.11.1";
const STATE: &str = "1.2.826.0.1.3680043.10.1.9.1";
const STATE_SERIES: &str = "1.2.826.0.1.3680043.10.1.9";
/// A second image of the series.
const SECOND: &str = "1.2.826.0.1.3680043.10.1.1.3";

fn path(rest: &str) -> String {
    format!("/dicom-web/studies/{STUDY}/series/{STATE_SERIES}/instances/{STATE}/{rest}")
}

/// A state of these images, each with the frames that are meant.
fn state(sop_class_uid: &str, images: &[(&str, &[u32])]) -> NewInstance {
    let reference = |(uid, frames): &(&str, &[u32])| {
        format!(
            r#"{{"00081155":{{"vr":"UI","Value":["{uid}"]}},"00081160":{{"vr":"IS","Value":{frames:?}}}}}"#
        )
    };
    let images: Vec<String> = images.iter().map(reference).collect();
    let header_json = format!(
        r#"{{"00081115":{{"vr":"SQ","Value":[{{"0020000E":{{"vr":"UI","Value":["{SERIES}"]}},"00081140":{{"vr":"SQ","Value":[{}]}}}}]}}}}"#,
        images.join(",")
    );
    NewInstance {
        series_instance_uid: STATE_SERIES.to_owned(),
        sop_class_uid: Some(sop_class_uid.to_owned()),
        header_json,
        location: "file:///nowhere/state.dcm".to_owned(),
        content_digest: ContentDigest([5; 32]),
        file_byte_count: 4321,
        ..instance(STATE, 0)
    }
}

async fn record(house: &House, state: NewInstance) {
    house.back_ends.catalog.record_instances(&[state], true).await.expect("recorded");
}

/// A house with a state of these images.
async fn house(images: &[(&str, &[u32])]) -> House {
    let house = House::new().await;
    record(&house, state(GRAYSCALE, images)).await;
    house.record_cine(SECOND, 5).await;
    house
}

/// Bodies of the parts of a multipart answer.
fn parts(answer: &Answer) -> Vec<String> {
    let boundary = answer.header("content-type").split("boundary=").nth(1).expect("a boundary").to_owned();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    parts[1..parts.len() - 1].iter().map(|part| (*part).to_owned()).collect()
}

#[tokio::test]
async fn the_job_of_a_picture_under_a_state_brings_its_file() {
    let house = house(&[(IMAGE, &[])]).await;
    let mut jobs: Consumer =
        house.back_ends.queue.consume(noctis_shared::lane::Lane::OnScreen, 1).await.expect("a consumer");
    let asked = path("rendered?accept=image/png&viewport=64,64");
    let (answer, ()) = tokio::join!(house.get(&asked), async {
        let delivery = jobs.next().await.expect("a job");
        let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
        let file = job.presentation_state.expect("its file");
        assert_eq!((&*file.location, file.byte_count), ("file:///nowhere/state.dcm", 4321));
        assert_eq!(file.content_digest, ContentDigest([5; 32]));
        assert_eq!(
            job.request.presentation_state.map(|state| state.content_digest),
            Some(file.content_digest)
        );
        assert!(!job.keep, "the picture would outlast the state");
        let settled = house.back_ends.coordination.settle(job.image_id, &job.render_key, &picture()).await;
        settled.expect("settled");
        delivery.ack().await.expect("acked");
    });
    assert_eq!((answer.status, &*answer.body), (200, PICTURE));
    let plain = house.png("?width=64&height=64&enlarge=true").await;
    assert_ne!(answer.header("etag"), plain.header("etag"), "another picture than without the state");
}

#[tokio::test]
async fn a_state_shows_its_images_in_its_order() {
    let house = house(&[(SECOND, &[4, 5]), (IMAGE, &[]), ("1.2.404", &[])]).await;
    house.start_worker(picture()).await;
    let answer = house.get(&path("rendered")).await;
    assert!(answer.header("content-type").starts_with("multipart/related; type=\"image/jpeg\""));
    let shown = parts(&answer);
    assert_eq!(shown.len(), 3);
    assert!(
        shown[..2].iter().all(|part| part.contains("canned picture") && !part.contains("Content-Location"))
    );
    assert!(shown[2].contains("application/problem+json"), "an image that is not there: {}", shown[2]);
    assert_eq!(house.jobs(), 2);
    // Frames are those of its images that it refers to.
    let second = house.get(&path("frames/5/rendered")).await;
    assert_eq!(parts(&second).len(), 3);
    let thumbnail = house.get(&path("thumbnail")).await;
    assert_eq!((thumbnail.status, &*thumbnail.body), (200, PICTURE));
}

#[tokio::test]
async fn a_state_of_one_image_is_one_picture_or_a_part() {
    let house = house(&[(SECOND, &[4])]).await;
    house.start_worker(picture()).await;
    let alone = house.get(&path("rendered?accept=image/png")).await;
    assert_eq!((alone.status, alone.header("content-type")), (200, "image/png"));
    let tag = [("if-none-match", alone.header("etag"))];
    assert_eq!(house.send("GET", &path("rendered?accept=image/png"), &tag).await.status, 304);
    let accept = [("accept", "multipart/related; type=\"image/png\"")];
    assert_eq!(parts(&house.send("GET", &path("rendered"), &accept).await).len(), 1);
    assert_eq!(house.jobs(), 1);
    house.get(&path("frames/1/rendered")).await.problem(404, "frame-not-found");
    // By the URI service it is the same picture.
    let uri = format!(
        "/dicom-web?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={SECOND}&frameNumber=4\
         &contentType=image/png&presentationUID={STATE}&presentationSeriesUID={STATE_SERIES}"
    );
    let by_query = house.get(&uri).await;
    assert_eq!((by_query.status, by_query.header("etag")), (200, alone.header("etag")));
}

#[tokio::test]
async fn what_a_state_says_itself_is_not_asked_beside_it() {
    let house = house(&[(IMAGE, &[])]).await;
    for (query, parameter) in [
        ("window=40,400,linear", "window"),
        ("viewport=8,8,0,0,8,8", "viewport"),
        ("viewport=8,8,,,-8,", "viewport"),
        ("quality=0", "quality"),
        ("segmentation=1.2.3", "segmentation"),
    ] {
        let problem = house.get(&path(&format!("rendered?{query}"))).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn states_that_are_not_drawn_say_so() {
    // Pseudo-color, blending, and a later one.
    for kind in ["3", "4", "12"] {
        let (house, class) = (House::new().await, format!("1.2.840.10008.5.1.4.1.1.11.{kind}"));
        record(&house, state(&class, &[(IMAGE, &[])])).await;
        let problem = house.get(&path("rendered")).await.problem(422, "unrenderable");
        assert!(problem["detail"].as_str().expect("words").contains("grayscale and color"), "{class}");
    }
}

#[tokio::test]
async fn what_is_left_out_of_a_picture_is_said_with_it() {
    let house = house(&[(IMAGE, &[])]).await;
    let Outcome::Picture(StoredRender { mut facts, picture }) = picture() else { panic!("a picture") };
    facts.left_out = vec!["a text is larger than the picture and is cut".to_owned()];
    house.start_worker(Outcome::Picture(StoredRender { facts, picture })).await;
    let expected = "299 noctis \"a text is larger than the picture and is cut\"";
    let answer = house.get(&path("rendered?annotation=scale")).await;
    let warnings: Vec<_> = answer.headers.get_all("warning").iter().collect();
    assert_eq!(
        warnings,
        [expected, "299 noctis \"of annotations patient and technique are drawn, and no others\""]
    );
    let accept = [("accept", "multipart/related; type=\"image/jpeg\"")];
    let parts = parts(&house.send("GET", &path("rendered"), &accept).await);
    assert!(parts[0].contains(&format!("\r\nWarning: {expected}\r\n")), "{}", parts[0]);
}

#[tokio::test]
async fn a_state_of_another_study_is_told_like_what_is_not_there() {
    let house = login::house().await;
    record(&house, state(GRAYSCALE, &[(IMAGE, &[])])).await;
    house.start_worker(picture()).await;
    let bearer = |study: &str| {
        let studies = Some(vec![study.to_owned()]);
        format!("Bearer {}", token(|claims| claims.studies = studies))
    };
    let (mine, other) = (bearer(STUDY), bearer("1.2.3"));
    for rest in ["rendered", "thumbnail", "frames/1/rendered"] {
        let ask =
            async |path: &str, bearer: &str| house.send("GET", path, &[("authorization", bearer)]).await;
        assert_eq!(ask(&path(rest), &mine).await.status, 200, "{rest}");
        let (foreign, missing) =
            (ask(&path(rest), &other).await, ask(&path(rest).replace(STATE, "1.2.404"), &other).await);
        assert_eq!((foreign.status, missing.status), (404, 404), "{rest}");
        assert_eq!(foreign.json()["detail"], missing.json()["detail"], "{rest}");
    }
}
