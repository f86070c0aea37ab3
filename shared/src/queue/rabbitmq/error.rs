//! Errors of the client library, in the words of the queue.

use crate::queue::QueueError;

/// Does the broker refuse, or is it away?
pub(super) fn queue_error(error: &lapin::Error) -> QueueError {
    use lapin::protocol::{AMQPErrorKind, AMQPHardError};
    let refuses = match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => {
            matches!(error.kind(), AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED))
        }
        _ => false,
    };
    if refuses { QueueError::Refused(error.to_string()) } else { QueueError::Unavailable(error.to_string()) }
}
