//! Who listens to jobs: how many streams there are, of one client and in all. Each is a connection that stays, and a look
//! into the catalog each second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Streams of one client: some pages of a browser, each with some jobs.
const CLIENT_MAX: usize = 16;
/// Streams of this process.
const ALL_MAX: usize = 1000;

/// The streams of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// The right to one stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    streams: Streams,
    client: Arc<str>,
}

impl Streams {
    /// One more for `client`; `None` where there are as many as may be.
    pub(crate) fn begin(&self, client: &str) -> Option<Listener> {
        let mut streams = self.lock();
        let all: usize = streams.values().sum();
        let of_client = streams.get(client).copied().unwrap_or(0);
        if of_client >= CLIENT_MAX || all >= ALL_MAX {
            return None;
        }
        let client: Arc<str> = client.into();
        *streams.entry(Arc::clone(&client)).or_default() += 1;
        Some(Listener { streams: self.clone(), client })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        if let Some(count) = streams.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_so_many_streams_and_others_have_theirs() {
        let streams = Streams::default();
        let mut held: Vec<_> = (0..CLIENT_MAX).map(|_| streams.begin("a").expect("room")).collect();
        assert!(streams.begin("a").is_none());
        assert!(streams.begin("b").is_some());
        held.pop();
        assert!(streams.begin("a").is_some(), "one has ended");
        drop(held);
        assert!(streams.lock().is_empty());
        let all: Vec<_> =
            (0..ALL_MAX).map(|number| streams.begin(&format!("client {number}")).expect("room")).collect();
        assert!(streams.begin("c").is_none());
        drop(all);
    }
}
