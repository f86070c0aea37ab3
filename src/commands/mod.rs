//! The commands and what they take.

mod audit;
mod beside;
mod config;
mod dead_letters;
mod delete;
mod ingest;
mod output;
mod progress;
mod render;
mod serve;
mod token;
mod user;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use noctis_shared::{
    program::Failure,
    settings::{Settings, Texts},
};

/// Renders DICOM images for viewers.
///
/// Settings come from defaults, a TOML file, the environment and flags, in this order: see `noctis config`.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// TOML file with settings.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Folder for state.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves everything in one process, with nothing installed.
    Serve(serve::Arguments),
    /// Copies files into the storage and publishes events about their studies.
    Ingest(ingest::Arguments),
    /// Renders one frame of a file without a server.
    Render(render::Arguments),
    /// Works on the dead-letter queue.
    DeadLetters(dead_letters::Arguments),
    /// Removes studies, or parts of one: rows, cached pictures, stored objects of ours; never a file read in place.
    Delete(delete::Arguments),
    /// Holds the storage against the catalog: digests, and orphans both ways.
    Verify(verify::Arguments),
    /// Prints every setting, its value and where it came from; secrets masked.
    Config,
    /// Signs a token for scripts and tests.
    Token(token::Arguments),
    /// Prints who opened which study, when and from where, as JSON lines.
    Audit(audit::Arguments),
    /// Adds, disables and lists people and services that may log in.
    User(user::Arguments),
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Setting`] for wrong settings, else what the command ends with.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut flags = Vec::new();
    if let Some(data) = &arguments.data {
        flags.push(("NOCTIS_DATA", data.display().to_string()));
    }
    if let Command::Serve(serve) = &arguments.command {
        flags.extend(serve.flags());
    }
    let gather = || Texts::gather(arguments.config.as_deref(), &flags);
    let settings = || gather().and_then(|texts| Settings::from_texts(&texts));
    match arguments.command {
        Command::Serve(serve) => serve::run(&serve, &settings()?),
        Command::Ingest(ingest) => ingest::run(&ingest, &settings()?),
        Command::Render(render) => render::run(&render),
        Command::DeadLetters(dead_letters) => dead_letters::run(&dead_letters, &settings()?),
        Command::Delete(delete) => delete::run(&delete, &settings()?),
        Command::Verify(verify) => verify::run(&verify, &settings()?),
        Command::Config => config::run(&gather()?),
        Command::Token(token) => token::run(&token, &settings()?),
        Command::Audit(audit) => audit::run(&audit, &settings()?),
        Command::User(user) => user::run(&user, &settings()?),
    }
}
