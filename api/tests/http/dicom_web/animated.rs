//! Frames as one picture that moves.

use axum::body::Body;
use http_body_util::BodyExt;
use noctis_shared::render::{FailureKind, Outcome, RenderFacts, StoredRender};
use tower::ServiceExt;

use crate::{
    house::{FRAMES, House, IMAGE, REPORT, SERIES, STUDY, failure, readable_picture},
    login::{self, token},
};

const GIF: [(&str, &str); 1] = [("accept", "image/gif")];

fn series() -> String {
    format!("/dicom-web/studies/{STUDY}/series/{SERIES}")
}

fn instance() -> String {
    format!("{}/instances/{IMAGE}", series())
}

async fn house() -> House {
    let house = House::new().await;
    house.start_worker(readable_picture()).await;
    house
}

/// How long each frame of a GIF is shown, in hundredths of a second; each is the canned picture.
fn delays(gif: &[u8]) -> Vec<u16> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(gif).expect("a GIF");
    let mut delays = Vec::new();
    while let Some(frame) = decoder.read_next_frame().expect("a frame") {
        assert_eq!((frame.width, frame.height), (8, 8));
        assert!(frame.buffer.chunks_exact(4).all(|pixel| pixel == [128, 128, 128, 255]));
        delays.push(frame.delay);
    }
    delays
}

#[tokio::test]
async fn the_frames_of_an_instance_are_one_gif_of_the_pictures_that_they_are_alone() {
    let house = house().await;
    let path = format!("{}/rendered", instance());
    let answer = house.send("GET", &path, &GIF).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
    assert_eq!(delays(&answer.body), [10; FRAMES as usize]);
    assert_eq!(house.jobs(), FRAMES);
    let tag = answer.header("etag");
    let known = house.send("GET", &path, &[GIF[0], ("if-none-match", tag)]).await;
    assert_eq!((known.status, known.header("etag")), (304, tag));

    // Nothing is made twice, and other frames are another GIF.
    let some = house.send("GET", &format!("{}/frames/3,1/rendered", instance()), &GIF).await;
    assert_eq!((some.status, delays(&some.body).len()), (200, 2));
    assert_ne!(some.header("etag"), tag);
    let one = house.get(&format!("{}/frames/2/rendered?accept=image/gif", instance())).await;
    assert_eq!((one.status, delays(&one.body).len()), (200, 1));
    let still = house.get(&format!("{}/frames/2/rendered?accept=image/png", instance())).await;
    assert_eq!((still.status, house.jobs()), (200, FRAMES));

    let windowed = house.send("GET", &format!("{path}?window=40,400&annotation=scale"), &GIF).await;
    assert_eq!((windowed.status, windowed.header("warning").is_empty()), (200, false));
    assert_ne!(windowed.header("etag"), tag);
}

#[tokio::test]
async fn clients_of_the_uri_service_have_it_too() {
    let house = house().await;
    let of = |rest: &str| {
        format!(
            "/dicom-web?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={IMAGE}&contentType=image/gif{rest}"
        )
    };
    for (rest, frames) in [("", FRAMES as usize), ("&frameNumber=2", 1)] {
        let answer = house.get(&of(rest)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"), "{rest}");
        assert_eq!(delays(&answer.body).len(), frames, "{rest}");
    }
    house.get(&of("&frameNumber=9")).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn what_there_is_no_animation_of_is_refused_before_it_begins() {
    let house = house().await;
    for path in [
        format!("{}/rendered", series()),
        format!("/dicom-web/studies/{STUDY}/rendered"),
        format!("{}/thumbnail", instance()),
    ] {
        house.send("GET", &path, &GIF).await.problem(406, "not-acceptable");
    }
    let of = async |path: String| house.send("GET", &path, &GIF).await;
    of(format!("{}/frames/1,4/rendered", instance())).await.problem(404, "frame-not-found");
    of(format!("{}/instances/{REPORT}/rendered", series())).await.problem(422, "unrenderable");
    of(format!("{}/rendered?window=40", instance())).await.problem(400, "invalid-parameter");
    house.record_cine("1.2.826.0.1.3680043.10.1.1.3", 20_001).await;
    of(format!("{}/instances/1.2.826.0.1.3680043.10.1.1.3/rendered", series()))
        .await
        .problem(400, "invalid-parameter");
    assert_eq!(house.jobs(), 0);
}

#[tokio::test]
async fn one_of_too_many_pixels_is_refused() {
    let house = House::new().await;
    let Outcome::Picture(StoredRender { facts, picture }) = readable_picture() else { panic!("a picture") };
    let facts = RenderFacts { rows: 2048, columns: 2048, ..facts };
    house.start_worker(Outcome::Picture(StoredRender { facts, picture })).await;
    house.record_cine("1.2.826.0.1.3680043.10.1.1.3", 65).await;
    let path = format!("{}/instances/1.2.826.0.1.3680043.10.1.1.3/rendered", series());
    house.send("GET", &path, &GIF).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn a_frame_that_cannot_be_drawn_cuts_it_off_and_the_first_is_a_problem() {
    let house = House::new().await;
    let hold = house.start_held_worker(readable_picture()).await;
    let first = format!("{}/frames/1/rendered?accept=image/png", instance());
    let (answer, ()) = tokio::join!(house.get(&first), async {
        hold.begun().await;
        hold.go_on();
    });
    assert_eq!(answer.status, 200);
    house.start_worker(failure(FailureKind::Unrenderable)).await;

    let request = axum::http::Request::builder()
        .uri(format!("{}/rendered?accept=image/gif", instance()))
        .header("host", "localhost")
        .body(Body::empty())
        .expect("a request");
    let response = house.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());

    let path = format!("{}/frames/2,1/rendered", instance());
    house.send("GET", &path, &GIF).await.problem(422, "unrenderable");
}

#[tokio::test]
async fn an_animation_of_another_study_is_told_like_what_is_not_there() {
    let house = login::house().await;
    house.start_worker(readable_picture()).await;
    let bearer = |study: &str| {
        let studies = Some(vec![study.to_owned()]);
        format!("Bearer {}", token(|claims| claims.studies = studies))
    };
    for (study, status) in [(STUDY, 200), ("1.2.3", 404)] {
        let headers = [GIF[0], ("authorization", &bearer(study))];
        assert_eq!(house.send("GET", &format!("{}/rendered", instance()), &headers).await.status, status);
    }
}
