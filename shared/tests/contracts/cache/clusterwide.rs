//! What processes see of each other through one Redis, and what `connect` refuses.

use noctis_shared::cache::{Cache, CacheError, CacheLimits, Claim, Forget};
use uuid::Uuid;

use super::fixture::{
    MINUTE, SECOND, connection, failure, key, keys_of, picture, redis_url, with_cache, within,
};

#[tokio::test]
async fn two_processes_wake_each_other_and_share_all_but_their_waiters() {
    with_cache(&redis_url(), CacheLimits::default(), async |worker, namespace| {
        let api = Cache::connect(&redis_url(), &namespace, CacheLimits::default()).await.expect("a cache");
        let (key, job_id) = (key(), Uuid::new_v4());
        let mut waiter = api.wakeups().register(&key);
        let mut forgets = api.forgets();
        assert_eq!(api.claim(&key, job_id, MINUTE).await.expect("claim"), Claim::Won);
        worker.publish_render(job_id, &key, &picture(b"shared"), Some(job_id)).await.expect("published");
        within(5 * SECOND, "the other process is woken", waiter.woken()).await;
        assert_eq!(api.render(&key).await, Some(picture(b"shared")));
        worker.forget_images(&[job_id]).await.expect("forgotten");
        let told = within(5 * SECOND, "the other process is told", forgets.recv()).await.expect("a message");
        assert_eq!(told, Forget::Images([job_id].into()));
    })
    .await;
}

#[tokio::test]
async fn namespaces_do_not_see_each_other() {
    let url = redis_url();
    with_cache(&url, CacheLimits::default(), async |ours, _| {
        with_cache(&redis_url(), CacheLimits::default(), async |theirs, _| {
            let (key, image_id) = (key(), Uuid::new_v4());
            let mut waiter = theirs.wakeups().register(&key);
            ours.publish_render(image_id, &key, &failure(), None).await.expect("published");
            assert_eq!(theirs.render(&key).await, None);
            assert_eq!(theirs.clear().await.expect("cleared"), 0);
            assert_eq!(ours.render(&key).await, Some(failure()));
            // Theirs arrives after ours would have, on the same connection.
            theirs.announce(&key).await.expect("announced");
            within(5 * SECOND, "their own announcement", waiter.woken()).await;
            assert!(futures::FutureExt::now_or_never(waiter.woken()).is_none(), "woken once, not twice");
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn every_key_lives_under_the_namespace_and_ends_by_itself() {
    with_cache(&redis_url(), CacheLimits::default(), async |cache, namespace| {
        let (key, image_id) = (key(), Uuid::new_v4());
        cache.put_render(image_id, &key, &picture(b"p")).await.expect("put");
        cache.put_metadata("study", "{}".into()).await;
        cache.claim(&key, image_id, MINUTE).await.expect("claim");
        cache.mark_waiting(&key, MINUTE).await.expect("marked");
        cache.count_request("10.0.0.1", 10, MINUTE).await;
        let keys = keys_of(&redis_url(), &namespace).await;
        assert_eq!(keys.len(), 6, "{keys:?}");
        assert!(!keys.iter().any(|key| key.contains("10.0.0.1")), "no address in clear: {keys:?}");
        for key in keys {
            let mut ttl = redis::cmd("PTTL");
            let ttl: i64 =
                ttl.arg(&key).query_async(&mut connection(&redis_url()).await).await.expect("a lifetime");
            assert!(ttl > 0, "{key} would stay for ever");
        }
    })
    .await;
}

#[tokio::test]
async fn a_record_of_another_release_is_a_miss() {
    with_cache(&redis_url(), CacheLimits::default(), async |cache, namespace| {
        let key = key();
        let mut set = redis::cmd("SET");
        set.arg(format!("{namespace}:render:{key}")).arg(b"\xffother layout");
        set.exec_async(&mut connection(&redis_url()).await).await.expect("set");
        assert_eq!(cache.render(&key).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_url_or_namespace_that_is_wrong_is_one_sentence_without_the_password() {
    let cases = [
        ("http://x:secret@localhost", "noctis", "scheme \"http\" is not one of memory, redis, rediss"),
        ("secret", "noctis", "scheme \"\" is not one of memory, redis, rediss"),
        ("redis://:secret@localhost:1/notanumber", "noctis", "database"),
        ("redis://127.0.0.1", "a b*", "namespace \"a b*\" is not 1 to 64 letters"),
        ("redis://127.0.0.1", "", "namespace \"\" is not 1 to 64 letters"),
    ];
    for (url, namespace, sentence) in cases {
        let Err(error) = Cache::connect(url, namespace, CacheLimits::default()).await else {
            panic!("{url} in {namespace:?} is accepted")
        };
        assert!(matches!(error, CacheError::Url(_) | CacheError::Namespace(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.to_lowercase().contains(sentence), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
