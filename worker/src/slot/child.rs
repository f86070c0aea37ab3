//! One render process from outside.

use std::{
    collections::VecDeque,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    pin::pin,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, setpriority_process};
use tokio::{
    net::UnixStream,
    process::{Child as Process, Command},
    time::{Instant, timeout, timeout_at},
};

use super::{
    FrameName, SlotError, SlotProgram, SlotTimes,
    progress::{Progress, Reached},
    task::{Answer, RenderTask},
    wire,
};

/// Frames that a child is believed to keep. It may have let go of them: then it decodes again.
const REMEMBERED_MAX: usize = 16;

/// A running render process and the socket to it. Killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    socket: UnixStream,
    progress: Progress,
    remembered: VecDeque<FrameName>,
}

impl Child {
    /// Starts `program` with one end of a socket as its standard input, one of a pipe for its notes as its standard
    /// output, and nothing else of ours. `niceness` lowers its priority.
    pub(super) fn spawn(program: &SlotProgram, niceness: i32) -> std::io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (progress, theirs_to_note) = Progress::pipe()?;
        let process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(theirs_to_note)
            // Messages of parsers and codecs may quote the file, and a file has patients in it.
            .stderr(Stdio::null())
            // Ctrl-C is for the program that drains, not for the render it drains.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(pid) = process.id().filter(|_| niceness != 0).and_then(to_pid) {
            setpriority_process(Some(pid), niceness)?;
        }
        Ok(Self { process, socket: UnixStream::from_std(ours)?, progress, remembered: VecDeque::new() })
    }

    /// Sends the task and waits for the answer. A process that ends or hangs is the storage's fault before it has read,
    /// and the decoder's after.
    pub(super) async fn render(&mut self, task: &RenderTask, times: &SlotTimes) -> Result<Answer, SlotError> {
        let Self { socket, progress, .. } = self;
        let sent = timeout(times.read_stall_max, wire::send_task(socket, task)).await;
        sent.map_err(|_| SlotError::ReadTimedOut)?.map_err(|_| SlotError::Gone)?;
        // Notes count from here: the process has its task.
        let start = Instant::now();
        let mut answer = pin!(wire::receive_answer(socket));
        let mut reached = Reached::Reading(Duration::ZERO);
        let received = loop {
            let deadline = start + lasts(reached, times);
            match timeout_at(deadline, &mut answer).await {
                Ok(received) => break received,
                Err(_) => reached = progress.look(reached),
            }
            if start + lasts(reached, times) <= Instant::now() {
                return Err(match reached {
                    Reached::Reading(_) => SlotError::ReadTimedOut,
                    Reached::Read(_) => SlotError::TimedOut(times.render_max),
                });
            }
        };
        // Also so that the next task finds no notes of this one.
        let reached = progress.look(reached);
        match (received, reached) {
            (Ok(answer), _) => answer.map_err(SlotError::NotRead),
            // A closed socket or words that are none: either way this process is done for.
            (Err(_), Reached::Read(_)) => Err(SlotError::Crashed),
            (Err(_), Reached::Reading(_)) => Err(SlotError::Gone),
        }
    }

    /// Ends the process and waits until it is gone, which a read that hangs in the kernel can delay for ever.
    pub(super) async fn kill(mut self) {
        // Fails only for a process that is gone, and it is waited for all the same.
        let _already_gone = self.process.kill().await;
    }

    pub(super) fn remember(&mut self, frame: FrameName) {
        self.remembered.retain(|remembered| *remembered != frame);
        self.remembered.push_back(frame);
        if self.remembered.len() > REMEMBERED_MAX {
            self.remembered.pop_front();
        }
    }

    pub(super) fn remembers(&self, frame: FrameName) -> bool {
        self.remembered.contains(&frame)
    }
}

/// How long after its task a process may still be where it is.
fn lasts(reached: Reached, times: &SlotTimes) -> Duration {
    match reached {
        Reached::Reading(last_piece) => (last_piece + times.read_stall_max).min(times.read_max),
        Reached::Read(at) => at + times.render_max,
    }
}

fn to_pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_lasts_from_piece_to_piece_and_not_for_ever_and_drawing_from_the_last() {
        let seconds = Duration::from_secs;
        let times = SlotTimes { read_stall_max: seconds(5), read_max: seconds(20), render_max: seconds(30) };
        for (reached, expected) in [
            (Reached::Reading(Duration::ZERO), 5),
            (Reached::Reading(seconds(7)), 12),
            (Reached::Reading(seconds(19)), 20),
            (Reached::Read(seconds(19)), 49),
        ] {
            assert_eq!(lasts(reached, &times), seconds(expected), "{reached:?}");
        }
    }
}
