//! Renders and events.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use noctis_shared::{
    catalog::{CatalogError, CatalogLimits, Scope},
    event::StudyIndexed,
};
use uuid::Uuid;

use super::{
    place::Place,
    sample::{failure, image_id, instance, key, picture, put, put_behind, series_id, study_id},
};

pub(super) async fn pictures_and_failures_read_back(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(200_000)).await;
    put(&catalog, 2, image_id(1, 1, 1), &failure("the codestream is truncated")).await;
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(200_000))));
    assert_eq!(catalog.render(&key(2)).await, Ok(Some(failure("the codestream is truncated"))));
    assert_eq!(catalog.render(&key(3)).await, Ok(None));
}

pub(super) async fn a_picture_takes_the_place_of_a_failure_and_nothing_else_does(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    let id = image_id(1, 1, 1);
    let steps = [
        (failure("first"), failure("first")),
        (failure("second"), failure("first")),
        (picture(10), picture(10)),
        (picture(11), picture(10)),
        (failure("third"), picture(10)),
    ];
    for (step, (put_in, expected)) in steps.into_iter().enumerate() {
        put(&catalog, 1, id, &put_in).await;
        assert_eq!(catalog.render(&key(1)).await, Ok(Some(expected)), "step {step}");
    }
    assert_eq!(catalog.clear_renders(&Scope::Everything).await, Ok(1));
}

pub(super) async fn a_render_of_an_image_that_is_not_there_is_not_kept(place: Arc<Place>) {
    let catalog = place.connect().await;
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    assert_eq!(catalog.render(&key(1)).await, Ok(None));
}

pub(super) async fn renders_of_a_scope_are_cleared_and_counted(place: Arc<Place>) {
    let catalog = place.connect().await;
    let images = [(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)];
    let batch: Vec<_> =
        images.iter().map(|(study, series, number)| instance(*study, *series, *number)).collect();
    catalog.record_instances(&batch, false).await.unwrap();
    let scopes = [
        (Scope::Image(image_id(1, 1, 1)), 1, [false, true, true, true]),
        (Scope::Series(series_id(1, 1)), 2, [false, false, true, true]),
        (Scope::Study(study_id(1)), 3, [false, false, false, true]),
        (Scope::Everything, 4, [false, false, false, false]),
        (Scope::Study(Uuid::nil()), 0, [true, true, true, true]),
    ];
    for (scope, count, kept) in scopes {
        for (number, (study, series, image)) in (0..).zip(images) {
            put(&catalog, number, image_id(study, series, image), &picture(10)).await;
        }
        assert_eq!(catalog.clear_renders(&scope).await, Ok(count), "{scope:?}");
        for (number, kept) in (0..).zip(kept) {
            assert_eq!(
                catalog.render(&key(number)).await.unwrap().is_some(),
                kept,
                "{scope:?}, render {number}"
            );
        }
    }
}

pub(super) async fn picture_bytes_stay_within_the_budget_and_the_oldest_go_first(place: Arc<Place>) {
    let limits = CatalogLimits { render_bytes_max: 100_000, ..CatalogLimits::default() };
    let catalog = place.connect_with(limits).await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    for number in 0..50 {
        put(&catalog, number, image_id(1, 1, 1), &picture(9_000)).await;
        let mut kept = Vec::new();
        for older in 0..=number {
            if catalog.render(&key(older)).await.unwrap().is_some() {
                kept.push(older);
            }
        }
        assert!(kept.len() * 9_000 <= 100_000, "{} renders after {number}", kept.len());
        assert!(kept.len() >= 8.min(number as usize + 1), "no more than needed goes: {} kept", kept.len());
        assert_eq!(kept, (number + 1 - kept.len() as u32..=number).collect::<Vec<_>>(), "the newest stay");
    }
}

pub(super) async fn a_budget_that_shrank_is_kept_from_the_first_render_on(place: Arc<Place>) {
    if place.url == "sqlite::memory:" {
        return a_budget_of_nothing_keeps_nothing(&place).await;
    }
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    for number in 0..10 {
        put(&catalog, number, image_id(1, 1, 1), &picture(9_000)).await;
    }
    catalog.close().await;
    let catalog =
        place.connect_with(CatalogLimits { render_bytes_max: 30_000, ..CatalogLimits::default() }).await;
    put(&catalog, 10, image_id(1, 1, 1), &picture(100)).await;
    assert_eq!(catalog.clear_renders(&Scope::Everything).await, Ok(3));
    a_budget_of_nothing_keeps_nothing(&place).await;
}

async fn a_budget_of_nothing_keeps_nothing(place: &Place) {
    let catalog = place.connect_with(CatalogLimits { render_bytes_max: 0, ..CatalogLimits::default() }).await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(1)).await;
    assert_eq!(catalog.render(&key(1)).await, Ok(None));
}

pub(super) async fn what_is_put_behind_is_there_a_moment_later_and_at_once_after_a_flush(place: Arc<Place>) {
    let catalog = place.connect().await;
    let images = [image_id(1, 1, 1), image_id(1, 1, 2)];
    catalog.record_instances(&[instance(1, 1, 1), instance(1, 1, 2)], false).await.unwrap();
    // More than one group; some of an image that is not there, and one key twice.
    for number in 0..200 {
        put_behind(&catalog, number, images[number as usize % 2], &picture(1000 + number as usize)).await;
        put_behind(&catalog, 1000 + number, image_id(9, 9, 9), &picture(10)).await;
    }
    put_behind(&catalog, 199, images[0], &failure("too late")).await;
    put_behind(&catalog, 300, images[0], &failure("for now")).await;
    put_behind(&catalog, 300, images[0], &picture(10)).await;
    catalog.flush_renders().await;
    assert_eq!(catalog.render(&key(300)).await, Ok(Some(picture(10))));
    for number in 0..200 {
        assert_eq!(catalog.render(&key(number)).await, Ok(Some(picture(1000 + number as usize))));
        assert_eq!(catalog.render(&key(1000 + number)).await, Ok(None));
    }
    put_behind(&catalog, 500, images[0], &picture(10)).await;
    let written = async {
        while catalog.render(&key(500)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written)
        .await
        .expect("nobody asked for it, and it is written");
}

pub(super) async fn what_was_put_behind_is_written_when_the_catalog_is_closed(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1)], false).await.unwrap();
    put_behind(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    catalog.close().await;
    // Nobody waits for a catalog that is closed.
    put_behind(&catalog, 2, image_id(1, 1, 1), &picture(10)).await;
    catalog.flush_renders().await;
    let catalog = place.connect().await;
    assert_eq!(catalog.render(&key(1)).await, Ok(Some(picture(10))));
    assert_eq!(catalog.render(&key(2)).await, Ok(None));
}

pub(super) async fn what_is_cleared_later_is_what_was_made_before(place: Arc<Place>) {
    let catalog = place.connect().await;
    catalog.record_instances(&[instance(1, 1, 1), instance(1, 1, 2)], false).await.unwrap();
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    put(&catalog, 2, image_id(1, 1, 2), &picture(10)).await;
    let cleared_at = Utc::now();
    put(&catalog, 3, image_id(1, 1, 1), &picture(10)).await;
    let image = Scope::Image(image_id(1, 1, 1));
    assert_eq!(catalog.clear_renders_made_before(&image, cleared_at).await, Ok(1));
    assert_eq!(catalog.clear_renders_made_before(&Scope::Everything, cleared_at).await, Ok(1));
    assert_eq!(catalog.render(&key(3)).await, Ok(Some(picture(10))));
}

pub(super) async fn an_event_is_handled_once_it_is_recorded(place: Arc<Place>) {
    let catalog = place.connect().await;
    let summary = StudyIndexed { event_id: "e\0-1".to_owned(), accepted: 3, ..StudyIndexed::default() };
    assert_eq!(catalog.event_handled("/ingest/site-a", "e-1").await, Ok(false));
    for _ in 0..2 {
        catalog.record_event("/ingest/site-a", "e-1", &summary).await.unwrap();
    }
    assert_eq!(catalog.event_handled("/ingest/site-a", "e-1").await, Ok(true));
    assert_eq!(catalog.event_handled("/ingest/site-b", "e-1").await, Ok(false));
    assert_eq!(catalog.event_handled("/ingest/site-a", "e-2").await, Ok(false));
    for odd in ["\0".to_owned(), "x".repeat(1025)] {
        let error = catalog.record_event(&odd, "e-1", &summary).await.unwrap_err();
        assert!(matches!(error, CatalogError::Invalid(_)), "{error}");
        assert!(catalog.event_handled("/ingest/site-a", &odd).await.is_err());
    }
}
