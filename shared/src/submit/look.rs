//! Where a picture may already be: process memory, the shared cache, the renders of the catalog, in this order.

use uuid::Uuid;

use super::Submit;
use crate::{cache::Cache, render::Outcome, render_key::RenderKey, telemetry::metrics::CACHE_LOOKUPS_TOTAL};

/// Where an outcome came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// This process.
    Memory,
    /// The cache that all processes share.
    Redis,
    /// The renders of the catalog; the contract has one name for both kinds of catalog.
    Postgres,
    /// Made for this request.
    Render,
}

impl Tier {
    /// Every tier, from the nearest.
    pub const ALL: [Tier; 4] = [Tier::Memory, Tier::Redis, Tier::Postgres, Tier::Render];

    /// The name in `Server-Timing` and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::Memory => "memory",
            Tier::Redis => "redis",
            Tier::Postgres => "postgres",
            Tier::Render => "render",
        }
    }

    /// The tier that `cache` is.
    fn of(cache: &Cache) -> Self {
        match cache {
            Cache::Memory(_) => Tier::Memory,
            Cache::Redis(_) => Tier::Redis,
        }
    }
}

/// An outcome and where it came from.
#[derive(Debug, Clone)]
pub struct Found {
    /// The picture, or why there is none.
    pub outcome: Outcome,
    /// Where it was.
    pub tier: Tier,
}

/// In the memory of this process, in front of a shared cache. A memory cache needs no second copy in front of it.
pub(super) async fn in_process(submit: &Submit, key: &RenderKey) -> Option<Found> {
    let outcome = match &submit.cache {
        Cache::Memory(_) => submit.cache.render(key).await,
        Cache::Redis(_) => submit.local.get(key),
    };
    counted(Tier::Memory, outcome)
}

/// What one who waits for `job_id` finds in the cache. A failure that passes is found by who waits for the job that met
/// it: for everybody else the file is tried again.
pub(super) async fn in_cache(
    submit: &Submit,
    image_id: Uuid,
    key: &RenderKey,
    job_id: Option<Uuid>,
) -> Option<Found> {
    let outcome = submit.coordination.look(key, job_id).await;
    from_cache(submit, image_id, key, outcome)
}

/// `outcome` as found in the cache, or not; what stays is kept in this process too.
pub(super) fn from_cache(
    submit: &Submit,
    image_id: Uuid,
    key: &RenderKey,
    outcome: Option<Outcome>,
) -> Option<Found> {
    let found = counted(Tier::of(&submit.cache), outcome)?;
    keep_here(submit, image_id, key, &found.outcome);
    Some(found)
}

/// Among the renders of the catalog; what is there is put back into the caches. A fault is a miss.
pub(super) async fn in_catalog(submit: &Submit, image_id: Uuid, key: &RenderKey) -> Option<Found> {
    let outcome = match submit.catalog.render(key).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::debug!(%error, "the catalog was asked for a render in vain");
            None
        }
    };
    let found = from_catalog(submit, image_id, key, outcome)?;
    if let Err(error) = submit.cache.put_render(image_id, key, &found.outcome).await {
        tracing::debug!(%error, "a render of the catalog was not put back into the cache");
    }
    Some(found)
}

/// `outcome` as found in the catalog, or not; what is there is kept in this process too.
pub(super) fn from_catalog(
    submit: &Submit,
    image_id: Uuid,
    key: &RenderKey,
    outcome: Option<Outcome>,
) -> Option<Found> {
    let found = counted(Tier::Postgres, outcome)?;
    keep_here(submit, image_id, key, &found.outcome);
    Some(found)
}

fn keep_here(submit: &Submit, image_id: Uuid, key: &RenderKey, outcome: &Outcome) {
    if matches!(submit.cache, Cache::Redis(_)) && outcome.stays() {
        submit.local.put(image_id, key, outcome.clone());
    }
}

fn counted(tier: Tier, outcome: Option<Outcome>) -> Option<Found> {
    let label = if outcome.is_some() { "hit" } else { "miss" };
    metrics::counter!(CACHE_LOOKUPS_TOTAL, "tier" => tier.name(), "outcome" => label).increment(1);
    outcome.map(|outcome| Found { outcome, tier })
}
