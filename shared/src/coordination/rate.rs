//! How many requests a client may make: the generic cell rate algorithm (GCRA).
//!
//! A client may spend its whole limit at once and then gets it back evenly over the window: no bursts of twice the
//! limit at a window's edge, and one number to store for each client, the moment at which its quota is whole again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::settings::RateLimit;

/// Whether a request may pass, for the status and the `RateLimit-*` and `Retry-After` fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it may pass.
    pub allowed: bool,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Allowed: until the whole quota is back. Refused: until the next request may pass.
    pub reset_after: Duration,
}

impl RateDecision {
    /// Decides at `now` for a client whose quota is whole again at `whole_at`, both in microseconds of one clock, and who
    /// wants as much as `cost` requests.
    /// Returns also the new `whole_at`. `coordination/scripts.rs` holds the same arithmetic in Lua.
    pub(super) fn decide(whole_at: Option<u64>, now: u64, cost: u32, limit: RateLimit) -> (Self, u64) {
        let RateLimit { requests, window } = limit;
        let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
        if requests == 0 {
            return (Self::refused(window), now);
        }
        let whole_at = whole_at.unwrap_or(now).max(now);
        let spent = micros_of(cost, limit);
        let debt = (whole_at - now).saturating_add(spent);
        if debt > window {
            return (Self::refused(debt - window), whole_at);
        }
        let remaining = u128::from(window - debt) * u128::from(requests) / u128::from(window.max(1));
        (Self::allowed(u64::try_from(remaining).unwrap_or(u64::MAX), debt), whole_at + spent)
    }

    pub(super) fn allowed(remaining: u64, reset_micros: u64) -> Self {
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        Self { allowed: true, remaining, reset_after: Duration::from_micros(reset_micros) }
    }

    pub(super) fn refused(reset_micros: u64) -> Self {
        Self { allowed: false, remaining: 0, reset_after: Duration::from_micros(reset_micros) }
    }
}

/// Counts the requests of this process alone: the memory variant, and what is left while Redis is down.
pub(super) struct RateLimiter {
    started: Instant,
    whole_at: Mutex<HashMap<[u8; 16], u64>>,
}

/// Clients remembered; 24 bytes each.
pub(super) const CLIENTS_MAX: usize = 100_000;

impl Default for RateLimiter {
    fn default() -> Self {
        Self { started: Instant::now(), whole_at: Mutex::default() }
    }
}

impl RateLimiter {
    pub(super) fn count_request(&self, client: &str, cost: u32, limit: RateLimit) -> RateDecision {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX / 4);
        let client = client_digest(client);
        let mut clients = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= CLIENTS_MAX && !clients.contains_key(&client) {
            make_room(&mut clients, now);
        }
        let (decision, whole_at) = RateDecision::decide(clients.get(&client).copied(), now, cost, limit);
        clients.insert(client, whole_at);
        decision
    }

    pub(super) fn give_back(&self, client: &str, cost: u32, limit: RateLimit) {
        let mut clients = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole_at) = clients.get_mut(&client_digest(client)) {
            *whole_at = whole_at.saturating_sub(micros_of(cost, limit));
        }
    }
}

/// How long it takes `cost` requests of `limit` to come back, in microseconds.
pub(super) fn micros_of(cost: u32, limit: RateLimit) -> u64 {
    let micros = limit.window.as_micros().min(u128::from(u64::MAX / 4));
    let lasts = micros * u128::from(cost) / u128::from(limit.requests.max(1));
    u64::try_from(lasts).unwrap_or(u64::MAX / 2).min(u64::MAX / 2).max(u64::from(cost > 0))
}

/// Drops clients with a whole quota; when all are busy, everybody starts anew: memory is bounded, nobody is locked out.
fn make_room(clients: &mut HashMap<[u8; 16], u64>, now: u64) {
    clients.retain(|_, whole_at| *whole_at > now);
    if clients.len() >= CLIENTS_MAX {
        clients.clear();
    }
}

/// Names a client in keys: fixed length whatever the client says it is, and no address or name in clear.
pub(super) fn client_digest(client: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    blake3::Hasher::new().update(client.as_bytes()).finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_second(requests: u32) -> RateLimit {
        RateLimit { requests, window: Duration::from_secs(1) }
    }

    #[test]
    fn a_client_may_spend_its_limit_at_once_and_gets_it_back_evenly() {
        let (mut whole_at, mut remaining) = (None, vec![]);
        for _ in 0..4 {
            let (decision, next) = RateDecision::decide(whole_at, 0, 1, a_second(4));
            assert!(decision.allowed);
            remaining.push(decision.remaining);
            whole_at = Some(next);
        }
        assert_eq!(remaining, [3, 2, 1, 0]);
        let (refused, next) = RateDecision::decide(whole_at, 0, 1, a_second(4));
        assert_eq!(refused, RateDecision::refused(250_000));
        assert!(!RateDecision::decide(Some(next), 249_999, 1, a_second(4)).0.allowed);
        assert!(RateDecision::decide(Some(next), 250_000, 1, a_second(4)).0.allowed);
    }

    #[test]
    fn a_dear_request_takes_several_at_once_or_is_refused() {
        let (decision, next) = RateDecision::decide(None, 0, 3, a_second(4));
        assert_eq!((decision, next), (RateDecision::allowed(1, 750_000), 750_000));
        let (refused, next) = RateDecision::decide(Some(next), 0, 2, a_second(4));
        assert_eq!((refused, next), (RateDecision::refused(250_000), 750_000));
        assert!(!RateDecision::decide(None, 0, 5, a_second(4)).0.allowed, "more than there ever is");
        assert!(
            !RateDecision::decide(None, 0, u32::MAX, RateLimit { requests: 1, window: Duration::MAX })
                .0
                .allowed
        );
    }

    #[test]
    fn a_limit_of_zero_lets_nothing_pass() {
        assert_eq!(RateDecision::decide(None, 7, 1, a_second(0)), (RateDecision::refused(1_000_000), 7));
    }

    #[test]
    fn room_is_made_by_dropping_idle_clients_first() {
        let mut clients: HashMap<_, _> = (0..CLIENTS_MAX)
            .map(|number| (client_digest(&number.to_string()), if number == 0 { 9 } else { 1 }))
            .collect();
        make_room(&mut clients, 5);
        assert_eq!(clients.into_values().collect::<Vec<_>>(), [9]);
    }
}
