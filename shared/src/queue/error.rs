//! What can go wrong with the queue.

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The lane holds as many messages as it may: come back later.
    #[error("the lane is full")]
    Full,
    /// The broker is away, or did not confirm in time. The message may have arrived nevertheless.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The message is longer than the queue takes.
    #[error("the message is too large for the queue")]
    TooLarge,
    /// No queue is bound where the message should go: someone took the topology apart.
    #[error("the message found no queue")]
    Unroutable,
}

/// Why another operation on the queue failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The URL names no queue; the text says why.
    #[error("{0}")]
    Url(String),
    /// The namespace cannot be a prefix of queue names.
    #[error("namespace {0:?} takes 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'")]
    Namespace(String),
    /// A limit that lets nothing through.
    #[error("limit {0} is nothing: it takes one or more")]
    Limits(&'static str),
    /// The broker answered, and refuses: wrong password, or a queue that exists with other arguments.
    #[error("the broker refuses: {0}")]
    Refused(String),
    /// The broker is away.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The loan ended before it was settled, with its connection: the message is delivered again.
    #[error("the delivery was lost with its connection and is delivered again")]
    DeliveryLost,
    /// The retry or dead letter could not be published; the message went back to its lane.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
