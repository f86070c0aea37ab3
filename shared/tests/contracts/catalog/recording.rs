//! Recording batches.

use std::sync::Arc;

use noctis_shared::catalog::{Catalog, CatalogError, NewInstance, Recorded};
use tokio::task::JoinSet;

use super::{
    place::Place,
    sample::{assert_counts, image_id, instance, instance_version, key, picture, put, series_id, study_id},
};

pub(super) async fn a_batch_is_answered_in_its_order(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1), instance(1, 1, 2)], false).await.unwrap();
    let batch = [instance(1, 1, 3), instance(1, 1, 1), instance_version(1, 1, 2, 9), instance(2, 1, 1)];
    let recorded = catalog.record_instances(&batch, false).await.unwrap();
    assert_eq!(recorded, [Recorded::Accepted, Recorded::Duplicate, Recorded::Conflict, Recorded::Accepted]);
    assert_counts(&catalog, 2, 2, 4).await;
    assert_eq!(catalog.record_instances(&[], false).await, Ok(vec![]));
}

pub(super) async fn duplicates_inside_a_batch_count(place: Arc<Place>) {
    let catalog = place.connect().await;
    let batch = [instance(1, 1, 1), instance(1, 1, 1), instance_version(1, 1, 1, 1)];
    let recorded = catalog.record_instances(&batch, false).await.unwrap();
    assert_eq!(recorded, [Recorded::Accepted, Recorded::Duplicate, Recorded::Conflict]);

    let batch = [instance(2, 1, 1), instance_version(2, 1, 1, 1), instance_version(2, 1, 1, 1)];
    let recorded = catalog.record_instances(&batch, true).await.unwrap();
    let replaced = Recorded::Replaced { image_id: image_id(2, 1, 1) };
    assert_eq!(recorded, [Recorded::Accepted, replaced, Recorded::Duplicate]);
    let kept = catalog.image(image_id(2, 1, 1)).await.unwrap().unwrap();
    assert_eq!(kept.content_digest, batch[1].content_digest);
    assert_counts(&catalog, 2, 2, 2).await;
}

pub(super) async fn a_duplicate_elsewhere_stays_at_its_first_location(place: Arc<Place>) {
    let catalog = place.connect().await;
    let first = instance(1, 1, 1);
    let second = NewInstance { location: "file:///elsewhere/copy.dcm".to_owned(), ..first.clone() };
    catalog.record_instances(std::slice::from_ref(&first), false).await.unwrap();
    for replace in [false, true] {
        let recorded = catalog.record_instances(std::slice::from_ref(&second), replace).await;
        assert_eq!(recorded, Ok(vec![Recorded::Duplicate]));
    }
    assert_eq!(catalog.image(image_id(1, 1, 1)).await.unwrap().unwrap().location, first.location);
}

pub(super) async fn a_conflict_changes_nothing_and_makes_no_empty_study(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    let before = catalog.image(image_id(1, 1, 1)).await.unwrap();

    let mut conflict = instance_version(1, 1, 1, 1);
    conflict.study.patient.patient_birth_date = Some("1999-09-09".to_owned());
    conflict.series.body_part = Some("KNEE".to_owned());
    assert_eq!(catalog.record_instances(&[conflict], false).await, Ok(vec![Recorded::Conflict]));
    assert_eq!(catalog.image(image_id(1, 1, 1)).await.unwrap(), before);
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(10))));
    assert_counts(&catalog, 1, 1, 1).await;
}

pub(super) async fn a_replacement_takes_the_place_and_drops_the_renders(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1), instance(1, 1, 2)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    put(&catalog, 2, image_id(1, 1, 2), &picture(10)).await;

    let newer = instance_version(1, 1, 1, 1);
    let batch = [newer.clone(), instance(1, 1, 2), instance(1, 1, 3)];
    let recorded = catalog.record_instances(&batch, true).await.unwrap();
    let replaced = Recorded::Replaced { image_id: image_id(1, 1, 1) };
    assert_eq!(recorded, [replaced, Recorded::Duplicate, Recorded::Accepted]);
    let image = catalog.image(image_id(1, 1, 1)).await.unwrap().unwrap();
    assert_eq!(image.content_digest, newer.content_digest);
    assert_eq!(catalog.render(&key(1)).await, Ok(None), "a render of the old bytes");
    assert_eq!(catalog.render(&key(2)).await, Ok(Some(picture(10))), "a render of another image");
    assert_counts(&catalog, 1, 1, 3).await;
}

/// Eight writers, each with every instance of a study in batches of its own cut and order.
async fn write_overlapping(catalogs: &[Catalog]) {
    let mut writers = JoinSet::new();
    for writer in 0..8_u32 {
        let catalog = catalogs[writer as usize % catalogs.len()].clone();
        writers.spawn(async move {
            let mut instances: Vec<NewInstance> =
                (0..120).map(|number| instance(1, number % 3, number)).collect();
            instances.rotate_left(writer as usize * 13);
            let mut accepted = 0;
            for batch in instances.chunks(7 + writer as usize * 5) {
                let recorded = catalog.record_instances(batch, false).await.unwrap();
                assert!(!recorded.contains(&Recorded::Conflict));
                accepted += recorded.iter().filter(|recorded| **recorded == Recorded::Accepted).count();
            }
            accepted
        });
    }
    let accepted: usize = writers.join_all().await.into_iter().sum();
    assert_eq!(accepted, 120, "each instance is accepted from one writer");
    assert_counts(&catalogs[0], 1, 3, 120).await;
}

pub(super) async fn writers_at_once_come_to_the_right_counts(place: Arc<Place>) {
    let catalog = place.connect().await;
    write_overlapping(&[catalog]).await;
}

/// Two handles with connections of their own stand for two processes.
pub(super) async fn two_processes_come_to_the_right_counts(place: Arc<Place>) {
    let catalogs = [place.connect().await, place.connect().await];
    write_overlapping(&catalogs).await;
    for catalog in catalogs {
        catalog.close().await;
    }
}

pub(super) async fn facts_are_filled_in_and_stay(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut sparse = instance(1, 1, 1);
    (sparse.study.patient.patient_name, sparse.study.study_date) = (None, None);
    sparse.series.series_number = None;
    let mut other = instance(1, 1, 2);
    other.study.patient.patient_id = Some("p-1".to_owned());
    other.series.body_part = Some("CHEST".to_owned());
    catalog.record_instances(&[sparse], false).await.unwrap();
    catalog.record_instances(&[other.clone()], false).await.unwrap();

    let study = catalog.study(study_id(1)).await.unwrap().unwrap();
    assert_eq!(study.facts.patient.patient_id.as_deref(), Some("P-1"));
    assert_eq!(study.facts.patient.patient_name, other.study.patient.patient_name);
    assert_eq!(study.facts.study_date, other.study.study_date);
    let series = &catalog.series_of_study(study_id(1)).await.unwrap().unwrap()[0].facts;
    assert_eq!((series.series_number, series.body_part.as_deref()), (Some(1), Some("CHEST")));

    // A replacement brings newer facts.
    other.content_digest.0[0] ^= 1;
    catalog.record_instances(&[other], true).await.unwrap();
    let study = catalog.study(study_id(1)).await.unwrap().unwrap();
    assert_eq!(study.facts.patient.patient_id.as_deref(), Some("p-1"));
}

pub(super) async fn text_without_end_and_with_nul_is_stored_cut_and_cleaned(place: Arc<Place>) {
    let catalog = place.connect().await;
    let mut odd = instance(1, 1, 1);
    odd.study.patient.patient_name = Some(format!("Nul\0^{}", "ü".repeat(5000)));
    odd.study.study_description = Some("'; DROP TABLE studies; --".to_owned());
    odd.series.series_description = Some("\0".to_owned());
    odd.header_json = "{\"00100010\":\0{}}".to_owned();
    (odd.order.trigger_time, odd.order.slice_location) = (Some(f64::NAN), Some(f64::INFINITY));
    catalog.record_instances(&[odd], false).await.unwrap();

    let study = catalog.study(study_id(1)).await.unwrap().unwrap();
    let name = study.facts.patient.patient_name.unwrap();
    assert!(name.starts_with("Nul^ü") && name.chars().count() == 1024, "{} characters", name.chars().count());
    assert_eq!(study.facts.study_description.as_deref(), Some("'; DROP TABLE studies; --"));
    let series = catalog.series_of_study(study_id(1)).await.unwrap().unwrap();
    assert_eq!(series[0].facts.series_description.as_deref(), Some(""));
    assert_eq!(catalog.header_json(image_id(1, 1, 1)).await, Ok(Some("{\"00100010\":{}}".to_owned())));
}

pub(super) async fn a_batch_of_more_rows_than_a_statement_takes_is_one_batch(place: Arc<Place>) {
    let catalog = place.connect().await;
    let batch: Vec<NewInstance> = (0..1203).map(|number| instance(number % 601, 1, number)).collect();
    let recorded = catalog.record_instances(&batch, false).await.unwrap();
    assert_eq!(recorded, vec![Recorded::Accepted; 1203]);
    assert_counts(&catalog, 601, 601, 1203).await;
    let again = catalog.record_instances(&batch, false).await.unwrap();
    assert_eq!(again, vec![Recorded::Duplicate; 1203]);
    let newer: Vec<NewInstance> =
        (0..1203).map(|number| instance_version(number % 601, 1, number, 1)).collect();
    let replaced = catalog.record_instances(&newer, true).await.unwrap();
    assert!(replaced.iter().all(|recorded| matches!(recorded, Recorded::Replaced { .. })));
    assert_counts(&catalog, 601, 601, 1203).await;
    assert_eq!(catalog.images_of_series(series_id(600, 1)).await.unwrap().unwrap().len(), 2);
}

pub(super) async fn a_location_with_a_nul_is_refused_whole(place: Arc<Place>) {
    let catalog = place.connect().await;
    let odd = NewInstance { location: "file:///a\0b".to_owned(), ..instance(1, 1, 2) };
    let error = catalog.record_instances(&[instance(1, 1, 1), odd], false).await.unwrap_err();
    assert!(matches!(error, CatalogError::Invalid(_)), "{error}");
    assert_counts(&catalog, 0, 0, 0).await;
}
