//! Taking work: each lane on its own, as many jobs at a time as it has permits; the slots decide who is drawn first.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use noctis_shared::{
    lane::Lane,
    queue::{Consumer, Delivery, Queue, QueueError},
};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{index::IndexJobs, render_job::RenderJobs};

/// How long a drain waits for work in hand.
pub const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Uploads that a worker has in hand.
const UPLOADS_MAX: usize = 2;

/// What a lane may take of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LaneShare {
    lane: Lane,
    /// Jobs in hand at a time.
    permits: usize,
    /// Deliveries that the broker lends at a time. Not more than permits: what one worker hoards behind a job that
    /// hangs, another that idles cannot take.
    prefetch: u16,
}

/// The shares of a worker with so many slots. Heavy and background work is bounded apart, so that neither waits for the
/// other to be delivered; together they never get the last slot (`slot::places`).
fn shares(slots: usize) -> [LaneShare; 5] {
    let share = |lane, permits: usize| {
        let prefetch = u16::try_from(permits).unwrap_or(u16::MAX);
        LaneShare { lane, permits, prefetch }
    };
    let off_screen = slots.saturating_sub(1).max(1);
    [
        share(Lane::OnScreen, slots),
        share(Lane::OnScreenHeavy, off_screen),
        share(Lane::Background, off_screen),
        // An index run uses all cores by itself.
        share(Lane::Index, 1),
        // Of one that is large the others do not wait.
        share(Lane::Upload, slots.min(UPLOADS_MAX)),
    ]
}

/// The lanes that a worker takes who is told to take these.
pub(crate) fn taken_by(lanes: &[Lane]) -> BTreeSet<Lane> {
    let mut lanes: BTreeSet<Lane> = lanes.iter().copied().collect();
    // Uploads had no lane of their own once: who says index means both.
    if lanes.contains(&Lane::Index) {
        lanes.insert(Lane::Upload);
    }
    lanes
}

/// Takes work until `shutdown`, then lets work in hand end.
///
/// # Errors
/// [`QueueError`] when a lane cannot be consumed at the start.
pub async fn consume(
    queue: &Queue,
    lanes: &[Lane],
    slots: usize,
    renders: RenderJobs,
    index: IndexJobs,
    shutdown: CancellationToken,
) -> Result<(), QueueError> {
    let lanes = taken_by(lanes);
    let tracker = TaskTracker::new();
    let hands = Hands { renders, index, shutdown: shutdown.clone() };
    let mut consumers = Vec::new();
    for share in shares(slots).into_iter().filter(|share| lanes.contains(&share.lane)) {
        consumers.push((share, queue.consume(share.lane, share.prefetch).await?));
    }
    // In tasks of their own, which run where the deliveries come in.
    let mut taking = JoinSet::new();
    for (share, consumer) in consumers {
        taking.spawn(take(consumer, share, hands.clone(), tracker.clone(), shutdown.clone()));
    }
    info!(?lanes, slots, "taking work");
    while let Some(ended) = taking.join_next().await {
        if let Err(error) = ended {
            warn!(%error, "a lane is not taken any more");
        }
    }
    tracker.close();
    if timeout(DRAIN_MAX, tracker.wait()).await.is_err() {
        // Unsettled deliveries go back to the queue when their tasks are dropped with the runtime.
        warn!(jobs = tracker.len(), "jobs in hand did not end in time and are left to the queue");
    }
    Ok(())
}

/// Takes the deliveries of one lane, each in a task of its own.
async fn take(
    mut consumer: Consumer,
    share: LaneShare,
    hands: Hands,
    tracker: TaskTracker,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(share.permits));
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            Some((consumer.next().await?, permit))
        };
        let taken = tokio::select! {
            biased;
            () = shutdown.cancelled() => None,
            taken = next => taken,
        };
        let Some((delivery, permit)) = taken else { break };
        let hands = hands.clone();
        tracker.spawn(async move {
            hands.handle(share.lane, delivery).await;
            drop(permit);
        });
    }
    consumer.stop().await;
}

/// Who works on deliveries. Cheap to clone.
#[derive(Clone)]
struct Hands {
    renders: RenderJobs,
    index: IndexJobs,
    shutdown: CancellationToken,
}

impl Hands {
    async fn handle(&self, lane: Lane, delivery: Delivery) {
        match lane {
            Lane::OnScreen | Lane::OnScreenHeavy | Lane::Background => self.renders.handle(delivery).await,
            Lane::Index | Lane::Upload => self.index.handle(delivery, &self.shutdown).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_share_and_none_hoards() {
        for slots in [1, 2, 8, 100_000] {
            let shares = shares(slots);
            assert_eq!(shares.map(|share| share.lane), Lane::ALL);
            for LaneShare { lane, permits, prefetch } in shares {
                assert!((1..=slots).contains(&permits), "{lane} with {slots} slots");
                assert!(prefetch >= 1 && usize::from(prefetch) <= permits, "{lane} with {slots} slots");
            }
        }
    }

    #[test]
    fn what_is_off_the_screen_leaves_a_slot_where_there_are_two() {
        let permits = |slots| shares(slots).map(|share| share.permits);
        assert_eq!(permits(1), [1, 1, 1, 1, 1]);
        assert_eq!(permits(2), [2, 1, 1, 1, 2]);
        assert_eq!(permits(8), [8, 7, 7, 1, 2]);
    }
}
