//! Requests that were taken from a count in Redis beforehand, so that not each of them costs a trip.
//!
//! What is taken is paid: all processes together never let through more than the limit. What a process has left when its
//! client goes elsewhere is lost to that client for a window, a fiftieth of its limit.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::rate::{CLIENTS_MAX, RateDecision};
use crate::settings::RateLimit;

/// The part of a limit that is taken at a time.
const PART: u32 = 50;

/// How much more than a request costs is taken with it. Nothing of a small limit, which is counted one by one.
pub(super) fn beyond(limit: RateLimit) -> u32 {
    limit.requests / PART
}

/// What is left of what was taken, by client.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<[u8; 16], Lease>>);

#[derive(Debug)]
struct Lease {
    limit: RateLimit,
    left: u32,
    /// What Redis said when it was taken.
    shared: RateDecision,
    taken_at: Instant,
}

impl Lease {
    fn holds(&self) -> bool {
        self.left > 0 && self.taken_at.elapsed() < self.limit.window
    }
}

impl Leases {
    /// Takes `cost` of what is left for a client.
    ///
    /// # Errors
    /// All that is left, taken, where that is not enough.
    pub(super) fn spend(&self, client: [u8; 16], cost: u32, limit: RateLimit) -> Result<RateDecision, u32> {
        let mut leases = self.lock();
        let lease =
            leases.get_mut(&client).filter(|lease| lease.limit == limit && lease.holds()).ok_or(0_u32)?;
        let Some(left) = lease.left.checked_sub(cost) else { return Err(mem::take(&mut lease.left)) };
        lease.left = left;
        Ok(RateDecision {
            allowed: true,
            remaining: lease.shared.remaining.saturating_add(left),
            reset_after: lease.shared.reset_after.saturating_sub(lease.taken_at.elapsed()),
        })
    }

    /// Puts `cost` back to what is left for a client; whether there is something to put it to.
    pub(super) fn put_back(&self, client: [u8; 16], cost: u32, limit: RateLimit) -> bool {
        let mut leases = self.lock();
        let lease = leases.get_mut(&client);
        match lease.filter(|lease| lease.limit == limit && lease.taken_at.elapsed() < limit.window) {
            Some(lease) => {
                lease.left = lease.left.saturating_add(cost).min(limit.requests);
                true
            }
            None => false,
        }
    }

    /// Keeps what was taken beyond a request, and tells what that leaves its client.
    pub(super) fn keep(
        &self,
        client: [u8; 16],
        limit: RateLimit,
        left: u32,
        shared: RateDecision,
    ) -> RateDecision {
        let mut leases = self.lock();
        if leases.len() >= CLIENTS_MAX && !leases.contains_key(&client) {
            leases.retain(|_, lease| lease.holds());
            if leases.len() >= CLIENTS_MAX {
                leases.clear();
            }
        }
        leases.insert(client, Lease { limit, left, shared, taken_at: Instant::now() });
        RateDecision { remaining: shared.remaining.saturating_add(left), ..shared }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: RateLimit = RateLimit { requests: 1000, window: Duration::from_secs(60) };
    const CLIENT: [u8; 16] = [1; 16];

    #[test]
    fn what_was_taken_is_spent_by_its_client_under_its_limit_and_no_further() {
        let leases = Leases::default();
        assert_eq!(leases.spend(CLIENT, 1, LIMIT), Err(0));
        let shared = RateDecision::allowed(979, 1_260_000);
        assert_eq!(leases.keep(CLIENT, LIMIT, beyond(LIMIT), shared).remaining, 999);
        let other = RateLimit { requests: 999, ..LIMIT };
        assert_eq!((leases.spend([2; 16], 1, LIMIT), leases.spend(CLIENT, 1, other)), (Err(0), Err(0)));
        let spend = |cost| leases.spend(CLIENT, cost, LIMIT).map(|decision| decision.remaining);
        assert_eq!(
            [spend(5), spend(14), spend(2), spend(1)],
            [Ok(994), Ok(980), Err(1), Err(0)],
            "what was not enough was taken"
        );
        assert!(leases.put_back(CLIENT, 1, LIMIT) && !leases.put_back([2; 16], 1, LIMIT));
        assert_eq!(spend(1), Ok(979));
    }

    #[test]
    fn what_is_older_than_its_window_is_no_more_and_a_small_limit_is_counted_one_by_one() {
        let leases = Leases::default();
        let brief = RateLimit { requests: 100, window: Duration::ZERO };
        leases.keep(CLIENT, brief, 2, RateDecision::allowed(97, 0));
        assert_eq!(leases.spend(CLIENT, 1, brief), Err(0));
        assert_eq!(beyond(RateLimit { requests: 49, ..LIMIT }), 0);
    }
}
