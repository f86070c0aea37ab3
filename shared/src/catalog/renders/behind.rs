//! Rows of renders on their way into the catalog, written in groups by one task.
//!
//! A transaction for each render would be most of what storing a picture costs, and whoever waits for a commit waits
//! for a disk. So a row that a cache has too waits a moment for others, and nobody waits for it. What must not be
//! here: what a row says (`rows`), and who may go on before it is written (the worker's `store`).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    super::{CatalogError, pool::Pool},
    budget::RenderBudget,
    rows::{RenderRow, write},
};

/// Rows in one statement.
const GROUP_ROWS_MAX: usize = 64;
/// Bytes of rows with which a group is large enough: whatever else the process passes on waits while they are copied.
const GROUP_BYTES: u64 = 1 << 20;
/// How long a row waits for others.
const GATHER_MAX: Duration = Duration::from_millis(250);
/// KiB of rows that wait or are being written.
const ROOM_KIB: u32 = 64 << 10;
/// KiB of rows that wait for a catalog that is away: the other half is for those who come meanwhile, so that nobody waits
/// for its return.
const ROOM_KIB_AWAY: u32 = ROOM_KIB / 2;
/// How long a catalog that did not take a group is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether a row was kept.
type Kept = Result<bool, CatalogError>;

/// Where rows are put. Cheap to clone; the task that writes ends with the last clone.
#[derive(Debug, Clone)]
pub(in super::super) struct RenderRows {
    desk: Arc<Desk>,
    _writer: Arc<AbortOnDropHandle<()>>,
}

/// What those who put rows and the task that writes them share.
#[derive(Debug)]
struct Desk {
    waiting: Mutex<Waiting>,
    /// Something came, or is due.
    changed: Notify,
    /// KiB for which there is room.
    room: Arc<Semaphore>,
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Waiting {
    /// Rows that somebody waits for.
    asked: Vec<(RenderRow, oneshot::Sender<Kept>)>,
    /// Rows that nobody waits for, in the order they came.
    behind: VecDeque<Behind>,
    /// Bytes of them.
    behind_bytes: u64,
    /// How many ever came.
    behind_count: u64,
    /// Those who wait until the row of this number is written.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    /// Set while the catalog does not take rows.
    left_until: Option<Instant>,
    /// Whether the task that writes has ended.
    ended: bool,
}

#[derive(Debug)]
struct Behind {
    row: RenderRow,
    number: u64,
    came_at: Instant,
    _room: OwnedSemaphorePermit,
}

impl RenderRows {
    pub(in super::super) fn start(pool: Pool, bytes_max: u64) -> Self {
        let desk = Arc::new(Desk::new());
        let writer = tokio::spawn(write_all(pool, RenderBudget::new(bytes_max), Arc::clone(&desk)));
        Self { desk, _writer: Arc::new(AbortOnDropHandle::new(writer)) }
    }

    /// Ends when the row is written.
    pub(super) async fn put(&self, row: RenderRow) -> Kept {
        let (put, kept) = oneshot::channel();
        self.desk.change(|waiting| {
            if !waiting.ended {
                waiting.asked.push((row, put));
            }
        });
        kept.await.map_err(|_| has_ended())?
    }

    /// Ends when there is room for the row; for one that takes more room than there may be, when it is written.
    pub(super) async fn put_behind(&self, row: RenderRow) {
        let kib = u32::try_from(row.byte_count().div_ceil(1024)).unwrap_or(u32::MAX);
        if kib > ROOM_KIB_AWAY {
            if self.put(row).await.is_err() {
                unrecorded(1);
            }
            return;
        }
        let Ok(room) = Arc::clone(&self.desk.room).acquire_many_owned(kib).await else {
            // The task that writes has ended.
            return unrecorded(1);
        };
        self.desk.change(|waiting| {
            waiting.behind_bytes += row.byte_count();
            waiting.behind_count += 1;
            let number = waiting.behind_count;
            waiting.behind.push_back(Behind { row, number, came_at: Instant::now(), _room: room });
            if waiting.left_until.is_some() {
                waiting.drop_oldest();
            }
        });
    }

    /// Ends when the rows that were put before are written, or could not be.
    pub(super) async fn flush(&self) {
        let (flush, flushed) = oneshot::channel();
        self.desk.change(|waiting| {
            if !waiting.ended {
                waiting.flushes.push((waiting.behind_count, flush));
            }
        });
        let _the_writer_has_ended = flushed.await;
    }
}

fn has_ended() -> CatalogError {
    CatalogError::Unavailable("the task that writes renders has ended".to_owned())
}

impl Desk {
    fn new() -> Self {
        let room = Arc::new(Semaphore::new(ROOM_KIB as usize));
        Self { waiting: Mutex::default(), changed: Notify::new(), room }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writer only when it has another time to wait for: not for each row.
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        let before = waiting.due();
        change(&mut waiting);
        if waiting.due() != before {
            self.changed.notify_one();
        }
    }

    /// Ends when a group is due.
    async fn gathered(&self) {
        loop {
            let due = self.lock().due();
            match due {
                Due::Never => self.changed.notified().await,
                Due::Now => return,
                Due::At(at) if timeout_at(at, self.changed.notified()).await.is_err() => return,
                Due::At(_) => {}
            }
        }
    }
}

/// When the next group is to be written.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Never,
    Now,
    At(Instant),
}

impl Waiting {
    fn due(&self) -> Due {
        let is_large_enough = self.behind.len() >= GROUP_ROWS_MAX || self.behind_bytes >= GROUP_BYTES;
        match (self.behind.front(), self.left_until) {
            _ if !self.asked.is_empty() || !self.flushes.is_empty() => Due::Now,
            (None, _) => Due::Never,
            (Some(_), Some(left_until)) => Due::At(left_until),
            (Some(_), None) if is_large_enough => Due::Now,
            (Some(oldest), None) => Due::At(oldest.came_at + GATHER_MAX),
        }
    }

    /// The rows to write together, and who waits for the first of them.
    fn take_group(&mut self) -> (Vec<(RenderRow, oneshot::Sender<Kept>)>, Vec<Behind>) {
        let mut bytes = 0;
        let mut fits = |(row, _): &(RenderRow, _)| {
            let is_in = bytes < GROUP_BYTES;
            bytes += row.byte_count();
            is_in
        };
        let asked_count = self.asked.iter().take(GROUP_ROWS_MAX).take_while(|asked| fits(asked)).count();
        let asked: Vec<_> = self.asked.drain(..asked_count).collect();
        let mut behind = Vec::new();
        while asked.len() + behind.len() < GROUP_ROWS_MAX && bytes < GROUP_BYTES {
            let Some(next) = self.behind.pop_front() else { break };
            bytes += next.row.byte_count();
            self.behind_bytes -= next.row.byte_count();
            behind.push(next);
        }
        (asked, behind)
    }

    /// Takes rows back that the catalog did not take for now, and leaves it alone for a while.
    fn take_back(&mut self, rows: Vec<Behind>) {
        self.left_until = Some(Instant::now() + PAUSE);
        for row in rows.into_iter().rev() {
            self.behind_bytes += row.row.byte_count();
            self.behind.push_front(row);
        }
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        let mut dropped = 0;
        while self.behind_bytes > u64::from(ROOM_KIB_AWAY) * 1024 {
            let Some(oldest) = self.behind.pop_front() else { break };
            self.behind_bytes -= oldest.row.byte_count();
            dropped += 1;
        }
        unrecorded(dropped);
    }

    /// Tells those who waited for what is written now, or for what cannot be.
    fn settle_flushes(&mut self) {
        let written = self.behind.front().map_or(self.behind_count, |oldest| oldest.number - 1);
        let is_over = self.left_until.is_some();
        for (_, flush) in self.flushes.extract_if(.., |(number, _)| is_over || *number <= written) {
            let _nobody_waits = flush.send(());
        }
    }
}

fn unrecorded(row_count: u64) {
    metrics::counter!("noctis_renders_unrecorded_total").increment(row_count);
}

/// The end of the task that writes, however it comes: nobody waits for it any more.
struct Ends(Arc<Desk>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.room.close();
        let mut waiting = self.0.lock();
        waiting.ended = true;
        waiting.asked.clear();
        waiting.flushes.clear();
        waiting.behind.clear();
    }
}

/// Writes group after group.
async fn write_all(pool: Pool, mut budget: RenderBudget, desk: Arc<Desk>) {
    let _ends = Ends(Arc::clone(&desk));
    loop {
        desk.gathered().await;
        let (asked, behind) = desk.lock().take_group();
        let rows: Vec<&RenderRow> =
            asked.iter().map(|(row, _)| row).chain(behind.iter().map(|behind| &behind.row)).collect();
        let mut all_kept = write(&pool, &rows).await;
        let kept = rows.iter().zip(&all_kept).filter(|(_, kept)| matches!(kept, Ok(true)));
        budget.added(kept.map(|(row, _)| row.byte_count()).sum(), &pool).await;
        let of_behind = all_kept.split_off(asked.len());
        for ((_, put), kept) in asked.into_iter().zip(all_kept) {
            // Whoever put it may have gone.
            let _nobody_asks = put.send(kept);
        }
        let not_taken = not_taken(behind, of_behind);
        let mut waiting = desk.lock();
        waiting.left_until = None;
        if !not_taken.is_empty() {
            waiting.take_back(not_taken);
        }
        waiting.settle_flushes();
    }
}

/// The rows that may be written later. Those that never can be are told.
fn not_taken(rows: Vec<Behind>, all_kept: Vec<Kept>) -> Vec<Behind> {
    let (mut not_taken, mut refused) = (Vec::new(), None);
    for (row, kept) in rows.into_iter().zip(all_kept) {
        match kept {
            Ok(_) => {}
            Err(error) if error.is_transient() => not_taken.push(row),
            Err(error) => {
                unrecorded(1);
                refused = Some(error);
            }
        }
    }
    if let Some(error) = refused {
        tracing::warn!(%error, "renders not recorded in the catalog");
    }
    not_taken
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        catalog::RenderRecord,
        render::{FailureKind, Outcome, RenderFailure},
        render_key::{ContentDigest, RenderKey},
        request::{FrameRequest, PictureFormat},
    };

    /// A desk without a writer.
    fn desk() -> RenderRows {
        let nobody = tokio::spawn(async {});
        RenderRows { desk: Arc::new(Desk::new()), _writer: Arc::new(AbortOnDropHandle::new(nobody)) }
    }

    fn row(byte_count: usize) -> RenderRow {
        let failure = RenderFailure::new(FailureKind::Unrenderable, "x".repeat(byte_count));
        RenderRow::of(&RenderRecord {
            key: RenderKey::new(&ContentDigest([0; 32]), &FrameRequest::new(PictureFormat::Png)),
            image_id: Uuid::nil(),
            outcome: &Outcome::Failure(failure),
            worker: String::new(),
        })
    }

    #[tokio::test]
    async fn a_row_waits_for_others_and_not_for_long() {
        let rows = desk();
        assert_eq!(rows.desk.lock().due(), Due::Never);
        rows.put_behind(row(1)).await;
        let came_at = rows.desk.lock().behind[0].came_at;
        assert_eq!(rows.desk.lock().due(), Due::At(came_at + GATHER_MAX));
        for _ in 1..GROUP_ROWS_MAX {
            rows.put_behind(row(1)).await;
        }
        assert_eq!(rows.desk.lock().due(), Due::Now);
        let (asked, behind) = rows.desk.lock().take_group();
        assert_eq!((asked.len(), behind.len()), (0, GROUP_ROWS_MAX));
        rows.put_behind(row(GROUP_BYTES as usize)).await;
        assert_eq!(rows.desk.lock().due(), Due::Now, "large enough alone");
    }

    #[tokio::test]
    async fn what_somebody_waits_for_is_written_at_once_even_while_the_catalog_is_left_alone() {
        let rows = desk();
        rows.put_behind(row(1)).await;
        let left_until = Instant::now() + PAUSE;
        rows.desk.lock().left_until = Some(left_until);
        assert_eq!(rows.desk.lock().due(), Due::At(left_until));
        let put = tokio::spawn({
            let rows = rows.clone();
            async move { rows.put(row(1)).await }
        });
        while rows.desk.lock().asked.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(rows.desk.lock().due(), Due::Now);
        let (asked, behind) = rows.desk.lock().take_group();
        assert_eq!((asked.len(), behind.len()), (1, 1));
        drop(asked);
        assert!(put.await.expect("an end").is_err(), "its row went unwritten");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_has_ended() {
        let rows = desk();
        let put = tokio::spawn({
            let rows = rows.clone();
            async move { rows.put(row(1)).await }
        });
        while rows.desk.lock().asked.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(Ends(Arc::clone(&rows.desk)));
        assert!(put.await.expect("an end").is_err());
        assert!(rows.put(row(1)).await.is_err());
        rows.put_behind(row(1)).await;
        rows.flush().await;
    }

    #[tokio::test]
    async fn nobody_waits_for_a_catalog_that_is_away_and_the_oldest_rows_go() {
        const MIB: usize = 1 << 20;
        let rows = desk();
        rows.desk.lock().left_until = Some(Instant::now() + PAUSE);
        for _ in 0..100 {
            rows.put_behind(row(MIB)).await;
        }
        rows.put_behind(row(31 * MIB)).await;
        rows.put_behind(row(MIB)).await;
        let waiting = rows.desk.lock();
        assert!(waiting.behind_bytes <= u64::from(ROOM_KIB_AWAY) * 1024);
        assert_eq!(waiting.behind.back().map(|newest| newest.number), Some(102));
    }

    #[tokio::test]
    async fn rows_that_come_back_are_the_next_to_be_written_and_nothing_is_dropped_that_has_room() {
        let rows = desk();
        for _ in 0..3 {
            rows.put_behind(row(GROUP_BYTES as usize)).await;
        }
        let (_, group) = rows.desk.lock().take_group();
        assert_eq!(group.len(), 1);
        rows.desk.lock().take_back(group);
        let waiting = rows.desk.lock();
        let numbers: Vec<_> = waiting.behind.iter().map(|behind| behind.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(matches!(waiting.due(), Due::At(_)), "the catalog is left alone for a while");
    }

    #[tokio::test]
    async fn a_flush_ends_with_the_rows_before_it_and_not_with_those_after() {
        let rows = desk();
        rows.put_behind(row(GROUP_BYTES as usize)).await;
        let flush = tokio::spawn({
            let rows = rows.clone();
            async move { rows.flush().await }
        });
        while rows.desk.lock().flushes.is_empty() {
            tokio::task::yield_now().await;
        }
        rows.put_behind(row(1)).await;
        rows.desk.lock().settle_flushes();
        assert!(!flush.is_finished() && rows.desk.lock().flushes.len() == 1, "its row is not written");
        let (_, written) = rows.desk.lock().take_group();
        assert_eq!(written.len(), 1);
        rows.desk.lock().settle_flushes();
        flush.await.expect("an end");
        assert_eq!(rows.desk.lock().behind.len(), 1);
    }
}
