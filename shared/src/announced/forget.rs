//! What other processes are told to drop from their own memory.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Drop this from process memory. A receiver that lagged behind must treat that as [`Forget::Everything`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forget {
    /// All that is remembered of these images.
    Images(Arc<[Uuid]>),
    /// All.
    Everything,
}

/// Messages a receiver may fall behind before it must forget everything.
pub(crate) const FORGETS_MAX: usize = 1024;

/// Images in one message; a study of 10,000 images is a handful of messages.
pub(crate) const IMAGES_MAX: usize = 1024;

impl Forget {
    /// `image_ids` in messages of at most [`IMAGES_MAX`].
    pub(crate) fn images(image_ids: &[Uuid]) -> impl Iterator<Item = Forget> {
        image_ids.chunks(IMAGES_MAX).map(|ids| Forget::Images(ids.into()))
    }
}
