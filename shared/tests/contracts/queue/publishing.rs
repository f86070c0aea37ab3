//! Lines 8 to 10, 12, 13 and 15: publishing, and what is known of a lane.

use std::collections::BTreeSet;

use noctis_shared::{
    event::{
        Event, STUDY_DELETED, STUDY_INDEXED, STUDY_UPLOADED, StudyDeleted, StudyEvent, StudyIndexed,
        StudyUploaded,
    },
    health::Health,
    job::{RENDER_JOB_2_TYPE, RENDER_JOB_TYPE},
    lane::Lane,
    queue::{PublishError, QueueError, Work},
    request::{Annotation, Flip},
};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Instrument, instrument::WithSubscriber};
use tracing_subscriber::layer::SubscriberExt;

use super::fixture::{Fixture, job, job_of, limits, next, study_new};
use crate::waiting::{eventually, in_time};

pub(super) async fn a_full_lane_refuses_until_it_is_drained(fixture: Fixture) {
    let mut published = 0;
    let refusal = loop {
        match fixture.queue.publish_job(&job(Lane::Background)).await {
            Ok(()) => published += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal, PublishError::Full);
    // A broker's limit is soft: it lets a few in before it refuses.
    assert!((200..=210).contains(&published), "{published} jobs in a lane of 200");
    // Another lane goes on.
    fixture.publish_to(Lane::OnScreen).await;

    let mut consumer = fixture.consumer(Lane::Background, 20).await;
    for _ in 0..published {
        next(&mut consumer).await.ack().await.expect("acked");
    }
    eventually("room", || async { fixture.queue.publish_job(&job(Lane::Background)).await.is_ok() }).await;
}

/// What a reader of the first version would leave out makes it another message, and the same job.
pub(super) async fn a_job_that_old_readers_would_misread_has_another_type(fixture: Fixture) {
    let plain = job(Lane::OnScreen);
    assert_eq!(plain.message_type(), RENDER_JOB_TYPE);
    let mut flipped = job(Lane::OnScreen);
    flipped.request.flip = Flip { horizontal: true, vertical: false };
    let mut written = job(Lane::OnScreen);
    written.request.annotation = Annotation { patient: true, technique: false };
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    for job in [flipped, written] {
        assert_eq!(job.message_type(), RENDER_JOB_2_TYPE);
        fixture.queue.publish_job(&job).await.expect("published");
        let delivery = next(&mut consumer).await;
        assert_eq!(job_of(&delivery).request, job.request);
        delivery.ack().await.expect("acked");
    }
}

pub(super) async fn a_body_past_its_limit_is_too_large(fixture: Fixture) {
    let mut large = job(Lane::OnScreen);
    large.source.location = "x".repeat(limits().message_bytes_max);
    assert_eq!(fixture.queue.publish_job(&large).await, Err(PublishError::TooLarge));
    assert_eq!(fixture.depth(Lane::OnScreen).await, 0);
}

pub(super) async fn events_about_studies_arrive_on_the_index_lane(fixture: Fixture) {
    let deleted = Event::new(STUDY_DELETED, "/archive", Some("1.2.3".to_owned()), StudyDeleted::default());
    let events = [study_new(), StudyEvent::Deleted(deleted)];
    for event in &events {
        fixture.queue.publish_event(event).await.expect("published");
    }
    let indexed = Event::new(STUDY_INDEXED, "/noctis", None, StudyIndexed::default());
    fixture.queue.publish_indexed(&indexed).await.expect("nobody has to listen");

    let mut consumer = fixture.consumer(Lane::Index, 1).await;
    for event in events {
        let delivery = next(&mut consumer).await;
        assert_eq!(delivery.work, Work::Study(event));
        delivery.ack().await.expect("acked");
    }
    assert_eq!(fixture.depth(Lane::Index).await, 0, "study.indexed.v1 is not for the index lane");
}

/// An index run may take hours, and a client waits for its upload.
pub(super) async fn uploads_wait_in_a_lane_of_their_own(fixture: Fixture) {
    fixture.queue.publish_event(&study_new()).await.expect("published");
    let mut index = fixture.consumer(Lane::Index, 1).await;
    let run = next(&mut index).await;
    fixture.queue.publish_event(&study_new()).await.expect("published");
    let uploaded = StudyEvent::Uploaded(Event::new(STUDY_UPLOADED, "/noctis", None, StudyUploaded {}));
    fixture.queue.publish_event(&uploaded).await.expect("published");
    let mut uploads = fixture.consumer(Lane::Upload, 1).await;
    let delivery = next(&mut uploads).await;
    assert_eq!(delivery.work, Work::Study(uploaded.clone()), "while an index run is in hand, and one waits");
    delivery.retry("again").await.expect("put aside");
    let again = next(&mut uploads).await;
    assert_eq!((&again.work, again.attempt), (&Work::Study(uploaded), 2), "back in its own lane");
    again.ack().await.expect("acked");
    run.ack().await.expect("acked");
    next(&mut index).await.ack().await.expect("acked");
    assert_eq!((fixture.depth(Lane::Index).await, fixture.depth(Lane::Upload).await), (0, 0));
}

pub(super) async fn the_trace_of_the_publisher_arrives_and_survives_a_retry(fixture: Fixture) {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let tracer = SdkTracerProvider::builder().build().tracer("contracts");
    let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
    let sent = async {
        let span = tracing::info_span!("request");
        let sent = span.in_scope(noctis_shared::trace_context::TraceContext::current);
        fixture.publish_to(Lane::OnScreen).instrument(span).await;
        sent
    }
    .with_subscriber(subscriber)
    .await;
    assert!(sent.headers().any(|(name, value)| name == "traceparent" && value.len() == 55));

    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    let delivery = next(&mut consumer).await;
    assert_eq!(delivery.trace, sent);
    delivery.retry("again").await.expect("put aside");
    assert_eq!(next(&mut consumer).await.trace, sent);
}

pub(super) async fn depths_count_the_messages_that_wait(fixture: Fixture) {
    for lane in [Lane::OnScreen, Lane::OnScreen, Lane::Background] {
        fixture.publish_to(lane).await;
    }
    fixture.queue.publish_event(&study_new()).await.expect("published");
    let depths = fixture.queue.depths().await.expect("depths");
    assert_eq!(
        depths,
        [
            (Lane::OnScreen, 2),
            (Lane::OnScreenHeavy, 0),
            (Lane::Background, 1),
            (Lane::Index, 1),
            (Lane::Upload, 0),
        ]
    );
    let delivery = next(&mut fixture.consumer(Lane::OnScreen, 1).await).await;
    assert_eq!(fixture.depth(Lane::OnScreen).await, 1, "what is on loan does not wait");
    delivery.ack().await.expect("acked");
}

pub(super) async fn concurrent_publishers_lose_nothing(fixture: Fixture) {
    let publishers = (0..64).map(|_| {
        let fixture = fixture.clone();
        tokio::spawn(async move {
            [fixture.publish_to(Lane::OnScreen).await.job_id, fixture.publish_to(Lane::OnScreen).await.job_id]
        })
    });
    let mut published = BTreeSet::new();
    for publisher in publishers.collect::<Vec<_>>() {
        published.extend(publisher.await.expect("published"));
    }
    assert_eq!(published.len(), 128);

    let mut consumer = fixture.consumer(Lane::OnScreen, 16).await;
    while !published.is_empty() {
        let delivery = next(&mut consumer).await;
        assert!(published.remove(&job_of(&delivery).job_id), "twice or never published");
        delivery.ack().await.expect("acked");
    }
}

pub(super) async fn a_closed_queue_ends_consumers_and_refuses_publishers(fixture: Fixture) {
    let mut consumer = fixture.consumer(Lane::OnScreen, 1).await;
    assert_eq!(fixture.queue.health().await, Health::Up);
    let waiting = tokio::spawn(async move { consumer.next().await.is_none() });
    fixture.queue.close().await;
    assert!(in_time("the end", waiting).await.expect("no panic"), "a delivery after the end");
    let refusal = fixture.queue.publish_job(&job(Lane::OnScreen)).await;
    assert!(matches!(refusal, Err(PublishError::Unavailable(_))), "{refusal:?}");
    assert_eq!(fixture.queue.health().await, Health::Down);
    let (depths, letters) = (fixture.queue.depths().await, fixture.queue.dead_letter_count().await);
    assert!(matches!(depths, Err(QueueError::Unavailable(_))), "{depths:?}");
    assert!(matches!(letters, Err(QueueError::Unavailable(_))), "{letters:?}");
}
