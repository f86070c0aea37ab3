//! `noctis ingest`: files into the storage, events about their studies.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use anyhow::Context;
use noctis_shared::{
    catalog::NewInstance,
    dicom_uid::public_id,
    event::{Event, InstanceLocation, STUDY_NEW, StudyEvent, StudyNew},
    own_id,
    program::{self, BackEnds, Failure},
    render_key::ContentDigest,
    settings::Settings,
    storage::Storage,
    telemetry,
};
use noctis_worker::index::{FileOutcome, FilesInHand, Indexer, MissingUids, read_instance};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{output, progress::FileProgress};

/// `source` of the events that this command publishes.
const SOURCE: &str = "/noctis/ingest";

/// Instances that one event names. An event stays below the message limit.
const EVENT_INSTANCES_MAX: usize = 500;

/// What `noctis ingest` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files or folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Takes a known instance with other bytes instead of reporting it.
    #[arg(long)]
    replace: bool,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    if settings.storage_is_in_data() || settings.catalog_is_in_data() {
        program::prepare_data(settings)?;
    }
    program::block_on(async {
        let _telemetry = telemetry::init(&program::telemetry_settings(settings, "noctis-ingest"))?;
        let back_ends = BackEnds::connect(settings).await?;
        let storage = program::storage(settings)?;
        let (replace, inside) = (arguments.replace, is_inside(settings));
        let ingest = Ingest { back_ends, storage, replace, inside, taken: HashMap::new() };
        ingest.run(&arguments.paths).await
    })
}

/// Whether the queue lives in this process, so that nobody else would hear an event.
fn is_inside(settings: &Settings) -> bool {
    settings.queue_url.scheme() == "memory"
}

struct Ingest {
    back_ends: BackEnds,
    storage: Storage,
    replace: bool,
    inside: bool,
    /// What this run took, by own id.
    taken: HashMap<Uuid, ContentDigest>,
}

impl Ingest {
    async fn run(mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        let mut progress = FileProgress::new("ingesting");
        for path in paths {
            let location = self.storage.allow_local(path);
            let location =
                location.map_err(|error| Failure::usage(&path.display().to_string(), &error.to_string()))?;
            self.ingest_all(&location, &mut progress).await?;
        }
        self.back_ends.close().await;
        let totals = progress.finish();
        output::line(&format!(
            "{} accepted, {} duplicate, {} rejected",
            totals.accepted, totals.duplicate, totals.rejected
        ))?;
        if totals.rejected > 0 { Err(Failure::Reported) } else { Ok(()) }
    }

    /// Copies every file under `location`, and publishes what was copied study by study, also when it ends early: a
    /// copy that nobody hears of is a lost image.
    async fn ingest_all(&mut self, location: &str, progress: &mut FileProgress) -> anyhow::Result<()> {
        let mut stored = BTreeMap::new();
        let copied = self.copy_all(location, progress, &mut stored).await;
        for (study_instance_uid, locations) in stored {
            if !locations.is_empty() {
                self.publish(&study_instance_uid, locations).await?;
            }
        }
        copied
    }

    async fn copy_all(
        &mut self,
        location: &str,
        progress: &mut FileProgress,
        stored: &mut BTreeMap<String, Vec<String>>,
    ) -> anyhow::Result<()> {
        let mut files = self.storage.list(location).await?;
        while let Some(file) = files.next().await {
            let file = match file {
                Err(error) if !error.is_transient() => {
                    progress.file(location, &FileOutcome::Rejected(error.to_string()));
                    continue;
                }
                file => file?,
            };
            let outcome = self.copy_one(&file, stored).await?;
            progress.file(&file, &outcome);
        }
        Ok(())
    }

    async fn copy_one(
        &mut self,
        file: &str,
        stored: &mut BTreeMap<String, Vec<String>>,
    ) -> anyhow::Result<FileOutcome> {
        let path = match self.storage.local_path(file).await {
            Ok(Some(path)) => path,
            Ok(None) => return Ok(FileOutcome::Rejected("it is no file of this machine".to_owned())),
            Err(error) => return Ok(FileOutcome::Rejected(error.to_string())),
        };
        let (from, for_row) = (path.clone(), file.to_owned());
        let read = move || read_instance(&from, &for_row, MissingUids::Refuse);
        let instance = match tokio::task::spawn_blocking(read).await? {
            Ok(instance) => instance,
            Err(rejected) => return Ok(rejected.into()),
        };
        let outcome = self.known(&instance).await?;
        if outcome != FileOutcome::Accepted {
            return Ok(outcome);
        }
        let of_study = stored.entry(instance.study.uid.clone()).or_default();
        of_study.push(self.store(&instance, &path).await?);
        self.taken.insert(own_id(&instance), instance.content_digest);
        if of_study.len() == EVENT_INSTANCES_MAX {
            let locations = std::mem::take(of_study);
            self.publish(&instance.study.uid, locations).await?;
        }
        Ok(outcome)
    }

    /// What this run or the catalog knows of it. The index decides again when the event arrives.
    async fn known(&self, instance: &NewInstance) -> anyhow::Result<FileOutcome> {
        let (catalog, id) = (&self.back_ends.catalog, own_id(instance));
        let of_catalog = match catalog.find_image(id).await?.one() {
            Some(key) => catalog.image(key).await?,
            None => None,
        };
        let known = match (self.taken.get(&id), of_catalog) {
            (Some(digest), _) => Some(*digest),
            (None, Some(record)) if record.content_digest == instance.content_digest => {
                // Known, but its file is lost: this copy takes its place.
                self.storage.local_file(&record.location).await.ok().map(|_| record.content_digest)
            }
            (None, record) => record.map(|record| record.content_digest),
        };
        Ok(match known {
            Some(digest) if digest == instance.content_digest => FileOutcome::Duplicate,
            Some(_) if !self.replace => FileOutcome::Conflict,
            _ => FileOutcome::Accepted,
        })
    }

    /// The name holds the digest, so that a replacement never overwrites bytes that renders in hand still read.
    async fn store(&self, instance: &NewInstance, path: &Path) -> anyhow::Result<String> {
        let NewInstance { study, series, sop_instance_uid, content_digest, .. } = instance;
        let digest = content_digest.to_string();
        let [study, series, instance] = [&study.uid, &series.uid, sop_instance_uid].map(|uid| segment(uid));
        let name = format!("{study}/{series}/{instance}-{}.dcm", &digest[..16]);
        self.storage.put(&name, path.to_owned()).await.context("copying into the storage")
    }

    async fn publish(&self, study_instance_uid: &str, locations: Vec<String>) -> anyhow::Result<()> {
        if self.inside {
            return self.index_here(&locations).await;
        }
        let instances = locations.into_iter().map(|location| InstanceLocation { location }).collect();
        let data = StudyNew { instances, replace: self.replace, ..StudyNew::default() };
        let event = Event::new(STUDY_NEW, SOURCE, Some(study_instance_uid.to_owned()), data);
        self.back_ends.queue.publish_event(&StudyEvent::New(event)).await.context("publishing study.new.v1")
    }

    async fn index_here(&self, locations: &[String]) -> anyhow::Result<()> {
        let indexer = Indexer {
            catalog: self.back_ends.catalog.clone(),
            cache: self.back_ends.cache.clone(),
            storage: self.storage.clone(),
            files: FilesInHand::new(2),
            missing_uids: MissingUids::Refuse,
        };
        indexer.index(locations, self.replace, &CancellationToken::new(), |_, _| {}).await?;
        Ok(())
    }
}

/// What names the instance alone, whatever else has its UID.
fn own_id(instance: &NewInstance) -> Uuid {
    own_id::of_image(&instance.study.uid, &instance.series.uid, &instance.sop_instance_uid)
}

/// The part of a stored name that stands for a UID: itself, or its public id where a path cannot hold it.
fn segment(uid: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if uid.chars().all(plain) && !uid.starts_with('.') { uid.to_owned() } else { public_id(uid).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_that_a_path_cannot_hold_is_stored_under_its_id() {
        for plain in ["1.2.3", "Site-A_7", "0123456789abcdef"] {
            assert_eq!(segment(plain), plain);
        }
        for odd in ["..", ".", "a/b", "../x", "a b", "é", "%2e"] {
            assert_eq!(segment(odd), public_id(odd).to_string());
        }
    }
}
