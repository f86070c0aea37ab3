//! What a worker says of itself while it lives: the word between workers and the API.
//!
//! What must not be here: how the word gets there (`coordination`), and what is told of it (`api/src/machine`). Nothing of
//! a patient is in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    lane::Lane,
    render::{FailureKind, StageTimings},
};

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// What it is.
    pub worker: Worker,
    /// What it could not make last, the newest first.
    pub failures: Vec<RecentFailure>,
}

/// A worker, as it last said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Host and process.
    pub name: String,
    /// The version that runs.
    pub version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The lanes it takes; none once it is told to stop.
    #[schema(value_type = Vec<String>)]
    pub lanes: Vec<Lane>,
    /// Renders that it makes at a time.
    pub slots: usize,
    /// Renders that it makes now; of one with a single slot two, since the screen does not wait for what is in the background.
    pub busy: usize,
    /// Renders that wait for a slot of it.
    pub waiting: usize,
    /// Pictures it made since it started.
    pub rendered: u64,
    /// Pictures it could not make since it started.
    pub failed: u64,
    /// Where the time of its last pictures went.
    pub stages: Stages,
}

/// Where the time of a worker's last pictures went; all zero before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stages {
    /// How many pictures.
    pub pictures: u64,
    /// The mean of each stage.
    pub mean: StageTimings,
    /// The longest of each stage.
    pub longest: StageTimings,
}

/// A picture that could not be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecentFailure {
    /// When.
    pub at: DateTime<Utc>,
    /// Of which image.
    pub image_id: Uuid,
    /// Of which study.
    pub study_id: Uuid,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The sentence that who asked for it was told.
    pub reason: String,
}

impl Stages {
    /// Those of two workers together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let pictures = self.pictures + other.pictures;
        if pictures == 0 {
            return self;
        }
        // Counts far below 2^53 are exact.
        let share = self.pictures as f64 / pictures as f64;
        Self {
            pictures,
            mean: self.mean.each(other.mean, |own, its| own * share + its * (1.0 - share)),
            longest: self.longest.each(other.longest, f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_two_are_weighed_by_their_pictures() {
        let of = |pictures, decode_ms| {
            let timings = StageTimings { decode_ms, ..StageTimings::default() };
            Stages { pictures, mean: timings, longest: timings }
        };
        let both = of(1, 4.0).with(of(3, 8.0));
        assert_eq!((both.pictures, both.mean.decode_ms, both.longest.decode_ms), (4, 7.0, 8.0));
        assert_eq!(of(0, 0.0).with(of(2, 3.0)), of(2, 3.0));
        assert_eq!(of(2, 3.0).with(of(0, 0.0)), of(2, 3.0));
        assert_eq!(Stages::default().with(Stages::default()), Stages::default());
    }
}
