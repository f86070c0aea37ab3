//! What the catalog knows of an image, kept close: process memory, then the shared cache, then the catalog.
//! Known images go on while the catalog is away.

use std::{collections::HashSet, sync::Arc, time::Duration};

use moka::sync::Cache as Memory;
use noctis_shared::{
    cache::Cache,
    catalog::{Catalog, Found, ImageRecord},
    metadata_names,
};
use uuid::Uuid;

use crate::{back_end::catalog_problem, problem::Problem};

/// Images remembered in this process, about 2 KiB each.
const IMAGES_MAX: u64 = 20_000;
/// How long this process believes its memory, should it miss the word that an image was replaced.
const MEMORY_TTL: Duration = Duration::from_secs(60);

/// Images by the id they were asked by.
pub(crate) struct KnownImages {
    memory: Memory<Uuid, Arc<ImageRecord>>,
}

impl KnownImages {
    pub(crate) fn new() -> Self {
        Self { memory: Memory::builder().max_capacity(IMAGES_MAX).time_to_live(MEMORY_TTL).build() }
    }

    /// What the id names. A UID of several is nobody's, and never remembered as one of them.
    ///
    /// # Errors
    /// 503 when only the catalog could tell and does not answer.
    pub(super) async fn find(
        &self,
        image_id: Uuid,
        cache: &Cache,
        catalog: &Catalog,
    ) -> Result<Found<Arc<ImageRecord>>, Problem> {
        if let Some(image) = self.memory.get(&image_id) {
            return Ok(Found::One(image));
        }
        let name = metadata_names::image(image_id);
        let image = match cache.metadata(&name).await.and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(image) => image,
            None => {
                let image = match in_catalog(image_id, catalog).await? {
                    Found::One(image) => image,
                    Found::Nothing => return Ok(Found::Nothing),
                    Found::Several(choices) => return Ok(Found::Several(choices)),
                };
                if let Ok(text) = serde_json::to_vec(&image) {
                    cache.put_metadata(&name, text.into()).await;
                }
                image
            }
        };
        let image = Arc::new(image);
        self.memory.insert(image_id, Arc::clone(&image));
        Ok(Found::One(image))
    }

    /// Forgets the images that these ids name, under whichever id each was asked by. Looks at every entry: forgetting
    /// is rare.
    pub(crate) fn forget(&self, ids: &[Uuid]) {
        let ids: HashSet<&Uuid> = ids.iter().collect();
        let named = |(asked, image): &(Arc<Uuid>, Arc<ImageRecord>)| {
            ids.contains(&**asked) || ids.contains(&image.key)
        };
        let asked: Vec<Arc<Uuid>> = self.memory.iter().filter(named).map(|(asked, _)| asked).collect();
        for asked in asked {
            self.memory.invalidate(&*asked);
        }
    }

    /// Forgets one that is known by the bytes it had before, here and in the shared cache.
    pub(crate) async fn forget_with(&self, image_id: Uuid, cache: &Cache) {
        self.forget_all_with(&[image_id], cache).await;
    }

    /// The same of many, by the ids that they were asked by.
    pub(crate) async fn forget_all_with(&self, image_ids: &[Uuid], cache: &Cache) {
        self.forget(image_ids);
        let names: Vec<String> = image_ids.iter().map(|image_id| metadata_names::image(*image_id)).collect();
        if let Err(error) = cache.forget_metadata(&names).await {
            tracing::debug!(%error, "an image that was replaced is still in the cache");
        }
    }

    pub(crate) fn clear(&self) {
        self.memory.invalidate_all();
    }
}

async fn in_catalog(image_id: Uuid, catalog: &Catalog) -> Result<Found<ImageRecord>, Problem> {
    let key = match catalog.find_image(image_id).await.map_err(|error| catalog_problem(&error))? {
        Found::One(key) => key,
        Found::Nothing => return Ok(Found::Nothing),
        Found::Several(choices) => return Ok(Found::Several(choices)),
    };
    Ok(catalog.image(key).await.map_err(|error| catalog_problem(&error))?.into())
}
