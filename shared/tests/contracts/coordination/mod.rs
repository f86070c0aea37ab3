//! The contract of the coordination: the lines at the head of `noctis_shared::coordination`, run on memory and on Redis.

mod presence;

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use noctis_shared::{
    cache::{Cache, CacheLimits},
    coordination::{Asked, Begun, Claimant, Coordination, Interest},
    render::{FailureKind, Outcome, RenderFailure},
    settings::RateLimit,
};
use uuid::Uuid;

use self::presence::{
    of_more_than_a_thousand_workers_no_further_one_is_known,
    who_works_is_known_as_it_last_said_until_its_word_runs_out_or_it_leaves,
};
use crate::cache::fixture::{MINUTE, SECOND, eventually, key, picture, redis_url, with_cache, within};

/// Each line of the contract as a test of each variant.
macro_rules! on_every_variant {
    ($($sentence:ident;)+) => {
        mod memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                on("memory:", super::$sentence).await;
            })+
        }

        mod redis {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                on(&redis_url(), super::$sentence).await;
            })+
        }
    };
}

on_every_variant! {
    of_many_who_ask_at_once_one_claims_and_the_others_learn_who;
    who_asks_for_what_is_there_gets_it_and_claims_nothing;
    a_claim_ends_with_its_lease_or_when_its_holder_releases_it;
    a_claim_that_may_be_promoted_goes_to_one_that_may_not_unless_it_has_begun;
    interest_holds_as_long_as_its_longest_waiter_and_ends_with_the_last_that_leaves;
    work_nobody_is_interested_in_is_not_begun_and_its_claim_goes;
    work_begins_under_its_own_claim_a_free_one_or_not_at_all;
    a_job_that_is_taken_back_is_no_work_any_more_and_the_render_is_free;
    of_many_who_would_hold_a_thing_one_does;
    settling_keeps_the_outcome_ends_claim_and_interest_and_wakes;
    what_is_told_for_now_reaches_who_waits_for_that_job_alone;
    an_announcement_wakes_all_waiters_of_its_key_and_only_these;
    clearing_the_cache_leaves_claims_interest_and_counts;
    a_client_over_its_limit_is_refused_and_told_when_to_come_back;
    a_limit_is_spent_whole_and_not_beyond;
    what_is_given_back_may_be_spent_again;
    who_works_is_known_as_it_last_said_until_its_word_runs_out_or_it_leaves;
    of_more_than_a_thousand_workers_no_further_one_is_known;
}

/// What a test works with.
struct Place {
    coordination: Coordination,
    cache: Cache,
}

async fn on<F: Future<Output = ()>>(url: &str, test: impl FnOnce(Place) -> F) {
    with_cache(url, CacheLimits::default(), |cache, _| {
        test(Place { coordination: Coordination::beside(&cache), cache })
    })
    .await;
}

fn claimant() -> Claimant {
    Claimant { job_id: Uuid::new_v4(), may_be_promoted: false }
}

fn promotable() -> Claimant {
    Claimant { may_be_promoted: true, ..claimant() }
}

fn waits_for(lasts: Duration) -> Option<Interest> {
    Some(Interest { waiter_id: Uuid::new_v4(), lasts })
}

fn held_by(claimant: Claimant) -> Asked {
    Asked::Held { by: claimant.job_id }
}

async fn of_many_who_ask_at_once_one_claims_and_the_others_learn_who(place: Place) {
    let key = key();
    let asking = (0..64).map(|_| {
        let coordination = place.coordination.clone();
        tokio::spawn(async move {
            let claimant = claimant();
            (claimant, coordination.ask(&key, claimant, waits_for(MINUTE), MINUTE).await.expect("asked"))
        })
    });
    let asked: Vec<_> = join_all(asking).await.into_iter().map(|asked| asked.expect("no panic")).collect();
    let winners: Vec<_> = asked.iter().filter(|(_, asked)| *asked == Asked::Claimed).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].0;
    let others: Vec<_> = asked.iter().filter(|(claimant, _)| *claimant != winner).collect();
    assert!(others.iter().all(|(_, asked)| *asked == held_by(winner)), "{others:?}");
    assert_eq!(place.coordination.ask(&key, winner, None, MINUTE).await.expect("again"), Asked::Claimed);
}

async fn who_asks_for_what_is_there_gets_it_and_claims_nothing(place: Place) {
    let (key, outcome) = (key(), picture(b"there"));
    place.cache.put_render(Uuid::new_v4(), &key, &outcome).await.expect("put");
    let asked = place.coordination.ask(&key, claimant(), waits_for(MINUTE), MINUTE).await;
    assert_eq!(asked.expect("asked"), Asked::There(outcome));
    let begun = place.coordination.begin(&key, claimant(), true, MINUTE).await;
    assert_eq!(begun.expect("begun"), Begun::Unwanted, "no interest was noted");
    let begun = place.coordination.begin(&key, claimant(), false, MINUTE).await;
    assert_eq!(begun.expect("begun"), Begun::Free, "no claim was made");
}

async fn a_claim_ends_with_its_lease_or_when_its_holder_releases_it(place: Place) {
    let (key, first, second, third) = (key(), claimant(), claimant(), claimant());
    let ask =
        async |claimant, lease| place.coordination.ask(&key, claimant, None, lease).await.expect("asked");
    assert_eq!(ask(first, Duration::from_millis(300)).await, Asked::Claimed);
    assert_eq!(ask(second, MINUTE).await, held_by(first));
    let wins = async || ask(second, MINUTE).await == Asked::Claimed;
    eventually(5 * SECOND, "the lease ends", wins).await;
    place.coordination.release(&key, first.job_id).await.expect("no fault");
    assert_eq!(ask(third, MINUTE).await, held_by(second), "the first cannot release it any more");
    place.coordination.release(&key, second.job_id).await.expect("released");
    assert_eq!(ask(third, MINUTE).await, Asked::Claimed);
}

async fn a_claim_that_may_be_promoted_goes_to_one_that_may_not_unless_it_has_begun(place: Place) {
    let (key, background, another, on_screen) = (key(), promotable(), promotable(), claimant());
    let ask = async |claimant| place.coordination.ask(&key, claimant, None, MINUTE).await.expect("asked");
    assert_eq!(ask(background).await, Asked::Claimed);
    assert_eq!(ask(another).await, held_by(background));
    assert_eq!(ask(on_screen).await, Asked::Claimed);
    assert_eq!(ask(background).await, held_by(on_screen));
    assert_eq!(ask(claimant()).await, held_by(on_screen));
    let begun = place.coordination.begin(&key, background, false, MINUTE).await;
    assert_eq!(begun.expect("begun"), Begun::Theirs, "the slower copy is no work");
    let (key, under_way) = (self::key(), promotable());
    assert_eq!(place.coordination.ask(&key, under_way, None, MINUTE).await.expect("asked"), Asked::Claimed);
    place.coordination.begin(&key, under_way, false, MINUTE).await.expect("begun");
    let asked = place.coordination.ask(&key, claimant(), None, MINUTE).await;
    assert_eq!(asked.expect("asked"), held_by(under_way), "what has begun is on its way");
}

async fn interest_holds_as_long_as_its_longest_waiter_and_ends_with_the_last_that_leaves(place: Place) {
    let (key, short) = (key(), Duration::from_millis(50));
    let (long, brief) = (Uuid::new_v4(), Uuid::new_v4());
    let ask = async |waiter_id, lasts| {
        let interest = Some(Interest { waiter_id, lasts });
        place.coordination.ask(&key, claimant(), interest, MINUTE).await.expect("asked")
    };
    let wanted = async || {
        let begun = place.coordination.begin(&key, claimant(), true, MINUTE).await.expect("begun");
        begun != Begun::Unwanted
    };
    assert!(!wanted().await);
    ask(brief, short).await;
    assert!(wanted().await);
    eventually(5 * SECOND, "the brief interest ends", async || !wanted().await).await;
    ask(long, MINUTE).await;
    ask(brief, short).await;
    tokio::time::sleep(2 * short).await;
    assert!(wanted().await, "the longer one holds");
    ask(brief, MINUTE).await;
    place.coordination.leave(&key, long).await.expect("left");
    assert!(wanted().await, "one is left");
    place.coordination.leave(&key, brief).await.expect("left");
    assert!(!wanted().await);
}

async fn work_nobody_is_interested_in_is_not_begun_and_its_claim_goes(place: Place) {
    let (key, left, other) = (key(), claimant(), claimant());
    let waiter_id = Uuid::new_v4();
    let interest = Some(Interest { waiter_id, lasts: MINUTE });
    assert_eq!(place.coordination.ask(&key, left, interest, MINUTE).await.expect("asked"), Asked::Claimed);
    place.coordination.leave(&key, waiter_id).await.expect("left");
    assert_eq!(place.coordination.begin(&key, left, true, MINUTE).await.expect("begun"), Begun::Unwanted);
    let asked = place.coordination.ask(&key, other, waits_for(MINUTE), MINUTE).await;
    assert_eq!(asked.expect("asked"), Asked::Claimed, "the claim went with the work");
    assert_eq!(place.coordination.begin(&key, left, false, MINUTE).await.expect("begun"), Begun::Theirs);
}

async fn work_begins_under_its_own_claim_a_free_one_or_not_at_all(place: Place) {
    let (key, ours, other, lease) = (key(), claimant(), claimant(), Duration::from_millis(300));
    let begin =
        async |claimant| place.coordination.begin(&key, claimant, false, MINUTE).await.expect("begun");
    place.coordination.ask(&key, ours, None, lease).await.expect("asked");
    assert_eq!(begin(ours).await, Begun::Ours { before: 0 });
    assert_eq!(begin(ours).await, Begun::Ours { before: 1 });
    tokio::time::sleep(2 * lease).await;
    assert_eq!(begin(other).await, Begun::Theirs, "beginning prolongs the claim");
    place.coordination.release(&key, ours.job_id).await.expect("released");
    assert_eq!(begin(other).await, Begun::Free);
    assert_eq!(begin(ours).await, Begun::Theirs, "a free claim is taken");
}

async fn settling_keeps_the_outcome_ends_claim_and_interest_and_wakes(place: Place) {
    let (key, holder, image_id) = (key(), claimant(), Uuid::new_v4());
    let mut waiter = place.coordination.wakeups().register(&key);
    place.coordination.ask(&key, holder, waits_for(MINUTE), MINUTE).await.expect("asked");
    place.coordination.settle(image_id, &key, &picture(b"done")).await.expect("settled");
    within(5 * SECOND, "the waiter is woken", waiter.woken()).await;
    assert_eq!(place.cache.render(&key).await, Some(picture(b"done")));
    assert_eq!(place.coordination.look(&key, None).await, Some(picture(b"done")));
    let forgotten = place.cache.forget_images(&[image_id]).await.expect("forgotten");
    assert_eq!(forgotten, 1, "it is indexed under its image");
    let begun = place.coordination.begin(&key, claimant(), true, MINUTE).await;
    assert_eq!(begun.expect("begun"), Begun::Unwanted, "nobody is interested any more");
    let asked = place.coordination.ask(&key, claimant(), None, MINUTE).await;
    assert_eq!(asked.expect("asked"), Asked::Claimed);
}

async fn what_is_told_for_now_reaches_who_waits_for_that_job_alone(place: Place) {
    let (key, holder) = (key(), claimant());
    let mut waiter = place.coordination.wakeups().register(&key);
    place.coordination.ask(&key, holder, None, MINUTE).await.expect("asked");
    let failure = RenderFailure {
        job_id: Some(holder.job_id),
        ..RenderFailure::new(FailureKind::StorageAway, "it may be away for a moment")
    };
    place.coordination.tell(&key, &failure).await.expect("told");
    within(5 * SECOND, "the waiter is woken", waiter.woken()).await;
    let looks = [Some(holder.job_id), Some(Uuid::new_v4()), None];
    let found = join_all(looks.map(|job_id| place.coordination.look(&key, job_id))).await;
    assert_eq!(found, [Some(Outcome::Failure(failure)), None, None]);
    assert_eq!(place.cache.render(&key).await, None);
    let asked = place.coordination.ask(&key, claimant(), None, MINUTE).await;
    assert_eq!(asked.expect("asked"), Asked::Claimed, "the file is tried again");
}

async fn an_announcement_wakes_all_waiters_of_its_key_and_only_these(place: Place) {
    let (announced, silent) = (key(), key());
    let wakeups = place.coordination.wakeups();
    let (mut first, mut second) = (wakeups.register(&announced), wakeups.register(&announced));
    let mut other = wakeups.register(&silent);
    place.coordination.announce(&announced).await.expect("announced");
    within(5 * SECOND, "the first is woken", first.woken()).await;
    within(5 * SECOND, "the second is woken", second.woken()).await;
    assert!(other.woken().now_or_never().is_none());
    assert_eq!(wakeups.key_count(), 2);
    drop((first, second, other));
    assert_eq!(wakeups.key_count(), 0);
}

fn limit(requests: u32, window: Duration) -> RateLimit {
    RateLimit { requests, window }
}

async fn clearing_the_cache_leaves_claims_interest_and_counts(place: Place) {
    let (key, holder) = (key(), claimant());
    place.coordination.ask(&key, holder, waits_for(MINUTE), MINUTE).await.expect("asked");
    assert!(place.coordination.count_request("client", 1, limit(1, MINUTE)).await.allowed);
    place.cache.clear().await.expect("cleared");
    let asked = place.coordination.ask(&key, claimant(), None, MINUTE).await;
    assert_eq!(asked.expect("asked"), held_by(holder));
    assert_eq!(
        place.coordination.begin(&key, holder, true, MINUTE).await.expect("begun"),
        Begun::Ours { before: 0 }
    );
    assert!(!place.coordination.count_request("client", 1, limit(1, MINUTE)).await.allowed);
}

async fn a_limit_is_spent_whole_and_not_beyond(place: Place) {
    // So long that nothing of it comes back meanwhile.
    let hundred = limit(100, 1000 * MINUTE);
    for spent in 1..=100 {
        let decision = place.coordination.count_request("alone", 1, hundred).await;
        assert_eq!((decision.allowed, decision.remaining), (true, 100 - spent), "{spent}");
    }
    assert!(!place.coordination.count_request("alone", 1, hundred).await.allowed);
    // Memory is of one process; over Redis another has leases of its own.
    let another = match &place.cache {
        Cache::Memory(_) => place.coordination.clone(),
        shared => Coordination::beside(shared),
    };
    let mut allowed = 0;
    for _ in 0..100 {
        for coordination in [&place.coordination, &another] {
            allowed += u32::from(coordination.count_request("both", 1, hundred).await.allowed);
        }
    }
    assert!((98..=100).contains(&allowed), "{allowed}");
}

async fn a_client_over_its_limit_is_refused_and_told_when_to_come_back(place: Place) {
    let (coordination, window) = (&place.coordination, 4 * SECOND);
    for remaining in [1, 0] {
        let decision = coordination.count_request("busy", 1, limit(2, window)).await;
        assert!(decision.allowed);
        assert_eq!(decision.remaining, remaining);
        assert!(decision.reset_after <= window && !decision.reset_after.is_zero(), "{decision:?}");
    }
    let refused = coordination.count_request("busy", 1, limit(2, window)).await;
    assert!(!refused.allowed);
    assert!(refused.reset_after <= 2 * SECOND && !refused.reset_after.is_zero(), "{refused:?}");
    assert!(
        coordination.count_request("patient", 1, limit(2, window)).await.allowed,
        "others are not affected"
    );
    assert!(!coordination.count_request("nobody", 1, limit(0, window)).await.allowed);
    tokio::time::sleep(refused.reset_after).await;
    assert!(coordination.count_request("busy", 1, limit(2, window)).await.allowed, "it came back when told");
    let dear = coordination.count_request("dear", 3, limit(4, window)).await;
    assert_eq!((dear.allowed, dear.remaining), (true, 1));
    assert!(!coordination.count_request("dear", 2, limit(4, window)).await.allowed);
    for _ in 0..3 {
        assert_eq!(coordination.count_request("dear", 0, limit(4, window)).await.remaining, 1, "a look");
    }
    assert!(
        coordination.count_request("dear", 1, limit(4, window)).await.allowed,
        "what was refused cost nothing"
    );
    assert_eq!(coordination.count_request("dear", 0, limit(4, window)).await.remaining, 0);
}

async fn what_is_given_back_may_be_spent_again(place: Place) {
    // Counted one by one, and in parts.
    for (client, requests) in [("few", 10), ("many", 1000)] {
        let (coordination, limit) = (&place.coordination, limit(requests, 1000 * MINUTE));
        assert!(coordination.count_request(client, requests, limit).await.allowed);
        assert!(!coordination.count_request(client, 1, limit).await.allowed, "{client}");
        coordination.give_back(client, 4, limit).await;
        assert!(coordination.count_request(client, 4, limit).await.allowed, "{client}");
        assert!(!coordination.count_request(client, 1, limit).await.allowed, "{client}");
        coordination.give_back(client, 10 * requests, limit).await;
        assert!(coordination.count_request(client, requests, limit).await.allowed, "{client}");
        assert!(
            !coordination.count_request(client, 1, limit).await.allowed,
            "{client}: no more than the limit"
        );
    }
}

async fn a_job_that_is_taken_back_is_no_work_any_more_and_the_render_is_free(place: Place) {
    let coordination = &place.coordination;
    let (key, taken, other) = (key(), promotable(), promotable());
    let ask = async |claimant| coordination.ask(&key, claimant, None, MINUTE).await.expect("asked");
    let begin = async |claimant| coordination.begin(&key, claimant, false, MINUTE).await.expect("begun");
    let withdraw = async |claimant: Claimant| {
        coordination.withdraw(&key, claimant.job_id, MINUTE).await.expect("no fault");
    };
    assert_eq!(ask(taken).await, Asked::Claimed);
    withdraw(other).await;
    assert_eq!(ask(other).await, held_by(taken), "nobody else can take it back");
    withdraw(taken).await;
    assert_eq!(begin(taken).await, Begun::Theirs, "its message is dropped");
    assert_eq!(ask(other).await, Asked::Claimed, "also for one that does not go before others");
    assert_eq!(begin(taken).await, Begun::Theirs);
    assert_eq!(begin(other).await, Begun::Ours { before: 0 });
    withdraw(other).await;
    assert_eq!(ask(claimant()).await, held_by(other), "what has begun is not taken back");
}

async fn of_many_who_would_hold_a_thing_one_does(place: Place) {
    let coordination = &place.coordination;
    let thing = Uuid::new_v4();
    let holders: Vec<Uuid> = (0..16).map(|_| Uuid::new_v4()).collect();
    let hold = async |holder, lease| coordination.hold(thing, holder, lease).await.expect("no fault");
    let all = join_all(holders.iter().map(|holder| hold(*holder, MINUTE))).await;
    assert_eq!(all.iter().filter(|held| **held).count(), 1);
    let holder = holders[all.iter().position(|held| *held).expect("one")];
    let other = *holders.iter().find(|other| **other != holder).expect("another");
    assert!(hold(holder, MINUTE).await, "who has it, has it longer");
    coordination.let_go(thing, other).await.expect("no fault");
    assert!(!hold(other, MINUTE).await, "nobody else can let go");
    coordination.let_go(thing, holder).await.expect("no fault");
    assert!(hold(other, Duration::from_millis(200)).await);
    eventually(5 * SECOND, "the lease ends", async || hold(holder, MINUTE).await).await;
    coordination.seize(thing, other, MINUTE).await.expect("no fault");
    assert!(!hold(holder, MINUTE).await, "it was seized");
    assert!(hold(other, MINUTE).await);
    assert!(coordination.hold(Uuid::new_v4(), holder, MINUTE).await.expect("no fault"), "another thing");
}
