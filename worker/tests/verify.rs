//! The storage held against the catalog.

mod sample;

use std::path::PathBuf;

use noctis_shared::{
    catalog::{Catalog, CatalogLimits, NewInstance, Scope},
    dicom_uid::public_id,
    storage::{Storage, Stored},
};
use noctis_worker::verify::{Fault, Verified, verify};
use url::Url;

use sample::{STUDY, instance};

struct House {
    catalog: Catalog,
    storage: Storage,
    url: String,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let url = Url::from_directory_path(path.join("store")).expect("a URL");
        let catalog = Catalog::connect("sqlite::memory:", CatalogLimits::default()).await.expect("a catalog");
        let storage = Storage::new(&url, &[]).expect("a storage");
        Self { catalog, storage, url: url.to_string(), folder }
    }

    /// Stores bytes under the name of instance `number`, and records it, too, if it is told to.
    async fn store(&self, number: u32, bytes: &[u8], is_recorded: bool) -> (NewInstance, PathBuf) {
        let mut instance = instance(1, number, bytes);
        let from = self.folder.path().join("staged");
        std::fs::write(&from, bytes).expect("written");
        instance.location = self.storage.put(&instance.stored().name(), from).await.expect("put");
        if is_recorded {
            let recorded = self.catalog.record_instances(std::slice::from_ref(&instance), false).await;
            recorded.expect("recorded");
        }
        let path = Url::parse(&instance.location).expect("a URL").to_file_path().expect("a path");
        (instance, path)
    }

    async fn verify(&self) -> (Verified, Vec<(String, Fault)>) {
        let mut faults = Vec::new();
        let told = |location: &str, fault: &Fault| faults.push((location.to_owned(), fault.clone()));
        let verified = verify(&self.catalog, &self.storage, &self.url, told).await.expect("verified");
        (verified, faults)
    }
}

#[tokio::test]
async fn each_fault_is_told_and_what_is_sound_is_counted() {
    let house = House::new().await;
    assert_eq!(house.verify().await, (Verified::default(), vec![]), "nothing was ever put there");
    house.store(1, b"sound", true).await;
    let (missing, missing_path) = house.store(2, b"missing", true).await;
    let (other, other_path) = house.store(3, b"other bytes", true).await;
    let (shorter, shorter_path) = house.store(4, b"shorter", true).await;
    let (orphan, _) = house.store(5, b"an orphan", false).await;
    std::fs::remove_file(missing_path).expect("removed");
    std::fs::write(other_path, b"other bytez").expect("written");
    std::fs::write(shorter_path, b"short").expect("written");
    // What a pipeline put there by names of its own is nobody's to miss.
    std::fs::write(house.folder.path().join("store/incoming.dcm"), b"a file").expect("written");
    // A file that is read in place, outside of what this program may read.
    let mut elsewhere = instance(1, 6, b"elsewhere");
    elsewhere.location = "file:///nowhere/6.dcm".to_owned();
    house.catalog.record_instances(&[elsewhere], false).await.expect("recorded");

    let (verified, mut faults) = house.verify().await;
    assert_eq!(verified, Verified { sound: 1, faults: 4, elsewhere: 1 });
    let mut expected = vec![
        (missing.location, Fault::Missing),
        (other.location, Fault::Changed),
        (shorter.location, Fault::Changed),
        (orphan.location, Fault::Orphan),
    ];
    faults.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(faults, expected);
}

#[tokio::test]
async fn a_file_that_is_owed_is_no_orphan() {
    let house = House::new().await;
    house.store(1, b"deleted", true).await;
    let is_ours = |location: &str, stored: &Stored<'_>| house.storage.is_ours(location, stored);
    house.catalog.delete(&Scope::Study(public_id(STUDY)), &is_ours).await.expect("deleted");
    assert_eq!(house.verify().await, (Verified::default(), vec![]));
}
