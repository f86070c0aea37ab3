//! What processes see of each other through one Redis, and what `connect` refuses.

use noctis_shared::{
    cache::{Cache, CacheError, CacheLimits, Forget},
    coordination::{Asked, Claimant, Coordination, Interest},
    redis_link::LinkError,
    render::{FailureKind, RenderFailure},
    settings::RateLimit,
};
use uuid::Uuid;

use super::fixture::{
    MINUTE, SECOND, connection, failure, key, keys_of, picture, redis_url, with_cache, within,
};

#[tokio::test]
async fn two_processes_wake_each_other_and_share_all_but_their_waiters() {
    with_cache(&redis_url(), CacheLimits::default(), async |worker, namespace| {
        let api = Cache::connect(&redis_url(), &namespace, CacheLimits::default()).await.expect("a cache");
        let (here, there) = (Coordination::beside(&api), Coordination::beside(&worker));
        let (key, job_id) = (key(), Uuid::new_v4());
        let mut waiter = here.wakeups().register(&key);
        let mut forgets = api.forgets();
        let claimant = Claimant { job_id, may_be_promoted: false };
        assert_eq!(here.ask(&key, claimant, None, MINUTE).await.expect("asked"), Asked::Claimed);
        there.settle(job_id, &key, &picture(b"shared")).await.expect("settled");
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
            let (here, there) = (Coordination::beside(&ours), Coordination::beside(&theirs));
            let mut waiter = there.wakeups().register(&key);
            here.settle(image_id, &key, &failure()).await.expect("settled");
            assert_eq!(theirs.render(&key).await, None);
            assert_eq!(theirs.clear().await.expect("cleared"), 0);
            assert_eq!(ours.render(&key).await, Some(failure()));
            // Theirs arrives after ours would have, on the same connection.
            there.announce(&key).await.expect("announced");
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
        let coordination = Coordination::beside(&cache);
        let claimant = Claimant { job_id: image_id, may_be_promoted: true };
        let interest = Some(Interest { waiter_id: image_id, lasts: MINUTE });
        let other = self::key();
        coordination.ask(&other, claimant, interest, MINUTE).await.expect("asked");
        let told = RenderFailure::new(FailureKind::StorageAway, "for now");
        coordination.tell(&other, &told).await.expect("told");
        coordination.count_request("10.0.0.1", 1, RateLimit { requests: 10, window: MINUTE }).await;
        let keys = keys_of(&redis_url(), &namespace).await;
        assert_eq!(keys.len(), 7, "{keys:?}");
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
        let claimant = Claimant { job_id: Uuid::new_v4(), may_be_promoted: false };
        let asked = Coordination::beside(&cache).ask(&key, claimant, None, MINUTE).await;
        assert_eq!(asked.expect("asked"), Asked::Claimed);
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
        let of_setting = matches!(
            error,
            CacheError::Url(_) | CacheError::Link(LinkError::Url(_) | LinkError::Namespace(_))
        );
        assert!(of_setting, "{error:?}");
        let text = error.to_string();
        assert!(text.to_lowercase().contains(sentence), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
