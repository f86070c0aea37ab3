//! Where untrusted bytes are decoded: in child processes, one for each slot.
//!
//! A decoder that hangs, aborts or eats memory ends with its process, and with one job: [`process`] is what runs
//! there, [`child`] holds one from outside, [`Slots`] hands them out. [`task`] says what is done with a job.
//!
//! Architecture invariant: outside [`process`] no byte of a codestream is interpreted while a job runs.

mod child;
pub mod decoded_frames;
pub mod file;
mod frame_bytes;
pub mod process;
pub mod task;
mod wire;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use noctis_shared::render_key::ContentDigest;
use tokio::sync::Semaphore;

use self::child::Child;
pub use self::task::{Answer, FrameBytes, RenderTask};

/// Longest time for one render, reading and encoding included.
pub const RENDER_MAX: Duration = Duration::from_secs(30);

/// Why a slot gave no answer. The next job is not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The decoder died.
    #[error("the decoder crashed")]
    Crashed,
    /// The decoder was stopped at its deadline.
    #[error("the decoder was stopped after {0:?}")]
    TimedOut(Duration),
    /// The file could not be read, or no process started; may go away.
    #[error("{0}")]
    Io(String),
}

/// The program that a slot runs: it must call [`process::run`] when it is started with these arguments.
#[derive(Debug, Clone)]
pub struct SlotProgram {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl SlotProgram {
    /// This very program, started as [`process::ARGUMENT`] asks.
    ///
    /// # Errors
    /// When the path of the running program cannot be had.
    pub fn current() -> std::io::Result<Self> {
        // This link leads to the running program even after an upgrade has put another in its place.
        let link = PathBuf::from("/proc/self/exe");
        let path = if link.exists() { link } else { std::env::current_exe()? };
        Ok(Self { path, arguments: vec![process::ARGUMENT.into()] })
    }
}

/// A fixed number of child processes to render in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    program: SlotProgram,
    render_max: Duration,
    places: Semaphore,
    /// Processes that wait for work; the most recently used last.
    idle: Mutex<Vec<Child>>,
}

/// A frame, as children remember which ones they have decoded.
pub(crate) type FrameName = (ContentDigest, u32);

impl Slots {
    /// `count` slots of `program`, started at once. A render may take `render_max`.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(program: SlotProgram, count: usize, render_max: Duration) -> std::io::Result<Self> {
        let idle = (0..count).map(|_| Child::spawn(&program)).collect::<Result<_, _>>()?;
        let places = Semaphore::new(count);
        Ok(Self(Arc::new(Shared { program, render_max, places, idle: Mutex::new(idle) })))
    }

    /// Renders in the next free slot, if possible in one that has decoded the frame before.
    ///
    /// # Errors
    /// [`SlotError`] when there is no answer; what is wrong with the file is an answer.
    pub async fn render(&self, task: &RenderTask) -> Result<Answer, SlotError> {
        let _place = self.0.places.acquire().await.map_err(|_| SlotError::Crashed)?;
        let frame = (task.source.content_digest, task.request.frame_number);
        let mut child =
            self.take(frame).map_err(|error| SlotError::Io(format!("no render process: {error}")))?;
        // A child that is dropped on the way out of here is killed: it may be in the middle of anything.
        let answer = child.render(task, self.0.render_max).await;
        match answer {
            Ok(_) | Err(SlotError::Io(_)) => {
                child.remember(frame);
                self.give_back(child);
            }
            Err(SlotError::Crashed | SlotError::TimedOut(_)) => {
                metrics::counter!("noctis_slot_deaths_total").increment(1);
                child.kill().await;
                // The next job should not wait for a start; if it fails now, that job tries again.
                if let Ok(fresh) = Child::spawn(&self.0.program) {
                    self.give_back(fresh);
                }
            }
        }
        answer
    }

    fn take(&self, frame: FrameName) -> std::io::Result<Child> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let position = idle.iter().rposition(|child| child.remembers(frame));
        match position.map(|position| idle.remove(position)).or_else(|| idle.pop()) {
            Some(child) => Ok(child),
            None => Child::spawn(&self.0.program),
        }
    }

    fn give_back(&self, child: Child) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }
}

#[cfg(test)]
mod tests {
    use noctis_shared::{
        job::{FrameRange, FrameSource},
        request::{FrameRequest, PictureFormat},
    };

    use super::*;

    fn program(path: &str, arguments: &[&str]) -> SlotProgram {
        SlotProgram { path: path.into(), arguments: arguments.iter().map(Into::into).collect() }
    }

    fn task() -> RenderTask {
        RenderTask {
            source: FrameSource {
                location: "file:///a.dcm".to_owned(),
                content_digest: ContentDigest([0; 32]),
                file_byte_count: 0,
                header_byte_count: 0,
                frame: FrameRange { offset: 0, byte_count: 0, checksum: 0 },
                deflated: false,
                header_checksum: 0,
            },
            request: FrameRequest::new(PictureFormat::Png),
            bytes: FrameBytes::Local("/a.dcm".into()),
        }
    }

    #[tokio::test]
    async fn a_process_that_hangs_is_stopped_at_its_deadline_and_replaced() {
        let patience = Duration::from_millis(50);
        let slots = Slots::start(program("/bin/sleep", &["1000"]), 1, patience).expect("started");
        for _ in 0..3 {
            assert_eq!(slots.render(&task()).await, Err(SlotError::TimedOut(patience)));
        }
    }

    #[tokio::test]
    async fn a_process_that_dies_is_a_crash_and_is_replaced() {
        let slots = Slots::start(program("/bin/false", &[]), 1, RENDER_MAX).expect("started");
        for _ in 0..3 {
            assert_eq!(slots.render(&task()).await, Err(SlotError::Crashed));
        }
    }

    #[tokio::test]
    async fn a_process_that_talks_nonsense_is_a_crash() {
        let echo = program("/bin/sh", &["-c", "cat <&0 >&0"]);
        let slots = Slots::start(echo, 1, RENDER_MAX).expect("started");
        assert_eq!(slots.render(&task()).await, Err(SlotError::Crashed));
    }

    #[test]
    fn a_program_that_cannot_be_started_is_an_error_at_the_start() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let started =
            runtime.block_on(async { Slots::start(program("/no/such/program", &[]), 1, RENDER_MAX) });
        assert!(started.is_err());
    }
}
