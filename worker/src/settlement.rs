//! What is said when a delivery cannot be settled.

use noctis_shared::queue::{PublishError, QueueError};
use tracing::{debug, warn};

/// Logs a settlement that did not reach the queue. Nothing is lost: the queue delivers again, and the work of the
/// second time finds what the first has stored.
pub(crate) fn note(settled: Result<(), QueueError>) {
    if let Err(error) = settled {
        said(&error, "delivery not settled; the queue delivers it again");
    }
}

/// Logs `error` with what comes of it; aloud, unless the queue is away, which has said so for all deliveries.
pub(crate) fn said(error: &QueueError, what: &'static str) {
    match error {
        QueueError::Unavailable(_)
        | QueueError::DeliveryLost
        | QueueError::Publish(PublishError::Unavailable(_)) => debug!(%error, "{what}"),
        _ => warn!(%error, "{what}"),
    }
}
