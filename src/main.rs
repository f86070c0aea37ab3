//! `noctis`: the all-in-one server and the operator's commands.

use std::process::ExitCode;

use clap::Parser;
use noctis::commands::{Arguments, run};
use noctis_shared::program;
use noctis_worker::slot::process;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if process::is_asked_for() {
        return process::exit_code();
    }
    program::exit(run(Arguments::parse()))
}
