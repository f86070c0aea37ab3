//! A worker's index over a folder, in memory otherwise, for tests that have it handle events one by one.

use std::{path::Path, sync::Arc};

use noctis_shared::{
    cache::{Cache, CacheLimits},
    catalog::{Catalog, CatalogLimits},
    forget::Forgetting,
    lane::Lane,
    queue::{Queue, QueueLimits},
    storage::Storage,
};
use noctis_worker::index::{FilesInHand, IndexJobs, Indexer, MissingUids};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(crate) async fn index_jobs(folder: &Path) -> IndexJobs {
    let url = Url::from_directory_path(folder).expect("a URL");
    let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
    let cache = Cache::connect("memory:", "test", CacheLimits::default()).await.expect("a cache");
    let indexer = Indexer {
        forgetting: Forgetting::new(&catalog, &cache),
        catalog,
        storage: Storage::new(&url, &[]).expect("a storage"),
        files: FilesInHand::new(1),
        missing_uids: MissingUids::Refuse,
        presets: Arc::default(),
    };
    let queue = Queue::connect("memory:", "test", QueueLimits::default()).await.expect("a queue");
    IndexJobs { indexer, queue }
}

/// Has the worker handle the one event that waits in `lane`.
pub(crate) async fn handle_event(jobs: &IndexJobs, lane: Lane) {
    let mut consumer = jobs.queue.consume(lane, 1).await.expect("a consumer");
    let delivery = consumer.next().await.expect("an event");
    jobs.handle(delivery, &CancellationToken::new()).await;
    consumer.stop().await;
}
