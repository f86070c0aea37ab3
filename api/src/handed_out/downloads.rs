//! How many files are handed out at a time: each holds some pieces in memory, and a file of the storage open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::problem::{Kind, Problem};

/// Of one client. Browsers ask for up to 100 files at a time over one connection.
const CLIENT_MAX: usize = 100;
/// Of all clients: some 400 kB each.
const ALL_MAX: usize = 400;
/// When a client may try again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// What is handed out now. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Downloads(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_client: HashMap<Arc<str>, usize>,
}

/// The right to be handed out one file or archive. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Download {
    downloads: Downloads,
    client: Arc<str>,
}

impl Downloads {
    /// # Errors
    /// 503 for one more than a client, or all of them, may have.
    pub(crate) fn begin(&self, client: &str) -> Result<Download, Problem> {
        let mut counts = self.lock();
        let of_client = counts.by_client.get(client).copied().unwrap_or(0);
        if counts.all >= ALL_MAX || of_client >= CLIENT_MAX {
            let detail = "Earlier files are still on their way; take them first.";
            return Err(Problem::new(Kind::AnswersUnread, detail).retry_after(RETRY_PAUSE));
        }
        let client: Arc<str> = client.into();
        counts.all += 1;
        counts.by_client.insert(Arc::clone(&client), of_client + 1);
        Ok(Download { downloads: self.clone(), client })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut counts = self.downloads.lock();
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
        let downloads = Downloads::default();
        let mut held: Vec<Download> =
            (0..CLIENT_MAX).map(|_| downloads.begin("a").expect("admitted")).collect();
        assert_eq!(downloads.begin("a").expect_err("past the bound").kind(), Kind::AnswersUnread);
        held.push(downloads.begin("b").expect("another client"));
        held.remove(0);
        held.push(downloads.begin("a").expect("one ended"));
        for client in 0..ALL_MAX - held.len() {
            held.push(downloads.begin(&client.to_string()).expect("admitted"));
        }
        assert!(downloads.begin("c").is_err(), "past the bound of all");
        held.clear();
        let counts = downloads.lock();
        assert!(counts.all == 0 && counts.by_client.is_empty(), "{counts:?}");
    }
}
