//! Who works, as workers say of themselves.

use chrono::DateTime;
use futures::{StreamExt, stream};
use noctis_shared::{
    lane::Lane,
    presence::{Presence, RecentFailure, Stages, Worker},
    render::FailureKind,
};
use uuid::Uuid;

use super::Place;
use crate::cache::fixture::{MINUTE, SECOND, eventually};

fn worker(name: &str, busy: usize) -> Presence {
    let at = DateTime::from_timestamp_millis(1_790_000_000_000).expect("a moment");
    let failure = RecentFailure {
        at,
        image_id: Uuid::from_u128(1),
        study_id: Uuid::from_u128(2),
        kind: FailureKind::Unrenderable,
        reason: "no, \"it\" cannot".to_owned(),
    };
    let worker = Worker {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        started_at: at,
        lanes: vec![Lane::OnScreen, Lane::Index],
        slots: 2,
        busy,
        waiting: 3,
        rendered: 7,
        failed: 1,
        stages: Stages { pictures: 7, ..Stages::default() },
    };
    Presence { worker, failures: vec![failure] }
}

pub(super) async fn who_works_is_known_as_it_last_said_until_its_word_runs_out_or_it_leaves(
    Place { coordination, cache }: Place,
) {
    let present = async || coordination.present().await.unwrap();
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    assert_eq!(present().await, []);
    coordination.be_present(one, &worker("b:1", 0), MINUTE).await.unwrap();
    coordination.be_present(other, &worker("a:2", 0), MINUTE).await.unwrap();
    coordination.be_present(one, &worker("b:1", 2), MINUTE).await.unwrap();
    assert_eq!(present().await, [worker("a:2", 0), worker("b:1", 2)]);
    coordination.be_present(other, &worker("a:2", 1), SECOND / 5).await.unwrap();
    let is_one = || async { coordination.present().await.unwrap() == [worker("b:1", 2)] };
    eventually(MINUTE, "the word of the other runs out", is_one).await;
    cache.clear().await.unwrap();
    assert_eq!(present().await.len(), 1, "a cleared cache takes no worker with it");
    coordination.be_gone(one).await.unwrap();
    coordination.be_gone(one).await.unwrap();
    assert_eq!(present().await, []);
}

pub(super) async fn of_more_than_a_thousand_workers_no_further_one_is_known(
    Place { coordination, .. }: Place,
) {
    let known = Uuid::new_v4();
    coordination.be_present(known, &worker("known", 0), MINUTE).await.unwrap();
    let fleeting = Uuid::new_v4();
    coordination.be_present(fleeting, &worker("fleeting", 0), SECOND / 5).await.unwrap();
    let others = stream::iter(2..1000).for_each_concurrent(20, async |nth| {
        coordination.be_present(Uuid::new_v4(), &worker(&format!("other:{nth}"), 0), MINUTE).await.unwrap();
    });
    others.await;
    let names = async || -> Vec<String> {
        coordination.present().await.unwrap().into_iter().map(|present| present.worker.name).collect()
    };
    coordination.be_present(known, &worker("known again", 1), MINUTE).await.unwrap();
    assert!(names().await.iter().any(|name| name == "known again"), "who is known says more");
    let late = Uuid::new_v4();
    // There is room once the word of another has run out.
    let is_late_known = || async {
        coordination.be_present(late, &worker("late", 0), MINUTE).await.unwrap();
        coordination.present().await.unwrap().iter().any(|present| present.worker.name == "late")
    };
    eventually(MINUTE, "room", is_late_known).await;
    coordination.be_present(Uuid::new_v4(), &worker("too late", 0), MINUTE).await.unwrap();
    let names = names().await;
    assert_eq!(names.len(), 1000);
    assert!(!names.iter().any(|name| name == "too late" || name == "fleeting"));
}
