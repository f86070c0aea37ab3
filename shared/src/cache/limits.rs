//! How much a cache holds, for how long, and how long it may take.

use std::time::Duration;

use crate::render::Outcome;

/// Bounds of a cache.
#[derive(Debug, Clone)]
pub struct CacheLimits {
    /// Bytes of outcomes in the memory of this process.
    pub memory_bytes_max: u64,
    /// How long a picture stays.
    pub image_ttl: Duration,
    /// How long a small JSON value stays.
    pub metadata_ttl: Duration,
    /// How long a failure is remembered.
    pub failure_ttl: Duration,
    /// How long one call to Redis may take, connecting included.
    pub response_timeout: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            image_ttl: Duration::from_secs(30 * 60),
            metadata_ttl: Duration::from_secs(2 * 60 * 60),
            failure_ttl: Duration::from_secs(30 * 60),
            response_timeout: Duration::from_secs(1),
        }
    }
}

impl CacheLimits {
    /// How long `outcome` stays.
    #[must_use]
    pub fn ttl_of(&self, outcome: &Outcome) -> Duration {
        match outcome {
            Outcome::Picture(_) => self.image_ttl,
            Outcome::Failure(_) => self.failure_ttl,
        }
    }
}
