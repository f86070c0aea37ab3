//! One flight for each render that is under way in this process: whoever asks for the same picture meanwhile takes a
//! seat in it. A client that goes away gives up its seat; a flight without passengers ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use noctis_shared::render_key::RenderKey;
use uuid::Uuid;

use super::look::Found;
use crate::problem::Problem;

/// How a flight ends, for all its passengers.
pub(crate) type Landing = Result<Found, Problem>;

/// A place in a flight; resolves to its landing.
pub(crate) type Seat = Shared<BoxFuture<'static, Landing>>;

/// The job that a flight waits for now, for those whose patience ends first.
#[derive(Debug, Default)]
pub(crate) struct CurrentJob(Mutex<Option<Uuid>>);

impl CurrentJob {
    pub(crate) fn set(&self, job_id: Uuid) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(job_id);
    }

    pub(crate) fn get(&self) -> Option<Uuid> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The flights of this process.
#[derive(Default)]
pub(crate) struct Flights {
    by_key: Arc<Mutex<HashMap<RenderKey, Flight>>>,
}

struct Flight {
    landing: WeakShared<BoxFuture<'static, Landing>>,
    job: Arc<CurrentJob>,
}

impl Flights {
    /// A seat in the flight of `key`, and the job it waits for. `depart` makes the flight when there is none.
    pub(crate) fn board<F>(
        &self,
        key: RenderKey,
        depart: impl FnOnce(Arc<CurrentJob>) -> F,
    ) -> (Seat, Arc<CurrentJob>)
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut by_key = lock(&self.by_key);
        if let Some(flight) = by_key.get(&key)
            && let Some(seat) = flight.landing.upgrade()
        {
            return (seat, Arc::clone(&flight.job));
        }
        let job = Arc::new(CurrentJob::default());
        let entry = Entry { by_key: Arc::clone(&self.by_key), key, job: Arc::clone(&job) };
        let journey = depart(Arc::clone(&job));
        let landing = async move {
            let _entry = entry;
            journey.await
        };
        let seat = landing.boxed().shared();
        if let Some(weak) = seat.downgrade() {
            by_key.insert(key, Flight { landing: weak, job: Arc::clone(&job) });
        }
        (seat, job)
    }

    /// Flights under way.
    pub(crate) fn count(&self) -> usize {
        lock(&self.by_key).len()
    }
}

/// Takes the flight off the board when it lands, and when its last passenger leaves.
struct Entry {
    by_key: Arc<Mutex<HashMap<RenderKey, Flight>>>,
    key: RenderKey,
    job: Arc<CurrentJob>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut by_key = lock(&self.by_key);
        // A later flight of the same key may stand there already.
        if by_key.get(&self.key).is_some_and(|flight| Arc::ptr_eq(&flight.job, &self.job)) {
            by_key.remove(&self.key);
        }
    }
}

fn lock(by_key: &Mutex<HashMap<RenderKey, Flight>>) -> MutexGuard<'_, HashMap<RenderKey, Flight>> {
    by_key.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use noctis_shared::render::{FailureKind, Outcome, RenderFailure};
    use tokio::sync::oneshot;

    use super::*;
    use crate::picture::look::Tier;

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
                flights.board(key(), depart).0
            })
            .collect();
        assert_eq!(flights.count(), 1);
        land.send(()).expect("awaited");
        for landing in futures::future::join_all(seats).await {
            assert!(landing.is_ok());
        }
        assert_eq!((departures.load(Ordering::Relaxed), flights.count()), (1, 0));
    }

    #[tokio::test]
    async fn a_flight_without_passengers_ends_and_the_next_departs_anew() {
        let flights = Flights::default();
        let (seat, _) = flights.board(key(), |_| std::future::pending());
        assert!(seat.clone().now_or_never().is_none());
        drop(seat);
        assert_eq!(flights.count(), 0);
        let (seat, _) = flights.board(key(), |_| async { Ok(landed()) });
        assert!(seat.await.is_ok());
    }
}
