//! Waiting on conditions, with a deadline.

use std::{future::Future, time::Duration};

/// Long enough for a busy machine, short enough to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The output of `future`, which must come within [`PATIENCE`].
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Waits until `condition` holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    in_time(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
