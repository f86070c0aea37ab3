//! What takes files from outside, whichever way they came: digest, duplicate or conflict, a place in the storage, word
//! to the index, and a result for each file.
//!
//! What must not be here: where files come from (folders of a command, uploads, modalities) and how results are shown.
//! A file is staged by whoever has it: of a command it lies on a disk of this machine and stays there ([`Reception`]), of an upload
//! it lies in the storage, in a place apart ([`upload`]).

mod announce;
mod known;
pub(crate) mod upload;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    time::Duration,
};

use noctis_shared::{
    catalog::{Catalog, CatalogError, NewInstance},
    queue::PublishError,
    render_key::ContentDigest,
    storage::{Storage, StorageError},
};
use uuid::Uuid;

pub use self::announce::Announce;
use crate::index::{FileOutcome, IndexError, MissingUids, read_instance};

/// Instances that one event names. An event stays below the message limit.
const EVENT_INSTANCES_MAX: usize = 500;

/// How long is waited for the removal of a file that is to be put again, before it is asked once more.
const REMOVAL_PAUSE: Duration = Duration::from_millis(200);

/// Why files cannot be taken any more. What was stored before can still be announced.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Nobody knows what is known already.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Nothing can be stored.
    #[error("copying into the storage: {0}")]
    Storage(#[from] StorageError),
    /// Nobody can be told of what is stored.
    #[error("publishing study.new.v1: {0}")]
    Publish(#[from] PublishError),
    /// It could not be indexed here.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The task that reads a file was lost.
    #[error("reading was cut off: {0}")]
    Lost(String),
}

/// One run of receiving. Whoever ends it calls [`Reception::announce`]: a copy that nobody hears of is a lost image.
pub struct Reception {
    catalog: Catalog,
    storage: Storage,
    announce: Announce,
    /// Whether other bytes take the place of known ones.
    replace: bool,
    /// What this run took, by own id.
    taken: HashMap<Uuid, ContentDigest>,
    /// Locations that were stored and not yet announced, by Study Instance UID.
    stored: BTreeMap<String, Vec<String>>,
}

impl Reception {
    /// Takes files into `storage` and tells the index by `announce`.
    #[must_use]
    pub fn new(catalog: Catalog, storage: Storage, announce: Announce, replace: bool) -> Self {
        Self { catalog, storage, announce, replace, taken: HashMap::new(), stored: BTreeMap::new() }
    }

    /// Takes the file at `path`, which came under the name `location`. A study of many instances is announced in parts.
    ///
    /// # Errors
    /// [`ReceiveError`]; what is wrong with the file itself is an outcome.
    pub async fn receive(&mut self, path: &Path, location: &str) -> Result<FileOutcome, ReceiveError> {
        let (from, for_row) = (path.to_owned(), location.to_owned());
        let read =
            tokio::task::spawn_blocking(move || read_instance(&from, &for_row, MissingUids::Refuse)).await;
        let instance = match read.map_err(|error| ReceiveError::Lost(error.to_string()))? {
            Ok(instance) => instance,
            Err(rejected) => return Ok(rejected.into()),
        };
        let outcome = self.known(&instance).await?;
        if outcome != FileOutcome::Accepted {
            return Ok(outcome);
        }
        let stored_at = self.store(&instance, path).await?;
        self.taken.insert(instance.own_id(), instance.content_digest);
        let of_study = self.stored.entry(instance.study_instance_uid.clone()).or_default();
        of_study.push(stored_at);
        if of_study.len() == EVENT_INSTANCES_MAX {
            let locations = std::mem::take(of_study);
            self.announce.study(&instance.study_instance_uid, locations, self.replace).await?;
        }
        Ok(outcome)
    }

    /// Copies the file at `path` to where it belongs.
    async fn store(&self, instance: &NewInstance, path: &Path) -> Result<String, ReceiveError> {
        let name = instance.stored().name();
        keep_from_removal(&self.catalog, &self.storage, &name).await?;
        Ok(self.storage.put(&name, path.to_owned()).await?)
    }

    /// Tells the index of everything that was stored and not yet told.
    ///
    /// # Errors
    /// [`ReceiveError::Publish`] and [`ReceiveError::Index`].
    pub async fn announce(&mut self) -> Result<(), ReceiveError> {
        for (study_instance_uid, locations) in std::mem::take(&mut self.stored) {
            if !locations.is_empty() {
                self.announce.study(&study_instance_uid, locations, self.replace).await?;
            }
        }
        Ok(())
    }

    /// What this run or the catalog knows of it. The index decides again when it hears of it.
    async fn known(&self, instance: &NewInstance) -> Result<FileOutcome, ReceiveError> {
        let known = match self.taken.get(&instance.own_id()) {
            Some(digest) => Some(*digest),
            None => known::digest(&self.catalog, &self.storage, instance).await?,
        };
        Ok(known::outcome(known, instance, self.replace))
    }
}

/// What was to be removed by this name stays, since it is put again; one whose removal is under way is waited for.
async fn keep_from_removal(catalog: &Catalog, storage: &Storage, name: &str) -> Result<(), CatalogError> {
    if let Some(location) = storage.location_of(name) {
        while !catalog.forgive_object(&location).await? {
            tokio::time::sleep(REMOVAL_PAUSE).await;
        }
    }
    Ok(())
}
