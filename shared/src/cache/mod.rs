//! The cache: outcomes under their render keys, claims on making them, wake-ups, small metadata, request counts.
//!
//! Losing all of it loses no truth. Reads never fail: a fault is a miss, counted in `noctis_cache_faults_total`.
//! The contract, one test a line in `tests/contracts/cache.rs`, run on both variants:
//!
//! - an outcome reads back as it was put, picture and failure; an unknown key is a miss
//! - pictures and failures expire after their own time
//! - of many who claim a render at once, one wins and the others learn who holds it
//! - a claim ends with its lease, or when its holder releases it; nobody else can release or renew it
//! - a waiting mark holds as long as its longest waiter and then ends
//! - publishing a render stores it, wakes its waiters and gives the claim back
//! - an announcement wakes all waiters of its key, and only these; a dropped waiter is forgotten
//! - metadata read back under their name, expire, and can be forgotten by name
//! - forgetting images drops their outcomes, counts them, leaves others alone, and tells every process
//! - clearing drops all outcomes and metadata, but no claim, waiting mark or request count, and tells every process
//! - a client over its limit is refused and told when to come back; others are not affected
//! - a cache that answers is up
//!
//! and on Redis alone: namespaces do not see each other; two processes wake each other; an outage makes misses that
//! cost little; both connections return by themselves, and waiters of the gap are woken.
//!
//! | key in Redis | holds | lives |
//! |---|---|---|
//! | `{namespace}:render:{key}` | [`Outcome::to_record`] | image or failure lifetime |
//! | `{namespace}:image:{image_id}` | sorted set of the image's render keys, by expiry | as its last render, and a minute |
//! | `{namespace}:metadata:{name}` | JSON | metadata lifetime |
//! | `{namespace}:claim:{key}` | id of the job that makes it | lease |
//! | `{namespace}:waiting:{key}` | nothing: its being there is the mark | as asked |
//! | `{namespace}:rate:{digest}` | when the client's quota is whole again | until then |
//! | `{namespace}:wake`, `{namespace}:forget` | channels: a render key; a [`Forget`] as JSON | – |

mod error;
mod forget;
mod limits;
pub mod local;
pub mod memory;
mod rate;
pub mod redis;
mod wakeup;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;
use uuid::Uuid;

pub use self::{
    error::CacheError,
    forget::Forget,
    limits::CacheLimits,
    local::LocalCache,
    rate::RateDecision,
    wakeup::{Waiter, Wakeups},
};
use crate::{health::Health, render::Outcome, render_key::RenderKey};

/// The cache this deployment has. Cheap to clone.
#[derive(Clone)]
pub enum Cache {
    /// In this process, with nothing installed.
    Memory(memory::MemoryCache),
    /// Shared by all processes.
    Redis(redis::RedisCache),
}

/// Who makes a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The caller; also when it held the claim already, which does not prolong the lease.
    Won,
    /// Another job.
    Held {
        /// That job.
        by: Uuid,
    },
}

impl Cache {
    /// Opens the cache that `url` names: `memory:`, `redis://…` or `rediss://…`. A Redis that is down is no error:
    /// reads are misses until it is there.
    ///
    /// # Errors
    /// [`CacheError::Url`] and [`CacheError::Namespace`], each one sentence for the operator.
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

    /// [`Cache::put_render`], the release of the claim of job `claimed_by` if given, and [`Cache::announce`], in this
    /// order and in one round trip.
    ///
    /// # Errors
    /// As [`Cache::put_render`]. Waiters are woken all the same, as far as they can be reached.
    pub async fn publish_render(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
        claimed_by: Option<Uuid>,
    ) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => {
                let result = cache.put_render(image_id, key, outcome);
                if let Some(job_id) = claimed_by {
                    cache.release_claim(key, job_id);
                }
                cache.wakeups().wake(key);
                result
            }
            Cache::Redis(cache) => cache.publish_render(image_id, key, outcome, claimed_by).await,
        }
    }

    /// Claims the making of a render for `job_id` until `lease` has passed.
    ///
    /// # Errors
    /// A fault of Redis: go on without a claim, at worst the render is made twice.
    pub async fn claim(&self, key: &RenderKey, job_id: Uuid, lease: Duration) -> Result<Claim, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.claim(key, job_id, lease)),
            Cache::Redis(cache) => cache.claim(key, job_id, lease).await,
        }
    }

    /// Makes the claim last `lease` from now; `false` if it is no longer the job's.
    ///
    /// # Errors
    /// A fault of Redis.
    pub async fn renew_claim(
        &self,
        key: &RenderKey,
        job_id: Uuid,
        lease: Duration,
    ) -> Result<bool, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.renew_claim(key, job_id, lease)),
            Cache::Redis(cache) => cache.renew_claim(key, job_id, lease).await,
        }
    }

    /// Gives the claim back, if it is the job's.
    ///
    /// # Errors
    /// A fault of Redis: the lease ends the claim then.
    pub async fn release_claim(&self, key: &RenderKey, job_id: Uuid) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => {
                cache.release_claim(key, job_id);
                Ok(())
            }
            Cache::Redis(cache) => cache.release_claim(key, job_id).await,
        }
    }

    /// Tells workers that someone waits for this render, for the time `until`; never shortens an earlier mark.
    ///
    /// # Errors
    /// A fault of Redis.
    pub async fn mark_waiting(&self, key: &RenderKey, until: Duration) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => {
                cache.mark_waiting(key, until);
                Ok(())
            }
            Cache::Redis(cache) => cache.mark_waiting(key, until).await,
        }
    }

    /// Whether someone waits for this render.
    ///
    /// # Errors
    /// A fault of Redis: then nobody knows.
    pub async fn someone_waits(&self, key: &RenderKey) -> Result<bool, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.someone_waits(key)),
            Cache::Redis(cache) => cache.someone_waits(key).await,
        }
    }

    /// Wakes who waits for `key`, in every process that listens.
    ///
    /// # Errors
    /// A fault of Redis; the waiters of this process are woken all the same.
    pub async fn announce(&self, key: &RenderKey) -> Result<(), CacheError> {
        match self {
            Cache::Memory(cache) => {
                cache.wakeups().wake(key);
                Ok(())
            }
            Cache::Redis(cache) => cache.announce(key).await,
        }
    }

    /// The waiters of this process. Announcements may be lost while Redis is away, so a waiter also polls.
    #[must_use]
    pub fn wakeups(&self) -> Wakeups {
        match self {
            Cache::Memory(cache) => cache.wakeups().clone(),
            Cache::Redis(cache) => cache.wakeups().clone(),
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
            Cache::Redis(cache) => cache.forget_metadata(names).await,
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
            Cache::Redis(cache) => cache.forget_images(image_ids).await,
        }
    }

    /// Drops all outcomes and metadata of this namespace and tells every process; says how many outcomes went.
    /// Claims, waiting marks and request counts stay: they are no copies of anything.
    ///
    /// # Errors
    /// A fault of Redis; some may be dropped then.
    pub async fn clear(&self) -> Result<u64, CacheError> {
        match self {
            Cache::Memory(cache) => Ok(cache.clear()),
            Cache::Redis(cache) => cache.clear().await,
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
            Cache::Redis(cache) => cache.broadcast_forget(&forget).await,
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

    /// Counts a request of `client` against `limit` requests in `window`. Without Redis each process counts alone.
    pub async fn count_request(&self, client: &str, limit: u32, window: Duration) -> RateDecision {
        match self {
            Cache::Memory(cache) => cache.count_request(client, limit, window),
            Cache::Redis(cache) => cache.count_request(client, limit, window).await,
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
