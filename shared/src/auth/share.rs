//! Links that show a part of what there is to whoever has them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a link shows. Ids of series and images are those that name one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedThing {
    /// A study, with all that is in it.
    Study {
        /// It.
        study_id: Uuid,
    },
    /// A series and its images.
    Series {
        /// Its study, which is not shown.
        study_id: Uuid,
        /// It.
        series_id: Uuid,
    },
    /// An image.
    Image {
        /// Its study, which is not shown.
        study_id: Uuid,
        /// It.
        image_id: Uuid,
    },
}

impl SharedThing {
    /// The study that it is, or is of.
    #[must_use]
    pub fn study_id(&self) -> Uuid {
        let (SharedThing::Study { study_id }
        | SharedThing::Series { study_id, .. }
        | SharedThing::Image { study_id, .. }) = self;
        *study_id
    }
}

/// A link, as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its name, which is no secret.
    pub share_id: Uuid,
    /// What it shows.
    pub thing: SharedThing,
    /// Who made it: the name under which that one's requests are counted.
    pub shared_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}
