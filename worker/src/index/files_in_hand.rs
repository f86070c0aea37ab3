//! How many files one process has in hand, by the memory that they may take: what is being read, and what was read and
//! is not recorded yet.
//!
//! A file asks for the most that it can need before it is read, in the order of the listing, gives back what its row does
//! not hold, and the rest once it is recorded. In that order nobody who waits is waited for. A large header is more than
//! that, and takes its turn alone.
//!
//! A read that was given up since its storage hangs is not counted any more, though its thread keeps what it has: a share
//! that is away must not keep files of others from being read.

use std::sync::Arc;

use noctis_render::Limits;
use noctis_shared::{bulk::BulkValue, catalog::NewInstance, job::FrameRange};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory of all files in hand but one with a large header.
pub const IN_HAND_BYTES_MAX: u32 = 512 << 20;
/// Memory of one file while it is read: 8 MiB of it, or 256 KiB where it is larger, a header within
/// [`small_header_limits`] in every form, a row.
const READ_BYTES_MAX: u32 = 64 << 20;
/// What a row has beside its header and its ranges: texts, cut where they are too long to be shown.
const ROW_BYTES: usize = 128 << 10;

/// Files of all index runs of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FilesInHand {
    bytes: Arc<Semaphore>,
    places: Arc<Semaphore>,
    large: Arc<Semaphore>,
    readers: usize,
}

/// What one file may take. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

impl FilesInHand {
    /// Of which `readers` are read at a time, or fewer.
    #[must_use]
    pub fn new(readers: usize) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(IN_HAND_BYTES_MAX as usize)),
            places: Arc::new(Semaphore::new(readers)),
            large: Arc::new(Semaphore::new(1)),
            readers,
        }
    }

    pub(super) fn readers(&self) -> usize {
        self.readers
    }

    /// Room for a file that is to be read. To be awaited in the order in which files are recorded.
    pub(super) async fn share(&self) -> Option<Share> {
        Arc::clone(&self.bytes).acquire_many_owned(READ_BYTES_MAX).await.ok().map(Share)
    }

    /// The right to read now.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// The right to read a large header now.
    pub(super) async fn turn_of_a_large_one(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.large).acquire_owned().await.ok()
    }
}

impl Share {
    /// Gives back all that `row` does not need, which it needs twice: once more on its way into the catalog.
    pub(super) fn keep(&mut self, row: &NewInstance) {
        let frames = row.frames.len() * size_of::<FrameRange>();
        let bulk_values: usize =
            row.bulk_values.iter().map(|value| size_of::<BulkValue>() + value.path.len()).sum();
        let needed = (ROW_BYTES + row.header_json.len() + frames + bulk_values) * 2;
        let surplus = self.0.num_permits().saturating_sub(needed);
        drop(self.0.split(surplus));
    }
}

/// Headers within these limits are read several at a time. Those of single pictures have some 10 KB.
pub(super) fn small_header_limits() -> Limits {
    Limits {
        header_bytes_max: 256 << 10,
        element_count_max: 1 << 16,
        frames_max: 1 << 16,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn there_is_room_for_so_many_files_and_for_more_as_they_become_rows() {
        let files = FilesInHand::new(100);
        let mut shares = Vec::new();
        for _ in 0..IN_HAND_BYTES_MAX / READ_BYTES_MAX {
            shares.push(files.share().await.expect("open"));
        }
        let next = tokio::spawn({
            let files = files.clone();
            async move { files.share().await.is_some() }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!next.is_finished(), "there is no room");
        // Rows with nothing in them.
        for share in &mut shares {
            let surplus = share.0.num_permits() - 2 * ROW_BYTES;
            drop(share.0.split(surplus));
        }
        assert!(next.await.expect("a share"));
    }
}
