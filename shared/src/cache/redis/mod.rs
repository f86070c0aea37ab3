//! The cache of a cluster, in one Redis.

mod forgetting;

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use redis::Pipeline;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{CacheError, Forget, limits::CacheLimits};
use crate::{
    health::Health,
    redis_link::{RedisLink, millis},
    render::Outcome,
    render_key::RenderKey,
};

/// All a cache keeps, in Redis. Cheap to clone; the last clone ends its connections.
#[derive(Clone)]
pub struct RedisCache {
    link: RedisLink,
    limits: CacheLimits,
}

impl RedisCache {
    /// Opens the way to Redis. Waits for it at most the response timeout, then goes on without: reads are misses until
    /// Redis is there.
    ///
    /// # Errors
    /// [`CacheError::Link`] for a URL or namespace that is none.
    pub async fn connect(url: &str, namespace: &str, limits: CacheLimits) -> Result<Self, CacheError> {
        let link = RedisLink::connect(url, namespace, limits.response_timeout).await?;
        Ok(Self { link, limits })
    }

    /// Whether announcements of other processes reach this one now.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.link.is_subscribed()
    }

    /// The way to Redis, for what is coordinated beside the cache.
    pub(crate) fn link(&self) -> &RedisLink {
        &self.link
    }

    pub(super) async fn render(&self, key: &RenderKey) -> Option<Outcome> {
        let record: Option<Bytes> = self.get("render", &self.link.keys().render(key)).await;
        // A record of another release is a miss, not a fault.
        Outcome::from_record(record?).ok()
    }

    pub(super) async fn put_render(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) -> Result<(), CacheError> {
        let mut pipeline = Pipeline::with_capacity(4);
        self.add_put(&mut pipeline, image_id, key, outcome);
        Ok(self.link.connection().query_all("put_render", &pipeline).await?)
    }

    /// Adds what keeps an outcome. The index of an image is a sorted set by expiry, so that keys which expired leave it
    /// with the next write.
    pub(crate) fn add_put(
        &self,
        pipeline: &mut Pipeline,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) {
        let (keys, limits) = (self.link.keys(), &self.limits);
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis);
        let ttl_ms = millis(limits.ttl_of(outcome));
        let index = keys.image(image_id);
        pipeline.cmd("SET").arg(keys.render(key)).arg(&*outcome.to_record()).arg("PX").arg(ttl_ms).ignore();
        pipeline.cmd("ZADD").arg(&index).arg(now_ms + ttl_ms).arg(key.to_string()).ignore();
        // A minute of grace for clocks that disagree.
        pipeline.cmd("ZREMRANGEBYSCORE").arg(&index).arg("-inf").arg(now_ms.saturating_sub(60_000)).ignore();
        let index_ttl_ms = millis(limits.image_ttl.max(limits.failure_ttl)) + 60_000;
        pipeline.cmd("PEXPIRE").arg(&index).arg(index_ttl_ms).ignore();
    }

    pub(super) async fn put_metadata(&self, name: &str, value: &Bytes) {
        let mut command = redis::cmd("SET");
        command.arg(self.link.keys().metadata(name)).arg(&**value);
        command.arg("PX").arg(millis(self.limits.metadata_ttl));
        // Counted as a fault by the connection; a value that was not kept is read from the catalog again.
        let _: Result<(), _> = self.link.connection().query("put_metadata", &command).await;
    }

    pub(super) async fn metadata(&self, name: &str) -> Option<Bytes> {
        self.get("metadata", &self.link.keys().metadata(name)).await
    }

    /// A fault is a miss; the connection has counted it.
    async fn get(&self, operation: &'static str, key: &str) -> Option<Bytes> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        self.link.connection().query(operation, &command).await.unwrap_or(None)
    }

    pub(super) fn forgets(&self) -> broadcast::Receiver<Forget> {
        self.link.forgets().subscribe()
    }

    pub(super) async fn health(&self) -> Health {
        self.link.connection().health().await
    }
}
