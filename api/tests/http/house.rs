//! A house for one test: the real router over memory queue, memory cache and SQLite, and a worker whose pictures are
//! canned.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http_body_util::BodyExt;
use noctis_api::{Api, ServeTimes};
use noctis_shared::{
    cache::{Cache, CacheLimits},
    catalog::{Catalog, CatalogLimits, NewInstance, OrderFacts, RenderRecord},
    coordination::Coordination,
    dicom_uid::public_id,
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::{FileWindow, ImageFacts},
    job::{FrameRange, RenderJob},
    lane::Lane,
    program::{self, BackEnds},
    queue::{Queue, QueueLimits, Work},
    render::{FailureKind, Outcome, RenderFacts, RenderFailure, StageTimings, StoredRender},
    render_key::{ContentDigest, RenderKey},
    request::{PictureFormat, VoiFunction, Window},
    settings::{Origin, Settings, Texts},
    telemetry::{PrometheusHandle, metrics::recorder},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Study, series and SOP Instance UIDs of the instance in every house.
pub(crate) const STUDY: &str = "1.2.826.0.1.3680043.10.1";
pub(crate) const SERIES: &str = "1.2.826.0.1.3680043.10.1.1";
pub(crate) const IMAGE: &str = "1.2.826.0.1.3680043.10.1.1.1";
/// An instance without pixel data.
pub(crate) const REPORT: &str = "1.2.826.0.1.3680043.10.1.1.2";
/// Frames of the instance.
pub(crate) const FRAMES: u32 = 3;

pub(crate) struct House {
    pub(crate) router: Router,
    pub(crate) api: Arc<Api>,
    pub(crate) back_ends: BackEnds,
    jobs: Arc<AtomicU32>,
}

/// A picture that is being drawn.
#[derive(Default)]
pub(crate) struct Hold {
    begun: Notify,
    goes_on: Notify,
    key: OnceLock<RenderKey>,
}

impl Hold {
    pub(crate) async fn begun(&self) {
        self.begun.notified().await;
    }

    pub(crate) fn go_on(&self) {
        self.goes_on.notify_one();
    }

    pub(crate) fn key(&self) -> RenderKey {
        *self.key.get().expect("it was begun")
    }
}

/// The house behind a port of its own.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    /// Ends it.
    pub(crate) shutdown: CancellationToken,
    /// Ends when it has ended.
    pub(crate) serving: JoinHandle<()>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Asserts that this is a whole problem document of `status` under `slug`, and returns it.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/api/v1/problems/{slug}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["error"], problem["title"]);
        for member in ["detail", "instance", "timestamp", "path"] {
            assert!(problem[member].is_string(), "{member} of {problem}");
        }
        assert!(problem["details"].is_object());
        problem
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(&[], QueueLimits::default()).await
    }

    /// Serves this house at a port, with the times of a real one.
    pub(crate) async fn served(&self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, shutdown) = (listener.local_addr().expect("an address"), CancellationToken::new());
        let serving = noctis_api::serve(listener, self.api.clone(), ServeTimes::default(), shutdown.clone());
        Served { address, shutdown, serving: tokio::spawn(serving) }
    }

    /// The same house through another process of the API.
    pub(crate) fn beside(&self) -> Self {
        let settings = settings_with(&[]);
        let storage = program::storage_to_read(&settings).expect("a storage");
        let api = Api::new(&settings, self.back_ends.clone(), storage, prometheus());
        let router = noctis_api::router(Arc::clone(&api));
        Self { router, api, back_ends: self.back_ends.clone(), jobs: Arc::clone(&self.jobs) }
    }

    pub(crate) async fn with(settings: &[(&'static str, &str)], queue_limits: QueueLimits) -> Self {
        let settings = settings_with(settings);
        let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.expect("a cache");
        let back_ends = BackEnds {
            queue: Queue::connect("memory:", "test", queue_limits).await.expect("a queue"),
            coordination: Coordination::beside(&cache),
            cache,
            catalog: Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog"),
        };
        let instances = [instance(IMAGE, FRAMES), instance(REPORT, 0)];
        back_ends.catalog.record_instances(&instances, false).await.expect("recorded");
        let storage = program::storage_to_read(&settings).expect("a storage");
        let api = Api::new(&settings, back_ends.clone(), storage, prometheus());
        let router = noctis_api::router(Arc::clone(&api));
        Self { router, api, back_ends, jobs: Arc::default() }
    }

    /// Starts a worker that stores `outcome` for every job, as the real one does.
    pub(crate) async fn start_worker(&self, outcome: Outcome) {
        for lane in [Lane::OnScreen, Lane::OnScreenHeavy, Lane::Background] {
            let mut consumer = self.back_ends.queue.consume(lane, 4).await.expect("a consumer");
            let (back_ends, jobs, outcome) =
                (self.back_ends.clone(), Arc::clone(&self.jobs), outcome.clone());
            tokio::spawn(async move {
                while let Some(delivery) = consumer.next().await {
                    let Work::Render(job) = &delivery.work else { panic!("a render job") };
                    // Long enough for all who ask at once to be there.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    jobs.fetch_add(1, Ordering::SeqCst);
                    store(&back_ends, job, &outcome).await;
                    delivery.ack().await.expect("acked");
                }
            });
        }
    }

    /// Starts a worker that stores the picture of `outcome` for every job, under the format that is asked for.
    pub(crate) async fn start_worker_of_any_format(&self, outcome: Outcome) {
        let mut consumer = self.back_ends.queue.consume(Lane::OnScreen, 4).await.expect("a consumer");
        let back_ends = self.back_ends.clone();
        tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let Work::Render(job) = &delivery.work else { panic!("a render job") };
                let mut outcome = outcome.clone();
                if let Outcome::Picture(stored) = &mut outcome {
                    stored.facts.format = job.request.format;
                }
                store(&back_ends, job, &outcome).await;
                delivery.ack().await.expect("acked");
            }
        });
    }

    /// Starts a worker that draws one picture, and stores it when it is told to.
    pub(crate) async fn start_held_worker(&self, outcome: Outcome) -> Arc<Hold> {
        let mut consumer = self.back_ends.queue.consume(Lane::OnScreen, 1).await.expect("a consumer");
        let (back_ends, hold) = (self.back_ends.clone(), Arc::new(Hold::default()));
        let of_worker = Arc::clone(&hold);
        tokio::spawn(async move {
            let delivery = consumer.next().await.expect("a job");
            let Work::Render(job) = &delivery.work else { panic!("a render job") };
            of_worker.key.set(job.render_key).expect("one job");
            of_worker.begun.notify_one();
            of_worker.goes_on.notified().await;
            store(&back_ends, job, &outcome).await;
            delivery.ack().await.expect("acked");
        });
        hold
    }

    /// Records the image with other bytes, as another process does that tells nobody.
    pub(crate) async fn replace_image(&self) {
        let other = NewInstance { content_digest: ContentDigest([9; 32]), ..instance(IMAGE, FRAMES) };
        self.back_ends.catalog.record_instances(&[other], true).await.expect("recorded");
    }

    /// Records another instance of the series, with so many frames.
    pub(crate) async fn record_cine(&self, sop_instance_uid: &str, frame_count: u32) {
        let cine =
            NewInstance { content_digest: ContentDigest([7; 32]), ..instance(sop_instance_uid, frame_count) };
        self.back_ends.catalog.record_instances(&[cine], false).await.expect("recorded");
    }

    /// Records the instance again, in another study.
    pub(crate) async fn record_copy(&self, study_instance_uid: &str) {
        let mut copy = instance(IMAGE, FRAMES);
        copy.study_instance_uid = study_instance_uid.to_owned();
        copy.content_digest = ContentDigest([9; 32]);
        let recorded = self.back_ends.catalog.record_instances(&[copy], false).await.expect("recorded");
        assert_eq!(recorded, [noctis_shared::catalog::Recorded::Accepted]);
    }

    /// Jobs the worker has done.
    pub(crate) fn jobs(&self) -> u32 {
        self.jobs.load(Ordering::SeqCst)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send_body(method, path, headers, Body::empty()).await
    }

    pub(crate) async fn send_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = self.router.clone().oneshot(request.body(body).expect("a request")).await;
        let (parts, body) = response.expect("infallible").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[]).await
    }

    /// The PNG of the instance, with this query.
    pub(crate) async fn png(&self, query: &str) -> Answer {
        self.send("GET", &format!("{}{query}", image_path()), &[("accept", "image/png")]).await
    }
}

fn settings_with(settings: &[(&'static str, &str)]) -> Settings {
    let mut texts = Texts::defaults();
    texts.set("NOCTIS_DATA", "/nowhere", Origin::Flag);
    texts.set("NOCTIS_RATE_LIMIT", "off", Origin::Flag);
    for (name, text) in settings {
        texts.set(name, text, Origin::Flag);
    }
    Settings::from_texts(&texts).expect("settings")
}

async fn store(back_ends: &BackEnds, job: &RenderJob, outcome: &Outcome) {
    let (image_id, key) = (job.image_id, job.render_key);
    // As far as it can be told: some tests take the catalog away.
    let other_bytes = back_ends
        .catalog
        .image(image_id)
        .await
        .is_ok_and(|image| image.is_some_and(|image| image.content_digest != job.source.content_digest));
    let changed = RenderFailure::new(FailureKind::FileChanged, "other bytes than indexed");
    let outcome = if other_bytes { &Outcome::Failure(changed) } else { outcome };
    if let Outcome::Failure(failure) = outcome
        && failure.kind.passes()
    {
        let told = RenderFailure { job_id: Some(job.job_id), ..failure.clone() };
        return back_ends.coordination.tell(&key, &told).await.expect("told");
    }
    if job.keep {
        let record = RenderRecord { key, image_id, outcome, worker: "canned".to_owned() };
        back_ends.catalog.put_render(&record).await.expect("recorded");
    }
    back_ends.coordination.settle(image_id, &key, outcome).await.expect("settled");
}

pub(crate) fn image_path() -> String {
    format!("/api/v1/dicom/images/{}", public_id(IMAGE))
}

/// What the canned worker answers with.
pub(crate) fn picture() -> Outcome {
    let facts = RenderFacts {
        format: PictureFormat::Png,
        rows: 256,
        columns: 512,
        window: Some(Window::new(-600.0, 1500.0, VoiFunction::Linear).expect("valid")),
        pixel_scale: Some((1.0, -1024.0)),
        partial: true,
        pixels: None,
        left_out: Vec::new(),
        timings: StageTimings {
            queue_ms: 1.0,
            slot_ms: 0.5,
            fetch_ms: 2.0,
            decode_ms: 3.0,
            render_ms: 4.0,
            encode_ms: 5.0,
        },
    };
    Outcome::Picture(StoredRender { facts, picture: Bytes::from_static(PICTURE) })
}

/// A picture of 8 x 8 that can be read, in the middle grey.
pub(crate) fn readable_picture() -> Outcome {
    const SIDE: u32 = 8;
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("written");
    writer.write_image_data(&[128; (SIDE * SIDE) as usize]).expect("written");
    writer.finish().expect("written");
    let Outcome::Picture(StoredRender { facts, .. }) = picture() else { panic!("a picture") };
    let facts = RenderFacts { rows: SIDE, columns: SIDE, ..facts };
    Outcome::Picture(StoredRender { facts, picture: png.into() })
}

/// The bytes of [`picture`].
pub(crate) const PICTURE: &[u8] = b"\x89PNG canned picture";

pub(crate) fn failure(kind: FailureKind) -> Outcome {
    let media_types = if kind == FailureKind::NotAPicture { vec!["video/mp4".to_owned()] } else { vec![] };
    Outcome::Failure(RenderFailure { media_types, ..RenderFailure::new(kind, "for this test") })
}

pub(crate) fn instance(sop_instance_uid: &str, frame_count: u32) -> NewInstance {
    let frame = FrameRange { offset: 1000, byte_count: 262_144, checksum: 7 };
    NewInstance {
        study_instance_uid: STUDY.to_owned(),
        study: StudyFacts {
            patient: PatientFacts {
                patient_id: Some("P-1".to_owned()),
                patient_name: Some("DOE^JANE".to_owned()),
                ..PatientFacts::default()
            },
            study_date: Some("2026-11-23".to_owned()),
            ..StudyFacts::default()
        },
        series_instance_uid: SERIES.to_owned(),
        series: SeriesFacts { modality: Some("CT".to_owned()), ..SeriesFacts::default() },
        sop_instance_uid: sop_instance_uid.to_owned(),
        sop_class_uid: None,
        instance_number: Some(1),
        order: OrderFacts::default(),
        rows: (frame_count > 0).then_some(256),
        columns: (frame_count > 0).then_some(512),
        samples_per_pixel: 1,
        bits_allocated: 16,
        frame_count,
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        photometric_interpretation: Some("MONOCHROME2".to_owned()),
        window: None,
        facts: ImageFacts {
            pixel_spacing: Some([0.5, 0.25]),
            unit: Some("HU".to_owned()),
            windows: vec![FileWindow {
                window: 400.0,
                level: 40.0,
                function: VoiFunction::Linear,
                explanation: Some("ABDOMEN".to_owned()),
            }],
            ..ImageFacts::default()
        },
        // That of the report was too long to be kept.
        header_json: match frame_count {
            0 => "{}".to_owned(),
            _ => format!(r#"{{"00080018":{{"vr":"UI","Value":["{sop_instance_uid}"]}}}}"#),
        },
        location: "file:///nowhere/1.dcm".to_owned(),
        content_digest: ContentDigest([u8::from(frame_count > 0); 32]),
        file_byte_count: 300_000,
        header_byte_count: 1000,
        header_checksum: 9,
        deflated: false,
        bulk_values: vec![],
        frames: vec![frame; frame_count as usize],
    }
}

/// One recorder for all tests of this binary: the registry of a process can be set once.
pub(crate) fn prometheus() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("set once");
        handle
    };
    HANDLE.get_or_init(install).clone()
}
