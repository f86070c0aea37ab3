//! Lanes: one queue for each kind of urgency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The queue a job waits in. Lanes are queues, not priorities: quorum queues have no strict ones before
/// RabbitMQ 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Someone looks at a screen and waits.
    OnScreen,
    /// Someone waits for an expensive picture; its slots are limited so that it never holds up a CT slice.
    OnScreenHeavy,
    /// Nobody waits: thumbnails of new studies, prefetch, prerender.
    Background,
    /// Events about studies: index, delete.
    Index,
    /// Files that a client has sent and waits for: behind an index run it would wait for minutes.
    Upload,
}

impl Lane {
    /// Every lane, in the order in which a worker hands out its slots.
    pub const ALL: [Lane; 5] =
        [Lane::OnScreen, Lane::OnScreenHeavy, Lane::Background, Lane::Index, Lane::Upload];

    /// The name in settings, metric labels and retry queues: `on-screen`, `on-screen-heavy`, `background`, `index`, `upload`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Lane::OnScreen => "on-screen",
            Lane::OnScreenHeavy => "on-screen-heavy",
            Lane::Background => "background",
            Lane::Index => "index",
            Lane::Upload => "upload",
        }
    }

    /// Whether its jobs are renders.
    #[must_use]
    pub fn is_of_renders(self) -> bool {
        match self {
            Lane::OnScreen | Lane::OnScreenHeavy | Lane::Background => true,
            Lane::Index | Lane::Upload => false,
        }
    }

    /// The queue name behind the namespace: `render.on-screen` …, `index` and `upload`.
    #[must_use]
    pub fn queue_suffix(self) -> &'static str {
        match self {
            Lane::OnScreen => "render.on-screen",
            Lane::OnScreenHeavy => "render.on-screen-heavy",
            Lane::Background => "render.background",
            Lane::Index => "index",
            Lane::Upload => "upload",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Lane::ALL.into_iter().find(|lane| lane.name() == name).ok_or_else(|| {
            format!("lane {name:?} is not one of on-screen, on-screen-heavy, background, index, upload")
        })
    }
}
