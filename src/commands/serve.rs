//! `noctis serve`: API, worker and index in one process.

use std::path::PathBuf;

use anyhow::Context;
use noctis_api::{Api, Door, ServeTimes};
use noctis_shared::{
    program::{self, BackEnds, Failure},
    settings::Settings,
    storage::Storage,
    telemetry,
};
use noctis_worker::{
    Worker,
    index::{Indexer, MissingUids},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{beside, output, progress::FileProgress};

/// What `noctis serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files or folders to serve, read where they lie.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Makes a synthetic CT, MR, X-ray and ultrasound study first.
    #[arg(long)]
    demo: bool,
    /// Where HTTP listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Renders at a time; default the cores.
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Serves what was indexed before; reads no path.
    #[arg(long)]
    no_index: bool,
}

impl Arguments {
    /// Flags that are settings.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let flags = [("NOCTIS_LISTEN", &self.listen), ("NOCTIS_WORKERS", &self.workers)];
        flags.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect()
    }
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    program::prepare_data(settings)?;
    let _tenancy = beside::take(settings)?;
    let mut paths = arguments.paths.clone();
    if arguments.demo {
        let folder = settings.data.join("demo");
        noctis_demo::write_demo_study(&folder).context("making the demo study")?;
        paths.push(folder);
    }
    program::block_on(serve(arguments, settings, paths))
}

async fn serve(arguments: &Arguments, settings: &Settings, paths: Vec<PathBuf>) -> Result<(), Failure> {
    let telemetry = telemetry::init(&program::telemetry_settings(settings, "noctis"))?;
    let (storage, locations) = storage_over(settings, &paths)?;
    let back_ends = BackEnds::connect(settings).await?;
    let door = Door::open(settings).await?;
    let shutdown = program::shutdown_on_signals()?;
    let api = Api::new(settings, back_ends.clone(), storage.clone(), telemetry.metrics.clone());
    let notes = beside::follow_notes(settings.data.clone(), back_ends.cache.clone());
    let _follows_while_serving = AbortOnDropHandle::new(tokio::spawn(notes));
    let worker = Worker::new(settings, back_ends.clone(), storage).context("the path of this program")?;
    // The paths are looked at where they lie: a picture without UIDs is shown, too. Events are held to theirs.
    let indexer = Indexer { missing_uids: MissingUids::Derive, ..worker.indexer() };

    door.announce()?;
    // The worker outlives the API: requests in hand still get their pictures.
    let worker_shutdown = CancellationToken::new();
    let working = tokio::spawn(noctis_worker::run(worker, worker_shutdown.clone()));
    let serving = tokio::spawn(noctis_api::serve(door, api, ServeTimes::default(), shutdown.clone()));
    if !arguments.no_index
        && !locations.is_empty()
        && let Err(error) = index(&indexer, &locations, &shutdown).await
    {
        // What was indexed before is served on.
        program::say(&format!("{error:#}"));
    }
    let (mut serving, mut working) = (serving, working);
    let (served, worked) = tokio::select! {
        served = &mut serving => {
            worker_shutdown.cancel();
            (served, working.await)
        }
        // A worker ends before the API only when it cannot work.
        worked = &mut working => {
            shutdown.cancel();
            (serving.await, worked)
        }
    };
    let ((), worked) = (served.context("the API")?, worked.context("the worker")?);
    back_ends.close().await;
    Ok(worked?)
}

/// The storage with every path readable where it lies, and the URLs of the paths.
fn storage_over(settings: &Settings, paths: &[PathBuf]) -> Result<(Storage, Vec<String>), Failure> {
    let mut storage = program::storage(settings)?;
    for path in served_before(settings) {
        // One that is away for now: its pictures say so, and come back with it.
        storage.allow_local_when_there(&path);
    }
    remember_served(settings, paths).context("remembering the paths that are served")?;
    let mut locations = Vec::new();
    for path in paths {
        let location = storage.allow_local(path);
        locations
            .push(location.map_err(|error| Failure::usage(&path.display().to_string(), &error.to_string()))?);
    }
    Ok((storage, locations))
}

/// The list of paths that were ever served from this data folder, one a line: what was indexed from them stays
/// readable when other paths are served.
fn served_paths_file(settings: &Settings) -> PathBuf {
    settings.data.join("served-paths")
}

fn served_before(settings: &Settings) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(served_paths_file(settings)).unwrap_or_default();
    text.lines().map(PathBuf::from).collect()
}

fn remember_served(settings: &Settings, paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut known = served_before(settings);
    for path in paths {
        // Without links, as locations are: while a share is away nobody can follow them.
        let path = path.canonicalize().or_else(|_| std::path::absolute(path))?;
        if !known.contains(&path) {
            known.push(path);
        }
    }
    let lines: Vec<String> = known.iter().map(|path| path.display().to_string()).collect();
    std::fs::write(served_paths_file(settings), lines.join("\n"))?;
    Ok(())
}

async fn index(indexer: &Indexer, locations: &[String], shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut progress = FileProgress::new("indexing");
    let indexed =
        indexer.index(locations, false, shutdown, |location, outcome| progress.file(location, outcome));
    let indexed = indexed.await;
    let totals = progress.finish();
    match indexed {
        Ok(_) => output::line(&format!(
            "indexed {} instances, {} rejected",
            totals.accepted + totals.duplicate,
            totals.rejected
        )),
        Err(noctis_worker::index::IndexError::Stopped) => Ok(()),
        Err(error) => Err(error).context("indexing"),
    }
}
