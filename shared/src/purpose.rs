//! Why a render job exists. What may become of it follows from here, each question one exhaustive match: whether it
//! may be dropped, whether a job of more urgency takes its claim over, whether it tries what is known to fail.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a render is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Purpose {
    /// Someone waits for it, or was told to come back for it.
    Awaited {
        /// Until then, at the longest.
        until: DateTime<Utc>,
    },
    /// A client is likely to ask for it soon.
    Prefetch {
        /// The client.
        client: String,
        /// After that the client has moved on.
        until: DateTime<Utc>,
    },
    /// Part of a prerender that was ordered.
    Prerender {
        /// The job of many renders that this one belongs to.
        job_id: Uuid,
    },
    /// An operator sent it again, and wants to know what comes of it. Also a job of a release that told no purpose:
    /// such a job is never dropped.
    #[default]
    Redriven,
}

/// Whether anybody is interested in a render now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Someone is.
    Some,
    /// Nobody is.
    None,
    /// What could tell does not answer.
    Unknown,
}

impl Purpose {
    /// Whether the work may be left undone at `now`, when this is known of the interest in it.
    #[must_use]
    pub fn may_be_dropped(&self, interest: Interest, now: DateTime<Utc>) -> bool {
        match (self, interest) {
            (_, Interest::Some) | (Purpose::Prerender { .. } | Purpose::Redriven, _) => false,
            // Whoever waited has left.
            (Purpose::Awaited { .. }, Interest::None) => true,
            (Purpose::Awaited { until } | Purpose::Prefetch { until, .. }, _) => *until < now,
        }
    }

    /// Whether a job that someone waits for takes over the claim of this one, which then is no work any more.
    #[must_use]
    pub fn may_be_promoted(&self) -> bool {
        match self {
            Purpose::Prefetch { .. } | Purpose::Prerender { .. } => true,
            Purpose::Awaited { .. } | Purpose::Redriven => false,
        }
    }

    /// Whether it is tried although it is known to fail.
    #[must_use]
    pub fn tries_known_failures(&self) -> bool {
        match self {
            Purpose::Redriven => true,
            Purpose::Awaited { .. } | Purpose::Prefetch { .. } | Purpose::Prerender { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn purposes(until: DateTime<Utc>) -> [Purpose; 4] {
        [
            Purpose::Awaited { until },
            Purpose::Prefetch { client: "viewer".to_owned(), until },
            Purpose::Prerender { job_id: Uuid::from_u128(7) },
            Purpose::Redriven,
        ]
    }

    #[test]
    fn what_is_dropped_follows_from_purpose_interest_and_time() {
        use Interest::{None, Some, Unknown};
        let now = Utc::now();
        let (early, late) = (now + TimeDelta::seconds(1), now - TimeDelta::seconds(1));
        // For a purpose each: awaited, prefetch, prerender, redriven.
        let cases = [
            (Some, early, [false; 4]),
            (Some, late, [false; 4]),
            (None, early, [true, false, false, false]),
            (None, late, [true, true, false, false]),
            (Unknown, early, [false; 4]),
            (Unknown, late, [true, true, false, false]),
        ];
        for (interest, until, expected) in cases {
            let dropped = purposes(until).map(|purpose| purpose.may_be_dropped(interest, now));
            assert_eq!(dropped, expected, "{interest:?} until {until} at {now}");
        }
    }

    #[test]
    fn only_work_nobody_waits_for_is_promoted_and_only_an_operator_tries_known_failures() {
        let purposes = purposes(Utc::now());
        assert_eq!(purposes.clone().map(|purpose| purpose.may_be_promoted()), [false, true, true, false]);
        assert_eq!(purposes.map(|purpose| purpose.tries_known_failures()), [false, false, false, true]);
    }

    #[test]
    fn a_job_that_tells_no_purpose_is_never_dropped() {
        assert!(!Purpose::default().may_be_dropped(Interest::None, Utc::now()));
    }
}
