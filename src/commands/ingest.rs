//! `noctis ingest`: files into the storage, events about their studies.

use std::{path::PathBuf, sync::Arc};

use noctis_shared::{
    forget::Forgetting,
    program::{self, BackEnds, Failure},
    settings::Settings,
    storage::Storage,
    telemetry,
};
use noctis_worker::{
    index::{FileOutcome, FilesInHand, Indexer, MissingUids},
    receive::{Announce, Reception},
};

use super::{beside, output, progress::FileProgress};

/// `source` of the events that this command publishes.
const SOURCE: &str = "/noctis/ingest";

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
        let ended = ingest(arguments, settings, &back_ends, storage).await;
        back_ends.close().await;
        ended
    })
}

async fn ingest(
    arguments: &Arguments,
    settings: &Settings,
    back_ends: &BackEnds,
    mut storage: Storage,
) -> Result<(), Failure> {
    let mut locations = Vec::new();
    for path in &arguments.paths {
        let location = storage.allow_local(path);
        locations
            .push(location.map_err(|error| Failure::usage(&path.display().to_string(), &error.to_string()))?);
    }
    let announce = announce(settings, back_ends, &storage);
    let mut reception =
        Reception::new(back_ends.catalog.clone(), storage.clone(), announce, arguments.replace);
    let mut progress = FileProgress::new("ingesting");
    for location in &locations {
        let received = receive_all(&mut reception, &storage, location, &mut progress).await;
        // Also when it ends early: a copy that nobody hears of is a lost image.
        let announced = reception.announce().await;
        tell_a_server_beside(settings)?;
        received?;
        announced.map_err(anyhow::Error::from)?;
    }
    let totals = progress.finish();
    output::line(&format!(
        "{} accepted, {} duplicate, {} rejected",
        totals.accepted, totals.duplicate, totals.rejected
    ))?;
    if totals.rejected > 0 { Err(Failure::Reported) } else { Ok(()) }
}

/// By an event; here and now, where the queue lives in this process.
fn announce(settings: &Settings, back_ends: &BackEnds, storage: &Storage) -> Announce {
    let BackEnds { queue, cache, catalog, .. } = back_ends.clone();
    if settings.queue_url.scheme() != "memory" {
        return Announce::Event { queue, source: SOURCE };
    }
    let (storage, files) = (storage.clone(), FilesInHand::new(2));
    let forgetting = Forgetting::new(&catalog, &cache);
    let (missing_uids, presets) = (MissingUids::Refuse, Arc::clone(&settings.presets));
    Announce::Here(Box::new(Indexer { catalog, forgetting, storage, files, missing_uids, presets }))
}

fn tell_a_server_beside(settings: &Settings) -> anyhow::Result<()> {
    if settings.catalog_is_in_data() {
        beside::leave_note(&settings.data)?;
    }
    Ok(())
}

/// Receives every file under `location`.
async fn receive_all(
    reception: &mut Reception,
    storage: &Storage,
    location: &str,
    progress: &mut FileProgress,
) -> anyhow::Result<()> {
    let mut files = storage.list(location).await?;
    while let Some(file) = files.next().await {
        let file = match file {
            Err(error) if !error.is_transient() => {
                progress.file(location, &FileOutcome::Rejected(error.to_string()));
                continue;
            }
            file => file?,
        };
        let outcome = match storage.local_path(&file).await {
            Ok(Some(path)) => reception.receive(&path, &file).await?,
            Ok(None) => FileOutcome::Rejected("it is no file of this machine".to_owned()),
            Err(error) => FileOutcome::Rejected(error.to_string()),
        };
        progress.file(&file, &outcome);
    }
    Ok(())
}
