//! How many answers without an end in sight one client may have at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::problem::{Kind, Problem};

/// Of one client: some pages of a browser, each with some jobs and panes.
const OF_ONE_MAX: usize = 16;
/// In all.
const MAX: usize = 1000;

const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// The streams of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// The right to one stream. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    streams: Streams,
    client: String,
}

impl Streams {
    /// # Errors
    /// 429 for a client that has as many as one may have, and when there are as many as there may be.
    pub(crate) fn begin(&self, client: &str) -> Result<StreamPermit, Problem> {
        let mut streams = self.lock();
        let of_client = streams.get(client).copied().unwrap_or(0);
        if of_client >= OF_ONE_MAX || streams.values().sum::<usize>() >= MAX {
            let detail = format!("A client may have {OF_ONE_MAX} streams at a time, and all together {MAX}.");
            return Err(Problem::new(Kind::TooManyStreams, detail).retry_after(RETRY_PAUSE));
        }
        *streams.entry(client.to_owned()).or_default() += 1;
        Ok(StreamPermit { streams: self.clone(), client: client.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
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
    fn a_client_has_some_streams_at_a_time_and_keeps_nobody_else_from_his() {
        let streams = Streams::default();
        let mut permits: Vec<_> = (0..OF_ONE_MAX).map(|_| streams.begin("ada").expect("one more")).collect();
        assert_eq!(streams.begin("ada").expect_err("too many").kind(), Kind::TooManyStreams);
        let other = streams.begin("eve").expect("another's");
        permits.pop();
        permits.push(streams.begin("ada").expect("one was given back"));
        drop((permits, other));
        assert!(streams.lock().is_empty());
        let all: Vec<_> = (0..MAX).map(|client| streams.begin(&client.to_string()).expect("room")).collect();
        assert!(streams.begin("one more").is_err());
        drop(all);
    }
}
