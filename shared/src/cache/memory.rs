//! The cache of one process with nothing installed. The fake of the tests, and a real back end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use moka::sync;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    CacheError, Claim, Forget,
    forget::FORGETS_MAX,
    limits::CacheLimits,
    local::LocalCache,
    rate::{RateDecision, RateLimiter},
    wakeup::Wakeups,
};
use crate::{render::Outcome, render_key::RenderKey};

/// All a cache keeps, in the memory of this process. Cheap to clone.
#[derive(Clone)]
pub struct MemoryCache(Arc<Inner>);

struct Inner {
    limits: CacheLimits,
    outcomes: LocalCache,
    metadata: sync::Cache<String, Bytes>,
    claims: Leases<Uuid>,
    waiting: Leases<()>,
    wakeups: Wakeups,
    forgets: broadcast::Sender<Forget>,
    limiter: RateLimiter,
}

/// Bytes of metadata values: small JSON, so a sixteenth of the pictures' default is plenty.
const METADATA_BYTES_MAX: u64 = 4 << 20;

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
            claims: Leases::default(),
            waiting: Leases::default(),
            wakeups: Wakeups::default(),
            forgets: broadcast::Sender::new(FORGETS_MAX),
            limiter: RateLimiter::default(),
            limits,
        }))
    }

    pub(super) fn render(&self, key: &RenderKey) -> Option<Outcome> {
        self.0.outcomes.get(key)
    }

    pub(super) fn put_render(
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

    pub(super) fn claim(&self, key: &RenderKey, job_id: Uuid, lease: Duration) -> Claim {
        let mut claims = self.0.claims.lock();
        match claims.get(key) {
            Some(by) if by != job_id => Claim::Held { by },
            Some(_) => Claim::Won,
            None => {
                claims.set(key, job_id, lease);
                Claim::Won
            }
        }
    }

    pub(super) fn renew_claim(&self, key: &RenderKey, job_id: Uuid, lease: Duration) -> bool {
        let mut claims = self.0.claims.lock();
        let ours = claims.get(key) == Some(job_id);
        if ours {
            claims.set(key, job_id, lease);
        }
        ours
    }

    pub(super) fn release_claim(&self, key: &RenderKey, job_id: Uuid) {
        let mut claims = self.0.claims.lock();
        if claims.get(key) == Some(job_id) {
            claims.0.remove(key);
        }
    }

    pub(super) fn mark_waiting(&self, key: &RenderKey, until: Duration) {
        self.0.waiting.lock().prolong(key, (), until);
    }

    pub(super) fn someone_waits(&self, key: &RenderKey) -> bool {
        self.0.waiting.lock().get(key).is_some()
    }

    pub(super) fn wakeups(&self) -> &Wakeups {
        &self.0.wakeups
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

    pub(super) fn count_request(&self, client: &str, limit: u32, window: Duration) -> RateDecision {
        self.0.limiter.count_request(client, limit, window)
    }
}

/// Values that hold until a moment.
struct Leases<V>(Mutex<LeaseTable<V>>);

struct LeaseTable<V>(HashMap<RenderKey, (V, Instant)>);

impl<V> Default for Leases<V> {
    fn default() -> Self {
        Self(Mutex::new(LeaseTable(HashMap::new())))
    }
}

impl<V> Leases<V> {
    fn lock(&self) -> MutexGuard<'_, LeaseTable<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Copy> LeaseTable<V> {
    fn get(&self, key: &RenderKey) -> Option<V> {
        self.0.get(key).filter(|(_, until)| *until > Instant::now()).map(|(value, _)| *value)
    }

    /// Like [`LeaseTable::set`], but a lease that already reaches further stays.
    fn prolong(&mut self, key: &RenderKey, value: V, lease: Duration) {
        let until = Instant::now() + lease;
        if self.0.get(key).is_none_or(|(_, held_until)| *held_until < until) {
            self.set(key, value, lease);
        }
    }

    fn set(&mut self, key: &RenderKey, value: V, lease: Duration) {
        // Growing is the moment to look for what has run out, so that the cost is spread over the inserts.
        if self.0.len() == self.0.capacity() {
            let now = Instant::now();
            self.0.retain(|_, (_, until)| *until > now);
        }
        self.0.insert(*key, (value, Instant::now() + lease));
    }
}
