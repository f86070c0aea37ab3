//! Why the cache could not do a thing. Reads have no errors: for them a fault is a miss.

/// Why a write to the cache, or opening it, failed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The URL names no cache; said at start-up.
    #[error("{0}")]
    Url(String),
    /// The namespace cannot prefix keys; said at start-up.
    #[error("namespace {0:?} is not 1 to 64 letters, digits, '.', '_' or '-'")]
    Namespace(String),
    /// Redis failed moments ago and is not asked again yet.
    #[error("redis failed moments ago and is being left alone")]
    Resting,
    /// Redis took longer than the response timeout.
    #[error("redis did not answer in time")]
    Timeout,
    /// Redis or the way to it failed.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// One outcome is larger than the whole in-memory cache.
    #[error("an outcome of {byte_count} bytes does not fit a cache of {byte_count_max}")]
    TooLarge {
        /// What the outcome weighs.
        byte_count: u64,
        /// What the cache holds.
        byte_count_max: u64,
    },
}

impl CacheError {
    /// Whether the server could not be asked at all, as opposed to refusing this one command.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            CacheError::Resting | CacheError::Timeout => true,
            CacheError::Redis(error) => {
                error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
            }
            CacheError::Url(_) | CacheError::Namespace(_) | CacheError::TooLarge { .. } => false,
        }
    }
}
