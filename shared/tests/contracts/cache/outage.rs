//! Redis goes away and comes back: a private server, killed and started again.

use std::time::{Duration, Instant};

use noctis_shared::{
    cache::{Cache, CacheError, CacheLimits, Forget},
    coordination::{Claimant, Coordination},
    health::Health,
    redis_link::LinkError,
    settings::RateLimit,
};
use uuid::Uuid;

use super::fixture::{MINUTE, SECOND, eventually, key, picture, within};
use crate::{private_redis::PrivateRedis, said::Said};

const ONE_A_MINUTE: RateLimit = RateLimit { requests: 1, window: MINUTE };

async fn is_up(cache: &Cache) -> bool {
    cache.health().await == Health::Up
}

fn is_subscribed(cache: &Cache) -> bool {
    matches!(cache, Cache::Redis(cache) if cache.is_subscribed())
}

async fn ready(redis: &PrivateRedis) -> Cache {
    let cache = Cache::connect(&redis.url(), "noctis", CacheLimits::default()).await.expect("a cache");
    eventually(5 * SECOND, "it is up", async || is_up(&cache).await && is_subscribed(&cache)).await;
    cache
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_is_a_miss_that_costs_little_and_its_return_is_noticed_within_two_seconds() {
    let redis = PrivateRedis::start(PrivateRedis::spare_port());
    let cache = ready(&redis).await;
    let (key, image_id) = (key(), Uuid::new_v4());
    cache.put_render(image_id, &key, &picture(b"before")).await.expect("put");
    let coordination = Coordination::beside(&cache);
    let mut waiter = coordination.wakeups().register(&key);
    let mut forgets = cache.forgets();
    let claimant = Claimant { job_id: image_id, may_be_promoted: false };

    let port = redis.kill();
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(cache.render(&key).await, None);
        assert!(coordination.ask(&key, claimant, None, MINUTE).await.is_err());
    }
    assert!(started.elapsed() < SECOND, "400 calls cost {:?}", started.elapsed());
    assert_eq!(cache.health().await, Health::Down);
    assert!(coordination.count_request("client", 1, ONE_A_MINUTE).await.allowed);
    assert!(!coordination.count_request("client", 1, ONE_A_MINUTE).await.allowed, "the process counts alone");
    eventually(5 * SECOND, "the subscription is gone", async || !is_subscribed(&cache)).await;

    let redis = PrivateRedis::start(port);
    let started = Instant::now();
    let writes = async || cache.put_render(image_id, &key, &picture(b"after")).await.is_ok();
    eventually(5 * SECOND, "writes work again", writes).await;
    assert!(started.elapsed() < 2 * SECOND, "recovery took {:?}", started.elapsed());
    assert_eq!(cache.render(&key).await, Some(picture(b"after")));
    within(5 * SECOND, "waiters of the gap look again", waiter.woken()).await;
    let told = within(5 * SECOND, "process memory starts anew", forgets.recv()).await.expect("a message");
    assert_eq!(told, Forget::Everything);
    coordination.announce(&key).await.expect("announced");
    within(5 * SECOND, "the subscription is back", waiter.woken()).await;
    drop(redis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_costs_one_timeout_and_not_one_for_each_call() {
    let redis = PrivateRedis::start(PrivateRedis::spare_port());
    let limits = CacheLimits { response_timeout: Duration::from_millis(200), ..CacheLimits::default() };
    let cache = Cache::connect(&redis.url(), "noctis", limits).await.expect("a cache");
    eventually(5 * SECOND, "it is up", async || is_up(&cache).await).await;
    redis.signal("-STOP");
    let started = Instant::now();
    for _ in 0..100 {
        assert_eq!(cache.render(&key()).await, None);
    }
    assert!(started.elapsed() < SECOND, "100 misses cost {:?}", started.elapsed());
    redis.signal("-CONT");
    let coordination = Coordination::beside(&cache);
    let reads = async || coordination.leave(&key(), Uuid::nil()).await.is_ok();
    eventually(2 * SECOND, "it answers again", reads).await;
}

#[tokio::test]
async fn a_redis_that_is_down_at_the_start_fails_nothing_and_is_used_once_it_is_there() {
    let port = PrivateRedis::spare_port();
    let url = format!("redis://127.0.0.1:{port}");
    let cache = Cache::connect(&url, "noctis", CacheLimits::default()).await.expect("a cache all the same");
    let (key, image_id) = (key(), Uuid::new_v4());
    assert_eq!(cache.health().await, Health::Down);
    assert_eq!(cache.render(&key).await, None);
    let error = cache.put_render(image_id, &key, &picture(b"lost")).await.expect_err("nobody there");
    assert!(matches!(error, CacheError::Link(LinkError::Resting | LinkError::Redis(_))), "{error:?}");
    let coordination = Coordination::beside(&cache);
    let mut waiter = coordination.wakeups().register(&key);
    assert!(coordination.announce(&key).await.is_err());
    within(SECOND, "waiters of the same process are woken all the same", waiter.woken()).await;

    let redis = PrivateRedis::start(port);
    let published = async || coordination.settle(image_id, &key, &picture(b"kept")).await.is_ok();
    eventually(2 * SECOND, "it is used", published).await;
    assert_eq!(cache.render(&key).await, Some(picture(b"kept")));
    drop(redis);
}

#[tokio::test]
async fn faults_are_counted_by_operation() {
    // One thread: the recorder of this test is that thread's.
    let recorder = noctis_shared::telemetry::metrics::recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let url = format!("redis://127.0.0.1:{}", PrivateRedis::spare_port());
    let cache = Cache::connect(&url, "noctis", CacheLimits::default()).await.expect("a cache all the same");
    for _ in 0..3 {
        assert_eq!(cache.render(&key()).await, None);
    }
    let page = recorder.handle().render();
    assert!(page.contains("noctis_cache_faults_total{operation=\"render\"} 3"), "{page}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_down_and_nothing_panics() {
    let redis = PrivateRedis::start(PrivateRedis::spare_port());
    ready(&redis).await;
    let url = redis.url().replace("redis://", "rediss://");
    let cache = Cache::connect(&url, "noctis", CacheLimits::default()).await.expect("a cache all the same");
    assert_eq!(cache.health().await, Health::Down);
    assert_eq!(cache.render(&key()).await, None);
}

#[tokio::test]
async fn an_outage_is_said_once_by_the_name_of_the_setting_and_so_is_its_end() {
    let redis = PrivateRedis::start(PrivateRedis::spare_port());
    let cache = ready(&redis).await;
    let said = Said::from_now_on();
    let port = redis.kill();
    let url = format!("redis://127.0.0.1:{port}");
    for _ in 0..200 {
        assert_eq!(cache.render(&key()).await, None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(said.lines_with("NOCTIS_CACHE_URL is out of reach"), 1, "{said}");
    let redis = PrivateRedis::start(port);
    eventually(5 * SECOND, "it is up again", async || is_up(&cache).await).await;
    for _ in 0..20 {
        assert_eq!(cache.render(&key()).await, None);
    }
    assert_eq!(said.lines_with("NOCTIS_CACHE_URL answers again"), 1, "{said}");
    assert_eq!((said.lines_with(&url), said.lines_with("NOCTIS_CACHE_URL")), (0, 2), "{said}");
    drop(redis);
}
