//! What goes from the caches, and how.

use std::time::Duration;

use uuid::Uuid;

use crate::cache::{Cache, CacheError, Forget};

/// How long a read that began before a change may take to reach the cache, and a render that was made before to be
/// written.
pub const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What goes from the caches.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Stale {
    /// Answers, by name.
    pub(super) names: Vec<String>,
    /// Images whose outcomes go.
    pub(super) outcomes: Vec<Uuid>,
    /// Images that are told otherwise from now on, so that processes drop what they remember of them.
    pub(super) told_anew: Vec<Uuid>,
}

impl Stale {
    /// Has `cache` drop it, in every process; how many outcomes went. Safe to repeat.
    pub(super) async fn drop_from(&mut self, cache: &Cache) -> Result<u64, CacheError> {
        self.deduplicate();
        let Self { names, outcomes, told_anew } = self;
        cache.forget_metadata(names).await?;
        let dropped = if outcomes.is_empty() { 0 } else { cache.forget_images(outcomes).await? };
        for forget in Forget::images(told_anew) {
            cache.broadcast_forget(forget).await?;
        }
        forget_again(cache, names.clone());
        Ok(dropped)
    }

    /// Has this process drop it, whatever becomes of `cache`.
    pub(super) async fn drop_here(&self, cache: &Cache) {
        for forget in Forget::images(&self.outcomes).chain(Forget::images(&self.told_anew)) {
            let _others_hear_of_it_later = cache.broadcast_forget(forget).await;
        }
    }

    /// Takes what `other` has, too.
    pub(super) fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        self.outcomes.extend(other.outcomes);
        self.told_anew.extend(other.told_anew);
    }

    pub(super) fn deduplicate(&mut self) {
        self.names.sort_unstable();
        self.names.dedup();
        for images in [&mut self.outcomes, &mut self.told_anew] {
            images.sort_unstable();
            images.dedup();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len() + self.outcomes.len() + self.told_anew.len()
    }
}

/// Forgotten once more a little later, an answer that was read during the change does not stay for the hours of its life.
fn forget_again(cache: &Cache, names: Vec<String>) {
    if names.is_empty() {
        return;
    }
    let cache = cache.clone();
    tokio::spawn(async move {
        tokio::time::sleep(AGAIN_AFTER).await;
        if let Err(error) = cache.forget_metadata(&names).await {
            tracing::debug!(%error, "an answer that was read during the change may stay until it expires");
        }
    });
}
