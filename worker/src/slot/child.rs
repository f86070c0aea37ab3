//! One render process from outside.

use std::{
    collections::VecDeque,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    process::Stdio,
};

use rustix::process::{Pid, setpriority_process};
use tokio::{
    net::UnixStream,
    process::{Child as Process, Command},
    time::{Instant, timeout_at},
};

use super::{
    FrameName, SlotError, SlotProgram, SlotTimes,
    frame_bytes::ReadStep,
    task::{Answer, RenderTask},
    wire::{self, Said},
};

/// Frames that a child is believed to keep. It may have let go of them: then it decodes again.
const REMEMBERED_MAX: usize = 16;

/// A running render process and the socket to it. Killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    socket: UnixStream,
    remembered: VecDeque<FrameName>,
}

impl Child {
    /// Starts `program` with one end of a socket as its standard input, and nothing else of ours. `niceness` lowers its
    /// priority.
    pub(super) fn spawn(program: &SlotProgram, niceness: i32) -> std::io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            // Messages of parsers and codecs may quote the file, and a file has patients in it.
            .stderr(Stdio::null())
            // Ctrl-C is for the program that drains, not for the render it drains.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(pid) = process.id().filter(|_| niceness != 0).and_then(to_pid) {
            setpriority_process(Some(pid), niceness)?;
        }
        Ok(Self { process, socket: UnixStream::from_std(ours)?, remembered: VecDeque::new() })
    }

    /// Sends the task and waits for the answer: first while it reads, then while it decodes, draws and encodes. A
    /// process that ends or hangs is the storage's fault before it has read, and the decoder's after.
    pub(super) async fn render(&mut self, task: &RenderTask, times: &SlotTimes) -> Result<Answer, SlotError> {
        if let Some(answer) = self.read(task, times).await? {
            return Ok(answer);
        }
        match timeout_at(Instant::now() + times.render_max, wire::receive(&mut self.socket)).await {
            Ok(Ok(Said::Answer(answer))) => answer.map_err(SlotError::NotRead),
            // A closed socket or words that are none: either way this process is done for.
            Ok(Ok(Said::Step(_)) | Err(_)) => Err(SlotError::Crashed),
            Err(_) => Err(SlotError::TimedOut(times.render_max)),
        }
    }

    /// Waits until all is read; an answer that comes before is that there was nothing to draw.
    async fn read(&mut self, task: &RenderTask, times: &SlotTimes) -> Result<Option<Answer>, SlotError> {
        let end = Instant::now() + times.read_max;
        let stalls_at = || end.min(Instant::now() + times.read_stall_max);
        let hung = |_| SlotError::ReadTimedOut;
        let gone = |_| SlotError::Gone;
        let sent = timeout_at(stalls_at(), wire::send_task(&mut self.socket, task)).await;
        sent.map_err(hung)?.map_err(gone)?;
        loop {
            let said = timeout_at(stalls_at(), wire::receive(&mut self.socket)).await;
            match said.map_err(hung)?.map_err(gone)? {
                Said::Step(ReadStep::GoesOn) => {}
                Said::Step(ReadStep::Done) => return Ok(None),
                Said::Answer(answer) => return answer.map(Some).map_err(SlotError::NotRead),
            }
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

fn to_pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}
