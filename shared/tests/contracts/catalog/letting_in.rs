//! Links that are shown around, and who opened what.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use noctis_shared::{
    auth::{Account, AccountKind, AuditEntry, AuditFilter, Scopes, Share, SharedThing, ShownBy},
    catalog::AUDIT_GROUP_MAX,
};
use uuid::Uuid;

use super::place::Place;

fn share(thing: SharedThing, shared_by: &str, lasts: TimeDelta) -> Share {
    let now = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).expect("now");
    let (share_id, shared_by) = (Uuid::new_v4(), shared_by.to_owned());
    Share { share_id, thing, shared_by, created_at: now, expires_at: now + lasts }
}

pub(super) async fn a_link_works_until_it_is_over_revoked_or_its_maker_disabled(place: Arc<Place>) {
    let catalog = place.connect().await;
    let [study_id, series_id, image_id] = [1, 2, 3].map(Uuid::from_u128);
    let (hour, ago) = (TimeDelta::hours(1), TimeDelta::seconds(-1));
    for thing in [
        SharedThing::Study { study_id },
        SharedThing::Series { study_id, series_id },
        SharedThing::Image { study_id, image_id },
    ] {
        let made = share(thing, "sub:ada", hour);
        catalog.add_share(&made).await.expect("added");
        assert_eq!(catalog.share(made.share_id).await, Ok(Some(made.clone())));
        catalog.revoke_share(made.share_id).await.expect("revoked");
        assert_eq!(catalog.share(made.share_id).await, Ok(None));
        catalog.revoke_share(made.share_id).await.expect("revoked again");
    }
    let over = share(SharedThing::Study { study_id }, "sub:ada", ago);
    catalog.add_share(&over).await.expect("added");
    assert_eq!(catalog.share(over.share_id).await, Ok(None));
    let account = Account {
        name: "ada".to_owned(),
        kind: AccountKind::Person,
        secret_hash: "hash".to_owned(),
        scopes: Scopes::READ,
        studies: None,
        disabled: false,
        created_at: Utc::now(),
    };
    catalog.add_account(&account).await.expect("added");
    let (hers, others) = (
        share(SharedThing::Study { study_id }, "sub:ada", hour),
        share(SharedThing::Study { study_id }, "sub:eve", hour),
    );
    for made in [&hers, &others] {
        catalog.add_share(made).await.expect("added");
        assert_eq!(catalog.share(made.share_id).await, Ok(Some(made.clone())));
    }
    catalog.set_disabled("ada", true).await.expect("disabled");
    assert_eq!(catalog.share(hers.share_id).await, Ok(None));
    assert_eq!(catalog.share(others.share_id).await, Ok(Some(others)));
}

fn entry(second: i64, study: u128, subject: Option<&str>, shown_by: ShownBy) -> AuditEntry {
    AuditEntry {
        entry_id: Uuid::new_v4(),
        at: DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time"),
        subject: subject.map(str::to_owned),
        shown_by,
        token_id: Some("one".to_owned()),
        address: subject.map(|_| "192.0.2.7".to_owned()),
        study_id: Uuid::from_u128(study),
    }
}

pub(super) async fn a_subject_with_a_nul_is_written_without_it_and_is_nobody(place: Arc<Place>) {
    let catalog = place.connect().await;
    let strange = entry(1, 1, Some("a\0da"), ShownBy::Token);
    catalog.add_audit(&[strange, entry(2, 1, Some("eve"), ShownBy::Token)]).await.expect("written");
    let subjects = async |asked: Option<&str>| {
        let filter = AuditFilter { subject: asked.map(str::to_owned), ..AuditFilter::default() };
        let entries = catalog.audit(&filter, None, 10).await.expect("read");
        entries.into_iter().filter_map(|entry| entry.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects(None).await, ["ada", "eve"]);
    assert_eq!(subjects(Some("ada")).await, ["ada"]);
    assert!(subjects(Some("a\0da")).await.is_empty());
}

pub(super) async fn who_opened_what_reads_back_in_order_of_time(place: Arc<Place>) {
    let catalog = place.connect().await;
    let entries = [
        entry(3, 1, Some("ada"), ShownBy::Token),
        entry(1, 1, None, ShownBy::Share),
        entry(2, 2, Some("ada"), ShownBy::Token),
        entry(2, 1, None, ShownBy::SignedUrl),
    ];
    catalog.add_audit(&entries).await.expect("written");
    catalog.add_audit(&entries[..2]).await.expect("written again");
    catalog.add_audit(&[]).await.expect("nothing");
    let all = catalog.audit(&AuditFilter::default(), None, 10).await.expect("read");
    assert_eq!(all.len(), 4);
    assert!(all.is_sorted_by_key(|entry| (entry.at, entry.entry_id)));
    assert!(entries.iter().all(|entry| all.contains(entry)));
    let mut portions = Vec::new();
    while let Ok(portion) = catalog.audit(&AuditFilter::default(), portions.last(), 1).await
        && !portion.is_empty()
    {
        portions.extend(portion);
    }
    assert_eq!(portions, all, "portion by portion");
    let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 0);
    let none = AuditFilter::default();
    for (filter, count) in [
        (AuditFilter { since: at(2), ..none.clone() }, 3),
        (AuditFilter { until: at(2), ..none.clone() }, 1),
        (AuditFilter { study_id: Some(Uuid::from_u128(1)), ..none.clone() }, 3),
        (AuditFilter { subject: Some("ada".to_owned()), ..none.clone() }, 2),
        (AuditFilter { subject: Some("ad".to_owned()), ..none.clone() }, 0),
    ] {
        assert_eq!(catalog.audit(&filter, None, 10).await.expect("read").len(), count, "{filter:?}");
    }
    assert_eq!(catalog.forget_audit_before(at(3).expect("a time")).await, Ok(3));
    assert_eq!(catalog.audit(&none, None, 10).await, Ok(vec![entries[0].clone()]));
    let many: Vec<_> = (0..AUDIT_GROUP_MAX).map(|_| entry(9, 3, Some("ada"), ShownBy::Token)).collect();
    catalog.add_audit(&many).await.expect("a whole group");
}
