//! Who may use a slot next: the lanes in their order, and the screen always has a slot to itself.
//!
//! There are as many places as slots, and two where there is one slot. What is heavy or in the background takes all but
//! one of them together. The next job of a lane is delivered only when one has ended, so that a place waits a moment for
//! its own lane before it goes to a lower one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use noctis_shared::lane::Lane;
use tokio::{runtime::Handle, sync::oneshot};

/// How long a place that was left waits for the next job of its lane: an acknowledgement, a delivery, a look.
const KEPT_FOR_ITS_LANE: Duration = Duration::from_millis(8);

/// Places to render in. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    count: usize,
    free: usize,
    /// How many more places work off the screen may take.
    off_screen_free: usize,
    /// Until when nothing below an urgency gets a place.
    kept: Option<(usize, Instant)>,
    /// Those who wait, by urgency.
    waiting: [VecDeque<oneshot::Sender<Place>>; URGENCIES],
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    urgency: usize,
}

const URGENCIES: usize = 3;

/// 0 goes first.
pub(super) fn urgency(lane: Lane) -> usize {
    match lane {
        Lane::OnScreen => 0,
        Lane::OnScreenHeavy => 1,
        Lane::Background | Lane::Index | Lane::Upload => 2,
    }
}

impl Places {
    /// With one slot what is on the screen is drawn beside what is not, whose process gives way to it.
    pub(super) fn new(slot_count: usize) -> Self {
        let count = slot_count.max(2);
        Self(Arc::new(Mutex::new(State {
            count,
            free: count,
            off_screen_free: count - 1,
            kept: None,
            waiting: Default::default(),
        })))
    }

    /// A place for work of `lane`, once it is its turn. Safe to cancel: whoever leaves loses the turn.
    pub(super) async fn take(&self, lane: Lane) -> Place {
        let (turn, comes) = oneshot::channel();
        self.lock().waiting[urgency(lane)].push_back(turn);
        self.hand_out();
        match comes.await {
            Ok(place) => place,
            // The sender waits in the state, which lives as long as `self` does.
            Err(_) => std::future::pending().await,
        }
    }

    /// Places that are taken, and how many wait for one.
    pub(super) fn in_use(&self) -> (usize, usize) {
        let state = self.lock();
        let waiting = state.waiting.iter().flatten().filter(|turn| !turn.is_closed()).count();
        (state.count - state.free, waiting)
    }

    /// Gives free places to those whose turn it is.
    fn hand_out(&self) {
        loop {
            // The place is made outside of the lock: one that nobody takes goes back by being dropped.
            let Some((turn, urgency)) = self.lock().next() else { return };
            let _nobody_took_it = turn.send(Place { places: self.clone(), urgency });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place for the first whose turn it is.
    fn next(&mut self) -> Option<(oneshot::Sender<Place>, usize)> {
        if self.free == 0 {
            return None;
        }
        let kept = self.kept.filter(|(_, until)| *until > Instant::now());
        let lowest = kept.map_or(URGENCIES - 1, |(urgency, _)| urgency);
        for urgency in 0..=lowest {
            let is_off_screen = urgency > 0;
            if is_off_screen && self.off_screen_free == 0 {
                return None;
            }
            while let Some(turn) = self.waiting[urgency].pop_front() {
                if turn.is_closed() {
                    continue;
                }
                self.free -= 1;
                self.off_screen_free -= usize::from(is_off_screen);
                return Some((turn, urgency));
            }
        }
        None
    }
}

impl State {
    /// Keeps what is free from lower lanes for a moment, if only they wait. Says whether it does.
    fn keep_for(&mut self, urgency: usize) -> bool {
        let waits = |urgencies: &[VecDeque<_>]| urgencies.iter().any(|waiting| !waiting.is_empty());
        let (own_and_higher, lower) = self.waiting.split_at(urgency + 1);
        let keeps = waits(lower) && !waits(own_and_higher);
        if keeps {
            self.kept = Some((urgency, Instant::now() + KEPT_FOR_ITS_LANE));
        }
        keeps
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        state.free += 1;
        state.off_screen_free += usize::from(self.urgency > 0);
        let kept = state.keep_for(self.urgency);
        drop(state);
        self.places.hand_out();
        if kept && let Ok(runtime) = Handle::try_current() {
            let places = self.places.clone();
            runtime.spawn(async move {
                tokio::time::sleep(KEPT_FOR_ITS_LANE).await;
                places.hand_out();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::sync::mpsc;

    use super::*;

    /// Takes places in the order of `lanes`; which of them got one at once.
    async fn at_once(slots: usize, lanes: &[Lane]) -> Vec<bool> {
        let places = Places::new(slots);
        let mut taken = Vec::new();
        for &lane in lanes {
            taken.push(Box::pin(places.take(lane)).now_or_never());
        }
        taken.iter().map(Option::is_some).collect()
    }

    #[tokio::test]
    async fn the_screen_always_has_a_slot_to_itself() {
        use Lane::{Background, OnScreen, OnScreenHeavy};
        let cases: [(usize, &[Lane], &[bool]); 6] = [
            (2, &[OnScreenHeavy, OnScreenHeavy, OnScreen], &[true, false, true]),
            (2, &[Background, OnScreenHeavy, OnScreen], &[true, false, true]),
            (
                4,
                &[Background, OnScreenHeavy, Background, Background, OnScreen],
                &[true, true, true, false, true],
            ),
            (2, &[OnScreen, OnScreen, Background], &[true, true, false]),
            (1, &[Background, OnScreen, OnScreenHeavy], &[true, true, false]),
            (1, &[OnScreenHeavy, Background, OnScreen], &[true, false, true]),
        ];
        for (slots, lanes, expected) in cases {
            assert_eq!(at_once(slots, lanes).await, expected, "{slots} slots, {lanes:?}");
        }
    }

    /// A place for work of `lane`, waited for in a task of its own, and the lane told when it is there.
    fn wait(places: &Places, lane: Lane, told: &mpsc::UnboundedSender<(Lane, Place)>) {
        let (places, told) = (places.clone(), told.clone());
        tokio::spawn(async move {
            let place = places.take(lane).await;
            let _the_test_ended = told.send((lane, place));
        });
    }

    #[tokio::test]
    async fn who_has_a_place_is_counted_and_who_waits_for_one() {
        let places = Places::new(2);
        assert_eq!(places.in_use(), (0, 0));
        let held = (places.take(Lane::OnScreen).await, places.take(Lane::Background).await);
        let mut waits = Box::pin(places.take(Lane::OnScreen));
        assert!((&mut waits).now_or_never().is_none());
        assert_eq!(places.in_use(), (2, 1));
        drop(waits);
        assert_eq!(places.in_use(), (2, 0));
        drop(held);
        assert_eq!(places.in_use(), (0, 0));
    }

    #[tokio::test]
    async fn between_jobs_the_screen_goes_first_then_what_is_heavy() {
        let places = Places::new(2);
        let (_on_screen, held) = (places.take(Lane::OnScreen).await, places.take(Lane::Background).await);
        let (told, mut given) = mpsc::unbounded_channel();
        for lane in [Lane::Background, Lane::OnScreenHeavy, Lane::OnScreen] {
            wait(&places, lane, &told);
        }
        tokio::task::yield_now().await;
        drop(held);
        for expected in [Lane::OnScreen, Lane::OnScreenHeavy, Lane::Background] {
            let (lane, place) = given.recv().await.expect("a place was handed on");
            assert_eq!(lane, expected);
            drop(place);
        }
    }

    /// The next job of a lane comes a moment after the last one has ended.
    #[tokio::test]
    async fn a_place_waits_a_moment_for_its_own_lane() {
        let places = Places::new(2);
        let (_held, on_screen) = (places.take(Lane::OnScreen).await, places.take(Lane::OnScreen).await);
        let (told, mut given) = mpsc::unbounded_channel();
        wait(&places, Lane::Background, &told);
        tokio::task::yield_now().await;
        drop(on_screen);
        wait(&places, Lane::OnScreen, &told);
        for expected in [Lane::OnScreen, Lane::Background] {
            assert_eq!(given.recv().await.expect("a place was handed on").0, expected);
        }
    }

    #[tokio::test]
    async fn who_leaves_before_its_turn_or_right_after_takes_no_place_along() {
        let places = Places::new(2);
        let (_other, held) = (places.take(Lane::OnScreen).await, places.take(Lane::OnScreen).await);
        let mut leaves = Box::pin(places.take(Lane::OnScreen));
        let mut handed = Box::pin(places.take(Lane::OnScreen));
        assert!(leaves.as_mut().now_or_never().is_none() && handed.as_mut().now_or_never().is_none());
        drop(leaves);
        // The place is handed to the second, who leaves without having looked.
        drop(held);
        drop(handed);
        assert!(places.take(Lane::Background).now_or_never().is_some());
    }
}
