//! How far a render process has come with its reading: noted by it as it goes, and looked at by the worker only when
//! the answer does not come. A note wakes nobody.

use std::{
    fs::File,
    io::{self, ErrorKind, PipeReader, Read, Write},
    os::fd::AsFd,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::{io::ioctl_fionbio, stdio::dup2_stdout};

use super::frame_bytes::ReadStep;

/// Bytes of a note: the step, and milliseconds since the task came.
const NOTE_BYTES: usize = 5;
const GOES_ON: u8 = b'g';
const DONE: u8 = b'd';

/// The process's side: its standard output.
pub(super) struct Notes {
    pipe: File,
    task_came: Instant,
}

impl Notes {
    /// Takes standard output for itself: what a codec prints there goes nowhere.
    ///
    /// # Errors
    /// No standard output, or no `/dev/null`.
    pub(super) fn take_standard_output() -> io::Result<Self> {
        let pipe = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        Ok(Self { pipe, task_came: Instant::now() })
    }

    pub(super) fn begin(&mut self) {
        self.task_came = Instant::now();
    }

    pub(super) fn note(&mut self, step: ReadStep) {
        let kind = match step {
            ReadStep::GoesOn => GOES_ON,
            ReadStep::Done => DONE,
        };
        let milliseconds = u32::try_from(self.task_came.elapsed().as_millis()).unwrap_or(u32::MAX);
        let [a, b, c, d] = milliseconds.to_le_bytes();
        // A worker that is gone is seen when the answer is sent.
        let _it_is_gone = self.pipe.write_all(&[kind, a, b, c, d]);
    }
}

/// The worker's side.
#[derive(Debug)]
pub(super) struct Progress {
    pipe: PipeReader,
}

/// Where the process was with its reading when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// The last piece came this long after the task.
    Reading(Duration),
    /// All was read this long after the task.
    Read(Duration),
}

impl Progress {
    /// The two ends: ours, and what the process gets as standard output.
    pub(super) fn pipe() -> io::Result<(Self, Stdio)> {
        let (pipe, theirs) = io::pipe()?;
        ioctl_fionbio(&pipe, true)?;
        Ok((Self { pipe }, theirs.into()))
    }

    /// Takes the notes that are there; `reached` is how far it was at the last look.
    pub(super) fn look(&mut self, mut reached: Reached) -> Reached {
        let mut notes = [0; 64 * NOTE_BYTES];
        loop {
            let count = match self.pipe.read(&mut notes) {
                Ok(0) => return reached,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // Nothing more for now.
                Err(_) => return reached,
            };
            // Notes are shorter than what a pipe writes as a whole, so that none is cut.
            for note in notes[..count].chunks_exact(NOTE_BYTES) {
                let [kind, milliseconds @ ..] = note else { continue };
                let milliseconds = milliseconds.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                let after = Duration::from_millis(milliseconds.into());
                reached = if *kind == DONE { Reached::Read(after) } else { Reached::Reading(after) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe() -> (Progress, io::PipeWriter) {
        let (pipe, theirs) = io::pipe().expect("a pipe");
        ioctl_fionbio(&pipe, true).expect("a pipe that does not block");
        (Progress { pipe }, theirs)
    }

    const START: Reached = Reached::Reading(Duration::ZERO);

    #[test]
    fn the_last_note_says_how_far_it_came_and_none_leaves_it_where_it_was() {
        let (mut progress, mut theirs) = pipe();
        assert_eq!(progress.look(START), START);
        theirs.write_all(&[GOES_ON, 1, 0, 0, 0, GOES_ON, 0, 1, 0, 0]).expect("noted");
        let reading = Reached::Reading(Duration::from_millis(256));
        assert_eq!(progress.look(START), reading);
        assert_eq!(progress.look(reading), reading);
        theirs.write_all(&[DONE, 0, 2, 0, 0]).expect("noted");
        let read = Reached::Read(Duration::from_millis(512));
        assert_eq!(progress.look(reading), read);
        drop(theirs);
        assert_eq!(progress.look(read), read, "the process has ended");
    }

    #[test]
    fn more_notes_than_one_look_takes_are_all_taken() {
        let (mut progress, mut theirs) = pipe();
        for count in 0..=200_u8 {
            theirs.write_all(&[GOES_ON, count, 0, 0, 0]).expect("noted");
        }
        assert_eq!(progress.look(START), Reached::Reading(Duration::from_millis(200)));
    }
}
