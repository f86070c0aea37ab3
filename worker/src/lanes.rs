//! The loop that takes work: render lanes in their order into a bounded number of jobs, the index lane beside them.

use std::{collections::BTreeSet, future::pending, sync::Arc, time::Duration};

use noctis_shared::{
    lane::Lane,
    queue::{Consumer, Delivery, Queue, QueueError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{index::IndexJobs, render_job::RenderJobs};

/// Jobs in hand for each render slot: while one decodes, another fetches or stores.
const JOBS_PER_SLOT: usize = 2;

/// How long a drain waits for work in hand.
pub const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Consumers of the render lanes; a lane that is not taken is `None`.
struct RenderLanes {
    on_screen: Option<Consumer>,
    heavy: Option<Consumer>,
    background: Option<Consumer>,
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
    let lanes: BTreeSet<Lane> = lanes.iter().copied().collect();
    let tracker = TaskTracker::new();
    let jobs_max = slots * JOBS_PER_SLOT;
    let render_lanes = RenderLanes {
        on_screen: consumer(queue, &lanes, Lane::OnScreen, jobs_max).await?,
        heavy: consumer(queue, &lanes, Lane::OnScreenHeavy, heavy_slots(slots)).await?,
        background: consumer(queue, &lanes, Lane::Background, jobs_max).await?,
    };
    let index_lane = consumer(queue, &lanes, Lane::Index, 1).await?;
    info!(lanes = ?lanes, slots, "taking work");
    let render_loop = take_renders(render_lanes, slots, renders, tracker.clone(), shutdown.clone());
    let index_loop = take_events(index_lane, index, shutdown);
    tokio::join!(render_loop, index_loop);
    tracker.close();
    if timeout(DRAIN_MAX, tracker.wait()).await.is_err() {
        // Unsettled deliveries go back to the queue when their tasks are dropped with the runtime.
        warn!(jobs = tracker.len(), "jobs in hand did not end in time and are left to the queue");
    }
    Ok(())
}

/// Slots that expensive pictures may take: half, so that they never hold up a CT slice, but one at least.
fn heavy_slots(slots: usize) -> usize {
    (slots / 2).max(1)
}

async fn consumer(
    queue: &Queue,
    lanes: &BTreeSet<Lane>,
    lane: Lane,
    prefetch: usize,
) -> Result<Option<Consumer>, QueueError> {
    if !lanes.contains(&lane) {
        return Ok(None);
    }
    queue.consume(lane, u16::try_from(prefetch).unwrap_or(u16::MAX)).await.map(Some)
}

async fn take_renders(
    mut lanes: RenderLanes,
    slots: usize,
    renders: RenderJobs,
    tracker: TaskTracker,
    shutdown: CancellationToken,
) {
    let jobs = Arc::new(Semaphore::new(slots * JOBS_PER_SLOT));
    let heavy_jobs = Arc::new(Semaphore::new(heavy_slots(slots)));
    while let Some(job) = permit(&jobs, &shutdown).await {
        let Some((delivery, heavy)) = next_render(&mut lanes, &heavy_jobs, &shutdown).await else { break };
        let renders = renders.clone();
        tracker.spawn(async move {
            renders.handle(delivery).await;
            drop((job, heavy));
        });
    }
    for consumer in [&mut lanes.on_screen, &mut lanes.heavy, &mut lanes.background].into_iter().flatten() {
        consumer.stop().await;
    }
}

/// The next delivery, the first lane first, with the permit of a heavy one. `None` at shutdown or when the queue closed.
async fn next_render(
    lanes: &mut RenderLanes,
    heavy_jobs: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(Delivery, Option<OwnedSemaphorePermit>)> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        delivery = next(&mut lanes.on_screen) => delivery.map(|delivery| (delivery, None)),
        heavy = next_heavy(&mut lanes.heavy, heavy_jobs) => heavy.map(|(delivery, permit)| (delivery, Some(permit))),
        delivery = next(&mut lanes.background) => delivery.map(|delivery| (delivery, None)),
    }
}

async fn next(consumer: &mut Option<Consumer>) -> Option<Delivery> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => pending().await,
    }
}

async fn next_heavy(
    consumer: &mut Option<Consumer>,
    heavy_jobs: &Arc<Semaphore>,
) -> Option<(Delivery, OwnedSemaphorePermit)> {
    let permit = Arc::clone(heavy_jobs).acquire_owned().await.ok()?;
    next(consumer).await.map(|delivery| (delivery, permit))
}

async fn permit(jobs: &Arc<Semaphore>, shutdown: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        permit = Arc::clone(jobs).acquire_owned() => permit.ok(),
    }
}

/// Events one after the other: an index run uses all cores by itself.
async fn take_events(consumer: Option<Consumer>, index: IndexJobs, shutdown: CancellationToken) {
    let Some(mut consumer) = consumer else { return };
    loop {
        let delivery = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            delivery = consumer.next() => delivery,
        };
        let Some(delivery) = delivery else { break };
        index.handle(delivery, &shutdown).await;
    }
    consumer.stop().await;
}
