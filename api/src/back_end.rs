//! What a back end that fails means to the client. That one is away is logged where it is noticed, once, and not for each
//! request that lacks it.

use std::time::Duration;

use noctis_shared::{
    cache::CacheError,
    catalog::CatalogError,
    forget::ForgetError,
    queue::{PublishError, QueueError},
    storage::StorageError,
    submit::SubmitError,
};

use crate::problem::{Kind, Problem};

/// When a client may try again after a back end was away: reconnecting takes about 2 seconds.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);
/// When a client may try again after the queue was full.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// The problem of a catalog that did not answer the question.
pub(crate) fn catalog_problem(error: &CatalogError) -> Problem {
    if error.is_transient() {
        tracing::debug!(%error, "the catalog was needed and is away");
        let detail = "What was asked for is in no cache, and the catalog does not answer.";
        return Problem::new(Kind::CatalogUnavailable, detail).retry_after(RECONNECT_PAUSE);
    }
    Problem::internal(error)
}

/// The problem of dead letters that cannot be looked at or sent back.
pub(crate) fn queue_problem(error: &QueueError) -> Problem {
    match error {
        QueueError::Publish(PublishError::Full) => {
            let detail = "The lane of a dead letter is full; it and the rest stay where they are.";
            Problem::new(Kind::QueueFull, detail).retry_after(FULL_PAUSE)
        }
        QueueError::Unavailable(_)
        | QueueError::DeliveryLost
        | QueueError::Publish(PublishError::Unavailable(_)) => {
            tracing::debug!(%error, "the queue was needed and is away");
            Problem::new(Kind::QueueUnavailable, "The queue does not answer.").retry_after(RECONNECT_PAUSE)
        }
        _ => Problem::internal(error),
    }
}

/// The problem of a file that cannot be handed out.
pub(crate) fn file_problem(error: &StorageError) -> Problem {
    match error {
        StorageError::NotFound => {
            let detail = "The file is not where it was indexed, or this server does not reach its storage.";
            Problem::new(Kind::FileMissing, detail)
        }
        StorageError::Truncated => {
            Problem::new(Kind::ImageReplaced, "The file was written to since it was indexed.")
        }
        StorageError::Hung | StorageError::Transient(_) => {
            tracing::debug!(%error, "a file was needed and its storage is away");
            Problem::new(Kind::StorageUnavailable, "The storage of the file does not answer.")
        }
        StorageError::NotAllowed
        | StorageError::Unreadable(_)
        | StorageError::Invalid(_)
        | StorageError::TooLarge(_) => {
            tracing::warn!(%error, "a file that is known cannot be read by the API");
            let detail = "This server may not read the storage of the file: it takes the NOCTIS_STORAGE_URL and \
                          NOCTIS_INGEST_ROOTS of the workers.";
            Problem::new(Kind::StorageUnavailable, detail)
        }
    }
    .retry_after(RECONNECT_PAUSE)
}

/// The problem of a storage that does not take a file.
pub(crate) fn storage_problem(error: &StorageError) -> Problem {
    tracing::warn!(%error, "a file that was sent cannot be stored");
    Problem::new(Kind::StorageUnavailable, "The storage does not take files now.")
        .retry_after(RECONNECT_PAUSE)
}

/// The problem of caches that did not forget.
pub(crate) fn forget_problem(error: &ForgetError) -> Problem {
    match error {
        ForgetError::Catalog(error) => catalog_problem(error),
        ForgetError::Cache(error) => cache_problem(error),
    }
}

/// The problem of a cache that could not be written.
fn cache_problem(error: &CacheError) -> Problem {
    tracing::debug!(%error, "the cache was needed and is away");
    Problem::new(Kind::CacheUnavailable, "The cache does not answer.").retry_after(RECONNECT_PAUSE)
}

/// The problem of a picture that will not come.
pub(crate) fn submit_problem(error: &SubmitError) -> Problem {
    match error {
        SubmitError::ImageGone => Problem::no_such_image(),
        SubmitError::ImageReplaced => {
            let detail = "The file was replaced just now; the same request again shows the new one.";
            Problem::new(Kind::ImageReplaced, detail).retry_after(Duration::from_secs(1))
        }
        SubmitError::BesideReplaced => {
            let detail =
                "A file that decides the picture was replaced just now; the same request again shows it.";
            Problem::new(Kind::FileMissing, detail).retry_after(Duration::from_secs(1))
        }
        SubmitError::WithoutRange => {
            Problem::new(Kind::Unrenderable, "The bytes of the frame could not be located in the file.")
        }
        SubmitError::Catalog(error) => catalog_problem(error),
        SubmitError::Publish(error) => publish_problem(error),
        SubmitError::NotMade | SubmitError::Lost(_) => Problem::internal(error),
    }
}

/// The problem of a job that could not be published.
pub(crate) fn publish_problem(error: &PublishError) -> Problem {
    match error {
        PublishError::Full => {
            Problem::new(Kind::QueueFull, "More renders are waiting than workers can make soon.")
                .retry_after(FULL_PAUSE)
        }
        PublishError::Unavailable(_) => {
            tracing::debug!(%error, "a render could not be queued");
            no_queue()
        }
        // Nobody else notices it: the broker is there, and its queue is not.
        PublishError::Unroutable => {
            tracing::warn!(%error, "a render could not be queued");
            no_queue()
        }
        // A plane through slices with long names.
        PublishError::TooLarge => {
            Problem::new(Kind::Unrenderable, "The picture is made of more files than one render may name.")
        }
    }
}

fn no_queue() -> Problem {
    let detail = "The picture is in no cache, and no render can be queued now.";
    Problem::new(Kind::QueueUnavailable, detail).retry_after(RECONNECT_PAUSE)
}
