//! Errands of the catalog: stored files removed, events told, and what our own events do when they come back.

mod indexing;
mod sample;

use std::{path::Path, time::Duration};

use noctis_shared::{
    catalog::{Catalog, Scope},
    dicom_uid::public_id,
    event::{Event, SOURCE, STUDY_DELETED, StudyDeleted, StudyEvent},
    lane::Lane,
    queue::{Queue, Work},
    storage::{Storage, Stored},
};
use noctis_worker::{
    errands::Errands,
    index::{IndexJobs, Indexer},
};

use indexing::{handle_event, index_jobs};
use sample::{STUDY, instance};

struct House {
    catalog: Catalog,
    storage: Storage,
    queue: Queue,
    errands: Errands,
    jobs: IndexJobs,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jobs = index_jobs(folder.path()).await;
        let (Indexer { catalog, storage, .. }, queue) = (jobs.indexer.clone(), jobs.queue.clone());
        let errands = Errands { catalog: catalog.clone(), storage: storage.clone(), queue: queue.clone() };
        Self { catalog, storage, queue, errands, jobs, folder }
    }

    /// Stores and records instance `number` of series `series`, as receiving does; its file.
    async fn store(&self, series: u32, number: u32) -> std::path::PathBuf {
        let mut instance = instance(series, number, b"DICM");
        let from = self.folder.path().join("staged");
        std::fs::write(&from, b"DICM").expect("written");
        let name = instance.stored().name();
        instance.location = self.storage.put(&name, from.clone()).await.expect("put");
        std::fs::remove_file(from).expect("removed");
        self.catalog.record_instances(std::slice::from_ref(&instance), false).await.expect("recorded");
        self.folder.path().join(name)
    }

    async fn delete(&self, scope: Scope) -> u64 {
        let is_ours = |location: &str, stored: &Stored<'_>| self.storage.is_ours(location, stored);
        self.catalog.delete(&scope, &is_ours).await.expect("deleted").objects
    }

    async fn publish(&self, source: &str, data: StudyDeleted) {
        let event = Event::new(STUDY_DELETED, source, Some(STUDY.to_owned()), data);
        self.queue.publish_event(&StudyEvent::Deleted(event)).await.expect("published");
    }

    async fn image_count(&self) -> u32 {
        let study = self.catalog.study(public_id(STUDY)).await.expect("a catalog that answers");
        study.map_or(0, |study| study.image_count)
    }
}

fn exists(path: &Path) -> bool {
    path.exists()
}

#[tokio::test]
async fn stored_files_go_with_their_instances_and_the_rest_stays() {
    let house = House::new().await;
    let (first, second, third) = (house.store(1, 1).await, house.store(1, 2).await, house.store(2, 3).await);
    let image = house.catalog.find_image(public_id(&format!("{STUDY}.1.1"))).await.expect("found");
    assert_eq!(house.delete(Scope::Image(image.one().expect("one"))).await, 1);
    assert!(exists(&first), "owed, and not removed yet");
    house.errands.all().await.expect("done");
    assert!(!exists(&first) && exists(&second) && exists(&third));
    assert_eq!(house.delete(Scope::Study(public_id(STUDY))).await, 2);
    house.errands.all().await.expect("done");
    assert!(!exists(&second) && !exists(&third));
    assert!(!exists(&house.folder.path().join(STUDY)), "nor an empty folder");
    let owed = house.catalog.take_owed_objects(10, Duration::ZERO).await.expect("owed");
    assert_eq!(owed, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_deleted_is_told_and_our_own_word_deletes_nothing() {
    let house = House::new().await;
    house.store(1, 1).await;
    house.delete(Scope::Study(public_id(STUDY))).await;
    house.errands.all().await.expect("told");
    assert_eq!(house.catalog.take_announcements(10, Duration::ZERO).await.expect("announcements"), []);
    // The study comes again before our own word does.
    house.store(1, 1).await;
    let mut consumer = house.queue.consume(Lane::Index, 1).await.expect("a consumer");
    let delivery = consumer.next().await.expect("it was told");
    let Work::Study(StudyEvent::Deleted(event)) = &delivery.work else { panic!("a deletion") };
    assert_eq!((event.source.as_str(), event.subject.as_deref()), (SOURCE, Some(STUDY)));
    delivery.release().await;
    consumer.stop().await;
    handle_event(&house.jobs, Lane::Index).await;
    assert_eq!(house.image_count().await, 1);
}

#[tokio::test]
async fn a_word_of_others_deletes_a_study_or_the_part_it_names() {
    let house = House::new().await;
    for (series, number) in [(1, 1), (1, 2), (2, 3), (3, 4)] {
        house.store(series, number).await;
    }
    let part = |series: Option<u32>, instance: Option<(u32, u32)>| StudyDeleted {
        series_instance_uid: series.map(|series| format!("{STUDY}.{series}")),
        sop_instance_uid: instance.map(|(series, number)| format!("{STUDY}.{series}.{number}")),
    };
    // One that names nothing we have changes nothing, and an instance without its series is no order.
    for (data, left) in [
        (part(Some(9), None), 4),
        (part(None, Some((1, 1))), 4),
        (part(Some(1), Some((1, 1))), 3),
        (part(Some(2), None), 2),
        (part(None, None), 0),
        (part(None, None), 0),
    ] {
        house.publish("/pacs", data.clone()).await;
        handle_event(&house.jobs, Lane::Index).await;
        assert_eq!(house.image_count().await, left, "{data:?}");
    }
    let dead = house.queue.dead_letters(10).await.expect("dead letters");
    assert_eq!(dead.iter().map(|letter| letter.reason.as_str()).collect::<Vec<_>>(), ["invalid_event"]);
    house.errands.all().await.expect("done");
    assert!(!exists(&house.folder.path().join(STUDY)), "files of ours go with a word of others");
}
