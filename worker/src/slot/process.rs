//! The render process: tasks in, answers out, limits on everything, no secrets, nobody to talk to but its worker.

use std::{fs::File, io, os::fd::AsFd, process::ExitCode};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::{decoded_frames::DecodedFrames, progress::Notes, task, wire};

/// The first argument that makes a program of Noctis a render process.
pub const ARGUMENT: &str = "render-slot";

/// Bytes of decoded frames that one process keeps for the next preset.
const DECODED_BYTES_MAX: usize = 48 << 20;

/// Bytes of memory that one process may take. A 200-megapixel frame takes less than 2 GB on its way to a picture.
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Files that one process may have open: the socket, its notes, a file to read and its root, and the few that a runtime needs.
const OPEN_FILES_MAX: u64 = 16;

/// Whether this program was started as a render process.
#[must_use]
pub fn is_asked_for() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT)
}

/// Works on tasks from standard input, which is a socket, until the worker closes it.
///
/// # Errors
/// A broken socket, or limits that cannot be set.
fn run() -> io::Result<()> {
    limit_this_process()?;
    // What a panic says may quote the file.
    std::panic::set_hook(Box::new(|_| {}));
    let mut notes = Notes::take_standard_output()?;
    let mut socket = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let decoded = DecodedFrames::new(DECODED_BYTES_MAX);
    while let Some(task) = wire::receive_task(&mut socket)? {
        // A panic ends the process: the worker sees it die and counts it, as it does for a crash in C.
        notes.begin();
        let answer = task::perform(&task, &decoded, &mut |step| notes.note(step));
        wire::send_answer(&mut socket, answer)?;
    }
    Ok(())
}

/// Runs, and says how it ended: all that a render process's `main` does.
#[must_use]
pub fn exit_code() -> ExitCode {
    run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn limit_this_process() -> io::Result<()> {
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::As, MEMORY_BYTES_MAX)?;
    limit(Resource::Nofile, OPEN_FILES_MAX)?;
    limit(Resource::Core, 0)?;
    // It must write no file at all, only its socket.
    limit(Resource::Fsize, 0)?;
    // A worker that is killed takes its render processes with it, even those that hang.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}
