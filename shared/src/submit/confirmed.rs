//! Images that the catalog confirmed a moment ago: who asks for another picture of one need not ask it again.
//!
//! A record of an image may be a minute old. Drawn from one whose file was replaced or deleted since, a picture would be of
//! a patient's old file; so it is held against the catalog, as often as a hand that drags a window does not notice.

use std::time::Duration;

use moka::sync::Cache;
use uuid::Uuid;

use crate::{catalog::ImageRecord, render_key::ContentDigest};

/// How long a look into the catalog is good for: as long as an answer that was read just before a change may take to be
/// forgotten.
const LASTS: Duration = Duration::from_secs(2);
const IMAGES_MAX: u64 = 10_000;

/// Images by key and bytes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Confirmed(Cache<(Uuid, ContentDigest), ()>);

impl Default for Confirmed {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(IMAGES_MAX).time_to_live(LASTS).build())
    }
}

impl Confirmed {
    /// The catalog has this image, with these bytes.
    pub(super) fn note(&self, image: &ImageRecord) {
        self.0.insert((image.key, image.content_digest), ());
    }

    pub(super) fn has(&self, image: &ImageRecord) -> bool {
        self.0.contains_key(&(image.key, image.content_digest))
    }

    pub(super) fn forget_images(&self, image_ids: &[Uuid]) {
        let keys: Vec<_> =
            self.0.iter().map(|(key, ())| *key).filter(|(id, _)| image_ids.contains(id)).collect();
        for key in keys {
            self.0.invalidate(&key);
        }
    }

    pub(super) fn clear(&self) {
        self.0.invalidate_all();
    }
}
