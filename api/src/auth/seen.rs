//! Tokens that were checked, so that a picture does not cost a signature and a look into the catalog each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use moka::sync::Cache;
use uuid::Uuid;

use super::Claims;
use crate::caller::Who;

/// How long what the catalog says of a token holds: as long a token that is revoked in another process is believed here.
const HOLDS: Duration = Duration::from_secs(10);
/// Tokens remembered; some 500 bytes each, and a study id each of those that are held to studies.
const TOKENS_MAX: u64 = 20_000;
/// A token that nobody uses is forgotten.
const IDLE_MAX: Duration = Duration::from_secs(900);

/// What is known of tokens, by their digest.
pub(super) struct SeenTokens {
    tokens: Cache<[u8; 32], Arc<Seen>>,
    holds: Duration,
    /// Raised by each revocation in this process, so that what was read before one is not remembered after it.
    revocations: AtomicU64,
}

/// What was known when a look into the catalog began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before(u64);

pub(super) struct Seen {
    /// Whom it makes; nobody, once it is revoked.
    pub(super) who: Option<Arc<Who>>,
    life: Life,
    checked_at: Instant,
}

/// Until when a token is good, and by what it is revoked before.
pub(super) struct Life {
    pub(super) family_id: Option<Uuid>,
    pub(super) token_id: Option<String>,
    pub(super) expires_at: SystemTime,
}

impl Life {
    pub(super) fn of(claims: &Claims) -> Self {
        let expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(claims.expires_at)).unwrap_or(UNIX_EPOCH);
        Self { family_id: claims.family_id, token_id: claims.token_id.clone(), expires_at }
    }
}

impl Default for SeenTokens {
    fn default() -> Self {
        Self::that_holds(HOLDS)
    }
}

impl SeenTokens {
    pub(super) fn that_holds(holds: Duration) -> Self {
        let tokens = Cache::builder().max_capacity(TOKENS_MAX).time_to_idle(IDLE_MAX).build();
        Self { tokens, holds, revocations: AtomicU64::new(0) }
    }

    /// What is known of a token that has not expired, and whether that is to be believed without a look.
    pub(super) fn get(&self, digest: &[u8; 32]) -> Option<(Arc<Seen>, bool)> {
        let seen = self.tokens.get(digest).filter(|seen| SystemTime::now() < seen.life.expires_at)?;
        let is_fresh = seen.checked_at.elapsed() < self.holds;
        Some((seen, is_fresh))
    }

    pub(super) fn before(&self) -> Before {
        Before(self.revocations.load(Ordering::Acquire))
    }

    /// Remembers what a look told that began at `before`.
    pub(super) fn put(&self, digest: [u8; 32], who: Option<Arc<Who>>, life: Life, before: Before) {
        self.tokens.insert(digest, Arc::new(Seen { who, life, checked_at: Instant::now() }));
        if self.before() != before {
            self.tokens.invalidate(&digest);
        }
    }

    /// Forgets the tokens of a login that has ended.
    pub(super) fn forget_family(&self, family_id: Uuid) {
        self.forget(|seen| seen.life.family_id == Some(family_id));
    }

    /// Forgets a token that was revoked by itself.
    pub(super) fn forget_token(&self, token_id: &str) {
        self.forget(|seen| seen.life.token_id.as_deref() == Some(token_id));
    }

    fn forget(&self, is_of_it: impl Fn(&Seen) -> bool) {
        self.revocations.fetch_add(1, Ordering::AcqRel);
        for (digest, seen) in &self.tokens {
            if is_of_it(&seen) {
                self.tokens.invalidate(digest.as_ref());
            }
        }
    }
}
