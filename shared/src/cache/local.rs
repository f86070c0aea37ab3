//! Outcomes in the memory of this process: the API's first tier in front of Redis, and the store of the memory cache.
//! Bounded by bytes, least recently used goes first. A get clones a handle, never picture bytes.

use std::time::{Duration, Instant};

use moka::{Expiry, policy::EvictionPolicy, sync};
use uuid::Uuid;

use super::limits::CacheLimits;
use crate::{render::Outcome, render_key::RenderKey};

/// A cheap-to-clone store of outcomes, bounded by [`CacheLimits::memory_bytes_max`].
#[derive(Clone)]
pub struct LocalCache {
    entries: sync::Cache<RenderKey, Entry>,
    limits: CacheLimits,
}

#[derive(Clone)]
struct Entry {
    image_id: Uuid,
    ttl: Duration,
    outcome: Outcome,
}

struct OwnTtl;

impl Expiry<RenderKey, Entry> for OwnTtl {
    fn expire_after_create(&self, _: &RenderKey, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &RenderKey,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl LocalCache {
    /// An empty cache; uses the byte bound and the two lifetimes of `limits`.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let entries = sync::Cache::builder()
            .max_capacity(limits.memory_bytes_max)
            .weigher(|_, entry: &Entry| u32::try_from(entry.outcome.byte_count()).unwrap_or(u32::MAX))
            // The frequency sketch of the default policy may refuse a newcomer, and waiters look for the newcomer.
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(OwnTtl)
            .build();
        Self { entries, limits }
    }

    /// The outcome under `key`, if it is there and has not expired.
    #[must_use]
    pub fn get(&self, key: &RenderKey) -> Option<Outcome> {
        self.entries.get(key).map(|entry| entry.outcome)
    }

    /// Keeps `outcome`; `false` when it alone is larger than the cache, which then stays as it was.
    pub fn put(&self, image_id: Uuid, key: &RenderKey, outcome: Outcome) -> bool {
        if outcome.byte_count() as u64 > self.limits.memory_bytes_max {
            return false;
        }
        let ttl = self.limits.ttl_of(&outcome);
        self.entries.insert(*key, Entry { image_id, ttl, outcome });
        // Eviction otherwise lags behind by up to 64 writes, which is a lot of memory when the writes are pictures.
        self.entries.run_pending_tasks();
        true
    }

    /// Drops all outcomes of `image_id`; says how many.
    pub fn forget_image(&self, image_id: Uuid) -> u64 {
        self.forget_images(&[image_id])
    }

    /// Drops all outcomes of `image_ids`; says how many.
    ///
    /// Looks at every entry: forgetting is rare, and an index beside the entries could disagree with them.
    pub fn forget_images(&self, image_ids: &[Uuid]) -> u64 {
        let of_these = |entry: &Entry| image_ids.contains(&entry.image_id);
        let keys = self.entries.iter().filter(|(_, entry)| of_these(entry)).map(|(key, _)| *key);
        let keys: Vec<RenderKey> = keys.collect();
        keys.iter().filter(|key| self.entries.remove(*key).is_some()).count() as u64
    }

    /// Drops everything; says how many outcomes that were.
    pub fn clear(&self) -> u64 {
        self.entries.run_pending_tasks();
        let count = self.entries.entry_count();
        self.entries.invalidate_all();
        count
    }

    /// Bytes the outcomes weigh now.
    #[must_use]
    pub fn byte_count(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        render::{RenderFacts, StageTimings, StoredRender},
        request::PictureFormat,
    };

    const LIMITS: CacheLimits = CacheLimits {
        memory_bytes_max: 100_000,
        image_ttl: Duration::from_secs(60),
        metadata_ttl: Duration::from_secs(60),
        failure_ttl: Duration::from_secs(60),
        response_timeout: Duration::from_secs(1),
    };

    fn picture(byte_count: usize) -> Outcome {
        let facts = RenderFacts {
            format: PictureFormat::Png,
            rows: 1,
            columns: 1,
            window: None,
            pixel_scale: None,
            partial: false,
            pixels: None,
            left_out: Vec::new(),
            timings: StageTimings::default(),
        };
        Outcome::Picture(StoredRender { facts, picture: Bytes::from(vec![7; byte_count]) })
    }

    fn key(number: u32) -> RenderKey {
        format!("{number:032x}").parse().expect("32 digits")
    }

    #[test]
    fn it_stays_within_its_bytes_and_drops_what_was_used_longest_ago() {
        let cache = LocalCache::new(LIMITS);
        for number in 0..50 {
            assert!(cache.put(Uuid::nil(), &key(number), picture(9_500)));
            assert!(cache.get(&key(number)).is_some(), "the newest is always there");
            assert!(cache.get(&key(0)).is_some(), "what is used stays");
            assert!(cache.byte_count() <= LIMITS.memory_bytes_max);
        }
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn what_is_larger_than_the_cache_is_refused_and_displaces_nothing() {
        let cache = LocalCache::new(LIMITS);
        assert!(cache.put(Uuid::nil(), &key(1), picture(9_500)));
        assert!(!cache.put(Uuid::nil(), &key(2), picture(100_000)));
        assert!(cache.get(&key(1)).is_some());
        assert!(cache.get(&key(2)).is_none());
    }

    #[test]
    fn a_get_hands_out_the_same_bytes_and_not_a_copy() {
        let cache = LocalCache::new(LIMITS);
        let outcome = picture(1_000);
        cache.put(Uuid::nil(), &key(1), outcome.clone());
        let (Outcome::Picture(put), Some(Outcome::Picture(got))) = (outcome, cache.get(&key(1))) else {
            panic!("pictures")
        };
        assert_eq!(put.picture.as_ptr(), got.picture.as_ptr());
    }

    #[test]
    fn forgetting_an_image_leaves_the_others() {
        let cache = LocalCache::new(LIMITS);
        let (gone, kept) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for number in 0..3 {
            cache.put(gone, &key(number), picture(10));
        }
        cache.put(kept, &key(9), picture(10));
        assert_eq!(cache.forget_image(gone), 3);
        assert!(cache.get(&key(0)).is_none());
        assert_eq!(cache.clear(), 1);
        assert!(cache.get(&key(9)).is_none());
    }
}
