//! The cache of a cluster, in one Redis (not Redis Cluster: commands name several keys). From Redis 6.2.

mod circuit;
mod connection;
mod forgetting;
mod keys;
mod scripts;
mod subscriber;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use redis::Pipeline;
use tokio::sync::{broadcast, watch};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::{connection::Connection, keys::Keys, subscriber::Subscriber};
use super::{
    CacheError, Claim, Forget,
    forget::FORGETS_MAX,
    limits::CacheLimits,
    rate::{RateDecision, RateLimiter},
    wakeup::Wakeups,
};
use crate::{health::Health, render::Outcome, render_key::RenderKey};

/// All a cache keeps, in Redis. Cheap to clone; the last clone ends its connections.
#[derive(Clone)]
pub struct RedisCache(Arc<Inner>);

struct Inner {
    limits: CacheLimits,
    connection: Connection,
    keys: Keys,
    wakeups: Wakeups,
    forgets: broadcast::Sender<Forget>,
    /// Counts while Redis is down.
    limiter: RateLimiter,
    subscribed: watch::Receiver<bool>,
    _subscriber: AbortOnDropHandle<()>,
}

impl RedisCache {
    /// Opens both connections. Waits for them at most the response timeout, then goes on without: reads are misses
    /// until Redis is there.
    ///
    /// # Errors
    /// [`CacheError::Url`] and [`CacheError::Namespace`].
    pub async fn connect(url: &str, namespace: &str, limits: CacheLimits) -> Result<Self, CacheError> {
        let keys = Keys::new(namespace)?;
        let client = connection::client(url, limits.response_timeout)?;
        let connection = Connection::new(client.clone(), limits.response_timeout)?;
        let (wakeups, forgets) = (Wakeups::default(), broadcast::Sender::new(FORGETS_MAX));
        let (subscribed, mut first_subscription) = watch::channel(false);
        let subscriber = Subscriber {
            client,
            connection: connection.clone(),
            keys: keys.clone(),
            wakeups: wakeups.clone(),
            forgets: forgets.clone(),
            response_timeout: limits.response_timeout,
            subscribed,
        };
        let subscriber = AbortOnDropHandle::new(tokio::spawn(subscriber.run()));
        let (_, _) = tokio::join!(
            connection.health(),
            tokio::time::timeout(
                limits.response_timeout,
                first_subscription.wait_for(|subscribed| *subscribed)
            ),
        );
        let (limiter, subscribed) = (RateLimiter::default(), first_subscription.clone());
        let inner = Inner {
            limits,
            connection,
            keys,
            wakeups,
            forgets,
            limiter,
            subscribed,
            _subscriber: subscriber,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether announcements of other processes reach this one now.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        *self.0.subscribed.borrow()
    }

    pub(super) async fn render(&self, key: &RenderKey) -> Option<Outcome> {
        let record: Option<Bytes> = self.get("render", &self.0.keys.render(key)).await;
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
        self.0.connection.query_all("put_render", &pipeline).await
    }

    pub(super) async fn publish_render(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
        claimed_by: Option<Uuid>,
    ) -> Result<(), CacheError> {
        let mut pipeline = Pipeline::with_capacity(6);
        self.add_put(&mut pipeline, image_id, key, outcome);
        if let Some(job_id) = claimed_by {
            let mut release = scripts::eval(scripts::RELEASE_CLAIM, &self.0.keys.claim(key));
            release.arg(job_id.to_string());
            pipeline.add_command(release).ignore();
        }
        pipeline.cmd("PUBLISH").arg(self.0.keys.wake_channel()).arg(key.to_string()).ignore();
        let result = self.0.connection.query_all("publish_render", &pipeline).await;
        self.wake_here_if_failed(key, result)
    }

    /// The index of an image is a sorted set by expiry, so that keys which expired leave it with the next write.
    fn add_put(&self, pipeline: &mut Pipeline, image_id: Uuid, key: &RenderKey, outcome: &Outcome) {
        let Inner { keys, limits, .. } = &*self.0;
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

    pub(super) async fn claim(
        &self,
        key: &RenderKey,
        job_id: Uuid,
        lease: Duration,
    ) -> Result<Claim, CacheError> {
        let mut command = scripts::eval(scripts::CLAIM, &self.0.keys.claim(key));
        command.arg(job_id.to_string()).arg(millis(lease));
        let holder: String = self.0.connection.query("claim", &command).await?;
        // A holder that is no UUID is none of ours; it is held all the same.
        let by = holder.parse().unwrap_or(Uuid::nil());
        Ok(if by == job_id { Claim::Won } else { Claim::Held { by } })
    }

    pub(super) async fn renew_claim(
        &self,
        key: &RenderKey,
        job_id: Uuid,
        lease: Duration,
    ) -> Result<bool, CacheError> {
        let mut command = scripts::eval(scripts::RENEW_CLAIM, &self.0.keys.claim(key));
        command.arg(job_id.to_string()).arg(millis(lease));
        self.0.connection.query("renew_claim", &command).await
    }

    pub(super) async fn release_claim(&self, key: &RenderKey, job_id: Uuid) -> Result<(), CacheError> {
        let mut command = scripts::eval(scripts::RELEASE_CLAIM, &self.0.keys.claim(key));
        command.arg(job_id.to_string());
        self.0.connection.query("release_claim", &command).await
    }

    pub(super) async fn mark_waiting(&self, key: &RenderKey, until: Duration) -> Result<(), CacheError> {
        let mut command = scripts::eval(scripts::MARK_WAITING, &self.0.keys.waiting(key));
        command.arg(millis(until));
        self.0.connection.query("mark_waiting", &command).await
    }

    pub(super) async fn someone_waits(&self, key: &RenderKey) -> Result<bool, CacheError> {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.0.keys.waiting(key));
        self.0.connection.query("someone_waits", &command).await
    }

    pub(super) async fn announce(&self, key: &RenderKey) -> Result<(), CacheError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.0.keys.wake_channel()).arg(key.to_string());
        let result = self.0.connection.query("announce", &command).await;
        self.wake_here_if_failed(key, result)
    }

    /// Without Redis, waiters of this process at least need not wait for their next poll.
    fn wake_here_if_failed(&self, key: &RenderKey, result: Result<(), CacheError>) -> Result<(), CacheError> {
        result.inspect_err(|_| self.0.wakeups.wake(key))
    }

    pub(super) fn wakeups(&self) -> &Wakeups {
        &self.0.wakeups
    }

    pub(super) async fn put_metadata(&self, name: &str, value: &Bytes) {
        let mut command = redis::cmd("SET");
        command.arg(self.0.keys.metadata(name)).arg(&**value);
        command.arg("PX").arg(millis(self.0.limits.metadata_ttl));
        // Counted as a fault by the connection; a value that was not kept is read from the catalog again.
        let _: Result<(), CacheError> = self.0.connection.query("put_metadata", &command).await;
    }

    pub(super) async fn metadata(&self, name: &str) -> Option<Bytes> {
        self.get("metadata", &self.0.keys.metadata(name)).await
    }

    /// A fault is a miss; the connection has counted it.
    async fn get(&self, operation: &'static str, key: &str) -> Option<Bytes> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        self.0.connection.query(operation, &command).await.unwrap_or(None)
    }

    pub(super) fn forgets(&self) -> broadcast::Receiver<Forget> {
        self.0.forgets.subscribe()
    }

    pub(super) async fn count_request(&self, client: &str, limit: u32, window: Duration) -> RateDecision {
        let mut command = scripts::eval(scripts::COUNT_REQUEST, &self.0.keys.rate(client));
        command.arg(limit).arg(u64::try_from(window.as_micros()).unwrap_or(u64::MAX));
        match self.0.connection.query::<(u8, u64, u64)>("count_request", &command).await {
            Ok((0, _, reset_micros)) => RateDecision::refused(reset_micros),
            Ok((_, remaining, reset_micros)) => RateDecision::allowed(remaining, reset_micros),
            Err(_) => self.0.limiter.count_request(client, limit, window),
        }
    }

    pub(super) async fn health(&self) -> Health {
        self.0.connection.health().await
    }
}

/// Whole milliseconds, at least 1: Redis refuses a lifetime of 0.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
