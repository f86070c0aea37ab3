//! The cache of one process with nothing installed. The fake of the tests, and a real back end.

use std::sync::Arc;

use bytes::Bytes;
use moka::sync;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{CacheError, limits::CacheLimits, local::LocalCache};
use crate::{
    announced::{FORGETS_MAX, Forget},
    render::Outcome,
    render_key::RenderKey,
};

/// All a cache keeps, in the memory of this process. Cheap to clone.
#[derive(Clone)]
pub struct MemoryCache(Arc<Inner>);

struct Inner {
    limits: CacheLimits,
    outcomes: LocalCache,
    metadata: sync::Cache<String, Bytes>,
    forgets: broadcast::Sender<Forget>,
}

/// Bytes of metadata values: mostly small JSON, and the headers of a series are some MB.
const METADATA_BYTES_MAX: u64 = 32 << 20;

impl MemoryCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let metadata = sync::Cache::builder()
            .max_capacity(METADATA_BYTES_MAX)
            .weigher(|name: &String, value: &Bytes| {
                u32::try_from(name.len() + value.len()).unwrap_or(u32::MAX)
            })
            .time_to_live(limits.metadata_ttl)
            .build();
        Self(Arc::new(Inner {
            outcomes: LocalCache::new(limits.clone()),
            metadata,
            forgets: broadcast::Sender::new(FORGETS_MAX),
            limits,
        }))
    }

    pub(crate) fn render(&self, key: &RenderKey) -> Option<Outcome> {
        self.0.outcomes.get(key)
    }

    pub(crate) fn put_render(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) -> Result<(), CacheError> {
        if self.0.outcomes.put(image_id, key, outcome.clone()) {
            return Ok(());
        }
        let byte_count_max = self.0.limits.memory_bytes_max;
        Err(CacheError::TooLarge { byte_count: outcome.byte_count() as u64, byte_count_max })
    }

    pub(super) fn put_metadata(&self, name: &str, value: Bytes) {
        self.0.metadata.insert(name.to_owned(), value);
    }

    pub(super) fn metadata(&self, name: &str) -> Option<Bytes> {
        self.0.metadata.get(name)
    }

    pub(super) fn forget_metadata(&self, names: &[String]) -> u64 {
        names.iter().filter(|name| self.0.metadata.remove(*name).is_some()).count() as u64
    }

    pub(super) fn forget_images(&self, image_ids: &[Uuid]) -> u64 {
        let count = self.0.outcomes.forget_images(image_ids);
        Forget::images(image_ids).for_each(|forget| self.broadcast_forget(forget));
        count
    }

    pub(super) fn clear(&self) -> u64 {
        let count = self.0.outcomes.clear();
        self.0.metadata.invalidate_all();
        self.broadcast_forget(Forget::Everything);
        count
    }

    pub(super) fn broadcast_forget(&self, forget: Forget) {
        // An error says that nobody listens, which is fine.
        let _ = self.0.forgets.send(forget);
    }

    pub(super) fn forgets(&self) -> broadcast::Receiver<Forget> {
        self.0.forgets.subscribe()
    }
}
