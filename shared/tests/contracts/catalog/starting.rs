//! Starting, and trouble.

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    catalog::{Catalog, CatalogError, CatalogLimits, Recorded},
    health::Health,
};

use super::{
    place::Place,
    sample::{assert_counts, image_id, instance, key, picture, put},
};

pub(super) async fn what_was_recorded_is_there_after_connecting_again(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(100)).await;
    catalog.close().await;

    let catalog = place.connect().await;
    assert_counts(&catalog, 1, 1, 1).await;
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(100))));
    assert_eq!(catalog.record_instances(&[instance(1, 1, 1)], false).await, Ok(vec![Recorded::Duplicate]));
    catalog.close().await;
}

/// Handles of one process share nothing before they are connected, so they stand for processes.
pub(super) async fn processes_may_start_at_once_on_an_empty_database(place: Arc<Place>) {
    let starts: Vec<_> = (0..6).map(|number| tokio::spawn(start_and_record(place.clone(), number))).collect();
    let catalogs = futures::future::try_join_all(starts).await.unwrap();
    assert_counts(&catalogs[0], 1, 1, 6).await;
    for catalog in catalogs {
        catalog.close().await;
    }
}

async fn start_and_record(place: Arc<Place>, number: u32) -> Catalog {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, number)], false).await.unwrap();
    catalog
}

pub(super) async fn a_closed_catalog_is_down_and_transient(place: Arc<Place>) {
    let catalog = place.connect().await;
    assert_eq!(catalog.health().await, Health::Up);
    catalog.close().await;
    assert_eq!(catalog.health().await, Health::Down);
    let error = catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_in_one_sentence() {
    for url in ["mysql://localhost/noctis", "catalog.sqlite", ""] {
        let error = Catalog::connect(url, CatalogLimits::default()).await.unwrap_err();
        assert!(matches!(&error, CatalogError::Invalid(_)), "{url}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_transient_and_named_without_its_password() {
    let limits = CatalogLimits { acquire_timeout: Duration::from_secs(1), ..CatalogLimits::default() };
    let error = Catalog::connect("postgres://noctis:secret@127.0.0.1:1/noctis", limits).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}
