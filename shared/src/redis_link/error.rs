//! Why Redis could not do a thing.

/// Why a command to Redis, or opening the way to it, failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The URL names no Redis; said at start-up.
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
}

impl LinkError {
    /// Whether the server could not be asked at all, as opposed to refusing this one command.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            LinkError::Resting | LinkError::Timeout => true,
            LinkError::Redis(error) => {
                error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
            }
            LinkError::Url(_) | LinkError::Namespace(_) => false,
        }
    }
}
