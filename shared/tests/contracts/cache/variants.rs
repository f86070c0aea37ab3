//! What holds for memory and Redis alike.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use noctis_shared::{
    cache::{Cache, CacheLimits, Forget},
    health::Health,
};
use uuid::Uuid;

use super::fixture::{SECOND, eventually, failure, key, picture, redis_url, with_cache, within};

/// Each line of the contract as a test of each variant.
macro_rules! on_every_variant {
    ($($sentence:ident $(with $limits:expr)?;)+) => {
        mod memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                with_cache("memory:", limits!($($limits)?), |cache, _| super::$sentence(cache)).await;
            })+
        }

        mod redis {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                with_cache(&redis_url(), limits!($($limits)?), |cache, _| super::$sentence(cache)).await;
            })+
        }
    };
}

macro_rules! limits {
    () => {
        CacheLimits::default()
    };
    ($limits:expr) => {
        $limits
    };
}

on_every_variant! {
    an_outcome_reads_back_as_it_was_put;
    pictures_and_failures_expire_after_their_own_time with short_lives();
    metadata_read_back_and_can_be_forgotten_by_name;
    metadata_expire with short_lives();
    forgetting_images_drops_their_outcomes_alone_and_tells_everybody;
    clearing_drops_outcomes_and_metadata_and_tells_everybody;
    a_cache_that_answers_is_up;
}

/// Failures live long enough to be seen after pictures are gone.
fn short_lives() -> CacheLimits {
    let (image_ttl, metadata_ttl) = (Duration::from_millis(150), Duration::from_millis(150));
    CacheLimits { image_ttl, metadata_ttl, failure_ttl: 20 * SECOND, ..CacheLimits::default() }
}

async fn an_outcome_reads_back_as_it_was_put(cache: Cache) {
    let image_id = Uuid::new_v4();
    for outcome in [picture(b"a picture"), picture(b""), failure()] {
        let key = key();
        assert_eq!(cache.render(&key).await, None);
        cache.put_render(image_id, &key, &outcome).await.expect("put");
        assert_eq!(cache.render(&key).await, Some(outcome));
    }
}

async fn pictures_and_failures_expire_after_their_own_time(cache: Cache) {
    let (picture_key, failure_key) = (key(), key());
    cache.put_render(Uuid::new_v4(), &failure_key, &failure()).await.expect("put");
    cache.put_render(Uuid::new_v4(), &picture_key, &picture(b"short")).await.expect("put");
    assert!(cache.render(&picture_key).await.is_some());
    eventually(5 * SECOND, "the picture expires", async || cache.render(&picture_key).await.is_none()).await;
    assert_eq!(cache.render(&failure_key).await, Some(failure()));
}

async fn metadata_read_back_and_can_be_forgotten_by_name(cache: Cache) {
    for (name, value) in [("study/1", "{\"a\":1}"), ("study/2", "[]"), ("study/3", "null")] {
        assert_eq!(cache.metadata(name).await, None);
        cache.put_metadata(name, Bytes::from_static(value.as_bytes())).await;
        assert_eq!(cache.metadata(name).await, Some(Bytes::from_static(value.as_bytes())));
    }
    let names = ["study/1", "study/2", "study/none"].map(str::to_owned);
    assert_eq!(cache.forget_metadata(&names).await.expect("forgotten"), 2);
    assert_eq!(cache.metadata("study/1").await, None);
    assert_eq!(cache.metadata("study/3").await, Some(Bytes::from_static(b"null")));
    assert_eq!(cache.forget_metadata(&[]).await.expect("nothing to do"), 0);
}

async fn metadata_expire(cache: Cache) {
    cache.put_metadata("study", Bytes::from_static(b"{}")).await;
    assert!(cache.metadata("study").await.is_some());
    eventually(5 * SECOND, "metadata expire", async || cache.metadata("study").await.is_none()).await;
}

async fn forgetting_images_drops_their_outcomes_alone_and_tells_everybody(cache: Cache) {
    let (gone, kept) = ([Uuid::new_v4(), Uuid::new_v4()], Uuid::new_v4());
    // More keys than one batch takes.
    let gone_keys: Vec<_> = (0..600).map(|_| key()).collect();
    for key in &gone_keys {
        cache.put_render(gone[0], key, &picture(b"gone")).await.expect("put");
    }
    let (failed_key, kept_key) = (key(), key());
    cache.put_render(gone[1], &failed_key, &failure()).await.expect("put");
    cache.put_render(kept, &kept_key, &picture(b"kept")).await.expect("put");
    let mut forgets = cache.forgets();
    assert_eq!(cache.forget_images(&gone).await.expect("forgotten"), 601);
    for key in gone_keys.iter().chain([&failed_key]) {
        assert_eq!(cache.render(key).await, None);
    }
    assert_eq!(cache.render(&kept_key).await, Some(picture(b"kept")));
    let told = within(5 * SECOND, "everybody is told", forgets.recv()).await.expect("a message");
    assert_eq!(told, Forget::Images(gone.into()));
    assert_eq!(cache.forget_images(&gone).await.expect("again"), 0);
}

async fn clearing_drops_outcomes_and_metadata_and_tells_everybody(cache: Cache) {
    let image_id = Uuid::new_v4();
    let keys: Vec<_> = (0..1200).map(|_| key()).collect();
    let failure = failure();
    join_all(keys.iter().map(|key| cache.put_render(image_id, key, &failure))).await;
    cache.put_metadata("study", Bytes::from_static(b"{}")).await;
    let mut forgets = cache.forgets();
    assert_eq!(cache.clear().await.expect("cleared"), 1200);
    for key in &keys {
        assert_eq!(cache.render(key).await, None);
    }
    assert_eq!(cache.metadata("study").await, None);
    let told = within(5 * SECOND, "everybody is told", forgets.recv()).await.expect("a message");
    assert_eq!(told, Forget::Everything);
}

async fn a_cache_that_answers_is_up(cache: Cache) {
    assert_eq!(cache.health().await, Health::Up);
}
