//! What a back end that fails means to the client. That one is away is logged where it is noticed, once, and not for each
//! request that lacks it.

use std::time::Duration;

use noctis_shared::{
    cache::CacheError, catalog::CatalogError, forget::ForgetError, queue::PublishError, submit::SubmitError,
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
        SubmitError::WithoutRange => {
            Problem::new(Kind::Unrenderable, "The bytes of the frame could not be located in the file.")
        }
        SubmitError::Catalog(error) => catalog_problem(error),
        SubmitError::Publish(error) => publish_problem(error),
        SubmitError::NotMade | SubmitError::Lost(_) => Problem::internal(error),
    }
}

/// The problem of a job that could not be published.
fn publish_problem(error: &PublishError) -> Problem {
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
        PublishError::TooLarge => Problem::internal(error),
    }
}

fn no_queue() -> Problem {
    let detail = "The picture is in no cache, and no render can be queued now.";
    Problem::new(Kind::QueueUnavailable, detail).retry_after(RECONNECT_PAUSE)
}
