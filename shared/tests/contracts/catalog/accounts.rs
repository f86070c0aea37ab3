//! Accounts and logins.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use noctis_shared::{
    auth::{Account, AccountKind, Scopes, TokenFamily},
    catalog::{Catalog, CatalogError, Rotation},
};
use uuid::Uuid;

use super::place::Place;

const HASH: &str = "$argon2id$hash";

fn account(name: &str) -> Account {
    Account {
        name: name.to_owned(),
        kind: AccountKind::Person,
        secret_hash: HASH.to_owned(),
        scopes: Scopes::READ,
        studies: Some(vec!["1.2.3".to_owned()]),
        disabled: false,
        created_at: DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
    }
}

/// Of ada's login, with the refresh token of this digest.
fn family(refresh: u8) -> TokenFamily {
    TokenFamily {
        family_id: Uuid::new_v4(),
        account: "ada".to_owned(),
        scopes: Scopes::READ,
        refresh_digest: [refresh; 32],
        expires_at: later(),
    }
}

fn later() -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(1)
}

async fn with_ada(place: &Place) -> Catalog {
    let catalog = place.connect().await;
    assert_eq!(catalog.add_account(&account("ada")).await, Ok(true));
    catalog
}

async fn start(catalog: &Catalog, family: &TokenFamily) {
    assert_eq!(catalog.start_family(family, HASH).await, Ok(true));
}

async fn rotate(catalog: &Catalog, family: &TokenFamily, used: u8, next: u8) -> Rotation {
    catalog.rotate(family.family_id, &[used; 32], &[next; 32], later()).await.unwrap()
}

pub(super) async fn an_account_reads_back_and_its_name_is_taken_once(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    let service =
        Account { kind: AccountKind::Service, studies: None, scopes: Scopes::ALL, ..account("pacs") };
    assert_eq!(catalog.add_account(&service).await, Ok(true));
    assert_eq!(catalog.account("ada").await, Ok(Some(account("ada"))));
    assert_eq!(catalog.account("Ada").await, Ok(None), "names are what they are");
    assert_eq!(catalog.account("no\0body").await, Ok(None));
    let other = Account { secret_hash: "other".to_owned(), ..account("ada") };
    assert_eq!(catalog.add_account(&other).await, Ok(false));
    assert_eq!(catalog.accounts().await, Ok(vec![account("ada"), service]));
    for name in ["", " ada", "a\nb", &"x".repeat(129)] {
        assert!(
            matches!(catalog.add_account(&account(name)).await, Err(CatalogError::Invalid(_))),
            "{name:?}"
        );
    }
    assert_eq!(catalog.set_secret("eve", "hash").await, Ok(false));
    assert_eq!(catalog.set_disabled("eve", true).await, Ok(false));
}

pub(super) async fn another_secret_or_none_ends_the_logins_of_an_account(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    let (first, second) = (family(1), family(2));
    start(&catalog, &first).await;
    assert_eq!(catalog.set_secret("ada", "another").await, Ok(true));
    assert_eq!(catalog.account("ada").await.unwrap().expect("ada").secret_hash, "another");
    assert_eq!(rotate(&catalog, &first, 1, 9).await, Rotation::Unknown);
    assert_eq!(catalog.believes(Some(first.family_id), None).await, Ok(false));
    assert_eq!(
        catalog.start_family(&second, HASH).await,
        Ok(false),
        "the secret that was checked is none any more"
    );
    assert_eq!(catalog.start_family(&second, "another").await, Ok(true));
    assert_eq!(catalog.set_disabled("ada", true).await, Ok(true));
    assert!(catalog.account("ada").await.unwrap().expect("ada").disabled);
    assert_eq!(rotate(&catalog, &second, 2, 9).await, Rotation::Unknown);
    assert_eq!(catalog.start_family(&family(3), "another").await, Ok(false));
    assert_eq!(catalog.set_disabled("ada", false).await, Ok(true));
    assert_eq!(rotate(&catalog, &second, 2, 9).await, Rotation::Unknown, "what ended has ended");
}

pub(super) async fn a_refresh_token_works_once_and_its_second_use_ends_the_login(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    let (family, other) = (family(1), family(7));
    start(&catalog, &family).await;
    start(&catalog, &other).await;
    let rotated = Rotation::Rotated(Box::new(account("ada")), Scopes::READ);
    assert_eq!(rotate(&catalog, &family, 1, 2).await, rotated);
    assert_eq!(rotate(&catalog, &family, 2, 3).await, rotated);
    assert_eq!(catalog.believes(Some(family.family_id), None).await, Ok(true));
    assert_eq!(rotate(&catalog, &family, 1, 4).await, Rotation::Reused);
    assert_eq!(catalog.believes(Some(family.family_id), None).await, Ok(false));
    for used in [1, 3] {
        assert_eq!(
            rotate(&catalog, &family, used, 5).await,
            Rotation::Unknown,
            "the thief's, or the owner's"
        );
    }
    assert_eq!(rotate(&catalog, &other, 7, 8).await, rotated, "other logins go on");
    let nobody_s = TokenFamily { family_id: Uuid::new_v4(), ..other };
    assert_eq!(rotate(&catalog, &nobody_s, 7, 8).await, Rotation::Unknown);
}

pub(super) async fn of_two_who_refresh_at_once_one_is_refused(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    let family = family(1);
    start(&catalog, &family).await;
    let all = join_all((2..10).map(|next| rotate(&catalog, &family, 1, next))).await;
    let rotated = all.iter().filter(|rotation| matches!(rotation, Rotation::Rotated(..))).count();
    assert_eq!(rotated, 1, "{all:?}");
}

pub(super) async fn a_login_that_races_another_secret_does_not_outlive_it(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    for round in 0..20 {
        let (old, new) = (format!("secret {round}"), format!("secret {}", round + 1));
        assert_eq!(catalog.set_secret("ada", &old).await, Ok(true));
        let family = family(1);
        let (started, changed) =
            tokio::join!(catalog.start_family(&family, &old), catalog.set_secret("ada", &new));
        assert_eq!(changed, Ok(true));
        let rotation = rotate(&catalog, &family, 1, 2).await;
        assert_eq!(rotation, Rotation::Unknown, "round {round}, started: {started:?}");
        assert_eq!(catalog.believes(Some(family.family_id), None).await, Ok(false));
    }
}

pub(super) async fn what_is_logged_out_or_over_is_not_believed(place: Arc<Place>) {
    let catalog = with_ada(&place).await;
    let (family, over) =
        (family(1), TokenFamily { expires_at: Utc::now() - TimeDelta::seconds(1), ..family(2) });
    start(&catalog, &over).await;
    assert_eq!(rotate(&catalog, &over, 2, 3).await, Rotation::Unknown);
    start(&catalog, &family).await;
    assert_eq!(catalog.believes(Some(over.family_id), None).await, Ok(false), "it was swept away");
    for _ in 0..2 {
        catalog.revoke_family(family.family_id).await.unwrap();
        catalog.revoke_token("script", later()).await.unwrap();
    }
    assert_eq!(catalog.believes(Some(family.family_id), Some("of it")).await, Ok(false));
    assert_eq!(rotate(&catalog, &family, 1, 3).await, Rotation::Unknown);
    assert_eq!(catalog.believes(None, Some("script")).await, Ok(false));
    assert_eq!(catalog.believes(None, Some("another")).await, Ok(true));
    assert_eq!(catalog.believes(None, None).await, Ok(true));
}
