//! The coordination of one process with nothing installed. The fake of the tests, and a real back end.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Asked, Begun, Claimant, Interest, TAKEN_BACK, TOLD_LASTS, WORKERS_MAX,
    rate::{RateDecision, RateLimiter},
};
use crate::{
    announced::Wakeups,
    cache::{CacheError, memory::MemoryCache},
    presence::Presence,
    render::{Outcome, RenderFailure},
    render_key::RenderKey,
    settings::RateLimit,
};

/// All that is coordinated, in the memory of this process. Cheap to clone.
#[derive(Clone)]
pub struct MemoryCoordination(Arc<Inner>);

struct Inner {
    cache: MemoryCache,
    tables: Mutex<Tables>,
    wakeups: Wakeups,
    limiter: RateLimiter,
}

#[derive(Default)]
struct Tables {
    /// Each with how often work on it has begun.
    claims: Leases<RenderKey, (Claimant, u32)>,
    waiting: Leases<RenderKey, Leases<Uuid, ()>>,
    told: Leases<RenderKey, RenderFailure>,
    /// Who has which thing to itself.
    held: Leases<Uuid, Uuid>,
    workers: Leases<Uuid, Presence>,
}

impl MemoryCoordination {
    pub(super) fn beside(cache: MemoryCache) -> Self {
        let (tables, wakeups, limiter) = (Mutex::default(), Wakeups::default(), RateLimiter::default());
        Self(Arc::new(Inner { cache, tables, wakeups, limiter }))
    }

    pub(super) fn ask(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        interest: Option<Interest>,
        lease: Duration,
    ) -> Asked {
        let mut tables = self.lock();
        // Under the lock: what is settled is kept first, and its claim is given back under the lock after that.
        if let Some(outcome) = self.0.cache.render(key) {
            return Asked::There(outcome);
        }
        if let Some(Interest { waiter_id, lasts }) = interest {
            tables.note_interest(key, waiter_id, lasts);
        }
        match tables.claims.get(key).copied() {
            Some((held, _)) if held.job_id == claimant.job_id => Asked::Claimed,
            // A job that has begun is not promoted: it is on its way.
            Some((held, begun))
                if held != TAKEN_BACK && (claimant.may_be_promoted || !held.may_be_promoted || begun > 0) =>
            {
                Asked::Held { by: held.job_id }
            }
            _ => {
                tables.claims.set(*key, (claimant, 0), lease);
                Asked::Claimed
            }
        }
    }

    pub(super) fn begin(
        &self,
        key: &RenderKey,
        claimant: Claimant,
        droppable: bool,
        lease: Duration,
    ) -> Begun {
        let mut tables = self.lock();
        let held = tables.claims.get(key).map(|(held, before)| (held.job_id, *before));
        let ours = held.filter(|(job_id, _)| *job_id == claimant.job_id);
        if droppable && !tables.someone_waits(key) {
            if ours.is_some() {
                tables.claims.remove(key);
            }
            return Begun::Unwanted;
        }
        if held.is_some() && ours.is_none() {
            return Begun::Theirs;
        }
        let before = ours.map_or(0, |(_, before)| before);
        tables.claims.set(*key, (claimant, before + 1), lease);
        if ours.is_some() { Begun::Ours { before } } else { Begun::Free }
    }

    pub(super) fn settle(
        &self,
        image_id: Uuid,
        key: &RenderKey,
        outcome: &Outcome,
    ) -> Result<(), CacheError> {
        let kept = self.0.cache.put_render(image_id, key, outcome);
        let mut tables = self.lock();
        tables.claims.remove(key);
        tables.waiting.remove(key);
        drop(tables);
        self.0.wakeups.wake(key);
        kept
    }

    pub(super) fn tell(&self, key: &RenderKey, failure: &RenderFailure) {
        self.lock().told.set(*key, failure.clone(), TOLD_LASTS);
        if let Some(job_id) = failure.job_id {
            self.release(key, job_id);
        }
        self.0.wakeups.wake(key);
    }

    pub(super) fn look(&self, key: &RenderKey, job_id: Option<Uuid>) -> Option<Outcome> {
        let kept = self.0.cache.render(key);
        kept.or_else(|| {
            let told = self.lock().told.get(key).cloned().map(Outcome::Failure);
            told.filter(|told| told.answers(job_id))
        })
    }

    pub(super) fn release(&self, key: &RenderKey, job_id: Uuid) {
        let mut tables = self.lock();
        if tables.claims.get(key).is_some_and(|(held, _)| held.job_id == job_id) {
            tables.claims.remove(key);
        }
    }

    pub(super) fn withdraw(&self, key: &RenderKey, job_id: Uuid, lease: Duration) {
        let mut tables = self.lock();
        if tables.claims.get(key).is_some_and(|(held, begun)| held.job_id == job_id && *begun == 0) {
            tables.claims.set(*key, (TAKEN_BACK, 0), lease);
        }
    }

    pub(super) fn hold(&self, thing: Uuid, holder: Uuid, lease: Duration) -> bool {
        let mut tables = self.lock();
        let is_free = tables.held.get(&thing).is_none_or(|held| *held == holder);
        if is_free {
            tables.held.set(thing, holder, lease);
        }
        is_free
    }

    pub(super) fn seize(&self, thing: Uuid, holder: Uuid, lease: Duration) {
        self.lock().held.set(thing, holder, lease);
    }

    pub(super) fn let_go(&self, thing: Uuid, holder: Uuid) {
        let mut tables = self.lock();
        if tables.held.get(&thing) == Some(&holder) {
            tables.held.remove(&thing);
        }
    }

    pub(super) fn be_present(&self, worker_id: Uuid, presence: &Presence, lasts: Duration) {
        let mut tables = self.lock();
        if tables.workers.get(&worker_id).is_some() || tables.workers.living().count() < WORKERS_MAX {
            tables.workers.set(worker_id, presence.clone(), lasts);
        }
    }

    pub(super) fn be_gone(&self, worker_id: Uuid) {
        self.lock().workers.remove(&worker_id);
    }

    pub(super) fn present(&self) -> Vec<Presence> {
        self.lock().workers.living().cloned().collect()
    }

    pub(super) fn leave(&self, key: &RenderKey, waiter_id: Uuid) {
        let mut tables = self.lock();
        if let Some(waiters) = tables.waiting.get_mut(key) {
            waiters.remove(&waiter_id);
        }
        if !tables.someone_waits(key) {
            tables.waiting.remove(key);
        }
    }

    pub(super) fn wakeups(&self) -> &Wakeups {
        &self.0.wakeups
    }

    pub(super) fn count_request(&self, client: &str, cost: u32, limit: RateLimit) -> RateDecision {
        self.0.limiter.count_request(client, cost, limit)
    }

    pub(super) fn give_back(&self, client: &str, cost: u32, limit: RateLimit) {
        self.0.limiter.give_back(client, cost, limit);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn note_interest(&mut self, key: &RenderKey, waiter_id: Uuid, lasts: Duration) {
        let mut waiters = self.waiting.remove(key).unwrap_or_default();
        waiters.set(waiter_id, (), lasts);
        let longest = waiters.longest();
        self.waiting.set(*key, waiters, longest);
    }

    fn someone_waits(&self, key: &RenderKey) -> bool {
        self.waiting.get(key).is_some_and(|waiters| !waiters.longest().is_zero())
    }
}

/// Values that hold until a moment.
struct Leases<K, V>(HashMap<K, (V, Instant)>);

impl<K, V> Default for Leases<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Leases<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).filter(|(_, until)| *until > Instant::now()).map(|(value, _)| value)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key).map(|(value, _)| value)
    }

    fn set(&mut self, key: K, value: V, lease: Duration) {
        // Growing is the moment to look for what has run out, so that the cost is spread over the inserts.
        if self.0.len() == self.0.capacity() {
            let now = Instant::now();
            self.0.retain(|_, (_, until)| *until > now);
        }
        self.0.insert(key, (value, Instant::now() + lease));
    }

    fn living(&self) -> impl Iterator<Item = &V> {
        let now = Instant::now();
        self.0.values().filter(move |(_, until)| *until > now).map(|(value, _)| value)
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key).map(|(value, _)| value)
    }

    /// How long the longest of them still holds.
    fn longest(&self) -> Duration {
        let now = Instant::now();
        self.0.values().map(|(_, until)| until.saturating_duration_since(now)).max().unwrap_or_default()
    }
}
