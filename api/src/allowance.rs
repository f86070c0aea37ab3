//! How many answers of a kind one client may have under way at a time, and all together: those that last, and hold something
//! meanwhile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::problem::{Kind, Problem};

/// When a client may try again that has as many as it may.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// A bound, and what counts against it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    of_one_max: usize,
    all_max: usize,
    /// What one is told who has as many as he may.
    refusal: (Kind, &'static str),
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_client: HashMap<Arc<str>, usize>,
}

/// The right to one more. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Allowed {
    inner: Arc<Inner>,
    client: Arc<str>,
}

impl Allowance {
    /// Of streams: some pages of a browser, each with some jobs and panes.
    pub(crate) fn of_streams() -> Self {
        let detail = "This client, or all of them, have as many streams as may be; one that ends makes room.";
        Self::new(16, 1000, (Kind::TooManyStreams, detail))
    }

    /// Of files, each some 400 kB in memory and one that is open. Browsers ask for up to 100 at a time over one connection.
    pub(crate) fn of_files() -> Self {
        Self::new(100, 400, (Kind::AnswersUnread, "Earlier files are still on their way; take them first."))
    }

    /// Of uploads, each with up to 10 MB in memory and a file that is being written.
    pub(crate) fn of_uploads() -> Self {
        let detail = "This client, or all of them, send as many uploads as may be; one that ends makes room.";
        Self::new(16, 32, (Kind::TooManyUploads, detail))
    }

    fn new(of_one_max: usize, all_max: usize, refusal: (Kind, &'static str)) -> Self {
        Self(Arc::new(Inner { of_one_max, all_max, refusal, counts: Mutex::default() }))
    }

    /// # Errors
    /// The problem of a client that has as many as one may have, or of one more than there may be.
    pub(crate) fn begin(&self, client: &str) -> Result<Allowed, Problem> {
        let Inner { of_one_max, all_max, refusal: (kind, detail), .. } = &*self.0;
        let mut counts = self.0.lock();
        let of_client = counts.by_client.get(client).copied().unwrap_or(0);
        if of_client >= *of_one_max || counts.all >= *all_max {
            return Err(Problem::new(*kind, *detail).retry_after(RETRY_PAUSE));
        }
        let client: Arc<str> = client.into();
        counts.all += 1;
        counts.by_client.insert(Arc::clone(&client), of_client + 1);
        Ok(Allowed { inner: Arc::clone(&self.0), client })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        let mut counts = self.inner.lock();
        counts.all -= 1;
        if let Some(of_client) = counts.by_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                counts.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_refused_past_its_bound_and_others_are_not() {
        for (allowance, kind) in [
            (Allowance::of_streams(), Kind::TooManyStreams),
            (Allowance::of_files(), Kind::AnswersUnread),
            (Allowance::of_uploads(), Kind::TooManyUploads),
        ] {
            let Inner { of_one_max, all_max, .. } = *allowance.0;
            let mut held: Vec<_> = (0..of_one_max).map(|_| allowance.begin("a").expect("admitted")).collect();
            assert_eq!(allowance.begin("a").expect_err("past the bound").kind(), kind);
            held.push(allowance.begin("b").expect("another client"));
            held.remove(0);
            held.push(allowance.begin("a").expect("one ended"));
            for client in 0..all_max - held.len() {
                held.push(allowance.begin(&client.to_string()).expect("admitted"));
            }
            assert_eq!(allowance.begin("c").expect_err("past the bound of all").kind(), kind);
            held.clear();
            let counts = allowance.0.lock();
            assert!(counts.all == 0 && counts.by_client.is_empty(), "{counts:?}");
        }
    }
}
