//! Lines 1 to 4, 7 and 14: deliveries, and how they are settled.

use std::time::Instant;

use noctis_shared::{lane::Lane, queue::RetryOutcome};

use super::fixture::{Fixture, job_of, limits, next};
use crate::waiting::in_time;

pub(super) async fn deliveries_come_in_order_and_carry_what_was_published(fixture: Fixture) {
    let mut published = Vec::new();
    for _ in 0..20 {
        published.push(fixture.publish_to(Lane::OnScreen).await);
    }
    let mut consumer = fixture.consumer(Lane::OnScreen, 3).await;
    for job in published {
        let delivery = next(&mut consumer).await;
        assert_eq!(*job_of(&delivery), job);
        assert_eq!((delivery.lane, delivery.attempt, delivery.crashes), (Lane::OnScreen, 1, 0));
        assert!(!delivery.redelivered);
        delivery.ack().await.expect("acked");
    }
}

pub(super) async fn an_acked_message_is_gone(fixture: Fixture) {
    fixture.publish_to(Lane::Background).await;
    let mut consumer = fixture.consumer(Lane::Background, 1).await;
    next(&mut consumer).await.ack().await.expect("acked");
    consumer.stop().await;
    drop(consumer);

    let after = fixture.publish_to(Lane::Background).await;
    let mut consumer = fixture.consumer(Lane::Background, 1).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(job_of(&delivery).job_id, after.job_id);
    delivery.ack().await.expect("acked");
    assert_eq!(fixture.depth(Lane::Background).await, 0);
}

pub(super) async fn a_release_counts_no_attempt_and_never_dead_letters(fixture: Fixture) {
    let job = fixture.publish_to(Lane::OnScreen).await;
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    for _ in 0..limits().delivery_limit * 3 {
        let delivery = next(&mut consumer).await;
        assert_eq!((job_of(&delivery).job_id, delivery.attempt), (job.job_id, 1));
        assert!(delivery.crashes < limits().delivery_limit, "a release is no crash");
        delivery.release().await;
    }
    next(&mut consumer).await.ack().await.expect("acked");
    assert_eq!(fixture.dead_letter_count().await, 0);
}

pub(super) async fn a_retry_comes_back_after_its_pause_as_the_next_attempt(fixture: Fixture) {
    let job = fixture.publish_to(Lane::OnScreenHeavy).await;
    let mut consumer = fixture.consumer(Lane::OnScreenHeavy, 1).await;
    let mut delivery = next(&mut consumer).await;
    for (attempt, pause) in [(1, limits().retry_delays[0]), (2, limits().retry_delays[1])] {
        assert_eq!((job_of(&delivery), delivery.attempt), (&job, attempt));
        let before = Instant::now();
        let outcome = delivery.retry("storage is slow").await.expect("put aside");
        assert_eq!(outcome, RetryOutcome::Scheduled { delay: pause });

        // The lane goes on meanwhile.
        let other = fixture.publish_to(Lane::OnScreenHeavy).await;
        let between = next(&mut consumer).await;
        assert_eq!(job_of(&between).job_id, other.job_id);
        between.ack().await.expect("acked");

        delivery = next(&mut consumer).await;
        assert!(before.elapsed() >= pause, "back after {:?} of {pause:?}", before.elapsed());
    }
    assert_eq!((job_of(&delivery), delivery.attempt), (&job, 3));
}

pub(super) async fn a_dropped_delivery_is_delivered_again_as_a_crash(fixture: Fixture) {
    let job = fixture.publish_to(Lane::OnScreen).await;
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    drop(next(&mut consumer).await);
    let delivery = next(&mut consumer).await;
    assert_eq!(*job_of(&delivery), job);
    assert_eq!((delivery.attempt, delivery.crashes, delivery.redelivered), (1, 1, true));
    delivery.ack().await.expect("acked");
}

pub(super) async fn a_consumer_holds_no_more_than_its_prefetch(fixture: Fixture) {
    let mut greedy = fixture.consumer(Lane::OnScreen, 2).await;
    let (first, second) =
        (fixture.publish_to(Lane::OnScreen).await, fixture.publish_to(Lane::OnScreen).await);
    let held = [next(&mut greedy).await, next(&mut greedy).await];
    assert_eq!(held.each_ref().map(|delivery| job_of(delivery).job_id), [first.job_id, second.job_id]);

    let third = fixture.publish_to(Lane::OnScreen).await;
    tokio::select! {
        _ = greedy.next() => panic!("more than its prefetch"),
        delivery = async { next(&mut fixture.consumer(Lane::OnScreen, 1).await).await } => {
            assert_eq!(job_of(&delivery).job_id, third.job_id);
            delivery.ack().await.expect("acked");
        }
    }

    let fourth = fixture.publish_to(Lane::OnScreen).await;
    for delivery in held {
        delivery.ack().await.expect("acked");
    }
    assert_eq!(job_of(&next(&mut greedy).await).job_id, fourth.job_id);
}

pub(super) async fn a_stopped_consumer_gives_back_what_it_had_not_delivered(fixture: Fixture) {
    let mut published = Vec::new();
    for _ in 0..3 {
        published.push(fixture.publish_to(Lane::OnScreen).await.job_id);
    }
    let mut stopped = fixture.consumer(Lane::OnScreen, 3).await;
    let in_hand = next(&mut stopped).await;
    assert_eq!(job_of(&in_hand).job_id, published[0]);
    stopped.stop().await;
    assert!(in_time("the end", stopped.next()).await.is_none());

    let mut other = fixture.consumer(Lane::OnScreen, 3).await;
    for expected in &published[1..] {
        let delivery = next(&mut other).await;
        assert_eq!(job_of(&delivery).job_id, *expected);
        delivery.ack().await.expect("acked");
    }
    in_hand.ack().await.expect("a delivery in hand is settled after the stop");
}
