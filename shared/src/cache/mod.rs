//! The cache: copies of outcomes under their render keys, and small metadata.
//!
//! What belongs here may be lost at any moment: every value is a copy. What must not be here: anything that decides who
//! makes or waits for a render (`coordination`). Reads never fail: a fault is a miss, counted in
//! `noctis_cache_faults_total`.
//! The contract, one test a line in `tests/contracts/cache`, run on both variants:
//!
//! - an outcome reads back as it was put, picture and failure; an unknown key is a miss
//! - pictures and failures expire after their own time
//! - metadata read back under their name, expire, and can be forgotten by name
//! - forgetting images drops their outcomes, counts them, leaves others alone, and tells every process
//! - clearing drops all outcomes and metadata, and tells every process
//! - a cache that answers is up
//!
//! and on Redis alone: namespaces do not see each other; an outage makes misses that cost little; both connections
//! return by themselves.
//!
//! | key in Redis | holds | lives |
//! |---|---|---|
//! | `{namespace}:render:{key}` | [`Outcome::to_record`] | image or failure lifetime |
//! | `{namespace}:image:{image_id}` | sorted set of the image's render keys, by expiry | as its last render, and a minute |
//! | `{namespace}:metadata:{name}` | JSON | metadata lifetime |
//! | `{namespace}:forget` | channel: a [`Forget`] as JSON | – |

mod error;
mod limits;
pub mod local;
pub mod memory;
pub mod redis;

use bytes::Bytes;
use tokio::sync::broadcast;
use uuid::Uuid;

pub use self::{error::CacheError, limits::CacheLimits, local::LocalCache};
pub use crate::announced::Forget;
use crate::{health::Health, render::Outcome, render_key::RenderKey};

/// The cache this deployment has. Cheap to clone.
#[derive(Clone)]
pub enum Cache {
    /// In this process, with nothing installed.
    Memory(memory::MemoryCache),
    /// Shared by all processes.
    Redis(redis::RedisCache),
}

impl Cache {
    /// Opens the cache that `url` names: `memory:`, `redis://…` or `rediss://…`. A Redis that is down is no error:
    /// reads are misses until it is there.
    ///
    /// # Errors
    /// [`CacheError::Url`] and [`CacheError::Link`], each one sentence for the operator.
    pub async fn connect(url: &str, namespace: &str, limits: CacheLimits) -> Result<Cache, CacheError> {
        // The URL may hold a password: errors tell its scheme at most.
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "memory" => Ok(Cache::Memory(memory::MemoryCache::new(limits))),
            "redis" | "rediss" => Ok(Cache::Redis(redis::RedisCache::connect(url, namespace, limits).await?)),
            _ => Err(CacheError::Url(format!("scheme {scheme:?} is not one of memory, redis, rediss"))),
        }
    }

    /// What is known under `key`. A fault is a miss. The picture is a view into what the socket delivered.
    pub async fn render(&self, key: &RenderKey) -> Option<Outcome> {
        match self {
            Cache::Memory(cache) => cache.render(key),
            Cache::Redis(cache) => cache.render(key).await,
        }
    }

    /// Keeps `outcome` for its lifetime, findable by key and by image.
    ///
    /// # Errors
    /// A fault of Redis, or [`CacheError::TooLarge`] for the memory of this process.
    pub async fn put_render(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => cache.put_render(image_id, key, outcome),
            Cache::Redis(cache) => cache.put_render(image_id, key, outcome).await,
        }
    }

    /// Keeps a small JSON value under a name. A fault keeps nothing.
    pub async fn put_metadata(&self, name: &str, value: Bytes) {
        match self {
            Cache::Memory(cache) => cache.put_metadata(name, value),
            Cache::Redis(cache) => cache.put_metadata(name, &value).await,
        }
    }

    /// The value under a name. A fault is a miss.
    pub async fn metadata(&self, name: &str) -> Option<Bytes> {
        match self {
            Cache::Memory(cache) => cache.metadata(name),
            Cache::Redis(cache) => cache.metadata(name).await,
        }
    }

    /// Drops the values under these names; says how many there were.
    ///
    /// # Errors
    /// A fault of Redis.
    pub async fn forget_metadata(&self, names: &[String]) -> Result<u64, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.forget_metadata(names)),
            Cache::Redis(cache) => Ok(cache.forget_metadata(names).await?),
        }
    }

    /// Drops pictures and remembered failures of these images and tells every process to do so
    /// ([`Cache::forgets`]); says how many outcomes went.
    ///
    /// # Errors
    /// A fault of Redis; some may be dropped then.
    pub async fn forget_images(&self, image_ids: &[Uuid]) -> Result<u64, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.forget_images(image_ids)),
            Cache::Redis(cache) => Ok(cache.forget_images(image_ids).await?),
        }
    }

    /// Drops all outcomes and metadata of this namespace and tells every process; says how many outcomes went.
    ///
    /// # Errors
    /// A fault of Redis; some may be dropped then.
    pub async fn clear(&self) -> Result<u64, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.clear()),
            Cache::Redis(cache) => Ok(cache.clear().await?),
        }
    }

    /// Tells every process, this one too, to drop its own copies. [`Cache::forget_images`] and [`Cache::clear`] do
    /// so themselves.
    ///
    /// # Errors
    /// A fault of Redis; receivers in this process are told all the same.
    pub async fn broadcast_forget(&self, forget: Forget) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => {
                cache.broadcast_forget(forget);
                Ok(())
            }
            Cache::Redis(cache) => Ok(cache.broadcast_forget(&forget).await?),
        }
    }

    /// What to drop from process memory, from now on. After a gap in the subscription it says
    /// [`Forget::Everything`]; a receiver that lagged must act as if it did.
    #[must_use]
    pub fn forgets(&self) -> broadcast::Receiver<Forget> {
        match self {
            Cache::Memory(cache) => cache.forgets(),
            Cache::Redis(cache) => cache.forgets(),
        }
    }

    /// Whether the cache answers now.
    pub async fn health(&self) -> Health {
        match self {
            Cache::Memory(_) => Health::Up,
            Cache::Redis(cache) => cache.health().await,
        }
    }
}
