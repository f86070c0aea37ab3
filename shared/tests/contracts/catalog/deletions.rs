//! Deletions, and what is owed for them.

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    catalog::{Catalog, CatalogError, NewInstance, Scope},
    event::{Event, STUDY_DELETED, StudyDeleted},
    storage::Stored,
};

use super::{
    place::Place,
    sample::{
        assert_counts, image_id, instance, key, picture, put, series_id, series_uid, study_id, study_uid,
    },
};

/// A time that is not over in a test.
const LONG: Duration = Duration::from_secs(600);

/// Study 1 with two series of two instances, and study 2 with one of one.
fn batch() -> Vec<NewInstance> {
    [(1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2), (2, 1, 1)]
        .map(|(study, series, number)| instance(study, series, number))
        .into()
}

async fn filled(place: &Place) -> Catalog {
    let catalog = place.connect().await;
    catalog.record_instances(&batch(), false).await.unwrap();
    catalog
}

/// Whether it lies where we would have put it.
fn under_vault(location: &str, stored: &Stored<'_>) -> bool {
    location == format!("file:///vault/{}", stored.name())
}

fn in_vault(mut instance: NewInstance) -> NewInstance {
    instance.location = format!("file:///vault/{}", instance.stored().name());
    instance
}

pub(super) async fn a_part_that_is_deleted_is_gone_from_lists_and_counts(place: Arc<Place>) {
    let catalog = filled(&place).await;
    put(&catalog, 1, image_id(1, 1, 1), &picture(10)).await;
    put(&catalog, 2, image_id(1, 1, 2), &picture(10)).await;
    let delete = async |scope| catalog.delete(&scope, &|_, _| true).await.unwrap();

    let image = delete(Scope::Image(image_id(1, 1, 1))).await;
    assert_eq!((image.image_ids, image.renders, image.objects), (vec![image_id(1, 1, 1)], 1, 1));
    assert_eq!(catalog.render(&key(2)).await, Ok(Some(picture(10))));
    assert_counts(&catalog, 2, 3, 4).await;
    assert_eq!(delete(Scope::Image(image_id(1, 1, 1))).await, Default::default(), "again");

    assert_eq!(delete(Scope::Series(series_id(1, 2))).await.image_ids.len(), 2);
    assert_counts(&catalog, 2, 2, 2).await;
    assert_eq!(catalog.study_of(&Scope::Series(series_id(1, 2))).await, Ok(None));
    assert_eq!(catalog.study_of(&Scope::Series(series_id(1, 1))).await, Ok(Some(study_id(1))));

    // With the last instance its series and its study go.
    assert_eq!(delete(Scope::Image(image_id(1, 1, 2))).await.renders, 1);
    assert_eq!(catalog.study(study_id(1)).await, Ok(None));
    assert_counts(&catalog, 1, 1, 1).await;
    let everything = catalog.delete(&Scope::Everything, &|_, _| true).await;
    assert!(matches!(everything, Err(CatalogError::Invalid(_))), "nobody deletes everything by mistake");
}

pub(super) async fn files_of_ours_are_owed_and_no_others(place: Arc<Place>) {
    let catalog = place.connect().await;
    let ours = in_vault(instance(1, 1, 1));
    // Under the storage, by a name that a pipeline gave it.
    let mut of_a_pipeline = instance(1, 1, 2);
    of_a_pipeline.location = "file:///vault/incoming/2.dcm".to_owned();
    // By the name of other bytes.
    let mut replaced = in_vault(instance(1, 1, 3));
    replaced.content_digest.0[0] ^= 1;
    let kept = in_vault(instance(2, 1, 1));
    catalog.record_instances(&[ours.clone(), of_a_pipeline, replaced, kept], false).await.unwrap();
    let deleted = catalog.delete(&Scope::Study(study_id(1)), &under_vault).await.unwrap();
    assert_eq!((deleted.image_ids.len(), deleted.objects), (3, 1));
    assert_eq!(catalog.take_owed_objects(10, LONG).await.unwrap(), [ours.location]);
}

pub(super) async fn a_file_of_ours_is_owed_when_another_takes_its_place(place: Arc<Place>) {
    let catalog = place.connect().await;
    let other_bytes = |mut instance: NewInstance| {
        instance.content_digest.0[0] ^= 1;
        in_vault(instance)
    };
    let (first, second) = (in_vault(instance(1, 1, 1)), in_vault(instance(1, 1, 2)));
    let in_place = NewInstance { location: "file:///incoming/3.dcm".to_owned(), ..instance(1, 1, 3) };
    catalog.record_instances(&[first.clone(), second.clone(), in_place.clone()], false).await.unwrap();
    // The second was written to where it lies.
    let written_to = NewInstance { location: second.location.clone(), ..other_bytes(second) };
    let batch = [other_bytes(first.clone()), written_to, other_bytes(in_place)];
    catalog.record_instances_owing(&batch, false, &under_vault).await.unwrap();
    assert_eq!(
        catalog.take_owed_objects(10, Duration::ZERO).await.unwrap(),
        Vec::<String>::new(),
        "conflicts"
    );
    catalog.record_instances_owing(&batch, true, &under_vault).await.unwrap();
    let owed = catalog.take_owed_objects(10, Duration::ZERO).await.unwrap();
    assert_eq!(owed, std::slice::from_ref(&first.location));

    // What an instance has again is not removed, and what somebody removes just now no instance has.
    tokio::time::sleep(Duration::from_millis(5)).await;
    catalog.record_instances_owing(std::slice::from_ref(&first), true, &under_vault).await.unwrap();
    let owed = catalog.take_owed_objects(10, LONG).await.unwrap();
    assert_eq!(owed, std::slice::from_ref(&batch[0].location));
    let again = catalog.record_instances_owing(&batch[..1], true, &under_vault).await;
    assert!(matches!(again, Err(CatalogError::Unavailable(_))), "{again:?}");
    catalog.object_removed(&batch[0].location).await.unwrap();
    catalog.record_instances_owing(&batch[..1], true, &under_vault).await.unwrap();
    let _first = catalog.take_owed_objects(10, LONG).await.unwrap();

    // Of two of one batch the later stays, and the other never had a row.
    let versions = [in_vault(instance(2, 1, 1)), other_bytes(instance(2, 1, 1))];
    catalog.record_instances_owing(&versions, true, &under_vault).await.unwrap();
    let owed = catalog.take_owed_objects(10, LONG).await.unwrap();
    assert_eq!(owed, std::slice::from_ref(&versions[0].location));
}

pub(super) async fn an_errand_is_one_process_s_until_its_time_is_over(place: Arc<Place>) {
    let catalog = place.connect().await;
    let many: Vec<NewInstance> = (1..=7).map(|number| in_vault(instance(1, 1, number))).collect();
    catalog.record_instances(&many, false).await.unwrap();
    catalog.delete(&Scope::Study(study_id(1)), &under_vault).await.unwrap();
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let catalog = catalog.clone();
            tokio::spawn(async move { catalog.take_owed_objects(2, LONG).await.unwrap() })
        })
        .collect();
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }
    taken.extend(catalog.take_owed_objects(10, LONG).await.unwrap());
    taken.sort();
    let mut all: Vec<String> = many.into_iter().map(|instance| instance.location).collect();
    all.sort();
    assert_eq!(taken, all, "each by one");

    let event = catalog.take_announcements(10, Duration::ZERO).await.unwrap().remove(0);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(
        catalog.take_announcements(10, LONG).await.unwrap(),
        std::slice::from_ref(&event),
        "its time was over"
    );
    assert_eq!(catalog.take_announcements(10, LONG).await.unwrap(), []);
    catalog.announced(&event).await.unwrap();
}

pub(super) async fn a_file_that_is_put_again_is_not_removed(place: Arc<Place>) {
    let catalog = place.connect().await;
    let ours = in_vault(instance(1, 1, 1));
    let location = ours.location.clone();
    let owe = async || {
        catalog.record_instances(std::slice::from_ref(&ours), false).await.unwrap();
        catalog.delete(&Scope::Study(study_id(1)), &under_vault).await.unwrap();
    };
    assert!(catalog.forgive_object(&location).await.unwrap(), "nothing was owed");
    owe().await;
    assert!(catalog.forgive_object(&location).await.unwrap());
    assert_eq!(catalog.take_owed_objects(10, LONG).await.unwrap(), Vec::<String>::new());
    owe().await;
    assert_eq!(catalog.take_owed_objects(10, LONG).await.unwrap(), std::slice::from_ref(&location));
    assert!(!catalog.forgive_object(&location).await.unwrap(), "somebody is at it");
    catalog.object_removed(&location).await.unwrap();
    assert!(catalog.forgive_object(&location).await.unwrap());
}

pub(super) async fn what_was_deleted_is_announced_whole_or_by_its_parts(place: Arc<Place>) {
    let catalog = filled(&place).await;
    let told = async |scope: Scope| -> (Option<String>, StudyDeleted) {
        catalog.delete(&scope, &|_, _| false).await.unwrap();
        let announcement = catalog.take_announcements(10, LONG).await.unwrap().remove(0);
        assert_eq!(announcement.event_type, STUDY_DELETED);
        let event: Event<StudyDeleted> = serde_json::from_str(&announcement.body).unwrap();
        assert_eq!((event.id, event.source.as_str()), (announcement.event_id.to_string(), "/noctis"));
        catalog.announced(&announcement).await.unwrap();
        (event.subject, event.data)
    };
    let [first, second] = [1, 2].map(|number| Some(series_uid(1, number)));
    let study = Some(study_uid(1));
    let instance = Some(instance(1, 1, 1).sop_instance_uid);
    let part = |series, instance| StudyDeleted { series_instance_uid: series, sop_instance_uid: instance };
    assert_eq!(told(Scope::Image(image_id(1, 1, 1))).await, (study.clone(), part(first, instance)));
    assert_eq!(told(Scope::Series(series_id(1, 2))).await, (study.clone(), part(second, None)));
    // What leaves nothing of the study is the end of the study.
    assert_eq!(told(Scope::Image(image_id(1, 1, 2))).await, (study, part(None, None)));
    assert_eq!(told(Scope::Study(study_id(2))).await, (Some(study_uid(2)), part(None, None)));
    catalog.delete(&Scope::Study(study_id(2)), &|_, _| false).await.unwrap();
    assert_eq!(catalog.take_announcements(10, LONG).await.unwrap(), [], "nothing went, nothing is told");
}
