//! What is said when a delivery cannot be settled.

use noctis_shared::queue::QueueError;
use tracing::warn;

/// Logs a settlement that did not reach the queue. Nothing is lost: the queue delivers again, and the work of the
/// second time finds what the first has stored.
pub(crate) fn note(settled: Result<(), QueueError>) {
    if let Err(error) = settled {
        warn!(%error, "delivery not settled; the queue delivers it again");
    }
}
