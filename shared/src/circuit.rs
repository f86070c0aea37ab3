//! Leaves a server that just failed alone for a moment, so that its outage costs one request the timeout, not every one.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Closed while all is well. Open after an outage; then one call at a time may try whether it is over.
#[derive(Debug)]
pub(crate) struct Circuit {
    started: Instant,
    /// Milliseconds since `started` until which nobody may call; 0 while closed.
    resting_until: AtomicU64,
    response_timeout: Duration,
}

/// How long a failed server is left alone.
const REST: Duration = Duration::from_millis(500);

impl Circuit {
    pub(crate) fn new(response_timeout: Duration) -> Self {
        Self { started: Instant::now(), resting_until: AtomicU64::new(0), response_timeout }
    }

    /// Whether to call now. After the rest it is yes for one caller, and for the next only once that one's time is up.
    pub(crate) fn lets_through(&self) -> bool {
        let resting_until = self.resting_until.load(Ordering::Relaxed);
        if resting_until == 0 {
            return true;
        }
        let now = self.now_ms();
        let next = now + millis(self.response_timeout);
        now >= resting_until
            && self
                .resting_until
                .compare_exchange(resting_until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether the server is being left alone now, for callers that would not tell how it went.
    pub(crate) fn rests(&self) -> bool {
        let resting_until = self.resting_until.load(Ordering::Relaxed);
        resting_until != 0 && self.now_ms() < resting_until
    }

    /// Whether the last call that told how it went failed.
    pub(crate) fn is_open(&self) -> bool {
        self.resting_until.load(Ordering::Relaxed) != 0
    }

    /// A call was answered. Says whether the circuit was open before.
    pub(crate) fn answered(&self) -> bool {
        // A plain load first: the usual case must not write to a cache line that all cores share.
        self.resting_until.load(Ordering::Relaxed) != 0 && self.resting_until.swap(0, Ordering::Relaxed) != 0
    }

    /// A call failed to reach the server. Says whether the circuit was closed before.
    pub(crate) fn failed(&self) -> bool {
        let until = self.now_ms() + millis(REST);
        self.resting_until.swap(until, Ordering::Relaxed) == 0
    }

    fn now_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_calls_rest_and_then_one_may_try() {
        let circuit = Circuit::new(Duration::from_secs(60));
        assert!(circuit.lets_through());
        assert!(circuit.failed(), "it was closed before");
        assert!(!circuit.failed(), "it was open already");
        assert!(!circuit.lets_through());
        std::thread::sleep(REST + Duration::from_millis(5));
        assert!(circuit.lets_through(), "one may try");
        assert!(!circuit.lets_through(), "the others rest on");
        assert!(circuit.answered());
        assert!(circuit.lets_through());
        assert!(!circuit.answered(), "it was closed already");
    }
}
