//! `noctis`: the all-in-one server and the operator's commands.

use std::process::ExitCode;

use clap::Parser;
use noctis::commands::{Arguments, run};
use noctis_shared::program;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    program::exit(run(Arguments::parse()))
}
