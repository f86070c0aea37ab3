//! Pictures that a client is about to show.

use noctis_shared::{
    coordination::Begun,
    lane::Lane,
    purpose::Purpose,
    request::{Voi, VoiFunction, Window},
};
use serde_json::json;

use crate::{
    house::{FRAMES, House, SERIES, picture},
    jobs::{begin, next_job, post, taken_back},
    login,
    waiting::{depth, wait_until},
};

fn path() -> String {
    format!("/api/v1/dicom/series/{SERIES}/prefetch")
}

#[tokio::test]
async fn positions_are_made_the_nearest_first_in_the_direction_asked() {
    let house = House::new().await;
    let order = json!({"from": 3, "to": 1, "window": 400, "level": 40});
    let answer = post(&house, &path(), &order).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.json(), json!({"from": 3, "to": 1, "pictures": 3}));
    wait_until("the work", async || depth(&house, Lane::Background).await == 3).await;
    let mut consumer = house.back_ends.queue.consume(Lane::Background, 1).await.expect("a consumer");
    let window = Window::new(40.0, 400.0, VoiFunction::Linear).expect("a window");
    let mut frames = Vec::new();
    for _ in 0..3 {
        let job = next_job(&mut consumer).await;
        assert!(matches!(job.purpose, Purpose::Prefetch { .. }), "{:?}", job.purpose);
        assert_eq!(job.request.voi, Voi::Window(window));
        frames.push(job.request.frame_number);
    }
    assert_eq!(frames[0], 3, "the nearest first: {frames:?}");
    consumer.stop().await;
}

#[tokio::test]
async fn what_was_fetched_is_there_when_it_is_asked_for() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    assert_eq!(post(&house, &path(), &json!({"from": 1, "to": 99, "preset": "lung"})).await.status, 202);
    wait_until("the pictures", async || house.jobs() == FRAMES).await;
    let answer = house.png("?frame=2&preset=lung").await;
    assert_eq!((answer.header("server-timing"), house.jobs()), ("cache;desc=memory", FRAMES));
}

#[tokio::test]
async fn a_client_that_moves_on_leaves_no_work_behind() {
    let house = House::new().await;
    let first = post(&house, &path(), &json!({"from": 1, "to": 3, "window": 400, "level": 40})).await;
    assert_eq!(first.status, 202);
    wait_until("the work", async || depth(&house, Lane::Background).await == 3).await;
    let next = post(&house, &path(), &json!({"from": 3, "to": 3, "window": 400, "level": 41})).await;
    assert_eq!(next.status, 202);
    wait_until("the next work", async || depth(&house, Lane::Background).await == 4).await;
    let mut consumer = house.back_ends.queue.consume(Lane::Background, 1).await.expect("a consumer");
    taken_back(&house, &next_job(&mut consumer).await).await;
    for _ in 1..3 {
        let stale = next_job(&mut consumer).await;
        assert_eq!(begin(&house, &stale).await, Begun::Theirs, "a worker drops it");
    }
    let wanted = next_job(&mut consumer).await;
    assert_eq!(begin(&house, &wanted).await, Begun::Ours { before: 0 });
}

#[tokio::test]
async fn another_process_that_takes_the_next_order_ends_this_one() {
    let house = House::new().await;
    let other = house.beside();
    let first = post(&house, &path(), &json!({"from": 1, "to": 3, "window": 400, "level": 40})).await;
    assert_eq!(first.status, 202);
    wait_until("the work", async || depth(&house, Lane::Background).await == 3).await;
    let next = post(&other, &path(), &json!({"from": 3, "to": 3, "window": 400, "level": 41})).await;
    assert_eq!(next.status, 202);
    let mut consumer = house.back_ends.queue.consume(Lane::Background, 4).await.expect("a consumer");
    taken_back(&house, &next_job(&mut consumer).await).await;
}

#[tokio::test]
async fn an_order_that_is_none_is_named_and_positions_are_bounded() {
    let house = House::new().await;
    house.record_cine("1.2.826.0.1.3680043.10.1.1.9", 300).await;
    for (order, parameter) in [
        (json!({"from": 0, "to": 1}), "from"),
        (json!({"from": 304, "to": 1}), "from"),
        (json!({"from": 1, "to": 0}), "to"),
        (json!({"from": 1, "to": 201}), "to"),
        (json!({"from": 1, "to": 2, "window": 400}), "level"),
        (json!({"from": 1, "to": 2, "level": 40}), "window"),
        (json!({"from": 1, "to": 2, "window": 0, "level": 40}), "window"),
        (json!({"from": 1, "to": 2, "preset": "nose"}), "preset"),
        (json!({"from": 1, "to": 2, "preset": "lung", "window": 1, "level": 1}), "preset"),
        (json!({"from": 1}), "body"),
        (json!({"from": 1, "to": 2, "colour": "red"}), "body"),
    ] {
        let problem = post(&house, &path(), &order).await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], parameter, "{order}");
    }
    assert_eq!(post(&house, &path(), &json!({"from": 300, "to": 900})).await.json()["to"], 303, "its end");
    let unknown = post(&house, "/api/v1/dicom/series/1.2.3/prefetch", &json!({"from": 1, "to": 2})).await;
    unknown.problem(404, "series-not-found");
}

#[tokio::test]
async fn a_series_that_one_may_not_see_is_not_there() {
    let house = login::house().await;
    let token = login::token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()]));
    let (bearer, body) = (format!("Bearer {token}"), json!({"from": 1, "to": 2}).to_string());
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let answer = house.send_body("POST", &path(), &headers, axum::body::Body::from(body)).await;
    answer.problem(404, "series-not-found");
}
