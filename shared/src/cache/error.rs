//! Why the cache could not do a thing. Reads have no errors: for them a fault is a miss.

use crate::redis_link::LinkError;

/// Why a write to the cache, or opening it, failed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The URL names no cache; said at start-up.
    #[error("{0}")]
    Url(String),
    /// Redis or the way to it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// One outcome is larger than the whole in-memory cache.
    #[error("an outcome of {byte_count} bytes does not fit a cache of {byte_count_max}")]
    TooLarge {
        /// What the outcome weighs.
        byte_count: u64,
        /// What the cache holds.
        byte_count_max: u64,
    },
}
