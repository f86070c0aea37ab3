//! A worker as a whole: its parts, and running them until shutdown.

use std::sync::Arc;

use chrono::Utc;
use noctis_shared::{
    cache::Cache, catalog::Catalog, coordination::Coordination, forget::Forgetting, lane::Lane,
    presets::Presets, program::BackEnds, queue::Queue, settings::Settings, storage::Storage,
};
use tokio_util::sync::CancellationToken;

use crate::{
    errands::Errands,
    index::{FilesInHand, IndexJobs, Indexer, MissingUids},
    lanes,
    presence::{Present, Tally},
    render_job::{ChangedFiles, RenderJobs, StorageWatch},
    slot::{SlotProgram, SlotTimes, Slots},
};

/// Back ends and size of a worker.
#[derive(Clone)]
pub struct Worker {
    /// Where jobs come from.
    pub queue: Queue,
    /// Where answers are kept.
    pub cache: Cache,
    /// What has answers forgotten.
    pub forgetting: Forgetting,
    /// Where pictures go first, and who waits for them is known.
    pub coordination: Coordination,
    /// Where pictures stay.
    pub catalog: Catalog,
    /// Where files lie.
    pub storage: Storage,
    /// What its render processes run.
    pub slot_program: SlotProgram,
    /// Renders at a time.
    pub slots: usize,
    /// Files that it indexes at a time.
    pub files: FilesInHand,
    /// Lanes it takes.
    pub lanes: Vec<Lane>,
    /// The windows that have names.
    pub presets: Arc<Presets>,
}

impl Worker {
    /// A worker of the size that `settings` ask for, whose render processes run this very program.
    ///
    /// # Errors
    /// When the path of the running program cannot be had.
    pub fn new(settings: &Settings, back_ends: BackEnds, storage: Storage) -> std::io::Result<Self> {
        let BackEnds { queue, cache, coordination, catalog } = back_ends;
        let slot_program = SlotProgram::current()?;
        let (slots, lanes) = (settings.workers, settings.lanes.clone());
        let files = FilesInHand::new(slots);
        let forgetting = Forgetting::lasting(&catalog, &cache);
        Ok(Self {
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
            presets: Arc::clone(&settings.presets),
        })
    }

    /// What reads files into the catalog.
    #[must_use]
    pub fn indexer(&self) -> Indexer {
        Indexer {
            catalog: self.catalog.clone(),
            forgetting: self.forgetting.clone(),
            storage: self.storage.clone(),
            files: self.files.clone(),
            missing_uids: MissingUids::Refuse,
            presets: Arc::clone(&self.presets),
        }
    }
}

/// Consumes jobs until `shutdown`, then drains.
///
/// # Errors
/// When a lane cannot be consumed at the start.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (slots, tally) =
        (Slots::start(worker.slot_program.clone(), worker.slots, SlotTimes::default())?, Tally::default());
    let present = Present {
        coordination: worker.coordination.clone(),
        name: worker_name(),
        started_at: Utc::now(),
        lanes: lanes::taken_by(&worker.lanes).into_iter().collect(),
        shutdown: shutdown.clone(),
        slots: slots.clone(),
        tally: tally.clone(),
    };
    let renders = RenderJobs {
        coordination: worker.coordination.clone(),
        catalog: worker.catalog.clone(),
        storage: worker.storage.clone(),
        slots,
        changed: ChangedFiles::new(worker.indexer()),
        storage_watch: StorageWatch::default(),
        worker: present.name.clone(),
        tally,
    };
    let index = IndexJobs { indexer: worker.indexer(), queue: worker.queue.clone() };
    let errands = Errands {
        catalog: worker.catalog.clone(),
        storage: worker.storage.clone(),
        queue: worker.queue.clone(),
    };
    let running = tokio::spawn(errands.run(shutdown.clone()));
    // It is there for as long as it has work in hand.
    let gone = CancellationToken::new();
    let said = tokio::spawn(present.run(gone.clone()));
    let taken = lanes::consume(&worker.queue, &worker.lanes, worker.slots, renders, index, shutdown).await;
    gone.cancel();
    let _it_runs_out = said.await;
    taken?;
    let _they_end_with_the_worker = running.await;
    Ok(())
}

/// Host and process, for render records.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}
