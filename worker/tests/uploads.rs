//! Uploads: files that lie in the storage become instances, each with its result, whatever happens on the way.

mod indexing;

use std::path::PathBuf;

use noctis_shared::{
    catalog::Catalog,
    dicom_uid::public_id,
    event::StudyEvent,
    lane::Lane,
    upload::{Admits, Upload, UploadResult, UploadState, UploadedInstance},
};
use noctis_worker::index::IndexJobs;
use url::Url;
use uuid::Uuid;

use indexing::{handle_event, index_jobs};

const STUDY: &str = "1.2.826.0.1.3680043.10.7";

struct House {
    jobs: IndexJobs,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { jobs: index_jobs(folder.path()).await, folder }
    }

    fn catalog(&self) -> &Catalog {
        &self.jobs.indexer.catalog
    }

    /// Puts files down, as the API does.
    async fn put_down(&self, admits: Admits, files: &[Vec<u8>]) -> Uuid {
        let event_id = Uuid::new_v4();
        let state = UploadState::Arriving;
        let upload = Upload { event_id, owner: "a".to_owned(), admits, state, instances: vec![] };
        self.catalog().begin_upload(&upload).await.expect("begun");
        for (number, bytes) in (0..).zip(files) {
            let mut file = self.jobs.indexer.storage.begin_incoming(event_id, number).await.expect("begun");
            file.write(bytes).await.expect("written");
            file.finish().await.expect("finished");
        }
        event_id
    }

    /// Has a worker take an upload.
    async fn take(&self, event_id: Uuid) {
        self.jobs.queue.publish_event(&StudyEvent::uploaded(event_id)).await.expect("published");
        handle_event(&self.jobs, Lane::Upload).await;
        assert_eq!(self.jobs.queue.dead_letter_count().await.expect("counted"), 0);
    }

    async fn upload(&self, admits: Admits, files: &[Vec<u8>]) -> Vec<UploadedInstance> {
        let event_id = self.put_down(admits, files).await;
        self.catalog().upload_arrived(event_id).await.expect("noted");
        self.take(event_id).await;
        self.outcome(event_id).await
    }

    async fn outcome(&self, event_id: Uuid) -> Vec<UploadedInstance> {
        let upload = self.catalog().upload(event_id).await.expect("a catalog").expect("an upload");
        assert_eq!(upload.state, UploadState::Done);
        upload.instances
    }

    async fn image_count(&self, study: &str) -> u32 {
        let study = self.catalog().study(public_id(study)).await.expect("a catalog that answers");
        study.map_or(0, |study| study.image_count)
    }

    /// The bytes of all files in the storage, sorted.
    fn stored(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<_> = files_under(self.folder.path().to_owned());
        files.sort();
        files
    }
}

fn files_under(folder: PathBuf) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        if path.is_dir() { files_under(path) } else { vec![std::fs::read(path).expect("read")] }
    };
    entries.flat_map(read).collect()
}

fn element(group: u16, number: u16, value: &str) -> Vec<u8> {
    let mut value = value.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(0);
    }
    let tag = [group.to_le_bytes(), number.to_le_bytes()].concat();
    [&tag[..], b"UI", &(value.len() as u16).to_le_bytes(), &value].concat()
}

/// A document without pixels, of this study, that says something.
fn file_of(study: &str, number: u32, said: &str) -> Vec<u8> {
    let title =
        [&[0x42, 0, 0x10, 0][..], b"ST", &(said.len() as u16).to_le_bytes(), said.as_bytes()].concat();
    [
        vec![0; 128],
        b"DICM".to_vec(),
        element(2, 0x10, "1.2.840.10008.1.2.1"),
        element(8, 0x16, "1.2.840.10008.5.1.4.1.1.104.1"),
        element(8, 0x18, &format!("{study}.1.{number}")),
        element(0x20, 0xD, study),
        element(0x20, 0xE, &format!("{study}.1")),
        title,
    ]
    .concat()
}

fn file(number: u32, said: &str) -> Vec<u8> {
    file_of(STUDY, number, said)
}

fn results(instances: &[UploadedInstance]) -> Vec<UploadResult> {
    instances.iter().map(|instance| instance.result).collect()
}

#[tokio::test]
async fn each_file_has_its_result_in_their_order_and_what_is_new_is_stored_as_it_came() {
    use UploadResult::{Accepted, Conflict, Duplicate, Rejected};
    let house = House::new().await;
    assert_eq!(results(&house.upload(Admits::default(), &[file(1, "one ")]).await), [Accepted]);
    let sent = [
        file(2, "two "),
        file(1, "one "),
        b"no DICOM".to_vec(),
        file(1, "other "),
        file(3, "three "),
        file(3, "three "),
        file(3, "four"),
        vec![],
    ];
    let instances = house.upload(Admits::default(), &sent).await;
    let expected = [Accepted, Duplicate, Rejected, Conflict, Accepted, Duplicate, Conflict, Rejected];
    assert_eq!(results(&instances), expected);
    for (instance, result) in instances.iter().zip(expected) {
        assert_eq!(instance.named.is_none(), result == Rejected, "{instance:?}");
        assert_eq!(instance.reason.is_none(), result.is_stored(), "{instance:?}");
    }
    let named = instances[0].named.as_ref().expect("UIDs");
    assert_eq!(
        (named.study_instance_uid.as_str(), named.sop_instance_uid.as_str()),
        (STUDY, &*format!("{STUDY}.1.2"))
    );
    assert_eq!(house.image_count(STUDY).await, 3);
    let mut expected = [file(1, "one "), file(2, "two "), file(3, "three ")];
    expected.sort();
    assert!(house.stored() == expected, "nothing else is stored, or left where it came to");
}

#[tokio::test]
async fn what_the_upload_may_not_bring_is_not_taken() {
    use UploadResult::{Accepted, NotAllowed, OtherStudy};
    let house = House::new().await;
    let other = "1.2.826.0.1.3680043.10.8";
    let sent = [file(1, "one "), file_of(other, 1, "of another")];
    let to_study = Admits { study_instance_uid: Some(STUDY.to_owned()), study_ids: None };
    assert_eq!(results(&house.upload(to_study, &sent).await), [Accepted, OtherStudy]);
    let only = Admits { study_instance_uid: None, study_ids: Some(vec![public_id(STUDY)]) };
    assert_eq!(results(&house.upload(only, &sent).await), [UploadResult::Duplicate, NotAllowed]);
    assert_eq!((house.image_count(STUDY).await, house.image_count(other).await), (1, 0));
    assert_eq!(house.stored(), [file(1, "one ")]);
}

#[tokio::test]
async fn a_worker_that_died_on_the_way_has_lost_nothing_and_taken_nothing_twice() {
    let house = House::new().await;
    let event_id = house.put_down(Admits::default(), &[file(1, "one "), file(2, "two ")]).await;
    // Before all files are there an event does nothing.
    house.take(event_id).await;
    assert_eq!(house.image_count(STUDY).await, 0);
    // As a worker leaves it that died between recording and saying so.
    house.upload(Admits::default(), &[file(1, "one ")]).await;
    house.catalog().upload_arrived(event_id).await.expect("noted");
    house.take(event_id).await;
    let instances = house.outcome(event_id).await;
    assert_eq!(results(&instances), [UploadResult::Duplicate, UploadResult::Accepted]);
    // The same event again, with its files gone, changes nothing.
    house.take(event_id).await;
    assert_eq!(house.outcome(event_id).await, instances);
    assert_eq!(house.stored().len(), 2);
    // One that was taken back is nothing to do.
    house.catalog().forget_upload(event_id).await.expect("forgotten");
    house.take(event_id).await;
}

#[tokio::test]
async fn a_file_that_was_lost_comes_back_with_the_next_upload_of_it() {
    let house = House::new().await;
    house.upload(Admits::default(), &[file(1, "one ")]).await;
    let record = house.catalog().find_image(public_id(&format!("{STUDY}.1.1"))).await.expect("found");
    let record =
        house.catalog().image(record.one().expect("one")).await.expect("a catalog").expect("an image");
    let path = Url::parse(&record.location).expect("a URL").to_file_path().expect("a path");
    std::fs::remove_file(&path).expect("lost");
    house.upload(Admits::default(), &[file(1, "one ")]).await;
    assert!(std::fs::read(&path).expect("it is back") == file(1, "one "));
}
