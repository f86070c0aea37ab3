//! Who may use a slot next: the lanes in their order, and the screen always has a slot to itself.
//!
//! There are as many places as slots. What is not plainly on-screen, heavy or in the background, takes all but one of
//! them together; with one slot it takes that one, and on-screen work goes first between jobs.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use noctis_shared::lane::Lane;
use tokio::sync::oneshot;

/// Places to render in. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// How many more places work off the screen may take.
    off_screen_free: usize,
    /// Those who wait, by urgency.
    waiting: [VecDeque<oneshot::Sender<Place>>; URGENCIES],
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    is_off_screen: bool,
}

const URGENCIES: usize = 3;

/// 0 goes first.
pub(super) fn urgency(lane: Lane) -> usize {
    match lane {
        Lane::OnScreen => 0,
        Lane::OnScreenHeavy => 1,
        Lane::Background | Lane::Index => 2,
    }
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        let off_screen_free = count.saturating_sub(1).max(1);
        Self(Arc::new(Mutex::new(State { free: count, off_screen_free, waiting: Default::default() })))
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

    /// Gives free places to those whose turn it is.
    fn hand_out(&self) {
        loop {
            // The place is made outside of the lock: one that nobody takes goes back by being dropped.
            let Some((turn, is_off_screen)) = self.lock().next() else { return };
            let _nobody_took_it = turn.send(Place { places: self.clone(), is_off_screen });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place for the first whose turn it is.
    fn next(&mut self) -> Option<(oneshot::Sender<Place>, bool)> {
        if self.free == 0 {
            return None;
        }
        for urgency in 0..URGENCIES {
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
                return Some((turn, is_off_screen));
            }
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        state.free += 1;
        state.off_screen_free += usize::from(self.is_off_screen);
        drop(state);
        self.places.hand_out();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

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
        let cases: [(usize, &[Lane], &[bool]); 5] = [
            (2, &[OnScreenHeavy, OnScreenHeavy, OnScreen], &[true, false, true]),
            (2, &[Background, OnScreenHeavy, OnScreen], &[true, false, true]),
            (
                4,
                &[Background, OnScreenHeavy, Background, Background, OnScreen],
                &[true, true, true, false, true],
            ),
            (2, &[OnScreen, OnScreen, Background], &[true, true, false]),
            (1, &[Background, OnScreen], &[true, false]),
        ];
        for (slots, lanes, expected) in cases {
            assert_eq!(at_once(slots, lanes).await, expected, "{slots} slots, {lanes:?}");
        }
    }

    #[tokio::test]
    async fn between_jobs_the_screen_goes_first_then_what_is_heavy() {
        let places = Places::new(1);
        let held = places.take(Lane::Background).await;
        let mut waiting: Vec<_> = [Lane::Background, Lane::OnScreenHeavy, Lane::OnScreen]
            .map(|lane| (lane, Box::pin(places.take(lane))))
            .into();
        for (_, take) in &mut waiting {
            assert!(take.as_mut().now_or_never().is_none());
        }
        let mut held = Some(held);
        for expected in [Lane::OnScreen, Lane::OnScreenHeavy, Lane::Background] {
            drop(held.take());
            let ready =
                waiting.iter_mut().find_map(|(lane, take)| Some((*lane, take.as_mut().now_or_never()?)));
            let (lane, place) = ready.expect("a place was handed on");
            assert_eq!(lane, expected);
            waiting.retain(|(waiting, _)| *waiting != lane);
            held = Some(place);
        }
    }

    #[tokio::test]
    async fn who_leaves_before_its_turn_or_right_after_takes_no_place_along() {
        let places = Places::new(1);
        let held = places.take(Lane::OnScreen).await;
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
