//! How many renders each client has under way in this process.
//!
//! Lanes are first come, first served: one client that asks for a whole series at once would have everybody else wait
//! behind it. What goes beyond a client's share of the screen takes the heavy lane, which never has the last slot of a
//! worker. A client alone loses nothing by it: both lanes are worked on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Renders of one client that are on-screen at a time, cheap ones: what is looked at, and what comes next.
pub(super) const ON_SCREEN_MAX: usize = 2;

/// Clients and what they have under way. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// One render under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    shares: Shares,
    client: Arc<str>,
    /// Renders that the client had under way before this one.
    pub(super) ahead: usize,
}

impl Shares {
    pub(super) fn begin(&self, client: &str) -> UnderWay {
        let mut shares = self.lock();
        let client = match shares.get_key_value(client) {
            Some((client, _)) => Arc::clone(client),
            None => client.into(),
        };
        let count = shares.entry(Arc::clone(&client)).or_default();
        let ahead = *count;
        *count += 1;
        UnderWay { shares: self.clone(), client, ahead }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut shares = self.shares.lock();
        if let Some(count) = shares.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                shares.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_renders_are_counted_apart_and_until_they_end() {
        let shares = Shares::default();
        let first = shares.begin("a");
        let second = shares.begin("a");
        let other = shares.begin("b");
        assert_eq!([first.ahead, second.ahead, other.ahead], [0, 1, 0]);
        drop(first);
        assert_eq!(shares.begin("a").ahead, 1);
        drop((second, other));
        assert!(shares.lock().is_empty(), "nothing is kept of clients that are idle");
    }
}
