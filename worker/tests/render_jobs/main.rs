//! What becomes of render jobs, on the in-memory back ends: the jobs come the way every job comes, and a real consumer
//! takes them. Only the render processes are such as die, hang or are never asked.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod house;
mod presence;

use std::time::Duration;

use noctis_shared::{
    cache::CacheLimits,
    catalog::RenderRecord,
    coordination::{Asked, Claimant},
    explanation::{Explanation, Values},
    lane::Lane,
    purpose::Purpose,
    queue::Work,
    render::{FailureKind, Outcome, RenderFailure},
    submit::Tier,
};
use uuid::Uuid;

use self::house::{House, crashes, failure_of, hangs, never_asked, renders};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_someone_waits_for_is_rendered_once_and_recorded() {
    let house = House::new(renders()).await;
    let seat = house.board();
    house.work_on_one(Lane::OnScreen).await;
    let found = seat.landing().await.unwrap();
    assert_eq!(found.tier, Tier::Render);
    assert!(matches!(found.outcome, Outcome::Picture(_)), "{:?}", found.outcome);
    assert_eq!(house.recorded().await, Some(found.outcome));
    assert_eq!(house.board().landing().await.unwrap().tier, Tier::Memory);
    assert_eq!(house.depth(Lane::OnScreen).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pixel_is_explained_by_the_same_way_as_a_picture_is_made_and_not_recorded() {
    let house = House::new(renders()).await;
    // Row by row the slice counts up from 0.
    let stored = 35.0;
    let (key, seat) = house.board_explanation(3, 2);
    house.work_on_one(Lane::OnScreen).await;
    let Outcome::Picture(told) = seat.landing().await.unwrap().outcome else { panic!("told") };
    let told: Explanation = serde_json::from_slice(&told.picture).unwrap();
    assert_eq!((told.column, told.row, told.stored_value), (3, 2, Values::One(Some(stored))));
    assert_eq!(told.modality_value, Some(stored));
    let stages: Vec<_> = told.steps.iter().map(|step| step.stage.as_str()).collect();
    assert_eq!(stages, ["decode", "modality", "voi", "presentation"]);
    assert_eq!(house.back_ends.catalog.render(&key).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_passes_lives_in_the_caches_alone() {
    let house = House::new(renders()).await;
    let key = house.view(7, "viewer").key;
    let seat = house.board_view(7, "viewer");
    house.work_on_one(Lane::OnScreen).await;
    assert_eq!(seat.landing().await.unwrap().tier, Tier::Render);
    assert_eq!(house.back_ends.catalog.render(&key).await.unwrap(), None);
    assert_eq!(house.board_view(7, "viewer").landing().await.unwrap().tier, Tier::Memory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_passes_is_recorded_when_no_cache_has_it_for_who_waits() {
    let too_small = CacheLimits { memory_bytes_max: 16, ..CacheLimits::default() };
    let house = House::with_cache(renders(), too_small).await;
    let key = house.view(7, "viewer").key;
    let seat = house.board_view(7, "viewer");
    house.work_on_one(Lane::OnScreen).await;
    let found = seat.landing().await.unwrap();
    assert_eq!(house.back_ends.catalog.render(&key).await.unwrap(), Some(found.outcome));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_waits_for_any_more_is_not_rendered_and_can_be_asked_for_again() {
    let house = House::new(never_asked()).await;
    let seat = house.board();
    house.published(Lane::OnScreen).await;
    drop(seat);
    // Taking the interest back is a task of its own.
    tokio::time::sleep(Duration::from_millis(100)).await;
    house.work_on_one(Lane::OnScreen).await;
    assert_eq!((house.recorded().await, house.dead_letters().await), (None, vec![]));
    let claimant = Claimant { job_id: Uuid::new_v4(), may_be_promoted: false };
    let asked = house.back_ends.coordination.ask(&house.wanted.key, claimant, None, MINUTE).await;
    assert_eq!(asked.unwrap(), Asked::Claimed, "the claim went with the job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_meanwhile_is_announced_and_not_made_again() {
    let house = House::new(never_asked()).await;
    let seat = house.board();
    house.published(Lane::OnScreen).await;
    // As a worker that recorded the picture and died before anything else, whose lease ran out since.
    let outcome = Outcome::Failure(RenderFailure::new(FailureKind::Unrenderable, "made meanwhile"));
    let (key, image_id) = (house.wanted.key, house.wanted.image.key);
    let record = RenderRecord { key, image_id, outcome: &outcome, worker: "other".to_owned() };
    house.back_ends.catalog.put_render(&record).await.unwrap();
    house.release_claim(seat.job_id().unwrap()).await;
    house.work_on_one(Lane::OnScreen).await;
    assert_eq!(seat.landing().await.unwrap().outcome, outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_job_whose_claim_was_taken_over_is_no_work() {
    let house = House::new(never_asked()).await;
    let mut job = house.job().await;
    job.purpose = Purpose::Prerender { job_id: Uuid::new_v4() };
    job.lane = Lane::Background;
    let (coordination, key) = (&house.back_ends.coordination, &house.wanted.key);
    let background = Claimant { job_id: job.job_id, may_be_promoted: job.purpose.may_be_promoted() };
    assert_eq!(coordination.ask(key, background, None, MINUTE).await.unwrap(), Asked::Claimed);
    house.back_ends.queue.publish_job(&job).await.unwrap();
    let on_screen = Claimant { job_id: Uuid::new_v4(), may_be_promoted: false };
    assert_eq!(coordination.ask(key, on_screen, None, MINUTE).await.unwrap(), Asked::Claimed);
    house.work_on_one(Lane::Background).await;
    assert_eq!((house.recorded().await, house.depth(Lane::Background).await), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoder_that_dies_twice_is_a_stored_answer_and_a_dead_letter() {
    for (program, reason) in [(crashes(), "crashed"), (hangs(), "timed_out")] {
        let house = House::new(program).await;
        let seat = house.board();
        house.work_on_one(Lane::OnScreen).await;
        assert_eq!(house.recorded().await, None, "{reason}: once is tried again");
        house.work_on_one(Lane::OnScreen).await;
        assert_eq!(failure_of(seat.landing().await.unwrap().outcome), FailureKind::Crashed, "{reason}");
        assert_eq!(house.recorded().await.map(failure_of), Some(FailureKind::Crashed), "{reason}");
        assert_eq!(house.dead_letters().await, [reason]);
        // Whoever asks now gets the answer, and nothing is decoded again.
        assert_eq!(failure_of(house.board().landing().await.unwrap().outcome), FailureKind::Crashed);
        assert_eq!(house.depth(Lane::OnScreen).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_sent_again_by_an_operator_is_tried_although_it_is_known_to_fail() {
    let house = House::new(renders()).await;
    let mut job = house.job().await;
    let outcome = Outcome::Failure(RenderFailure::new(FailureKind::Crashed, "known"));
    let (key, image_id) = (house.wanted.key, house.wanted.image.key);
    let record = RenderRecord { key, image_id, outcome: &outcome, worker: "other".to_owned() };
    house.back_ends.catalog.put_render(&record).await.unwrap();
    job.purpose = Purpose::Redriven;
    house.back_ends.queue.publish_job(&job).await.unwrap();
    house.work_on_one(Lane::OnScreen).await;
    assert!(matches!(house.recorded().await, Some(Outcome::Picture(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_away_is_told_to_who_waits_and_remembered_by_nobody() {
    let house = House::new(renders()).await;
    let seat = house.board();
    house.published(Lane::OnScreen).await;
    let hidden = house.hide_file();
    house.work_on_one(Lane::OnScreen).await;
    assert_eq!(failure_of(seat.landing().await.unwrap().outcome), FailureKind::FileMissing);
    assert_eq!((house.recorded().await, house.dead_letters().await), (None, vec![]));
    hidden.put_back();
    let seat = house.board();
    house.work_on_one(Lane::OnScreen).await;
    assert!(matches!(seat.landing().await.unwrap().outcome, Outcome::Picture(_)), "it is tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_kills_each_worker_ends_with_an_answer_and_a_dead_letter() {
    let house = House::new(never_asked()).await;
    let seat = house.board();
    for _ in 0..house.limits.delivery_limit {
        house.die_in_a_job(Lane::OnScreen).await;
    }
    house.work_on_one(Lane::OnScreen).await;
    assert_eq!(failure_of(seat.landing().await.unwrap().outcome), FailureKind::Crashed);
    assert_eq!(house.recorded().await.map(failure_of), Some(FailureKind::Crashed));
    assert_eq!(house.dead_letters().await, ["workers_died"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_merely_in_the_hands_of_workers_that_died_is_rendered() {
    let house = House::new(renders()).await;
    let seat = house.board();
    for _ in 0..house.limits.delivery_limit {
        drop(house.delivery(Lane::OnScreen).await);
    }
    house.work_on_one(Lane::OnScreen).await;
    assert!(matches!(seat.landing().await.unwrap().outcome, Outcome::Picture(_)));
    assert_eq!(house.dead_letters().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_has_beyond_its_share_goes_to_the_heavy_lane() {
    let house = House::new(never_asked()).await;
    let _seats: Vec<_> = (0..6).map(|number| house.board_view(number, "busy")).collect();
    let _other = house.board_view(6, "other");
    let depths = async || [house.depth(Lane::OnScreen).await, house.depth(Lane::OnScreenHeavy).await];
    house.until("all are published", async || depths().await.iter().sum::<u64>() == 7).await;
    assert_eq!(depths().await, [3, 4]);
    let delivery = house.delivery(Lane::OnScreenHeavy).await;
    assert!(matches!(&delivery.work, Work::Render(job) if job.lane == Lane::OnScreenHeavy));
    delivery.ack().await.unwrap();
}
