//! `noctis-api`: the HTTP API alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use noctis_api::{Api, Door, ServeTimes};
use noctis_shared::{
    program::{self, BackEnds, Failure},
    settings::{Settings, Texts},
    telemetry,
};

/// Answers HTTP from caches and has workers render the rest. Every other setting comes from the environment or the
/// file; see `noctis config`.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// TOML file with settings.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where HTTP listens.
    #[arg(long)]
    listen: Option<String>,
}

fn main() -> ExitCode {
    program::exit(run(Arguments::parse()))
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let flags: Vec<_> = arguments.listen.map(|text| ("NOCTIS_LISTEN", text)).into_iter().collect();
    let settings = Settings::from_texts(&Texts::gather(arguments.config.as_deref(), &flags)?)?;
    settings.require_shared_back_ends()?;
    program::block_on(async {
        let telemetry = telemetry::init(&program::telemetry_settings(&settings, "noctis-api"))?;
        let back_ends = BackEnds::connect(&settings).await?;
        let door = Door::open(&settings).await?;
        let shutdown = program::shutdown_on_signals()?;
        door.announce()?;
        let storage = program::storage_to_read(&settings)?;
        let api = Api::new(&settings, back_ends.clone(), storage, telemetry.metrics.clone());
        noctis_api::serve(door, api, ServeTimes::default(), shutdown).await;
        back_ends.close().await;
        Ok(())
    })
}
