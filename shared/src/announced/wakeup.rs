//! Who in this process waits for which render, and the way to wake them.
//!
//! A wake-up is a hint, not a promise: look again after it. It may come twice, and after Redis was away everybody is
//! woken, because announcements of that time are lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::render_key::RenderKey;

/// The waiters of one process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Wakeups {
    waiting: Arc<Mutex<HashMap<RenderKey, watch::Sender<()>>>>,
}

/// One who waits for one render; dropping it ends the waiting.
#[must_use = "a dropped waiter is not woken"]
pub struct Waiter {
    key: RenderKey,
    woken: watch::Receiver<()>,
    wakeups: Wakeups,
}

impl Wakeups {
    /// Waits for `key` from this moment on. Register first, then claim and look: what is announced after this call
    /// is not missed.
    pub fn register(&self, key: &RenderKey) -> Waiter {
        let woken = self.lock().entry(*key).or_insert_with(|| watch::Sender::new(())).subscribe();
        Waiter { key: *key, woken, wakeups: self.clone() }
    }

    /// How many renders someone in this process waits for.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn wake(&self, key: &RenderKey) {
        if let Some(sender) = self.lock().get(key) {
            sender.send_replace(());
        }
    }

    pub(crate) fn wake_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RenderKey, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Returns once the render was announced since registering, or since the last return. Safe to cancel.
    pub async fn woken(&mut self) {
        if self.woken.changed().await.is_err() {
            // The sender lives as long as this waiter does; were it gone, nobody could wake us any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.wakeups.lock();
        // This waiter's own receiver is still counted here.
        if waiting.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiting.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn key(digit: char) -> RenderKey {
        digit.to_string().repeat(32).parse().expect("32 digits")
    }

    #[test]
    fn a_wake_up_before_the_wait_is_kept_and_consumed_once() {
        let wakeups = Wakeups::default();
        let mut waiter = wakeups.register(&key('1'));
        wakeups.wake(&key('1'));
        assert!(waiter.woken().now_or_never().is_some());
        assert!(waiter.woken().now_or_never().is_none());
    }

    #[test]
    fn the_last_waiter_of_a_key_takes_the_key_away() {
        let wakeups = Wakeups::default();
        let (first, mut second) = (wakeups.register(&key('1')), wakeups.register(&key('1')));
        drop(first);
        assert_eq!(wakeups.key_count(), 1);
        wakeups.wake_all();
        assert!(second.woken().now_or_never().is_some());
        drop(second);
        assert_eq!(wakeups.key_count(), 0);
    }
}
