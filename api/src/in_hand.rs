//! What answers hold in memory while they are made: who comes when it is all in use waits. What is on its way to a client is
//! counted by `outgoing`.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes that one permit stands for.
const PERMIT_BYTES: u64 = 1 << 10;

/// So many bytes, shared by all who make answers of a kind.
#[derive(Debug)]
pub(crate) struct InHand {
    permits: Semaphore,
    permits_max: u32,
}

impl InHand {
    /// Room for `bytes_max`.
    pub(crate) fn of(bytes_max: u64) -> Self {
        let permits_max = u32::try_from(bytes_max / PERMIT_BYTES).unwrap_or(u32::MAX).max(1);
        Self { permits: Semaphore::new(permits_max as usize), permits_max }
    }

    /// Waits until there is room for an answer, which may be all the room there is; `None` never comes: nobody closes it.
    pub(crate) async fn begin(&self, byte_count: u64) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from(byte_count.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        self.permits.acquire_many(permits.min(self.permits_max)).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_does_not_fit_waits_and_one_alone_always_fits() {
        let in_hand = InHand::of(10 << 10);
        let first = in_hand.begin(6 << 10).await;
        assert!(in_hand.begin(4 << 10).now_or_never().is_some());
        assert!(in_hand.begin(5 << 10).now_or_never().is_none());
        drop(first);
        assert!(in_hand.begin(1 << 40).now_or_never().is_some());
    }
}
