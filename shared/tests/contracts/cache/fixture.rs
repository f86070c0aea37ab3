//! Caches to test, samples to put into them, and waiting on conditions.

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use noctis_shared::{
    cache::{Cache, CacheLimits},
    health::Health,
    render::{FailureKind, Outcome, RenderFacts, RenderFailure, StageTimings, StoredRender},
    render_key::RenderKey,
    request::PictureFormat,
};
use uuid::Uuid;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const REDIS_URL: &str = "redis://127.0.0.1:6379";

pub(crate) fn redis_url() -> String {
    std::env::var("NOCTIS_TEST_REDIS_URL").unwrap_or_else(|_| REDIS_URL.to_owned())
}

/// Runs `test` on an empty cache at `url`, in a namespace of its own that is gone afterwards.
pub(crate) async fn with_cache<F: Future<Output = ()>>(
    url: &str,
    limits: CacheLimits,
    test: impl FnOnce(Cache, String) -> F,
) {
    let namespace = format!("test-{}", Uuid::new_v4().simple());
    let cache = Cache::connect(url, &namespace, limits).await.expect("a cache");
    assert_eq!(cache.health().await, Health::Up, "no cache at {url}");
    let result = AssertUnwindSafe(test(cache.clone(), namespace.clone())).catch_unwind().await;
    if matches!(cache, Cache::Redis(_)) {
        remove_namespace(url, &namespace).await;
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

async fn remove_namespace(url: &str, namespace: &str) {
    let keys = keys_of(url, namespace).await;
    if !keys.is_empty() {
        let mut connection = connection(url).await;
        redis::cmd("DEL").arg(keys).exec_async(&mut connection).await.expect("keys go");
    }
}

/// All keys of a namespace, as Redis itself tells them.
pub(crate) async fn keys_of(url: &str, namespace: &str) -> Vec<String> {
    let mut keys = redis::cmd("KEYS");
    keys.arg(format!("{namespace}:*")).query_async(&mut connection(url).await).await.expect("keys")
}

pub(crate) async fn connection(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).expect("a Redis URL");
    client.get_multiplexed_async_connection().await.expect("Redis")
}

/// A key nobody else has.
pub(crate) fn key() -> RenderKey {
    Uuid::new_v4().simple().to_string().parse().expect("32 digits")
}

pub(crate) fn picture(bytes: &'static [u8]) -> Outcome {
    let timings = StageTimings {
        queue_ms: 0.5,
        slot_ms: 0.25,
        fetch_ms: 1.0,
        decode_ms: 2.0,
        render_ms: 3.0,
        encode_ms: 4.0,
    };
    let facts = RenderFacts {
        format: PictureFormat::Png,
        rows: 512,
        columns: 256,
        window: None,
        pixel_scale: Some((1.0, -1024.0)),
        partial: true,
        pixels: None,
        left_out: Vec::new(),
        timings,
    };
    Outcome::Picture(StoredRender { facts, picture: Bytes::from_static(bytes) })
}

pub(crate) fn failure() -> Outcome {
    Outcome::Failure(RenderFailure {
        media_types: vec!["video/mp4".to_owned()],
        ..RenderFailure::new(FailureKind::NotAPicture, "the instance is a video")
    })
}

/// Waits until `condition` holds, at most `limit`.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(limit, poll).await.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"));
}

pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}
