//! Lines 5 to 7 and 11: dead letters, and what operators do with them.

use noctis_shared::{
    dicom_uid::public_id,
    event::STUDY_NEW,
    job::RENDER_JOB_TYPE,
    lane::Lane,
    queue::{
        DeadLetter, RetryOutcome,
        dead_letter::{ATTEMPTS_EXHAUSTED, DELIVERY_LIMIT},
    },
};

use super::fixture::{Fixture, job_of, limits, next, study_new};
use crate::waiting::eventually;

pub(super) async fn a_retry_of_the_last_attempt_is_a_dead_letter_with_its_cause(fixture: Fixture) {
    let job = fixture.publish_to(Lane::Background).await;
    let mut consumer = fixture.consumer(Lane::Background, 1).await;
    for _ in 1..limits().attempts_max {
        let outcome = next(&mut consumer).await.retry("slow").await.expect("put aside");
        assert!(matches!(outcome, RetryOutcome::Scheduled { .. }));
    }
    let last = next(&mut consumer).await;
    assert_eq!(last.attempt, limits().attempts_max);
    assert_eq!(last.retry("storage is gone").await, Ok(RetryOutcome::Exhausted));

    let letter = only_letter(&fixture).await;
    assert_eq!((letter.id, letter.kind.as_str()), (job.job_id.to_string(), RENDER_JOB_TYPE));
    assert_eq!((letter.lane, letter.attempt), (Some(Lane::Background), limits().attempts_max));
    assert_eq!(letter.reason, ATTEMPTS_EXHAUSTED);
    assert_eq!(letter.cause.as_deref(), Some("storage is gone"));
    assert_eq!(letter.study_id, Some(job.study_id));
    assert_eq!(letter.body, serde_json::to_value(&job).expect("JSON"));
    let age = (chrono::Utc::now() - letter.at).num_seconds();
    assert!((-1..60).contains(&age), "{age} s old");
}

pub(super) async fn a_dead_letter_keeps_the_reason_it_was_given(fixture: Fixture) {
    let event = study_new();
    fixture.queue.publish_event(&event).await.expect("published");
    let mut consumer = fixture.consumer(Lane::Index, 1).await;
    next(&mut consumer).await.dead_letter("location_not_allowed").await.expect("dead-lettered");
    let letter = only_letter(&fixture).await;
    assert_eq!((letter.id.as_str(), letter.kind.as_str()), (event.id(), STUDY_NEW));
    assert_eq!((letter.reason.as_str(), letter.cause), ("location_not_allowed", None));
    assert_eq!((letter.lane, letter.attempt), (Some(Lane::Index), 1));
    assert_eq!(letter.study_id, Some(public_id("1.2.3")));
    assert_eq!(fixture.depth(Lane::Index).await, 0);
}

pub(super) async fn crashes_past_the_limit_make_a_dead_letter(fixture: Fixture) {
    let job = fixture.publish_to(Lane::OnScreen).await;
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    for crashes in 0..=limits().delivery_limit {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.crashes, crashes);
        drop(delivery);
    }
    let letter = only_letter(&fixture).await;
    assert_eq!((letter.id, letter.reason.as_str()), (job.job_id.to_string(), DELIVERY_LIMIT));
    assert_eq!(letter.lane, Some(Lane::OnScreen));
}

pub(super) async fn looking_at_dead_letters_removes_none(fixture: Fixture) {
    let buried = bury(&fixture, 3).await;
    for _ in 0..2 {
        let letters = fixture.queue.dead_letters(10).await.expect("letters");
        assert_eq!(ids(&letters), buried);
        eventually("all letters back", || async { fixture.dead_letter_count().await == 3 }).await;
    }
    assert_eq!(fixture.queue.dead_letters(2).await.expect("letters").len(), 2);
    eventually("all letters back", || async { fixture.dead_letter_count().await == 3 }).await;
}

pub(super) async fn a_redriven_dead_letter_is_as_new(fixture: Fixture) {
    let buried = bury(&fixture, 3).await;
    let redriven = fixture.queue.redrive(|letter| letter.id == buried[1]).await;
    assert_eq!(redriven, Ok(1));
    let delivery = next(&mut fixture.consumer(Lane::OnScreen, 1).await).await;
    assert_eq!(job_of(&delivery).job_id.to_string(), buried[1]);
    assert_eq!((delivery.attempt, delivery.crashes), (1, 0));
    delivery.ack().await.expect("acked");
    eventually("the others", || async { fixture.dead_letter_count().await == 2 }).await;
    let left = fixture.queue.dead_letters(10).await.expect("letters");
    assert_eq!(ids(&left), [buried[0].clone(), buried[2].clone()]);
}

pub(super) async fn dropped_dead_letters_are_gone(fixture: Fixture) {
    let buried = bury(&fixture, 3).await;
    let dropped = fixture.queue.drop_dead_letters(|letter| letter.id != buried[2]).await;
    assert_eq!(dropped, Ok(2));
    eventually("the last", || async { fixture.dead_letter_count().await == 1 }).await;
    assert_eq!(only_letter(&fixture).await.id, buried[2]);
}

/// Dead-letters `count` jobs; gives their ids.
async fn bury(fixture: &Fixture, count: u64) -> Vec<String> {
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    let mut buried = Vec::new();
    for _ in 0..count {
        buried.push(fixture.publish_to(Lane::OnScreen).await.job_id.to_string());
        next(&mut consumer).await.dead_letter("unwanted").await.expect("dead-lettered");
    }
    consumer.stop().await;
    assert_eq!(fixture.dead_letter_count().await, count);
    buried
}

fn ids(letters: &[DeadLetter]) -> Vec<String> {
    letters.iter().map(|letter| letter.id.clone()).collect()
}

/// The one dead letter there is, or is about to be.
pub(super) async fn only_letter(fixture: &Fixture) -> DeadLetter {
    eventually("a dead letter", || async { fixture.dead_letter_count().await > 0 }).await;
    let mut letters = fixture.queue.dead_letters(10).await.expect("letters");
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}
