//! `noctis-worker`: a worker alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use noctis_shared::{
    program::{self, BackEnds, Failure},
    settings::{Settings, Texts},
    telemetry,
};
use noctis_worker::{Worker, probes, slot::process};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Consumes render and index jobs. Every other setting comes from the environment or the file; see `noctis config`.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// TOML file with settings.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Parallel renders; default the cores.
    #[arg(long)]
    workers: Option<String>,
    /// Comma list of on-screen, on-screen-heavy, background, index, upload.
    #[arg(long)]
    lanes: Option<String>,
}

fn main() -> ExitCode {
    if process::is_asked_for() {
        return process::exit_code();
    }
    program::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let flags = [("NOCTIS_WORKERS", &arguments.workers), ("NOCTIS_LANES", &arguments.lanes)];
    let flags: Vec<_> = flags.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect();
    let settings = Settings::from_texts(&Texts::gather(arguments.config.as_deref(), &flags)?)?;
    settings.require_shared_back_ends()?;
    program::block_on(async {
        let telemetry = telemetry::init(&program::telemetry_settings(&settings, "noctis-worker"))?;
        let shutdown = program::shutdown_on_signals()?;
        let back_ends = BackEnds::connect(&settings).await?;
        let worker = Worker::new(&settings, back_ends.clone(), program::storage(&settings)?);
        let worker = worker.map_err(anyhow::Error::from)?;
        let listener = TcpListener::bind(settings.metrics_listen).await.map_err(|error| {
            Failure::usage(
                "NOCTIS_METRICS_LISTEN",
                &format!("{} cannot be listened on: {error}", settings.metrics_listen),
            )
        })?;
        program::announce_listening("http", &listener)?;
        let probes = tokio::spawn(probes::serve(
            listener,
            worker.clone(),
            telemetry.metrics.clone(),
            shutdown.clone(),
        ));
        let done = noctis_worker::run(worker, shutdown.clone()).await;
        shutdown.cancel();
        let _probes_end_with_the_program = probes.await;
        back_ends.close().await;
        done.map_err(Failure::from)
    })
}
