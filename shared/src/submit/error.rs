//! Why a picture that was asked for will not come.

use crate::{catalog::CatalogError, queue::PublishError};

/// Why nothing was published, or nothing could be.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The instance is not in the catalog any more.
    #[error("the instance is gone")]
    ImageGone,
    /// The instance is known to the caller by the bytes it had before; a frame of the new ones must not be drawn under
    /// their name.
    #[error("the file of the instance was replaced")]
    ImageReplaced,
    /// A file that the picture is made with beside that of the instance is gone, or was replaced.
    #[error("a file that decides the picture was replaced")]
    BesideReplaced,
    /// The index could not tell where the frame lies.
    #[error("the bytes of the frame could not be located")]
    WithoutRange,
    /// The catalog did not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The queue took no job.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Each job for it came to nothing.
    #[error("no worker made the picture")]
    NotMade,
    /// The task that asks was lost.
    #[error("asking for the render was cut off: {0}")]
    Lost(String),
}
