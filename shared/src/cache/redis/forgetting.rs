//! Dropping what Redis holds, in batches: no call blocks Redis for long, none outgrows the response timeout.

use redis::Pipeline;
use uuid::Uuid;

use super::RedisCache;
use crate::{
    announced::{Forget, IMAGES_MAX},
    redis_link::LinkError,
};

/// Keys of one `UNLINK`, and the hint of one `SCAN`.
const KEYS_MAX: usize = 500;

impl RedisCache {
    pub(in crate::cache) async fn forget_images(&self, image_ids: &[Uuid]) -> Result<u64, LinkError> {
        let mut dropped = 0;
        for batch in image_ids.chunks(IMAGES_MAX) {
            dropped += self.forget_batch(batch).await?;
        }
        for forget in Forget::images(image_ids) {
            self.broadcast_forget(&forget).await?;
        }
        Ok(dropped)
    }

    /// Takes the keys it saw out of the index and nothing else: a render written meanwhile stays indexed.
    async fn forget_batch(&self, image_ids: &[Uuid]) -> Result<u64, LinkError> {
        let keys = self.link.keys();
        let mut look = Pipeline::with_capacity(image_ids.len());
        for image_id in image_ids {
            look.cmd("ZRANGE").arg(keys.image(*image_id)).arg(0).arg(-1);
        }
        let members: Vec<Vec<String>> = self.link.connection().query_all("forget_images", &look).await?;
        let mut dropped = 0;
        for (image_id, members) in image_ids.iter().zip(members) {
            for batch in members.chunks(KEYS_MAX) {
                let renders: Vec<String> = batch.iter().map(|key| keys.render(key)).collect();
                let mut drop = Pipeline::with_capacity(2);
                drop.cmd("UNLINK").arg(renders);
                drop.cmd("ZREM").arg(keys.image(*image_id)).arg(batch).ignore();
                let (count,): (u64,) = self.link.connection().query_all("forget_images", &drop).await?;
                dropped += count;
            }
        }
        Ok(dropped)
    }

    pub(in crate::cache) async fn forget_metadata(&self, names: &[String]) -> Result<u64, LinkError> {
        let mut dropped = 0;
        for batch in names.chunks(KEYS_MAX) {
            let keys = batch.iter().map(|name| self.link.keys().metadata(name));
            dropped += self.unlink("forget_metadata", keys.collect()).await?;
        }
        Ok(dropped)
    }

    pub(in crate::cache) async fn clear(&self) -> Result<u64, LinkError> {
        let (mut cursor, mut dropped) = (0_u64, 0);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(self.link.keys().pattern()).arg("COUNT").arg(KEYS_MAX);
            let (next, mut found): (u64, Vec<String>) = self.link.connection().query("clear", &scan).await?;
            found.retain(|key| self.link.keys().is_cached(key));
            let (renders, others) = found.into_iter().partition(|key| self.link.keys().is_render(key));
            dropped += self.unlink("clear", renders).await?;
            self.unlink("clear", others).await?;
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        self.broadcast_forget(&Forget::Everything).await?;
        Ok(dropped)
    }

    pub(in crate::cache) async fn broadcast_forget(&self, forget: &Forget) -> Result<(), LinkError> {
        // Ids and a word: serialisation cannot fail, and an empty message is passed over.
        let payload = serde_json::to_vec(forget).unwrap_or_default();
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.link.keys().forget_channel()).arg(payload);
        let result = self.link.connection().query("broadcast_forget", &command).await;
        if result.is_err() {
            // Other processes forget when their subscription returns; this one can at once.
            let _ = self.link.forgets().send(forget.clone());
        }
        result
    }

    async fn unlink(&self, operation: &'static str, keys: Vec<String>) -> Result<u64, LinkError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut command = redis::cmd("UNLINK");
        command.arg(keys);
        self.link.connection().query(operation, &command).await
    }
}
