//! What holds for memory and Redis alike.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, future::join_all};
use noctis_shared::{
    cache::{Cache, CacheLimits, Claim, Forget},
    health::Health,
};
use uuid::Uuid;

use super::fixture::{MINUTE, SECOND, eventually, failure, key, picture, redis_url, with_cache, within};

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
    of_many_claims_at_once_one_wins_and_the_others_learn_who;
    a_claim_ends_with_its_lease;
    only_the_holder_releases_or_renews_a_claim;
    a_waiting_mark_holds_as_long_as_its_longest_waiter;
    publishing_stores_wakes_and_gives_the_claim_back;
    an_announcement_wakes_all_waiters_of_its_key_and_only_these;
    metadata_read_back_and_can_be_forgotten_by_name;
    metadata_expire with short_lives();
    forgetting_images_drops_their_outcomes_alone_and_tells_everybody;
    clearing_drops_copies_and_keeps_claims_marks_and_counts;
    a_client_over_its_limit_is_refused_and_told_when_to_come_back;
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

async fn of_many_claims_at_once_one_wins_and_the_others_learn_who(cache: Cache) {
    let key = key();
    let claims = (0..64).map(|_| {
        let cache = cache.clone();
        tokio::spawn(async move {
            let job_id = Uuid::new_v4();
            (job_id, cache.claim(&key, job_id, MINUTE).await.expect("a claim"))
        })
    });
    let claims: Vec<_> = join_all(claims).await.into_iter().map(|claim| claim.expect("no panic")).collect();
    let winners: Vec<_> = claims.iter().filter(|(_, claim)| *claim == Claim::Won).collect();
    assert_eq!(winners.len(), 1);
    let holders: HashSet<_> = claims.iter().filter_map(|(_, claim)| held_by(*claim)).collect();
    assert_eq!(holders, HashSet::from([winners[0].0]));
    assert_eq!(cache.claim(&key, winners[0].0, MINUTE).await.expect("again"), Claim::Won);
}

fn held_by(claim: Claim) -> Option<Uuid> {
    match claim {
        Claim::Won => None,
        Claim::Held { by } => Some(by),
    }
}

async fn a_claim_ends_with_its_lease(cache: Cache) {
    let (key, first, second) = (key(), Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(cache.claim(&key, first, Duration::from_millis(300)).await.expect("claim"), Claim::Won);
    assert_eq!(cache.claim(&key, second, MINUTE).await.expect("claim"), Claim::Held { by: first });
    let wins = async || cache.claim(&key, second, MINUTE).await.expect("claim") == Claim::Won;
    eventually(5 * SECOND, "the lease ends", wins).await;
    assert!(!cache.renew_claim(&key, first, MINUTE).await.expect("renew"), "it is the other's now");
}

async fn only_the_holder_releases_or_renews_a_claim(cache: Cache) {
    let (key, holder, other) = (key(), Uuid::new_v4(), Uuid::new_v4());
    let lease = Duration::from_millis(400);
    assert_eq!(cache.claim(&key, holder, lease).await.expect("claim"), Claim::Won);
    cache.release_claim(&key, other).await.expect("no fault");
    assert!(!cache.renew_claim(&key, other, MINUTE).await.expect("no fault"));
    assert!(cache.renew_claim(&key, holder, MINUTE).await.expect("no fault"));
    tokio::time::sleep(lease * 2).await;
    assert_eq!(cache.claim(&key, other, MINUTE).await.expect("claim"), Claim::Held { by: holder }, "renewed");
    cache.release_claim(&key, holder).await.expect("released");
    assert_eq!(cache.claim(&key, other, MINUTE).await.expect("claim"), Claim::Won);
}

async fn a_waiting_mark_holds_as_long_as_its_longest_waiter(cache: Cache) {
    let (long, short) = (key(), key());
    assert!(!cache.someone_waits(&long).await.expect("no fault"));
    cache.mark_waiting(&short, Duration::from_millis(50)).await.expect("marked");
    assert!(cache.someone_waits(&short).await.expect("no fault"));
    cache.mark_waiting(&long, MINUTE).await.expect("marked");
    cache.mark_waiting(&long, Duration::from_millis(50)).await.expect("marked");
    let ended = async || !cache.someone_waits(&short).await.expect("no fault");
    eventually(5 * SECOND, "the short mark ends", ended).await;
    assert!(cache.someone_waits(&long).await.expect("no fault"));
}

async fn publishing_stores_wakes_and_gives_the_claim_back(cache: Cache) {
    let (key, job_id, image_id) = (key(), Uuid::new_v4(), Uuid::new_v4());
    let mut waiter = cache.wakeups().register(&key);
    cache.claim(&key, job_id, MINUTE).await.expect("claim");
    cache.publish_render(image_id, &key, &picture(b"done"), Some(job_id)).await.expect("published");
    within(5 * SECOND, "the waiter is woken", waiter.woken()).await;
    assert_eq!(cache.render(&key).await, Some(picture(b"done")));
    assert_eq!(cache.claim(&key, Uuid::new_v4(), MINUTE).await.expect("claim"), Claim::Won);
    assert_eq!(
        cache.forget_images(&[image_id]).await.expect("forgotten"),
        1,
        "it is indexed under its image"
    );
}

async fn an_announcement_wakes_all_waiters_of_its_key_and_only_these(cache: Cache) {
    let (announced, silent) = (key(), key());
    let wakeups = cache.wakeups();
    let (mut first, mut second) = (wakeups.register(&announced), wakeups.register(&announced));
    let mut other = wakeups.register(&silent);
    cache.announce(&announced).await.expect("announced");
    within(5 * SECOND, "the first is woken", first.woken()).await;
    within(5 * SECOND, "the second is woken", second.woken()).await;
    assert!(other.woken().now_or_never().is_none());
    assert_eq!(wakeups.key_count(), 2);
    drop((first, second, other));
    assert_eq!(wakeups.key_count(), 0);
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

async fn clearing_drops_copies_and_keeps_claims_marks_and_counts(cache: Cache) {
    let (claimed, holder) = (key(), Uuid::new_v4());
    let keys: Vec<_> = (0..1200).map(|_| key()).collect();
    let failure = failure();
    join_all(keys.iter().map(|key| cache.put_render(holder, key, &failure))).await;
    cache.put_metadata("study", Bytes::from_static(b"{}")).await;
    cache.claim(&claimed, holder, MINUTE).await.expect("claim");
    cache.mark_waiting(&claimed, MINUTE).await.expect("marked");
    assert!(cache.count_request("client", 1, MINUTE).await.allowed);
    let mut forgets = cache.forgets();
    assert_eq!(cache.clear().await.expect("cleared"), 1200);
    for key in &keys {
        assert_eq!(cache.render(key).await, None);
    }
    assert_eq!(cache.metadata("study").await, None);
    let told = within(5 * SECOND, "everybody is told", forgets.recv()).await.expect("a message");
    assert_eq!(told, Forget::Everything);
    assert_eq!(
        cache.claim(&claimed, Uuid::new_v4(), MINUTE).await.expect("claim"),
        Claim::Held { by: holder }
    );
    assert!(cache.someone_waits(&claimed).await.expect("no fault"));
    assert!(!cache.count_request("client", 1, MINUTE).await.allowed);
}

async fn a_client_over_its_limit_is_refused_and_told_when_to_come_back(cache: Cache) {
    let window = 4 * SECOND;
    for remaining in [1, 0] {
        let decision = cache.count_request("busy", 2, window).await;
        assert!(decision.allowed);
        assert_eq!(decision.remaining, remaining);
        assert!(decision.reset_after <= window && !decision.reset_after.is_zero(), "{decision:?}");
    }
    let refused = cache.count_request("busy", 2, window).await;
    assert!(!refused.allowed);
    assert!(refused.reset_after <= 2 * SECOND && !refused.reset_after.is_zero(), "{refused:?}");
    assert!(cache.count_request("patient", 2, window).await.allowed, "others are not affected");
    assert!(!cache.count_request("nobody", 0, window).await.allowed);
    tokio::time::sleep(refused.reset_after).await;
    assert!(cache.count_request("busy", 2, window).await.allowed, "it came back when told");
}

async fn a_cache_that_answers_is_up(cache: Cache) {
    assert_eq!(cache.health().await, Health::Up);
}
