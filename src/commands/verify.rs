//! `noctis verify`: the storage held against the catalog.

use std::{collections::HashSet, sync::Arc};

use noctis_shared::{
    forget::{Change, Forgetting},
    program::{self, BackEnds, Failure},
    settings::Settings,
    storage::{Storage, named_in},
    telemetry,
};
use noctis_worker::{
    index::{FileOutcome, FilesInHand, Indexer, MissingUids},
    verify::{Fault, Verified, verify},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{beside, output};

/// What `noctis verify` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Indexes orphans, and changed files that are read in place. An orphan with the bytes of an instance takes the place of
    /// its file where that is faulty, and is removed where it is not; nothing else is.
    #[arg(long)]
    repair: bool,
    /// JSON lines, for scripts.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    program::block_on(async {
        let _telemetry = telemetry::init(&program::telemetry_settings(settings, "noctis-verify"))?;
        let back_ends = BackEnds::connect(settings).await?;
        let storage = program::storage(settings)?;
        let done = verify_and_repair(arguments, settings, &back_ends, &storage).await;
        back_ends.close().await;
        done
    })
}

async fn verify_and_repair(
    arguments: &Arguments,
    settings: &Settings,
    back_ends: &BackEnds,
    storage: &Storage,
) -> Result<(), Failure> {
    let (mut written, mut faults) = (Ok(()), Vec::new());
    let told = |location: &str, fault: &Fault| {
        written = std::mem::replace(&mut written, Ok(())).and_then(|()| tell(arguments, location, fault));
        faults.push((location.to_owned(), fault.clone()));
    };
    let verified = verify(&back_ends.catalog, storage, settings.storage_url.as_str(), told).await;
    let verified = verified.map_err(anyhow::Error::from)?;
    written?;
    let mut repaired = 0;
    if arguments.repair {
        repaired = repair(settings, back_ends, storage, &faults).await?;
        if settings.catalog_is_in_data() {
            beside::leave_note(&settings.data).map_err(anyhow::Error::from)?;
        }
    }
    output::line(&summary(arguments, &verified, repaired))?;
    if verified.faults > repaired { Err(Failure::Reported) } else { Ok(()) }
}

/// How many of these files are as they should be now.
async fn repair(
    settings: &Settings,
    back_ends: &BackEnds,
    storage: &Storage,
    faults: &[(String, Fault)],
) -> anyhow::Result<u64> {
    let BackEnds { cache, catalog, .. } = back_ends;
    let indexer = Indexer {
        catalog: catalog.clone(),
        forgetting: Forgetting::new(catalog, cache),
        storage: storage.clone(),
        files: FilesInHand::new(2),
        missing_uids: MissingUids::Refuse,
        presets: Arc::clone(&settings.presets),
    };
    // Nobody writes to what we stored: other bytes there are damage, and must not become a picture.
    let can_be = |(location, fault): &&(String, Fault)| match fault {
        Fault::Changed => !storage.is_its_own(location),
        Fault::Orphan => true,
        Fault::Missing | Fault::Unreadable(_) => false,
    };
    let locations: Vec<String> = faults.iter().filter(can_be).map(|(location, _)| location.clone()).collect();
    let (mut repaired, mut copies) = (0, Vec::new());
    let progress = |location: &str, outcome: &FileOutcome| match outcome {
        FileOutcome::Accepted => repaired += 1,
        FileOutcome::Duplicate => copies.push(location.to_owned()),
        FileOutcome::Conflict => {
            program::say(&format!("conflict {location}: its instance has other bytes, and it stays"));
        }
        FileOutcome::Rejected(reason) | FileOutcome::Away(reason) => output::rejected(location, reason),
    };
    indexer.index(&locations, false, &CancellationToken::new(), progress).await?;
    let faulty: HashSet<&str> = faults
        .iter()
        .filter(|(_, fault)| *fault != Fault::Orphan)
        .map(|(location, _)| location.as_str())
        .collect();
    for location in copies {
        repaired += u64::from(settle(&indexer, &location, &faulty).await?);
    }
    Ok(repaired)
}

/// A file whose bytes an instance has: it takes the place of one that is `faulty`, and is removed beside one that is not. Whether
/// it is settled.
async fn settle(indexer: &Indexer, location: &str, faulty: &HashSet<&str>) -> anyhow::Result<bool> {
    let Some(own_id) = named_in(location) else { return Ok(false) };
    let known = indexer.catalog.known_files(&[own_id]).await?;
    let Some(known) = known.first() else { return Ok(false) };
    if known.location == location {
        return Ok(true);
    }
    if faulty.contains(known.location.as_str()) {
        indexer.catalog.relocate(known.key, location).await?;
        indexer.forgetting.forget(Change::Moved(&[known.key])).await?;
    } else {
        indexer.storage.remove(location).await?;
    }
    Ok(true)
}

fn tell(arguments: &Arguments, location: &str, fault: &Fault) -> anyhow::Result<()> {
    let reason = match fault {
        Fault::Unreadable(reason) => Some(reason),
        Fault::Missing | Fault::Changed | Fault::Orphan => None,
    };
    if arguments.json {
        return output::line(
            &json!({"fault": fault.name(), "location": location, "reason": reason}).to_string(),
        );
    }
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    output::line(&format!("{} {location}{reason}", fault.name()))
}

fn summary(arguments: &Arguments, verified: &Verified, repaired: u64) -> String {
    let Verified { sound, faults, elsewhere } = verified;
    if arguments.json {
        let told = json!({"sound": sound, "faults": faults, "repaired": repaired, "elsewhere": elsewhere});
        return json!({ "verified": told }).to_string();
    }
    let elsewhere = match elsewhere {
        0 => String::new(),
        count => {
            format!("; {count} outside of NOCTIS_STORAGE_URL and NOCTIS_INGEST_ROOTS were not looked at")
        }
    };
    format!("{sound} sound, {faults} faults, {repaired} repaired{elsewhere}")
}
