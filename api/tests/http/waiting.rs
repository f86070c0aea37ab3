//! Waiting for a render, and what ends it.

use std::time::Duration;

use axum::response::Response;
use noctis_shared::{
    coordination::{Begun, Claimant},
    lane::Lane,
    purpose::Interest,
    queue::{QueueLimits, Work},
};
use tower::ServiceExt;

use crate::house::{House, PICTURE, Served, picture};

pub(crate) async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(tokio::time::Instant::now() < end, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn waiting_jobs(house: &House) -> u64 {
    depth(house, Lane::OnScreen).await
}

/// Jobs that wait in a lane.
pub(crate) async fn depth(house: &House, lane: Lane) -> u64 {
    let depths = house.back_ends.queue.depths().await.expect("depths");
    depths.iter().find(|(known, _)| *known == lane).map_or(0, |(_, depth)| *depth)
}

#[tokio::test]
async fn a_render_that_is_not_ready_in_time_is_a_504_with_its_job() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    let answer = house.png("").await;
    let problem = answer.problem(504, "render-timeout");
    assert_eq!(answer.header("retry-after"), "1");
    let job = house.get(problem["details"]["job_url"].as_str().expect("a path")).await.json();
    assert_eq!(job["job_id"], problem["details"]["job_id"]);
    assert_eq!((&job["kind"], &job["done"], &job["total"]), (&"render".into(), &0.into(), &1.into()));
    house.png("").await.problem(504, "render-timeout");
    let jobs = house.get("/api/v1/jobs").await.json();
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "the same job: {jobs}");
    house.start_worker(picture()).await;
    let later = house.png("").await;
    assert_eq!((later.status, &later.body[..]), (200, PICTURE), "the same job, done later, serves the retry");
    assert_eq!(house.jobs(), 1);
    let job = crate::jobs::ended(&house, problem["details"]["job_id"].as_str().expect("an id")).await;
    assert_eq!((&job["state"], &job["done"]), (&"done".into(), &1.into()));
}

#[tokio::test]
async fn a_504_tells_of_no_job_while_the_catalog_is_away() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    let (answer, ()) = tokio::join!(house.png(""), async {
        wait_until("the job", async || waiting_jobs(&house).await == 1).await;
        house.back_ends.catalog.close().await;
    });
    let problem = answer.problem(504, "render-timeout");
    assert_eq!(problem["details"]["job_id"], serde_json::Value::Null, "{problem}");
}

#[tokio::test]
async fn a_full_queue_is_a_503_and_leaves_no_claim_behind() {
    let limits = QueueLimits { lane_jobs_max: 1, ..QueueLimits::default() };
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], limits).await;
    house.png("?frame=1").await.problem(504, "render-timeout");
    let refused = house.png("?frame=2").await;
    refused.problem(503, "queue-full");
    assert_eq!(refused.header("retry-after"), "5");
    house.start_worker(picture()).await;
    wait_until("an empty lane", async || waiting_jobs(&house).await == 0).await;
    assert_eq!(house.png("?frame=2").await.status, 200);
}

#[tokio::test]
async fn without_a_queue_cached_pictures_go_on_and_misses_are_a_503() {
    let house = House::new().await;
    house.start_worker(picture()).await;
    house.png("?frame=1").await;
    house.back_ends.queue.close().await;
    assert_eq!(house.png("?frame=1").await.status, 200);
    let refused = house.png("?frame=2").await;
    refused.problem(503, "queue-unavailable");
    assert_eq!(refused.header("retry-after"), "2");
}

#[tokio::test]
async fn a_client_that_leaves_takes_nothing_from_those_who_stay() {
    let house = House::new().await;
    let leaves = tokio::spawn(image(house.router.clone()));
    wait_until("the job", async || waiting_jobs(&house).await == 1).await;
    let stays = tokio::spawn(image(house.router.clone()));
    tokio::task::yield_now().await;
    leaves.abort();
    house.start_worker(picture()).await;
    assert_eq!(stays.await.expect("an answer").status(), 200);
    assert_eq!(house.jobs(), 1);
}

/// Asks for the image, as a client of its own.
async fn image(router: axum::Router) -> Response {
    let request = axum::http::Request::get(crate::house::image_path())
        .header("host", "localhost")
        .header("accept", "image/png");
    let request = request.body(axum::body::Body::empty()).expect("a request");
    router.oneshot(request).await.expect("infallible")
}

/// Takes the job in the on-screen lane, and begins it as a worker does.
async fn only_job(house: &House) -> Begun {
    let mut consumer = house.back_ends.queue.consume(Lane::OnScreen, 1).await.expect("a consumer");
    let delivery = consumer.next().await.expect("a delivery");
    let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
    delivery.ack().await.expect("acked");
    consumer.stop().await;
    let claimant = Claimant { job_id: job.job_id, may_be_promoted: job.purpose.may_be_promoted() };
    let droppable = job.purpose.may_be_dropped(Interest::None, chrono::Utc::now());
    let (coordination, lease) = (&house.back_ends.coordination, Duration::from_secs(60));
    coordination.begin(&job.render_key, claimant, droppable, lease).await.expect("begun")
}

#[tokio::test]
async fn the_last_client_that_leaves_takes_the_interest_back_and_the_next_one_asks_anew() {
    let house = House::new().await;
    let leaves = tokio::spawn(image(house.router.clone()));
    wait_until("the job", async || waiting_jobs(&house).await == 1).await;
    leaves.abort();
    // Taking the interest back is a task of its own.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(only_job(&house).await, Begun::Unwanted);
    house.start_worker(picture()).await;
    assert_eq!((house.png("").await.status, house.jobs()), (200, 1));
}

#[tokio::test]
async fn a_client_that_was_told_to_come_back_finds_its_job_wanted() {
    let house = House::with(&[("NOCTIS_RENDER_WAIT", "1s")], QueueLimits::default()).await;
    house.png("").await.problem(504, "render-timeout");
    assert_eq!(only_job(&house).await, Begun::Ours { before: 0 });
}

#[tokio::test]
async fn a_claim_of_a_job_that_was_lost_is_claimed_again() {
    let house = House::new().await;
    let jobs = async || {
        let mut consumer = house.back_ends.queue.consume(Lane::OnScreen, 1).await.expect("a consumer");
        let delivery = consumer.next().await.expect("a delivery");
        let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
        delivery.ack().await.expect("acked");
        consumer.stop().await;
        // As a worker that gives up without an answer: the claim is free, nobody is told.
        house.back_ends.coordination.release(&job.render_key, job.job_id).await.expect("released");
        house.start_worker(picture()).await;
    };
    let (answer, ()) = tokio::join!(house.png(""), jobs());
    assert_eq!((answer.status, house.jobs()), (200, 1));
}

#[tokio::test]
async fn requests_under_way_are_answered_after_the_order_to_stop() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let house = House::new().await;
    let Served { address, shutdown, serving } = house.served().await;
    let mut client = tokio::net::TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: image/png\r\n\r\n",
        crate::house::image_path()
    );
    client.write_all(request.as_bytes()).await.expect("sent");
    wait_until("the job", async || waiting_jobs(&house).await == 1).await;
    shutdown.cancel();
    wait_until("readiness to end", async || house.get("/readyz").await.status == 503).await;
    house.start_worker(picture()).await;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(PICTURE));
    serving.await.expect("no panic");
}
