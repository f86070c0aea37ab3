//! A worker as a whole: its parts, and running them until shutdown.

use noctis_shared::{
    cache::Cache, catalog::Catalog, lane::Lane, queue::Queue, settings::Settings, storage::Storage,
};
use tokio_util::sync::CancellationToken;

use crate::{
    index::{IndexJobs, Indexer},
    lanes,
    render_job::RenderJobs,
    slot::Slots,
};

/// Bytes of decoded frames that a worker keeps for the next preset.
const DECODED_BYTES_MAX: usize = 64 << 20;

/// Back ends and size of a worker.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Where jobs come from.
    pub queue: Queue,
    /// Where pictures go first.
    pub cache: Cache,
    /// Where pictures stay.
    pub catalog: Catalog,
    /// Where files lie.
    pub storage: Storage,
    /// Renders at a time.
    pub slots: usize,
    /// Lanes it takes.
    pub lanes: Vec<Lane>,
}

impl Worker {
    /// A worker of the size that `settings` ask for.
    #[must_use]
    pub fn new(settings: &Settings, queue: Queue, cache: Cache, catalog: Catalog, storage: Storage) -> Self {
        Self { queue, cache, catalog, storage, slots: settings.workers, lanes: settings.lanes.clone() }
    }

    /// What reads files into the catalog.
    #[must_use]
    pub fn indexer(&self) -> Indexer {
        Indexer {
            catalog: self.catalog.clone(),
            cache: self.cache.clone(),
            storage: self.storage.clone(),
            readers: self.slots,
        }
    }
}

/// Consumes jobs until `shutdown`, then drains.
///
/// # Errors
/// When a lane cannot be consumed at the start.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> anyhow::Result<()> {
    let renders = RenderJobs {
        cache: worker.cache.clone(),
        catalog: worker.catalog.clone(),
        storage: worker.storage.clone(),
        slots: Slots::new(worker.slots, DECODED_BYTES_MAX),
        worker: worker_name(),
    };
    let index = IndexJobs { indexer: worker.indexer(), queue: worker.queue.clone() };
    lanes::consume(&worker.queue, &worker.lanes, worker.slots, renders, index, shutdown).await?;
    Ok(())
}

/// Host and process, for render records.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}
