//! What a cache that is away has still to forget.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::stale::Stale;
use crate::cache::{Cache, CacheError};

/// Names and ids that are remembered; with more of them, everything is to be forgotten. They take some 10 MB.
const OWED_MAX: usize = 100_000;
/// How often the cache is asked whether it forgets again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one cache owes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Owed {
    cache: Cache,
    /// `None` while nothing is owed; else a task sees to it.
    debt: Arc<Mutex<Option<Debt>>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Debt {
    These(Stale),
    /// More than is remembered one by one.
    Everything,
}

impl Owed {
    pub(super) fn of(cache: &Cache) -> Self {
        Self { cache: cache.clone(), debt: Arc::default() }
    }

    /// Remembers `stale`, which the cache did not forget because of `error`, until it does. This process forgets it now.
    pub(super) async fn add(&self, stale: Stale, error: &CacheError) {
        stale.drop_here(&self.cache).await;
        let mut debt = self.lock();
        match &mut *debt {
            Some(debt) => debt.add(Debt::These(stale)),
            None => {
                tracing::warn!(%error, "the cache of NOCTIS_CACHE_URL forgets what changes now when it is back");
                *debt = Some(Debt::of(stale));
                tokio::spawn(self.clone().pay());
            }
        }
    }

    /// Ends when nothing is owed any more.
    async fn pay(self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            let Some(mut debt) = self.lock().as_mut().map(mem::take) else { return };
            let paid = debt.pay_to(&self.cache).await;
            let mut owed = self.lock();
            match (paid, &mut *owed) {
                (Ok(()), Some(more)) if *more == Debt::default() => {
                    *owed = None;
                    tracing::info!("the cache has forgotten what changed while it was away");
                    return;
                }
                (Err(_still_away), Some(more)) => more.add(debt),
                (Ok(()), _) | (_, None) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Debt>> {
        self.debt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Debt {
    fn default() -> Self {
        Self::These(Stale::default())
    }
}

impl Debt {
    fn of(stale: Stale) -> Self {
        let mut debt = Self::default();
        debt.add(Self::These(stale));
        debt
    }

    fn add(&mut self, other: Self) {
        let (Self::These(stale), Self::These(more)) = (&mut *self, other) else {
            *self = Self::Everything;
            return;
        };
        stale.add(more);
        if stale.len() > OWED_MAX {
            stale.deduplicate();
        }
        if stale.len() > OWED_MAX {
            *self = Self::Everything;
        }
    }

    async fn pay_to(&mut self, cache: &Cache) -> Result<(), CacheError> {
        match self {
            Self::These(stale) => stale.drop_from(cache).await?,
            Self::Everything => cache.clear().await?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(range: std::ops::Range<usize>) -> Debt {
        Debt::These(Stale { names: range.map(|number| number.to_string()).collect(), ..Stale::default() })
    }

    #[test]
    fn what_is_owed_is_remembered_one_by_one_up_to_a_bound_and_then_it_is_everything() {
        let mut debt = names(0..OWED_MAX);
        debt.add(names(0..OWED_MAX));
        let Debt::These(stale) = &debt else { panic!("the same names again are no more") };
        assert_eq!(stale.len(), OWED_MAX);
        debt.add(names(OWED_MAX..OWED_MAX + 1));
        assert_eq!(debt, Debt::Everything);
        debt.add(names(0..1));
        assert_eq!(debt, Debt::Everything);
        let mut none = Debt::default();
        none.add(Debt::Everything);
        assert_eq!(none, Debt::Everything);
    }
}
