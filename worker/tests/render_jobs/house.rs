//! A house for one test: one file in the catalog, the in-memory back ends, and a worker's hands.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use noctis_shared::{
    cache::{Cache, CacheLimits, LocalCache},
    catalog::{Catalog, CatalogLimits},
    coordination::{Claimant, Coordination},
    forget::Forgetting,
    job::RenderJob,
    lane::Lane,
    program::BackEnds,
    queue::{Delivery, Queue, QueueLimits, Work},
    render::{FailureKind, Outcome},
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat, Voi, VoiFunction, Window},
    storage::Storage,
    submit::{Seat, Submit, Wanted},
};
use noctis_worker::{
    Worker,
    index::{FilesInHand, Indexer, MissingUids, read_instance},
    presence::Tally,
    render_job::{ChangedFiles, RenderJobs, StorageWatch},
    slot::{SlotProgram, SlotTimes, Slots},
};
use tempfile::TempDir;
use uuid::Uuid;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct House {
    pub(crate) back_ends: BackEnds,
    pub(crate) limits: QueueLimits,
    pub(crate) wanted: Wanted,
    submit: Submit,
    jobs: RenderJobs,
    file: PathBuf,
    _folder: TempDir,
}

/// The worker of this package.
pub(crate) fn renders() -> SlotProgram {
    program(env!("CARGO_BIN_EXE_noctis-worker"), &["render-slot"])
}

/// One that says that all is read, and dies.
pub(crate) fn crashes() -> SlotProgram {
    reads_and_then("exit 1")
}

/// One that says that all is read, and hangs.
pub(crate) fn hangs() -> SlotProgram {
    reads_and_then("exec sleep 1000")
}

/// One that never answers, for jobs that must not come to it: a test that asks it fails by its patience.
pub(crate) fn never_asked() -> SlotProgram {
    program("/bin/sleep", &["1000"])
}

fn reads_and_then(rest: &str) -> SlotProgram {
    let said = r"printf 'd\000\000\000\000'";
    program("/bin/sh", &["-c", &format!("head -c 12 <&0 >/dev/null; {said}; {rest}")])
}

fn program(path: &str, arguments: &[&str]) -> SlotProgram {
    SlotProgram { path: path.into(), arguments: arguments.iter().map(Into::into).collect() }
}

pub(crate) fn failure_of(outcome: Outcome) -> FailureKind {
    match outcome {
        Outcome::Failure(failure) => failure.kind,
        Outcome::Picture(_) => panic!("a picture"),
    }
}

/// A file that is away until it is put back.
pub(crate) struct Hidden {
    file: PathBuf,
    aside: PathBuf,
}

impl Hidden {
    pub(crate) fn put_back(self) {
        std::fs::rename(self.aside, self.file).unwrap();
    }
}

impl House {
    pub(crate) async fn new(program: SlotProgram) -> Self {
        Self::with_cache(program, CacheLimits::default()).await
    }

    pub(crate) async fn with_cache(program: SlotProgram, cache_limits: CacheLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().canonicalize().unwrap().join("slice.dcm");
        write_slice(&file);
        let limits = QueueLimits { retry_delays: vec![Duration::from_millis(5)], ..QueueLimits::default() };
        let cache = Cache::connect("memory:", "test", cache_limits).await.unwrap();
        let back_ends = BackEnds {
            queue: Queue::connect("memory:", "test", limits.clone()).await.unwrap(),
            coordination: Coordination::beside(&cache),
            cache,
            catalog: Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.unwrap(),
        };
        let root = format!("file://{}/", file.parent().unwrap().display());
        let storage = Storage::new(&root.parse().unwrap(), &[]).unwrap();
        let wanted = record(&back_ends.catalog, &file).await;
        let jobs = hands(&back_ends, storage, program);
        let submit = Submit::new(&back_ends, LocalCache::new(CacheLimits::default()));
        Self { back_ends, limits, wanted, submit, jobs, file, _folder: folder }
    }

    /// A whole worker beside this house's hands.
    pub(crate) fn worker(&self, slot_program: SlotProgram, slots: usize) -> Worker {
        let BackEnds { queue, cache, coordination, catalog } = self.back_ends.clone();
        let forgetting = Forgetting::new(&catalog, &cache);
        let (storage, files) = (self.jobs.storage.clone(), FilesInHand::new(slots));
        let lanes = vec![Lane::OnScreen, Lane::Index];
        let presets = Arc::default();
        Worker {
            queue,
            cache,
            forgetting,
            coordination,
            catalog,
            storage,
            slot_program,
            slots,
            files,
            lanes,
            presets,
        }
    }

    /// A seat for one who waits; its flight departs.
    pub(crate) fn board(&self) -> Arc<Seat> {
        departed(self.submit.board(self.wanted.clone(), PATIENCE))
    }

    /// A seat for `client`, for a view of its own.
    pub(crate) fn board_view(&self, number: u8, client: &str) -> Arc<Seat> {
        departed(self.submit.board(self.view(number, client), PATIENCE))
    }

    /// A seat for one who asks why a pixel looks as it does, and the name of the answer.
    pub(crate) fn board_explanation(&self, column: u32, row: u32) -> (RenderKey, Arc<Seat>) {
        let mut wanted = self.wanted.clone();
        wanted.request.format = PictureFormat::Explanation { column, row };
        wanted.key = RenderKey::new(&wanted.image.content_digest, &wanted.request);
        (wanted.key, departed(self.submit.board(wanted, PATIENCE)))
    }

    /// What `client` wants when it asks for a window that has no name.
    pub(crate) fn view(&self, number: u8, client: &str) -> Wanted {
        let mut wanted = Wanted { client: client.to_owned(), ..self.wanted.clone() };
        let window = Window::new(f64::from(number) + 0.5, 400.0, VoiFunction::Linear).unwrap();
        wanted.request.voi = Voi::Window(window);
        wanted.key = RenderKey::new(&wanted.image.content_digest, &wanted.request);
        wanted
    }

    /// The job that the API would publish, taken from its lane again.
    pub(crate) async fn job(&self) -> RenderJob {
        let seat = self.board();
        let delivery = self.delivery(Lane::OnScreen).await;
        let Work::Render(job) = delivery.work.clone() else { panic!("a render job") };
        delivery.ack().await.unwrap();
        drop(seat);
        self.release_claim(job.job_id).await;
        RenderJob { job_id: Uuid::new_v4(), ..job }
    }

    pub(crate) async fn release_claim(&self, job_id: Uuid) {
        self.back_ends.coordination.release(&self.wanted.key, job_id).await.unwrap();
    }

    /// The next delivery of a lane.
    pub(crate) async fn delivery(&self, lane: Lane) -> Delivery {
        let mut consumer = self.back_ends.queue.consume(lane, 1).await.unwrap();
        let delivery = tokio::time::timeout(PATIENCE, consumer.next()).await.expect("a job in time");
        consumer.stop().await;
        delivery.expect("an open queue")
    }

    /// Takes the next job of a lane to its end.
    pub(crate) async fn work_on_one(&self, lane: Lane) {
        let delivery = self.delivery(lane).await;
        tokio::time::timeout(PATIENCE, self.jobs.handle(delivery)).await.expect("an end in time");
    }

    /// Begins the next job of a lane, and is gone.
    pub(crate) async fn die_in_a_job(&self, lane: Lane) {
        let delivery = self.delivery(lane).await;
        let Work::Render(job) = &delivery.work else { panic!("a render job") };
        let claimant = Claimant { job_id: job.job_id, may_be_promoted: false };
        self.back_ends.coordination.begin(&job.render_key, claimant, true, PATIENCE).await.unwrap();
        drop(delivery);
    }

    pub(crate) async fn depth(&self, lane: Lane) -> u64 {
        let depths = self.back_ends.queue.depths().await.unwrap();
        depths.iter().find(|(known, _)| *known == lane).map_or(0, |(_, depth)| *depth)
    }

    /// Waits until a job was published to a lane.
    pub(crate) async fn published(&self, lane: Lane) {
        self.until("a job", async || self.depth(lane).await > 0).await;
    }

    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} did not come"));
    }

    /// What the catalog has under the key.
    pub(crate) async fn recorded(&self) -> Option<Outcome> {
        self.back_ends.catalog.flush_renders().await;
        self.back_ends.catalog.render(&self.wanted.key).await.unwrap()
    }

    /// Reasons of the dead letters.
    pub(crate) async fn dead_letters(&self) -> Vec<String> {
        let letters = self.back_ends.queue.dead_letters(100).await.unwrap();
        letters.into_iter().map(|letter| letter.reason).collect()
    }

    pub(crate) fn hide_file(&self) -> Hidden {
        let aside = self.file.with_extension("aside");
        std::fs::rename(&self.file, &aside).unwrap();
        Hidden { file: self.file.clone(), aside }
    }
}

/// A flight departs when somebody looks out of it.
fn departed(seat: Seat) -> Arc<Seat> {
    let seat = Arc::new(seat);
    let looks = Arc::downgrade(&seat);
    tokio::spawn(async move {
        // Looks now and then, and lets go in between: a seat that the test has left must be left.
        while let Some(seat) = looks.upgrade() {
            let looked = tokio::time::timeout(Duration::from_millis(5), seat.landing()).await;
            drop(seat);
            if looked.is_ok() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    seat
}

fn hands(back_ends: &BackEnds, storage: Storage, program: SlotProgram) -> RenderJobs {
    // Only a worker that really renders may need long.
    let brief = SlotTimes { render_max: Duration::from_millis(300), ..SlotTimes::default() };
    let times = if program.path == renders().path { SlotTimes::default() } else { brief };
    let indexer = Indexer {
        catalog: back_ends.catalog.clone(),
        forgetting: Forgetting::new(&back_ends.catalog, &back_ends.cache),
        storage: storage.clone(),
        files: FilesInHand::new(1),
        missing_uids: MissingUids::Refuse,
        presets: Arc::default(),
    };
    RenderJobs {
        coordination: back_ends.coordination.clone(),
        catalog: back_ends.catalog.clone(),
        storage,
        slots: Slots::start(program, 1, times).unwrap(),
        changed: ChangedFiles::new(indexer),
        storage_watch: StorageWatch::default(),
        worker: "test".to_owned(),
        tally: Tally::default(),
    }
}

/// The file in the catalog, and a picture of it.
async fn record(catalog: &Catalog, file: &Path) -> Wanted {
    let location = format!("file://{}", file.display());
    let instance = read_instance(file, &location, MissingUids::Refuse).unwrap();
    catalog.record_instances(&[instance], false).await.unwrap();
    let image_id = noctis_shared::dicom_uid::public_id("1.2.3.1");
    let image = Arc::new(catalog.image(image_id).await.unwrap().expect("recorded"));
    let request = FrameRequest::new(PictureFormat::Png);
    let key = RenderKey::new(&image.content_digest, &request);
    Wanted { image, key, request, client: "viewer".to_owned() }
}

fn write_slice(file: &Path) {
    let mut slice = InMemDicomObject::new_empty();
    let text = |value: &str| PrimitiveValue::from(value);
    for (tag, vr, value) in [
        (tags::SOP_CLASS_UID, VR::UI, text(uids::CT_IMAGE_STORAGE)),
        (tags::SOP_INSTANCE_UID, VR::UI, text("1.2.3.1")),
        (tags::STUDY_INSTANCE_UID, VR::UI, text("1.2.3")),
        (tags::SERIES_INSTANCE_UID, VR::UI, text("1.2.3.0")),
        (tags::MODALITY, VR::CS, text("CT")),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, text("MONOCHROME2")),
        (tags::SAMPLES_PER_PIXEL, VR::US, PrimitiveValue::from(1_u16)),
        (tags::ROWS, VR::US, PrimitiveValue::from(16_u16)),
        (tags::COLUMNS, VR::US, PrimitiveValue::from(16_u16)),
        (tags::BITS_ALLOCATED, VR::US, PrimitiveValue::from(16_u16)),
        (tags::BITS_STORED, VR::US, PrimitiveValue::from(12_u16)),
        (tags::HIGH_BIT, VR::US, PrimitiveValue::from(11_u16)),
        (tags::PIXEL_REPRESENTATION, VR::US, PrimitiveValue::from(0_u16)),
        (tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16((0..256).collect())),
    ] {
        slice.put(DataElement::new(tag, vr, value));
    }
    let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    slice.with_meta(meta).unwrap().write_to_file(file).unwrap();
}
