//! What must go when something changes: the one place that knows it, in which order, and that some of it goes twice.
//!
//! An answer that was read just before a change can reach a cache just after it was forgotten. So names are forgotten
//! at the change and once more a little later; what a deletion takes, before its rows go and after; and renders that an
//! operator clears once more when those have come that workers had still to write. What must not be here: what a change
//! is (the index, the operator's order), and how a cache drops things (`cache`).
//! A deletion is a change that is made here ([`Forgetting::delete`]): its rows alone know what it takes.
//!
//! A cache that is away stops no indexing: what has changed is changed, and is forgotten when the cache is back
//! ([`Forgetting::lasting`]). An order to delete or to clear fails then, since whoever gave it wants it done.

mod owed;
mod stale;

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::stale::AGAIN_AFTER;
use self::{owed::Owed, stale::Stale};
use crate::{
    cache::{Cache, CacheError},
    catalog::{Catalog, CatalogError, Deleted, Ids, IsOurs, NewInstance, Recorded, Scope},
    dicom_uid::public_id,
    metadata_names, own_id,
};

/// Something that changed, or is about to.
#[derive(Debug)]
pub enum Change<'a> {
    /// These instances were handed to the catalog, and this came of each. Duplicates count too: they may be what an
    /// earlier run recorded before it died and could forget nothing.
    Recorded {
        /// What was handed over.
        instances: &'a [NewInstance],
        /// What came of it.
        recorded: &'a [Recorded],
    },
    /// The files of the instances with these keys lie elsewhere now.
    Moved(&'a [Uuid]),
    /// An operator wants all that is remembered of this to be made anew.
    Cleared(&'a Scope),
}

/// Why something may still be told as it was.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The catalog, which knows what belongs together.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A cache that does not forget.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// When renders are looked for that workers had still to write: at once, for most; and for those of a worker whose
/// catalog was slow.
const LATECOMERS_AFTER: [Duration; 3] = [AGAIN_AFTER, Duration::from_secs(10), Duration::from_secs(60)];

/// Makes every cache forget. Cheap to clone.
#[derive(Clone)]
pub struct Forgetting {
    catalog: Catalog,
    cache: Cache,
    owed: Option<Owed>,
}

impl Forgetting {
    /// Forgets what `cache` holds of what `catalog` knows, now or not at all.
    #[must_use]
    pub fn new(catalog: &Catalog, cache: &Cache) -> Self {
        Self { catalog: catalog.clone(), cache: cache.clone(), owed: None }
    }

    /// The same for a process that lasts: what was recorded or moved while `cache` is away is forgotten once it is back.
    /// Should the process end before, what the cache still has ends with its lifetime.
    #[must_use]
    pub fn lasting(catalog: &Catalog, cache: &Cache) -> Self {
        Self { owed: Some(Owed::of(cache)), ..Self::new(catalog, cache) }
    }

    /// Makes every cache of every process forget what `change` made stale; how many outcomes went. Safe to repeat.
    ///
    /// # Errors
    /// [`ForgetError`]: some of it may still be told.
    pub async fn forget(&self, change: Change<'_>) -> Result<u64, ForgetError> {
        match change {
            Change::Recorded { instances, recorded } => {
                let stale = self.after_recording(instances, recorded).await?;
                self.drop_or_owe(stale).await
            }
            // Failures that were remembered while the file was away go too.
            Change::Moved(image_ids) => {
                let outcomes = image_ids.to_vec();
                self.drop_or_owe(Stale { told_anew: outcomes.clone(), outcomes, ..Stale::default() }).await
            }
            Change::Cleared(scope) => self.clear(scope).await,
        }
    }

    async fn after_recording(
        &self,
        instances: &[NewInstance],
        recorded: &[Recorded],
    ) -> Result<Stale, ForgetError> {
        let (mut stale, uids) = named_by(instances);
        // Whatever has one of these UIDs too is called otherwise from now on.
        self.add_sharing(&uids, &mut stale).await?;
        let replaced = recorded.iter().filter_map(|recorded| match recorded {
            Recorded::Replaced { image_id } => Some(*image_id),
            _ => None,
        });
        stale.outcomes.extend(replaced);
        if !stale.outcomes.is_empty() {
            stale.told_anew.extend(&stale.outcomes);
            // A correction may change what is told of every image of its study.
            let study_ids: BTreeSet<Uuid> =
                instances.iter().map(|instance| public_id(&instance.study_instance_uid)).collect();
            for study_id in study_ids {
                let Ids { series, images } = self.catalog.ids(&Scope::Study(study_id)).await?;
                stale.names.extend(metadata_names::all_of_study(study_id, &series, &images));
                stale.told_anew.extend(images);
            }
        }
        Ok(stale)
    }

    /// Deletes what is in `scope`: it is forgotten before its rows go, since they alone know the names when this is tried
    /// again; and after, for what was read in between. A render that is under way then is forgotten when it comes. Safe
    /// to repeat.
    ///
    /// # Errors
    /// [`ForgetError`]; when it is of the cache before anything went, nothing did.
    pub async fn delete(&self, scope: &Scope, is_ours: IsOurs<'_>) -> Result<Deleted, ForgetError> {
        let Some(study_id) = self.catalog.study_of(scope).await? else { return Ok(Deleted::default()) };
        let Ids { series, .. } = self.catalog.ids(&Scope::Study(study_id)).await?;
        let Ids { images, .. } = self.catalog.ids(scope).await?;
        let names = metadata_names::all_of_study(study_id, &series, &images);
        let mut stale = Stale { names, outcomes: images.clone(), told_anew: images.clone() };
        // What shares a UID with this is perhaps alone with it from now on, and called otherwise.
        self.add_sharing(&Ids { series, images }, &mut stale).await?;
        stale.outcomes.clone_from(&stale.told_anew);
        self.cache.forget_metadata(&stale.names).await?;
        let cached = self.cache.forget_images(&stale.outcomes).await?;
        let deleted = self.catalog.delete(scope, is_ours).await?;
        stale.told_anew.extend(&deleted.image_ids);
        stale.outcomes.extend(&deleted.image_ids);
        let cached = cached + stale.drop_from(&self.cache).await?;
        self.forget_latecomers(stale);
        // Nearly every cached picture is recorded too, so the sum would count it twice.
        Ok(Deleted { renders: deleted.renders.max(cached), ..deleted })
    }

    /// A worker stores a picture whose image went while it was drawn, and a process may remember what it read just before.
    fn forget_latecomers(&self, mut stale: Stale) {
        let cache = self.cache.clone();
        tokio::spawn(async move {
            for pause in LATECOMERS_AFTER {
                tokio::time::sleep(pause).await;
                if let Err(error) = stale.drop_from(&cache).await {
                    tracing::warn!(%error, "pictures that were drawn while they were deleted may stay until they expire");
                }
            }
        });
    }

    async fn clear(&self, scope: &Scope) -> Result<u64, ForgetError> {
        let cleared_at = Utc::now();
        // The catalog first: what it still had would fill the caches again.
        let recorded = self.catalog.clear_renders(scope).await?;
        let cached = self.clear_caches(scope).await?;
        self.clear_latecomers(*scope, cleared_at);
        // Nearly every cached picture is recorded too, so the sum would count it twice.
        Ok(recorded.max(cached))
    }

    async fn clear_caches(&self, scope: &Scope) -> Result<u64, ForgetError> {
        match scope {
            Scope::Everything => Ok(self.cache.clear().await?),
            Scope::Study(_) | Scope::Series(_) | Scope::Image(_) => {
                let Ids { series, images } = self.catalog.ids(scope).await?;
                let names = cleared_names(scope, &series, &images);
                let mut stale = Stale { names, outcomes: images, ..Stale::default() };
                Ok(stale.drop_from(&self.cache).await?)
            }
        }
    }

    /// A worker writes renders a moment after they were made: what was made before is not to come back.
    fn clear_latecomers(&self, scope: Scope, cleared_at: DateTime<Utc>) {
        let forgetting = self.clone();
        tokio::spawn(async move {
            for pause in LATECOMERS_AFTER {
                tokio::time::sleep(pause).await;
                let late = forgetting.catalog.clear_renders_made_before(&scope, cleared_at).await;
                let cleared = match late {
                    Ok(0) => continue,
                    Ok(_) => forgetting.clear_caches(&scope).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(error) = cleared {
                    tracing::warn!(%error, "renders that were written while they were cleared may stay");
                }
            }
        });
    }

    async fn add_sharing(&self, uids: &Ids, stale: &mut Stale) -> Result<(), ForgetError> {
        let sharing = self.catalog.sharing(uids).await?;
        for study_id in sharing.studies {
            let names = metadata_names::all_of_study(study_id, &sharing.ids.series, &sharing.ids.images);
            stale.names.extend(names);
        }
        stale.told_anew.extend(sharing.ids.images);
        Ok(())
    }

    async fn drop_or_owe(&self, mut stale: Stale) -> Result<u64, ForgetError> {
        match (stale.drop_from(&self.cache).await, &self.owed) {
            (Err(error), Some(owed)) => {
                owed.add(stale, &error).await;
                Ok(0)
            }
            (dropped, _) => Ok(dropped?),
        }
    }
}

/// Every answer that tells of these instances, and the UIDs that others may have too.
fn named_by(instances: &[NewInstance]) -> (Stale, Ids) {
    let (mut stale, mut uids) = (Stale::default(), Ids::default());
    for instance in instances {
        let NewInstance { study_instance_uid, series_instance_uid, sop_instance_uid, .. } = instance;
        let series_ids =
            [public_id(series_instance_uid), own_id::of_series(study_instance_uid, series_instance_uid)];
        let image_ids = [public_id(sop_instance_uid), instance.own_id()];
        let study_id = public_id(study_instance_uid);
        stale.names.extend(metadata_names::all_of_study(study_id, &series_ids, &image_ids));
        uids.series.push(series_ids[0]);
        uids.images.push(image_ids[0]);
    }
    uids.series.sort_unstable();
    uids.series.dedup();
    (stale, uids)
}

/// The small answers that tell of a scope.
fn cleared_names(scope: &Scope, series_ids: &[Uuid], image_ids: &[Uuid]) -> Vec<String> {
    let of_scope = match scope {
        Scope::Study(study_id) => metadata_names::all_of_study(*study_id, series_ids, &[]),
        Scope::Series(_) => series_ids.iter().copied().flat_map(metadata_names::all_of_series).collect(),
        Scope::Image(_) | Scope::Everything => vec![],
    };
    of_scope.into_iter().chain(image_ids.iter().copied().map(metadata_names::image)).collect()
}
