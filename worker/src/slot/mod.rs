//! Where untrusted bytes are decoded: [`task`] says what is done, [`Slots`] where.

pub mod decoded_frames;
pub mod file;
mod frame_bytes;
pub mod task;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use self::decoded_frames::DecodedFrames;
pub use self::task::{Answer, FrameBytes, RenderTask};

/// Why a slot gave no answer. The next job is not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The decoder died.
    #[error("the decoder crashed")]
    Crashed,
    /// The decoder was stopped at its deadline.
    #[error("the decoder was stopped after {0:?}")]
    TimedOut(Duration),
    /// The file could not be read; may go away.
    #[error("reading: {0}")]
    Io(String),
}

/// A fixed number of places to render in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slots {
    places: Arc<Semaphore>,
    decoded: Arc<DecodedFrames>,
}

impl Slots {
    /// `count` places that share `decoded_bytes_max` bytes of decoded frames.
    #[must_use]
    pub fn new(count: usize, decoded_bytes_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(count)),
            decoded: Arc::new(DecodedFrames::new(decoded_bytes_max)),
        }
    }

    /// Renders in the next free place.
    ///
    /// # Errors
    /// [`SlotError`] when there is no answer; what is wrong with the file is an answer.
    pub async fn render(&self, task: RenderTask) -> Result<Answer, SlotError> {
        let _place = self.places.acquire().await.map_err(|_| SlotError::Crashed)?;
        let decoded = Arc::clone(&self.decoded);
        let work = tokio::task::spawn_blocking(move || task::perform(&task, &decoded));
        work.await.map_err(|_| SlotError::Crashed)?.map_err(SlotError::Io)
    }
}
