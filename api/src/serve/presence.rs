//! What one connection is doing: told by its stream and its requests, read by who watches it and who needs its place.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ServeTimes;

/// How long a connection with nothing under way stays once the server is to end: a request may be on its way.
const QUIET_AT_THE_END_MAX: Duration = Duration::from_secs(1);

/// No head is being read.
const NONE: u64 = u64::MAX;

/// One connection.
#[derive(Debug)]
pub(super) struct Presence {
    began: Instant,
    requests: AtomicUsize,
    /// When the last request ended, in microseconds after the beginning.
    quiet_since: AtomicU64,
    /// When the head of the next request began, likewise. The first one begins with the connection.
    head_since: AtomicU64,
    /// Whether requests share it (HTTP/2), so that what arrives says nothing of one of them.
    shared: AtomicBool,
    write_waits: AtomicBool,
    /// Cancelled when its place is needed.
    pub(super) leaves: CancellationToken,
}

/// A request under way, until the last of its answer is handed over.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Presence>);

impl Presence {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            shared: AtomicBool::new(false),
            write_waits: AtomicBool::new(false),
            leaves: CancellationToken::new(),
        })
    }

    /// The peer may speak from now on, and has its time to do so.
    pub(super) fn greet(&self) {
        let now = self.now();
        self.quiet_since.store(now, Relaxed);
        self.head_since.store(now, Release);
    }

    /// A request has begun: its head is there.
    pub(super) fn begin(self: &Arc<Self>, shared: bool) -> UnderWay {
        self.requests.fetch_add(1, AcqRel);
        if shared {
            self.shared.store(true, Relaxed);
        }
        self.head_since.store(NONE, Release);
        UnderWay(Arc::clone(self))
    }

    /// Bytes came. With nothing under way they are the head of a request.
    pub(super) fn hear(&self) {
        if self.requests.load(Acquire) == 0
            && !self.shared.load(Relaxed)
            && self.head_since.load(Acquire) == NONE
        {
            self.head_since.store(self.now(), Release);
        }
    }

    /// Whether the peer is to take what was written.
    pub(super) fn set_write_waits(&self, waits: bool) {
        if self.write_waits.load(Relaxed) != waits {
            self.write_waits.store(waits, Release);
        }
    }

    /// Since when nothing has been under way; `None` while something is.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let busy = self.requests.load(Acquire) > 0 || self.write_waits.load(Acquire);
        (!busy).then(|| self.began + Duration::from_micros(self.quiet_since.load(Acquire)))
    }

    /// When it has been quiet for too long; `None` while something is under way. `drains_since` is set once the server
    /// is to end.
    pub(super) fn deadline(&self, times: &ServeTimes, drains_since: Option<Instant>) -> Option<Instant> {
        let quiet_since = self.quiet_since()?;
        let deadline = match self.head_since.load(Acquire) {
            NONE => quiet_since + times.idle_max,
            since => self.began + Duration::from_micros(since) + times.head_max,
        };
        let at_the_end = drains_since.map(|since| since.max(quiet_since) + QUIET_AT_THE_END_MAX);
        Some(at_the_end.map_or(deadline, |at_the_end| at_the_end.min(deadline)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(NONE - 1)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.now(), Release);
        self.0.requests.fetch_sub(1, AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: ServeTimes = ServeTimes {
        head_max: Duration::from_secs(10),
        idle_max: Duration::from_secs(75),
        ..ServeTimes::DEFAULT
    };

    /// Time passes, as far as it can tell.
    fn pass(presence: &mut Arc<Presence>, seconds: u64) {
        Arc::get_mut(presence).expect("nothing under way").began -= Duration::from_secs(seconds);
    }

    /// The deadline, in seconds after the beginning.
    fn deadline(presence: &Presence, drains_after: Option<u64>) -> Option<u64> {
        let drains_since = drains_after.map(|seconds| presence.began + Duration::from_secs(seconds));
        Some(presence.deadline(&TIMES, drains_since)?.duration_since(presence.began).as_secs())
    }

    #[test]
    fn a_connection_has_a_time_for_each_head_and_one_between_them() {
        let mut presence = Presence::new();
        assert_eq!(deadline(&presence, None), Some(10), "the first head begins with the connection");
        pass(&mut presence, 5);
        let request = presence.begin(false);
        assert_eq!(deadline(&presence, None), None, "a request is under way");
        presence.hear();
        drop(request);
        assert_eq!(deadline(&presence, None), Some(5 + 75), "idle");
        pass(&mut presence, 20);
        presence.hear();
        pass(&mut presence, 5);
        presence.hear();
        assert_eq!(deadline(&presence, None), Some(25 + 10), "a byte now and then makes a head no younger");
        presence.set_write_waits(true);
        assert_eq!(deadline(&presence, None), None, "the last answer is not taken yet");
    }

    #[test]
    fn what_arrives_on_a_shared_connection_is_no_head() {
        let mut presence = Presence::new();
        pass(&mut presence, 5);
        let (one, other) = (presence.begin(true), presence.begin(true));
        drop(one);
        assert_eq!(deadline(&presence, None), None);
        drop(other);
        presence.hear();
        assert_eq!(deadline(&presence, None), Some(5 + 75));
    }

    #[test]
    fn at_the_end_nobody_who_asks_for_nothing_is_waited_for() {
        let mut presence = Presence::new();
        pass(&mut presence, 3);
        assert_eq!(deadline(&presence, Some(3)), Some(3 + 1));
        pass(&mut presence, 2);
        let request = presence.begin(false);
        assert_eq!(deadline(&presence, Some(3)), None);
        drop(request);
        assert_eq!(deadline(&presence, Some(3)), Some(5 + 1));
    }
}
