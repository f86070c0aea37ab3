//! One render process from outside.

use std::{
    collections::VecDeque,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::UnixStream,
    process::{Child as Process, Command},
    time::timeout,
};

use super::{Answer, FrameName, RenderTask, SlotError, SlotProgram, wire};

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
    /// Starts `program` with one end of a socket as its standard input, and nothing else of ours.
    pub(super) fn spawn(program: &SlotProgram) -> std::io::Result<Self> {
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
        Ok(Self { process, socket: UnixStream::from_std(ours)?, remembered: VecDeque::new() })
    }

    /// Sends the task and waits for the answer.
    pub(super) async fn render(
        &mut self,
        task: &RenderTask,
        render_max: Duration,
    ) -> Result<Answer, SlotError> {
        let exchange = async {
            wire::send_task(&mut self.socket, task).await?;
            wire::receive_answer(&mut self.socket).await
        };
        match timeout(render_max, exchange).await {
            Ok(Ok(answer)) => answer.map_err(SlotError::Io),
            // A closed socket or words that are none: either way this process is done for.
            Ok(Err(_)) => Err(SlotError::Crashed),
            Err(_) => Err(SlotError::TimedOut(render_max)),
        }
    }

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
