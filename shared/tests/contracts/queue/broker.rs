//! What only a broker can do to us: messages from outside, lost connections, refusals.

use std::time::{Duration, Instant};

use lapin::{
    BasicProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::FieldTable,
};
use noctis_shared::{
    health::Health,
    job::RENDER_JOB_TYPE,
    lane::Lane,
    queue::{PublishError, Queue, QueueError, QueueLimits, dead_letter::UNDECODABLE},
};

use super::{
    fixture::{self, Fixture, Variant, channel, job, job_of, limits, next},
    proxy::Proxy,
};
use crate::{
    services::{amqp_url, fresh_namespace},
    waiting::{eventually, in_time},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undecodable_message_is_dead_lettered_and_never_delivered() {
    fixture::run(Variant::RabbitMq, |fixture| async move {
        let misplaced = serde_json::to_vec(&job(Lane::Background)).expect("JSON");
        let large = vec![b' '; limits().message_bytes_max + 1];
        let cases: [(&str, &[u8], &str); 5] = [
            (RENDER_JOB_TYPE, b"{\"job_id\":", "Eof error at line 1 column 10"),
            (RENDER_JOB_TYPE, b"\xff\x00", "Syntax error at line 1 column 1"),
            (RENDER_JOB_TYPE, &misplaced, "a job of another lane"),
            (RENDER_JOB_TYPE, &large, "16385 bytes are too many"),
            ("render.job.v9", b"{}", "no message type of this lane"),
        ];
        for (kind, body, _) in &cases {
            publish_raw(&fixture, kind, body).await;
        }
        let good = fixture.publish_to(Lane::OnScreen).await;
        let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
        assert_eq!(*job_of(&next(&mut consumer).await), good, "the first that is delivered");

        eventually("dead letters", || async { fixture.dead_letter_count().await == 5 }).await;
        let letters = fixture.queue.dead_letters(10).await.expect("letters");
        let told: Vec<_> = letters
            .iter()
            .map(|letter| (letter.kind.as_str(), letter.cause.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(told, cases.map(|(kind, _, cause)| (kind, cause)));
        assert!(letters.iter().all(|letter| letter.reason == UNDECODABLE && letter.attempt == 0));
        assert_eq!(letters[3].body, "16385 bytes, too large to show");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_an_unknown_type_is_dead_lettered() {
    fixture::run(Variant::RabbitMq, |fixture| async move {
        let (_connection, channel) = channel().await;
        let exchange = format!("{}.events", fixture.namespace);
        let body =
            br#"{"specversion": "1.0", "id": "1", "source": "/a", "type": "study.new.v9", "data": {}}"#;
        let properties = BasicProperties::default();
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(exchange.into(), "study.new.v1".into(), options, body, properties)
            .await
            .expect("published");
        let mut consumer = fixture.consumer(Lane::Index, 1).await;
        let consuming = tokio::spawn(async move { consumer.next().await.is_some() });
        let letter = super::dead_letters::only_letter(&fixture).await;
        assert_eq!((letter.reason.as_str(), letter.lane), (UNDECODABLE, Some(Lane::Index)));
        fixture.queue.close().await;
        assert!(!consuming.await.expect("no panic"), "it was delivered");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_and_publishers_survive_the_loss_of_their_connection() {
    let proxy = Proxy::before(&amqp_url()).await;
    let namespace = fresh_namespace();
    let queue = Queue::connect(proxy.url(), &namespace, limits()).await.expect("connected");
    let fixture = Fixture { queue, namespace };
    let mut consumer = fixture.consumer(Lane::OnScreen, 2).await;
    let job = fixture.publish_to(Lane::OnScreen).await;
    let lost = next(&mut consumer).await;

    proxy.cut();
    eventually("an outage", || async { fixture.queue.health().await == Health::Down }).await;
    let refused = Instant::now();
    let refusal = fixture.queue.publish_job(&job).await;
    assert!(matches!(refusal, Err(PublishError::Unavailable(_))), "{refusal:?}");
    assert!(refused.elapsed() < Duration::from_secs(1), "refused after {:?}", refused.elapsed());
    // The consumer's link may know of it a moment later than the publisher's, and takes the ack until then, for nobody.
    let acked = lost.ack().await;
    assert!(matches!(acked, Ok(()) | Err(QueueError::DeliveryLost)), "{acked:?}");

    proxy.mend();
    let mended = Instant::now();
    let again = next(&mut consumer).await;
    // The longest pause between two attempts is 2 s; connecting takes the rest.
    assert!(mended.elapsed() < Duration::from_secs(5), "back after {:?}", mended.elapsed());
    assert_eq!((job_of(&again).job_id, again.attempt, again.redelivered), (job.job_id, 1, true));
    again.ack().await.expect("acked");
    let after = fixture.publish_to(Lane::OnScreen).await;
    assert_eq!(job_of(&next(&mut consumer).await).job_id, after.job_id);
    fixture::end(fixture).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_falls_silent_costs_one_publisher_the_wait_and_not_each() {
    let proxy = Proxy::before(&amqp_url()).await;
    let namespace = fresh_namespace();
    let limits = QueueLimits { publish_timeout: Duration::from_secs(1), ..limits() };
    let queue = Queue::connect(proxy.url(), &namespace, limits).await.expect("connected");
    let fixture = Fixture { queue, namespace };
    let job = fixture.publish_to(Lane::OnScreen).await;
    proxy.fall_silent();
    let silent = Instant::now();
    for _ in 0..20 {
        let refusal = fixture.queue.publish_job(&job).await;
        assert!(matches!(refusal, Err(PublishError::Unavailable(_))), "{refusal:?}");
    }
    assert!(silent.elapsed() < Duration::from_secs(3), "20 publishes cost {:?}", silent.elapsed());
    proxy.mend();
    eventually("the broker confirms again", || async { fixture.queue.publish_job(&job).await.is_ok() }).await;
    fixture::end(fixture).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_was_deleted_is_declared_and_consumed_again() {
    fixture::run(Variant::RabbitMq, |fixture| async move {
        let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
        let consuming = tokio::spawn(async move { next(&mut consumer).await.ack().await });
        let (_connection, channel) = channel().await;
        fixture::delete_queue(&channel, &format!("{}.render.on-screen", fixture.namespace)).await;
        eventually("the lane", || async { fixture.queue.publish_job(&job(Lane::OnScreen)).await.is_ok() })
            .await;
        assert_eq!(in_time("a delivery", consuming).await.expect("no panic"), Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_without_a_route_is_an_error() {
    fixture::run(Variant::RabbitMq, |fixture| async move {
        let (_connection, channel) = channel().await;
        let (queue, exchange) =
            (format!("{}.render.background", fixture.namespace), format!("{}.jobs", fixture.namespace));
        channel
            .queue_unbind(queue.into(), exchange.into(), "background".into(), FieldTable::default())
            .await
            .expect("unbound");
        let refusal = fixture.queue.publish_job(&job(Lane::Background)).await;
        assert_eq!(refusal, Err(PublishError::Unroutable));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_limits_on_the_same_namespace_are_refused_at_once() {
    fixture::run(Variant::RabbitMq, |fixture| async move {
        let limits = QueueLimits { lane_jobs_max: 7, ..limits() };
        let refusal = Queue::connect(&amqp_url(), &fixture.namespace, limits).await.expect_err("refused");
        assert!(matches!(&refusal, QueueError::Refused(text) if text.contains("x-max-length")), "{refusal}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_work_fail_in_one_sentence() {
    let namespace = fresh_namespace();
    let refusal = |url: &'static str| {
        let namespace = namespace.clone();
        async move { Queue::connect(url, &namespace, limits()).await.expect_err("refused").to_string() }
    };
    assert_eq!(refusal("http://127.0.0.1").await, "scheme \"http\" is not one of memory, amqp, amqps");
    assert_eq!(refusal("nonsense").await, "not a URL: relative URL without a base");
    let error = Queue::connect("memory:", "a b", limits()).await.expect_err("refused");
    assert_eq!(error, QueueError::Namespace("a b".to_owned()));

    let mut wrong: url::Url = amqp_url().parse().expect("a URL");
    wrong.set_password(Some("wrong")).expect("a password");
    let error = Queue::connect(wrong.as_str(), &namespace, limits()).await.expect_err("refused");
    assert!(matches!(&error, QueueError::Refused(text) if !text.contains("wrong")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_does_not_answer_is_reported_within_ten_seconds() {
    let proxy = Proxy::before(&amqp_url()).await;
    proxy.cut();
    let without_tls = proxy.url().replace("amqp://", "amqps://");
    let namespace = fresh_namespace();
    let before = Instant::now();
    let (plain, encrypted) = tokio::join!(
        Queue::connect(proxy.url(), &namespace, limits()),
        Queue::connect(&without_tls, &namespace, limits()),
    );
    for refusal in [plain, encrypted] {
        assert!(matches!(refusal, Err(QueueError::Unavailable(_))), "{refusal:?}");
    }
    assert!(before.elapsed() < Duration::from_secs(12), "reported after {:?}", before.elapsed());
}

/// A message of outsiders, straight to the on-screen lane.
async fn publish_raw(fixture: &Fixture, kind: &str, body: &[u8]) {
    let (_connection, channel) = channel().await;
    let exchange = format!("{}.jobs", fixture.namespace);
    let properties = BasicProperties::default().with_type(kind.into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let confirm = channel.basic_publish(exchange.into(), "on-screen".into(), options, body, properties).await;
    assert!(matches!(confirm.expect("sent").await, Ok(lapin::Confirmation::Ack(None))));
}
