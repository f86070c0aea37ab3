//! Where a picture may already be: process memory, the shared cache, the renders of the catalog, in this order.

use noctis_shared::{cache::Cache, render::Outcome, render_key::RenderKey};
use uuid::Uuid;

use crate::api::Api;

/// Where an outcome came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
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
    /// The name in `Server-Timing` and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tier::Memory => "memory",
            Tier::Redis => "redis",
            Tier::Postgres => "postgres",
            Tier::Render => "render",
        }
    }
}

/// An outcome and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) outcome: Outcome,
    pub(crate) tier: Tier,
}

/// In the memory of this process, in front of a shared cache. A memory cache needs no second copy in front of it.
pub(crate) async fn in_process(api: &Api, key: &RenderKey) -> Option<Found> {
    let outcome = match &api.cache {
        Cache::Memory(_) => api.cache.render(key).await.filter(Outcome::stays),
        Cache::Redis(_) => api.local.get(key),
    };
    count(api, Tier::Memory, outcome)
}

/// In the cache all processes share, if there is one. A failure that passes is found by who waits for `job_id`, the job
/// that met it: for everybody else the file is tried again.
pub(crate) async fn in_cache(
    api: &Api,
    image_id: Uuid,
    key: &RenderKey,
    job_id: Option<Uuid>,
) -> Option<Found> {
    let outcome = api.cache.render(key).await.filter(|outcome| outcome.answers(job_id));
    match &api.cache {
        Cache::Memory(_) => count(api, Tier::Memory, outcome),
        Cache::Redis(_) => {
            let found = count(api, Tier::Redis, outcome)?;
            if found.outcome.stays() {
                api.local.put(image_id, key, found.outcome.clone());
            }
            Some(found)
        }
    }
}

/// Among the renders of the catalog; what is there is put back into the caches. A fault is a miss.
pub(crate) async fn in_catalog(api: &Api, image_id: Uuid, key: &RenderKey) -> Option<Found> {
    let outcome = match api.catalog.render(key).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::debug!(%error, "the catalog was asked for a render in vain");
            None
        }
    };
    let found = count(api, Tier::Postgres, outcome)?;
    if let Err(error) = api.cache.put_render(image_id, key, &found.outcome).await {
        tracing::debug!(%error, "a render of the catalog was not put back into the cache");
    }
    if matches!(api.cache, Cache::Redis(_)) {
        api.local.put(image_id, key, found.outcome.clone());
    }
    Some(found)
}

fn count(api: &Api, tier: Tier, outcome: Option<Outcome>) -> Option<Found> {
    api.numbers.count_lookup(tier, outcome.is_some());
    outcome.map(|outcome| Found { outcome, tier })
}
