//! A queue of its own for each test, cleaned up whether the test passes or not.

use std::{future::Future, time::Duration};

use chrono::Utc;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeleteOptions},
};
use noctis_shared::{
    event::{Event, STUDY_NEW, StudyEvent, StudyNew},
    job::{FrameRange, FrameSource, RenderJob},
    lane::Lane,
    purpose::Purpose,
    queue::{Consumer, Delivery, Queue, QueueLimits, Work},
    render_key::{ContentDigest, RenderKey},
    request::{Annotation, Fit, Flip, FrameRequest, IccProfile, PictureFormat, Voi},
};
use uuid::Uuid;

use crate::{
    services::{amqp_url, fresh_namespace},
    waiting::in_time,
};

/// A back end of the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Variant {
    Memory,
    RabbitMq,
}

/// The queue under test.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) queue: Queue,
    pub(crate) namespace: String,
}

/// Small bounds, so that tests reach them.
pub(crate) fn limits() -> QueueLimits {
    QueueLimits {
        lane_jobs_max: 200,
        message_bytes_max: 16 << 10,
        attempts_max: 3,
        delivery_limit: 2,
        retry_delays: [300, 600].map(Duration::from_millis).to_vec(),
        publish_timeout: Duration::from_secs(5),
        dead_letters_max: 100,
    }
}

/// Runs `test` on a fresh queue of `variant`.
pub(crate) async fn run<F: Future<Output = ()> + Send + 'static>(variant: Variant, test: fn(Fixture) -> F) {
    let url = match variant {
        Variant::Memory => "memory:".to_owned(),
        Variant::RabbitMq => amqp_url(),
    };
    run_at(&url, test).await;
}

/// Closes the queue and deletes what it declared on the broker.
pub(crate) async fn end(fixture: Fixture) {
    fixture.queue.close().await;
    if matches!(fixture.queue, Queue::RabbitMq(_)) {
        delete(&fixture.namespace).await;
    }
}

async fn run_at<F: Future<Output = ()> + Send + 'static>(url: &str, test: fn(Fixture) -> F) {
    let namespace = fresh_namespace();
    let queue = Queue::connect(url, &namespace, limits()).await.expect("the queue is there");
    let fixture = Fixture { queue, namespace };
    // In a task, so that a panic comes back here and the clean-up follows.
    let outcome = tokio::spawn(test(fixture.clone())).await;
    end(fixture).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic.into_panic());
    }
}

/// A channel of the test's own, beside the queue under test.
pub(crate) async fn channel() -> (Connection, lapin::Channel) {
    let connection = Connection::connect(&amqp_url(), ConnectionProperties::default()).await.expect("broker");
    let channel = connection.create_channel().await.expect("channel");
    (connection, channel)
}

async fn delete(namespace: &str) {
    let (_connection, channel) = channel().await;
    let pauses = limits().retry_delays;
    for lane in Lane::ALL {
        delete_queue(&channel, &format!("{namespace}.{}", lane.queue_suffix())).await;
        for pause in &pauses {
            delete_queue(&channel, &format!("{namespace}.retry.{lane}.{}", pause.as_millis())).await;
        }
    }
    delete_queue(&channel, &format!("{namespace}.dead-letters")).await;
    for exchange in ["jobs", "retry", "dead", "events"] {
        let name = format!("{namespace}.{exchange}");
        channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await.expect("delete");
    }
}

pub(crate) async fn delete_queue(channel: &lapin::Channel, name: &str) {
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("delete");
}

impl Fixture {
    pub(crate) async fn consumer(&self, lane: Lane, prefetch: u16) -> Consumer {
        self.queue.consume(lane, prefetch).await.expect("a consumer")
    }

    pub(crate) async fn publish(&self, job: &RenderJob) {
        self.queue.publish_job(job).await.expect("published");
    }

    /// Publishes a job of `lane` and gives it back.
    pub(crate) async fn publish_to(&self, lane: Lane) -> RenderJob {
        let job = job(lane);
        self.publish(&job).await;
        job
    }

    pub(crate) async fn depth(&self, lane: Lane) -> u64 {
        let depths = self.queue.depths().await.expect("depths");
        depths.into_iter().find(|(of, _)| *of == lane).expect("every lane").1
    }

    pub(crate) async fn dead_letter_count(&self) -> u64 {
        self.queue.dead_letter_count().await.expect("a count")
    }
}

/// The next delivery, in time.
pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    in_time("a delivery", consumer.next()).await.expect("a delivery")
}

/// The job of a delivery.
pub(crate) fn job_of(delivery: &Delivery) -> &RenderJob {
    match &delivery.work {
        Work::Render(job) => job,
        Work::Study(event) => panic!("an event on a render lane: {event:?}"),
    }
}

/// A render job with an id of its own.
pub(crate) fn job(lane: Lane) -> RenderJob {
    let digest = ContentDigest([7; 32]);
    let request = FrameRequest {
        frame_number: 1,
        voi: Voi::FromFile,
        invert: false,
        overlays: true,
        region: None,
        fit: Fit::default(),
        flip: Flip::NONE,
        format: PictureFormat::Png,
        icc_profile: IccProfile::Yes,
        best_effort: false,
        presentation_state: None,
        segmentation: None,
        annotation: Annotation::NONE,
        plane: None,
    };
    RenderJob {
        job_id: Uuid::new_v4(),
        render_key: RenderKey::new(&digest, &request),
        lane,
        image_id: Uuid::new_v4(),
        study_id: Uuid::new_v4(),
        source: FrameSource {
            location: "file:///archive/study-1/1.dcm".to_owned(),
            content_digest: digest,
            file_byte_count: 526_000,
            header_byte_count: 1_712,
            frame: FrameRange { offset: 1_712, byte_count: 524_288, checksum: 7 },
            deflated: false,
            header_checksum: 11,
        },
        presentation_state: None,
        segmentation: None,
        slices: Vec::new(),
        request,
        published_at: Utc::now(),
        purpose: Purpose::Redriven,
        keep: true,
    }
}

/// An event that asks for an index run.
pub(crate) fn study_new() -> StudyEvent {
    let data = StudyNew { location: Some("file:///archive/study-1/".to_owned()), ..StudyNew::default() };
    StudyEvent::New(Event::new(STUDY_NEW, "/ingest/site-a", Some("1.2.3".to_owned()), data))
}
