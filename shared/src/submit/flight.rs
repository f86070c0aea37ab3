//! One flight for each render that is under way in this process: whoever asks for the same picture meanwhile takes a
//! seat in it. A client that goes away gives up its seat; a flight without passengers ends.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use uuid::Uuid;

use super::{error::SubmitError, look::Found, share::UnderWay};
use crate::render_key::RenderKey;

/// How a flight ends, for all its passengers.
pub type Landing = Result<Found, Arc<SubmitError>>;

type SharedLanding = Shared<BoxFuture<'static, Landing>>;

/// A place in a flight. Dropping it leaves the flight.
#[must_use = "a dropped seat is left"]
pub struct Seat {
    landing: SharedLanding,
    board: Arc<Board>,
}

impl Seat {
    /// How the flight ends. Safe to cancel: the seat is kept.
    ///
    /// # Errors
    /// [`SubmitError`], the same for all passengers.
    pub async fn landing(&self) -> Landing {
        self.landing.clone().await
    }

    /// Leaves, but comes back for the picture: the job goes on.
    pub fn leave_and_come_back(self) {
        self.board.keep();
    }

    /// The job that the flight waits for now, if it has one.
    #[must_use]
    pub fn job_id(&self) -> Option<Uuid> {
        self.board.job()
    }
}

/// What the passengers of a flight know of it, and it of them.
#[derive(Debug, Default)]
pub(super) struct Board {
    job: Mutex<Option<Uuid>>,
    kept: AtomicBool,
    left: AtomicBool,
    /// Counts for the client that asked first, from the first job on until the last passenger has gone.
    under_way: Mutex<Option<UnderWay>>,
}

impl Board {
    pub(super) fn set_job(&self, job_id: Uuid) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job_id);
    }

    pub(super) fn job(&self) -> Option<Uuid> {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count, unless it does; how many renders of the client were ahead.
    pub(super) fn count_for(&self, begin: impl FnOnce() -> UnderWay) -> usize {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.get_or_insert_with(begin).ahead
    }

    /// All passengers left before the flight landed, and nobody comes back.
    pub(super) fn set_left(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Whether someone who left will come back.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }
}

/// The flights of this process. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Flights {
    by_key: Arc<Mutex<HashMap<RenderKey, Flight>>>,
}

struct Flight {
    landing: WeakShared<BoxFuture<'static, Landing>>,
    board: Arc<Board>,
    departed: Instant,
}

impl Flights {
    /// A seat in the flight of `key`. `depart` makes the flight when there is none, or none younger than `age_max`: one
    /// that has not landed by then may have asked as often as it may.
    pub(super) fn board<F>(
        &self,
        key: RenderKey,
        age_max: Duration,
        depart: impl FnOnce(Arc<Board>) -> F,
    ) -> Seat
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut by_key = lock(&self.by_key);
        if let Some(flight) = by_key.get(&key)
            && flight.departed.elapsed() < age_max
            && let Some(landing) = flight.landing.upgrade()
        {
            return Seat { landing, board: Arc::clone(&flight.board) };
        }
        let board = Arc::new(Board::default());
        let entry = Entry { by_key: Arc::clone(&self.by_key), key, board: Arc::clone(&board) };
        let journey = depart(Arc::clone(&board));
        let landing = async move {
            let _entry = entry;
            journey.await
        };
        let landing = landing.boxed().shared();
        if let Some(weak) = landing.downgrade() {
            let flight = Flight { landing: weak, board: Arc::clone(&board), departed: Instant::now() };
            by_key.insert(key, flight);
        }
        Seat { landing, board }
    }

    /// Flights under way.
    pub(super) fn count(&self) -> usize {
        lock(&self.by_key).len()
    }
}

/// Takes the flight off the board when it lands, and when its last passenger leaves.
struct Entry {
    by_key: Arc<Mutex<HashMap<RenderKey, Flight>>>,
    key: RenderKey,
    board: Arc<Board>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut by_key = lock(&self.by_key);
        // A later flight of the same key may stand there already.
        if by_key.get(&self.key).is_some_and(|flight| Arc::ptr_eq(&flight.board, &self.board)) {
            by_key.remove(&self.key);
        }
    }
}

fn lock(by_key: &Mutex<HashMap<RenderKey, Flight>>) -> MutexGuard<'_, HashMap<RenderKey, Flight>> {
    by_key.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        render::{FailureKind, Outcome, RenderFailure},
        submit::look::Tier,
    };

    const AGE_MAX: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_flight_that_does_not_land_takes_nobody_more_after_its_time() {
        let flights = Flights::default();
        let first = flights.board(key(), Duration::ZERO, |_| std::future::pending());
        let second = flights.board(key(), Duration::ZERO, |_| async { Ok(landed()) });
        assert!(second.landing().await.is_ok());
        assert!(first.landing().now_or_never().is_none());
    }

    fn key() -> RenderKey {
        "0123456789abcdef0123456789abcdef".parse().expect("32 digits")
    }

    fn landed() -> Found {
        let failure = RenderFailure::new(FailureKind::Unrenderable, "for this test");
        Found { outcome: Outcome::Failure(failure), tier: Tier::Render }
    }

    #[tokio::test]
    async fn all_who_ask_meanwhile_share_one_flight() {
        let (flights, departures) = (Flights::default(), AtomicU32::new(0));
        let (land, landing) = oneshot::channel::<()>();
        let mut landing = Some(landing);
        let seats: Vec<Seat> = (0..3)
            .map(|_| {
                let depart = |_| {
                    departures.fetch_add(1, Ordering::Relaxed);
                    let landing = landing.take();
                    async move {
                        landing.expect("the first departure").await.expect("landed");
                        Ok(landed())
                    }
                };
                flights.board(key(), AGE_MAX, depart)
            })
            .collect();
        assert_eq!(flights.count(), 1);
        land.send(()).expect("awaited");
        for seat in seats {
            assert!(seat.landing().await.is_ok());
        }
        assert_eq!((departures.load(Ordering::Relaxed), flights.count()), (1, 0));
    }

    #[tokio::test]
    async fn a_flight_without_passengers_ends_and_the_next_departs_anew() {
        let flights = Flights::default();
        let seat = flights.board(key(), AGE_MAX, |_| std::future::pending());
        assert!(seat.landing().now_or_never().is_none());
        drop(seat);
        assert_eq!(flights.count(), 0);
        let seat = flights.board(key(), AGE_MAX, |_| async { Ok(landed()) });
        assert!(seat.landing().await.is_ok());
    }
}
