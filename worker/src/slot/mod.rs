//! Where untrusted bytes are decoded: in child processes, one for each slot.
//!
//! A decoder that hangs, aborts or eats memory ends with its process, and with one job: [`process`] is what runs
//! there, [`child`] holds one from outside, [`Slots`] hands them out. [`task`] says what is done with a job, and
//! [`frame_bytes`] how its bytes are read.
//!
//! Architecture invariant: outside [`process`] no byte of a codestream is interpreted while a job runs.

mod beside;
mod child;
pub mod decoded_frames;
pub mod file;
mod frame_bytes;
mod places;
pub mod process;
mod progress;
pub(crate) mod render_terms;
pub mod slices;
pub mod task;
mod wire;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use noctis_shared::{lane::Lane, render_key::ContentDigest};
use tokio::sync::Semaphore;

pub(crate) use self::beside::BESIDE_BYTES_MAX;
pub use self::{
    beside::Beside,
    frame_bytes::{FrameBytes, ReadError, ReadStep, range_of_frame, ranges_to_fetch},
    task::{Answer, RenderTask},
};
use self::{
    child::Child,
    places::{Place, Places, urgency},
};

/// Longest time for one render once its bytes are read, encoding included.
pub const RENDER_MAX: Duration = Duration::from_secs(30);
/// Longest time to read the bytes of one frame.
pub const READ_MAX: Duration = Duration::from_secs(20);
/// Longest time in which not one piece of a frame arrives. Shorter than clients wait, so that they hear of it.
const READ_STALL_MAX: Duration = Duration::from_secs(5);

/// Processes beyond the slots that may be on their way out. One that hangs in a read of the kernel cannot even be
/// killed before the storage lets go of it; with so many of them no further one is started.
const ENDING_MAX: usize = 8;

/// How much the operating system favours others over the processes of a lane, by urgency: heavy and background work
/// takes what the screen leaves.
const NICENESS: [i32; 3] = [0, 10, 19];

/// How long a slot may take for what.
#[derive(Debug, Clone)]
pub struct SlotTimes {
    /// From one piece of a frame to the next.
    pub read_stall_max: Duration,
    /// For all of a frame.
    pub read_max: Duration,
    /// To decode, draw and encode it.
    pub render_max: Duration,
}

impl Default for SlotTimes {
    fn default() -> Self {
        Self { read_stall_max: READ_STALL_MAX, read_max: READ_MAX, render_max: RENDER_MAX }
    }
}

/// Why a slot gave no answer. The next job is not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The decoder died.
    #[error("the decoder crashed")]
    Crashed,
    /// The decoder was stopped at its deadline.
    #[error("the decoder was stopped after {0:?}")]
    TimedOut(Duration),
    /// The bytes could not be read; may go away.
    #[error(transparent)]
    NotRead(ReadError),
    /// Reading did not get on; may go away.
    #[error("the storage did not answer in time")]
    ReadTimedOut,
    /// The process ended before it had read anything, so that no decoder is to blame.
    #[error("a render process ended before its work began")]
    Gone,
    /// No process could be started; may go away.
    #[error("no render process: {0}")]
    NoProcess(String),
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

/// What of the slots is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotUse {
    /// How many there are.
    pub slots: usize,
    /// How many render; one more than there are where there is one, beside which the screen has a place.
    pub busy: usize,
    /// Jobs that wait for one.
    pub waiting: usize,
}

/// A fixed number of child processes to render in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    count: usize,
    program: SlotProgram,
    times: SlotTimes,
    places: Places,
    /// Permits to be on the way out.
    ending: Arc<Semaphore>,
    /// Processes that wait for work, by urgency, since their priority is never raised again; the most recently used
    /// last.
    idle: Mutex<[Vec<Child>; 3]>,
}

/// A frame, as children remember which ones they have decoded.
pub(crate) type FrameName = (ContentDigest, u32);

impl Slots {
    /// `count` slots of `program`, started at once for the screen; those of other lanes with their first job. A render
    /// may take `times`.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(program: SlotProgram, count: usize, times: SlotTimes) -> std::io::Result<Self> {
        let on_screen = (0..count).map(|_| Child::spawn(&program, NICENESS[0])).collect::<Result<_, _>>()?;
        let idle = [on_screen, Vec::new(), Vec::new()];
        let places = Places::new(count);
        let ending = Arc::new(Semaphore::new(ENDING_MAX));
        Ok(Self(Arc::new(Shared { count, program, times, places, ending, idle: Mutex::new(idle) })))
    }

    /// How many there are, and what of them is used now.
    #[must_use]
    pub fn in_use(&self) -> SlotUse {
        let (busy, waiting) = self.0.places.in_use();
        SlotUse { slots: self.0.count, busy, waiting }
    }

    /// A slot for a job of `lane`, once it is its turn.
    pub async fn take(&self, lane: Lane) -> Slot<'_> {
        Slot { slots: self, urgency: urgency(lane), _place: self.0.places.take(lane).await }
    }
}

/// One slot, until it is dropped.
pub struct Slot<'a> {
    slots: &'a Slots,
    urgency: usize,
    _place: Place,
}

impl Slot<'_> {
    /// Renders, if possible in a process that has decoded the frame before.
    ///
    /// # Errors
    /// [`SlotError`] when there is no answer; what is wrong with the file is an answer.
    pub async fn render(&self, task: &RenderTask) -> Result<Answer, SlotError> {
        match self.render_once(task).await {
            // It may have died while it was idle: that is nobody's business.
            Err(SlotError::Gone) => self.render_once(task).await,
            answer => answer,
        }
    }

    async fn render_once(&self, task: &RenderTask) -> Result<Answer, SlotError> {
        let frame = (task.source.content_digest, task.request.frame_number);
        let (slots, urgency) = (self.slots, self.urgency);
        let mut child = slots.child(frame, urgency).map_err(no_process)?;
        // A child that is dropped on the way out of here is killed: it may be in the middle of anything.
        let answer = child.render(task, &slots.0.times).await;
        match answer {
            Ok(_) => {
                child.remember(frame);
                slots.give_back(child, urgency);
            }
            Err(SlotError::NotRead(_)) => slots.give_back(child, urgency),
            Err(_) => {
                count_end(&answer);
                slots.end(child);
                // The next job should not wait for a start; if it fails now, that job tries again.
                if let Ok(fresh) = slots.spawn(urgency) {
                    slots.give_back(fresh, urgency);
                }
            }
        }
        answer
    }
}

impl Slots {
    /// Kills a child without waiting for it: the slot is free for the next job.
    fn end(&self, child: Child) {
        let permit = Arc::clone(&self.0.ending).try_acquire_owned();
        tokio::spawn(async move {
            child.kill().await;
            drop(permit);
        });
    }

    fn spawn(&self, urgency: usize) -> std::io::Result<Child> {
        if self.0.ending.available_permits() == 0 {
            return Err(std::io::Error::other("too many of them hang in reads of the storage"));
        }
        Child::spawn(&self.0.program, NICENESS[urgency])
    }

    fn child(&self, frame: FrameName, urgency: usize) -> std::io::Result<Child> {
        match self.idle_child(frame, urgency) {
            Some(child) => Ok(child),
            None => self.spawn(urgency),
        }
    }

    fn idle_child(&self, frame: FrameName, urgency: usize) -> Option<Child> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = &mut idle[urgency];
        let position = idle.iter().rposition(|child| child.remembers(frame));
        position.map(|position| idle.remove(position)).or_else(|| idle.pop())
    }

    fn give_back(&self, child: Child, urgency: usize) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)[urgency].push(child);
    }
}

fn no_process(error: impl std::fmt::Display) -> SlotError {
    SlotError::NoProcess(error.to_string())
}

/// Decoders that died or were stopped, and reads that hung, each under a name of its own.
fn count_end(answer: &Result<Answer, SlotError>) {
    match answer {
        Err(SlotError::ReadTimedOut) => metrics::counter!("noctis_slot_reads_hung_total").increment(1),
        _ => metrics::counter!("noctis_slot_deaths_total").increment(1),
    }
}

#[cfg(test)]
mod tests {
    use noctis_shared::{
        job::{FrameRange, FrameSource},
        request::{FrameRequest, PictureFormat},
        storage::LocalPlace,
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
            presentation_state: None,
            segmentation: None,
            slices: Vec::new(),
            bytes: FrameBytes::Local(LocalPlace::anywhere("/a.dcm".as_ref())),
        }
    }

    const PATIENCE: Duration = Duration::from_millis(300);

    /// Times that hold one of the three short.
    fn short() -> SlotTimes {
        SlotTimes { read_stall_max: PATIENCE, read_max: PATIENCE, render_max: PATIENCE }
    }

    /// A shell that says that all is read, then runs `rest`.
    fn reads_and_then(rest: &str) -> SlotProgram {
        let said = r"printf 'd\000\000\000\000'";
        program("/bin/sh", &["-c", &format!("head -c 12 <&0 >/dev/null; {said}; {rest}")])
    }

    async fn thrice(program: SlotProgram, times: SlotTimes, expected: SlotError) {
        let slots = Slots::start(program, 1, times).expect("started");
        for _ in 0..3 {
            assert_eq!(slots.take(Lane::OnScreen).await.render(&task()).await, Err(expected.clone()));
        }
    }

    #[tokio::test]
    async fn a_process_that_hangs_before_it_has_read_is_the_storage_s_fault_and_is_replaced() {
        thrice(program("/bin/sleep", &["1000"]), short(), SlotError::ReadTimedOut).await;
    }

    #[tokio::test]
    async fn a_process_that_hangs_after_it_has_read_is_the_decoder_s_fault_and_is_replaced() {
        let expected = SlotError::TimedOut(PATIENCE);
        thrice(reads_and_then("exec sleep 1000"), short(), expected).await;
    }

    #[tokio::test]
    async fn a_process_that_dies_after_it_has_read_is_a_crash_and_is_replaced() {
        thrice(reads_and_then("exit 1"), SlotTimes::default(), SlotError::Crashed).await;
    }

    #[tokio::test]
    async fn a_process_that_dies_before_it_has_read_is_no_crash_of_a_decoder() {
        thrice(program("/bin/false", &[]), SlotTimes::default(), SlotError::Gone).await;
    }

    #[tokio::test]
    async fn a_process_that_talks_nonsense_is_replaced() {
        let echo = program("/bin/sh", &["-c", "cat <&0 >&0"]);
        thrice(echo, SlotTimes::default(), SlotError::Gone).await;
    }

    #[test]
    fn a_program_that_cannot_be_started_is_an_error_at_the_start() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let started = runtime
            .block_on(async { Slots::start(program("/no/such/program", &[]), 1, SlotTimes::default()) });
        assert!(started.is_err());
    }
}
