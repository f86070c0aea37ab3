//! What happens to a render job: skip, find, or fetch, render, store, announce; and what a failure means.

mod changed;
mod settle;
mod storage_watch;

use std::{
    ops::Range,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use chrono::Utc;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use noctis_shared::{
    catalog::{Catalog, RenderRecord},
    coordination::{Begun, Claimant, Coordination},
    job::{FrameSource, RenderJob, WholeFile},
    lane::Lane,
    purpose::Interest,
    queue::{Delivery, Work},
    render::{FailureKind, Outcome, RenderFailure, StageTimings},
    storage::{Storage, StorageError},
};
use tokio::time::timeout;
use tracing::{Instrument, debug, info_span, warn};

use self::settle::JobError;
pub use self::{changed::ChangedFiles, storage_watch::StorageWatch};
use crate::{
    presence::Tally,
    settlement,
    slot::{
        Answer, BESIDE_BYTES_MAX, Beside, FrameBytes, READ_MAX, RENDER_MAX, ReadError, RenderTask, SlotError,
        Slots, range_of_frame, ranges_to_fetch,
        slices::{self, SLICES_BYTES_MAX, Slice},
    },
};

/// Longest fetch from storage by the worker itself, which gives one up of which nothing arrives long before; what a slot
/// reads is timed there.
const FETCH_MAX: Duration = READ_MAX;

/// Slices that are fetched at a time.
const SLICES_AT_A_TIME: usize = 8;

/// Everything a render job needs. Cheap to clone.
#[derive(Clone)]
pub struct RenderJobs {
    /// Where pictures go first, and who waits for them is known.
    pub coordination: Coordination,
    /// Where pictures stay.
    pub catalog: Catalog,
    /// Where files lie.
    pub storage: Storage,
    /// Where bytes are decoded.
    pub slots: Slots,
    /// Files that are not as they were when they were indexed.
    pub changed: ChangedFiles,
    /// Whether files can be read.
    pub storage_watch: StorageWatch,
    /// Name of this worker in render records.
    pub worker: String,
    /// What became of them.
    pub tally: Tally,
}

/// How a job ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nobody is interested any more.
    Skipped,
    /// A job of more urgency makes it.
    Promoted,
    /// Someone else had made the picture.
    Found,
    /// The picture is stored.
    Rendered,
    /// The reason why there is none is stored.
    Refused,
}

/// Jobs that ended without a render really made.
const UNRENDERED: &str = "noctis_render_jobs_unrendered_total";

impl Done {
    fn metric(self) -> &'static str {
        match self {
            Done::Rendered | Done::Refused => "noctis_renders_total",
            Done::Skipped | Done::Promoted | Done::Found => UNRENDERED,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Done::Skipped => "skipped",
            Done::Promoted => "promoted",
            Done::Found => "found",
            Done::Rendered => "rendered",
            Done::Refused => "refused",
        }
    }
}

impl RenderJobs {
    /// Takes one delivery of a render lane to its end and settles it.
    pub async fn handle(&self, delivery: Delivery) {
        let Work::Render(job) = &delivery.work else {
            settlement::note(delivery.dead_letter("not_a_render_job").await);
            return;
        };
        let job = job.clone();
        let span =
            info_span!("render_job", job.id = %job.job_id, attempt = delivery.attempt, lane = %job.lane);
        delivery.trace.adopt(&span);
        async {
            // A panic is the job's end, not the worker's.
            let run = AssertUnwindSafe(self.run(&job, &delivery)).catch_unwind().await;
            let result = run.unwrap_or(Err(JobError::Panicked));
            match &result {
                Ok(done) => {
                    metrics::counter!(done.metric(), "outcome" => done.label()).increment(1);
                    debug!(outcome = done.label(), "render job done");
                }
                Err(_) => metrics::counter!(UNRENDERED, "outcome" => "failed").increment(1),
            }
            settle::settle(self, &job, delivery, result).await;
        }
        .instrument(span)
        .await;
    }

    async fn run(&self, job: &RenderJob, delivery: &Delivery) -> Result<Done, JobError> {
        match self.begin(job, delivery).await {
            Start::Drop(done) => return Ok(done),
            Start::Never => return Err(JobError::WorkersDied),
            // Nobody has made it since it was published.
            Start::Render => {}
            Start::LookFirst => {
                if let Some(outcome) = self.already_there(job).await {
                    self.announce(job, &outcome).await;
                    return Ok(Done::Found);
                }
            }
        }
        let outcome = self.render(job).await?;
        self.store(job, &outcome).await?;
        Ok(match outcome {
            Outcome::Picture(render) => {
                record_timings(render.facts.timings);
                self.tally.rendered(render.facts.timings);
                Done::Rendered
            }
            Outcome::Failure(failure) => {
                self.tally.failed(job, failure.kind, &failure.reason);
                Done::Refused
            }
        })
    }

    /// Takes the claim for as long as fetching and rendering may take, so that nobody starts the same again; unless
    /// there is nothing to do.
    async fn begin(&self, job: &RenderJob, delivery: &Delivery) -> Start {
        let (now, may_be_promoted) = (Utc::now(), job.purpose.may_be_promoted());
        let claimant = Claimant { job_id: job.job_id, may_be_promoted };
        let droppable = job.purpose.may_be_dropped(Interest::None, now);
        let lease = FETCH_MAX + READ_MAX + RENDER_MAX;
        match self.coordination.begin(&job.render_key, claimant, droppable, lease).await {
            Ok(Begun::Unwanted) => {
                // Should the interest have been lost and not taken back, those who wait ask again at once.
                let _they_ask_again_later = self.coordination.announce(&job.render_key).await;
                Start::Drop(Done::Skipped)
            }
            Ok(Begun::Theirs) if may_be_promoted => Start::Drop(Done::Promoted),
            // Not merely in the hands of a worker that died beside it: begun, each time. Attempts that ended with a word
            // were begun, too.
            Ok(Begun::Ours { before })
                if delivery.is_last() && before >= delivery.crashes + (delivery.attempt - 1) =>
            {
                Start::Never
            }
            Ok(Begun::Ours { before: 0 }) => Start::Render,
            Ok(Begun::Ours { .. }) => Start::LookFirst,
            Ok(Begun::Free | Begun::Theirs) => Start::LookFirst,
            Err(_) if job.purpose.may_be_dropped(Interest::Unknown, now) => Start::Drop(Done::Skipped),
            Err(_) => Start::LookFirst,
        }
    }

    async fn already_there(&self, job: &RenderJob) -> Option<Outcome> {
        let outcome = match self.coordination.look(&job.render_key, None).await {
            Some(outcome) => Some(outcome),
            None => self.catalog.render(&job.render_key).await.ok().flatten(),
        };
        let tries_failures = job.purpose.tries_known_failures();
        outcome.filter(|outcome| !tries_failures || matches!(outcome, Outcome::Picture(_)))
    }

    /// Fetches and renders.
    async fn render(&self, job: &RenderJob) -> Result<Outcome, JobError> {
        let queue_ms =
            (Utc::now() - job.published_at).num_microseconds().map_or(0.0, |us| us as f64 / 1000.0);
        let started = Instant::now();
        let fetched = timeout(FETCH_MAX, self.fetch(job)).await.unwrap_or(Err(StorageError::Hung));
        let mut task = fetched.inspect_err(count_hung)?;
        let fetch_ms = started.elapsed().as_secs_f64() * 1000.0;
        let (mut answer, mut slot_ms) = self.in_slot(job.lane, &task).await;
        if let Err(SlotError::NotRead(ReadError::NotAllowed)) = answer {
            // Out of the root that the letters name; perhaps into another.
            resolve(&self.storage, &job.source.location, &mut task.bytes).await?;
            for beside in [&mut task.presentation_state, &mut task.segmentation].into_iter().flatten() {
                resolve(&self.storage, &beside.file.location, &mut beside.bytes).await?;
            }
            for slice in &mut task.slices {
                resolve(&self.storage, &slice.source.location, &mut slice.bytes).await?;
            }
            let (second, waited_ms) = self.in_slot(job.lane, &task).await;
            answer = second;
            slot_ms += waited_ms;
        }
        if let Err(SlotError::ReadTimedOut) = answer {
            self.storage.note_hung(&job.source.location);
        }
        let mut outcome = answer.map_err(JobError::Slot)?;
        self.storage_watch.answered(|| self.storage.is_its_own(&job.source.location));
        if let Outcome::Failure(RenderFailure { kind: FailureKind::FileChanged, .. }) = outcome {
            return Err(JobError::FileChanged);
        }
        if let Outcome::Picture(render) = &mut outcome {
            render.facts.timings.queue_ms = queue_ms.max(0.0);
            render.facts.timings.slot_ms = slot_ms;
            render.facts.timings.fetch_ms += fetch_ms;
        }
        Ok(outcome)
    }

    /// The answer of a slot, and the milliseconds until there was one.
    async fn in_slot(&self, lane: Lane, task: &RenderTask) -> (Result<Answer, SlotError>, f64) {
        let waits = Instant::now();
        let slot = self.slots.take(lane).await;
        let slot_ms = waits.elapsed().as_secs_f64() * 1000.0;
        (slot.render(task).instrument(info_span!("render")).await, slot_ms)
    }

    /// What a slot needs: the bytes of the frame, and of the files beside it.
    async fn fetch(&self, job: &RenderJob) -> Result<RenderTask, StorageError> {
        Ok(RenderTask {
            bytes: self.fetch_ranges(&job.source.location, ranges_to_fetch(&job.source)).await?,
            presentation_state: self.fetch_whole(job.presentation_state.as_ref()).await?,
            segmentation: self.fetch_whole(job.segmentation.as_ref()).await?,
            slices: self.fetch_slices(&job.slices).await?,
            source: job.source.clone(),
            request: job.request.clone(),
        })
    }

    #[expect(clippy::single_range_in_vec_init, reason = "a list of ranges with one range in it")]
    async fn fetch_whole(&self, file: Option<&WholeFile>) -> Result<Option<Beside>, StorageError> {
        let Some(file) = file else { return Ok(None) };
        // A longer one is refused by the slot, which sees its length.
        let whole = vec![0..file.byte_count.min(BESIDE_BYTES_MAX)];
        let bytes = self.fetch_ranges(&file.location, whole).await?;
        Ok(Some(Beside { file: file.clone(), bytes }))
    }

    async fn fetch_slices(&self, sources: &[FrameSource]) -> Result<Vec<Slice>, StorageError> {
        // The slot sees their lengths, and refuses them.
        let are_too_large = slices::byte_count(sources.iter()) > SLICES_BYTES_MAX;
        let before = std::iter::once(None).chain(sources.iter().map(Some));
        let slices = sources.iter().zip(before).map(async |(source, before)| {
            let is_of_the_same_file = Slice::is_of_the_same_file(source, before);
            let ranges =
                if is_of_the_same_file { vec![range_of_frame(source)] } else { ranges_to_fetch(source) };
            let bytes = match are_too_large {
                true => FrameBytes::Fetched(Vec::new()),
                false => self.fetch_ranges(&source.location, ranges).await?,
            };
            Ok(Slice { source: source.clone(), is_of_the_same_file, bytes })
        });
        stream::iter(slices.collect::<Vec<_>>()).buffered(SLICES_AT_A_TIME).try_collect().await
    }

    async fn fetch_ranges(
        &self,
        location: &str,
        ranges: Vec<Range<u64>>,
    ) -> Result<FrameBytes, StorageError> {
        match self.storage.local_place(location).await? {
            Some(place) => Ok(FrameBytes::Local(place)),
            None => Ok(FrameBytes::Fetched(self.storage.read(location, ranges).await?)),
        }
    }

    /// Cache and announcement first, since someone waits; the catalog second, unless the picture passes. A picture that
    /// the cache has is written to the catalog a moment later, with others: should this process die before, the cache
    /// still has it, and should that lose it too, it is made again. Everything else is written before the delivery is
    /// settled: death in between delivers the job again.
    async fn store(&self, job: &RenderJob, outcome: &Outcome) -> Result<(), JobError> {
        let cached = self.announce(job, outcome).await;
        let is_picture = matches!(outcome, Outcome::Picture(_));
        if cached && is_picture && !job.keep {
            return Ok(());
        }
        let record = RenderRecord {
            key: job.render_key,
            image_id: job.image_id,
            outcome,
            worker: self.worker.clone(),
        };
        if cached && is_picture {
            self.catalog.put_render_behind(&record).await;
            return Ok(());
        }
        match self.catalog.put_render(&record).await {
            Ok(()) if cached => Ok(()),
            Ok(()) => {
                // Whoever waits was told of nothing, or looked before the row was there.
                let _they_ask_again_later = self.coordination.announce(&job.render_key).await;
                Ok(())
            }
            // One of the two has it: whoever waits is served, and the other is a cache.
            Err(error) if cached => {
                // A catalog that is away has said so.
                if error.is_transient() {
                    debug!(%error, "failure not recorded in the catalog");
                } else {
                    warn!(%error, "failure not recorded in the catalog");
                }
                metrics::counter!("noctis_renders_unrecorded_total").increment(1);
                Ok(())
            }
            Err(error) => Err(JobError::Catalog(error)),
        }
    }

    /// Whether the cache has it now.
    async fn announce(&self, job: &RenderJob, outcome: &Outcome) -> bool {
        self.coordination.settle(job.image_id, &job.render_key, outcome).await.is_ok()
    }
}

/// A fetch that the storage did not answer counts as what a slot gives up for the same reason.
fn count_hung(error: &StorageError) {
    if matches!(error, StorageError::Hung) {
        metrics::counter!("noctis_slot_reads_hung_total").increment(1);
    }
}

/// Has a file of a job read where it really lies. What was fetched lies nowhere.
async fn resolve(storage: &Storage, location: &str, bytes: &mut FrameBytes) -> Result<(), StorageError> {
    if let FrameBytes::Local(place) = bytes {
        *place = storage.resolved_place(location).await?.ok_or(StorageError::NotAllowed)?;
    }
    Ok(())
}

/// How the work on a job begins.
enum Start {
    /// Not at all: there is nothing to do.
    Drop(Done),
    /// Not at all: every worker that began it died.
    Never,
    /// At once.
    Render,
    /// With a look whether someone made it meanwhile.
    LookFirst,
}

fn record_timings(timings: StageTimings) {
    let stages = [
        ("queue", timings.queue_ms),
        ("slot", timings.slot_ms),
        ("fetch", timings.fetch_ms),
        ("decode", timings.decode_ms),
        ("render", timings.render_ms),
        ("encode", timings.encode_ms),
    ];
    for (stage, milliseconds) in stages {
        metrics::histogram!("noctis_render_stage_seconds", "stage" => stage).record(milliseconds / 1000.0);
    }
}
