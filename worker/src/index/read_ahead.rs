//! Files read ahead of their recording, in the order of the listing: several at a time, as memory allows.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use noctis_render::Limits;
use noctis_shared::{
    catalog::NewInstance,
    storage::{Listing, Storage, StorageError},
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::{
    IndexError, Indexer,
    files_in_hand::{FilesInHand, Share, small_header_limits},
    identity::MissingUids,
    reading::read_within,
    rejected::Rejected,
};

/// Files that are read ahead while a batch is recorded.
const READ_AHEAD: usize = 64;

/// How long the storage may take for a small file, or for the next entry of a folder.
const READ_MAX_LEAST: Duration = Duration::from_secs(60);

/// A storage that is slower than this on a large file is held to hang.
const SLOW_BYTES_PER_SECOND: u64 = 1 << 20;

/// A file that was read.
pub(crate) struct Read {
    pub(crate) location: String,
    pub(crate) instance: Result<NewInstance, Rejected>,
    /// Held until the row is recorded.
    pub(crate) share: Option<Share>,
}

pub(crate) type ReadResult = Result<Read, StorageError>;

impl Indexer {
    /// Reads the files under `location` in parallel, a bounded number ahead, and yields them in the order of the
    /// listing: which of two files with one UID comes first must not be chance.
    pub(crate) async fn read_all(
        &self,
        location: &str,
    ) -> Result<impl Stream<Item = ReadResult> + use<>, IndexError> {
        let listing = self.storage.list(location).await?;
        let (begun, reads) = mpsc::channel(self.files.readers() + READ_AHEAD);
        // A task of its own, so that files are begun while a batch is recorded.
        tokio::spawn(self.clone().begin_reads(listing, begun));
        Ok(stream::unfold(reads, async |mut reads| {
            let read: JoinHandle<_> = reads.recv().await?;
            let read = read.await.unwrap_or_else(|error| Err(StorageError::Transient(error.to_string())));
            Some((read, reads))
        }))
    }

    /// Begins to read one file after the other, each once there is memory for it, until nobody wants `begun` any more.
    async fn begin_reads(self, mut listing: Listing, begun: mpsc::Sender<JoinHandle<ReadResult>>) {
        let next = async |listing: &mut Listing| {
            let location = next_listed(listing).await?;
            Some((location, self.files.share().await))
        };
        loop {
            let next = tokio::select! {
                next = next(&mut listing) => next,
                () = begun.closed() => None,
            };
            let Some((location, share)) = next else { break };
            let read = tokio::spawn(self.clone().read_next(location, share));
            if begun.send(read).await.is_err() {
                break;
            }
        }
    }

    async fn read_next(self, location: Result<String, StorageError>, share: Option<Share>) -> ReadResult {
        let _place = self.files.place().await;
        let mut read = read_one(&self.storage, &self.files, location?, self.missing_uids).await?;
        if let (Ok(row), Some(mut share)) = (&read.instance, share) {
            share.keep(row);
            read.share = Some(share);
        }
        Ok(read)
    }
}

async fn read_one(
    storage: &Storage,
    files: &FilesInHand,
    location: String,
    missing_uids: MissingUids,
) -> Result<Read, StorageError> {
    let refused = |location, rejected| Ok(Read { location, instance: Err(rejected), share: None });
    let file = match storage.local_file(&location).await {
        Ok(file) => Arc::new(file),
        Err(error) if error.is_transient() => return Err(error),
        // It was listed a moment ago.
        Err(error @ StorageError::NotFound) => return refused(location, Rejected::Away(error.to_string())),
        Err(error) => return refused(location, Rejected::Unreadable(error.to_string())),
    };
    let byte_count = storage.local_metadata(&location).await.ok().flatten().map_or(0, |file| file.len());
    let read = |limits: Limits| {
        let (file, location) = (Arc::clone(&file), location.clone());
        let read = move || read_within(&limits, &file.path, &location, missing_uids);
        timeout(read_max(byte_count), tokio::task::spawn_blocking(read))
    };
    let mut instance = read(small_header_limits()).await;
    if let Ok(Ok(Err(Rejected::BeyondLimit(_)))) = instance {
        let _turn = files.turn_of_a_large_one().await;
        instance = read(Limits::default()).await;
    }
    // The thread stays until the storage lets go of it. The next file would hang as this one does.
    let instance =
        instance.map_err(|_| StorageError::Transient("a file could not be read in time".to_owned()))?;
    let instance = instance.unwrap_or_else(|_| Err(Rejected::Unreadable("the parser failed on it".into())));
    Ok(Read { location, instance, share: None })
}

/// The next location of a listing; an error when the storage does not come up with one, and nothing after that.
async fn next_listed(listing: &mut Listing) -> Option<Result<String, StorageError>> {
    let late = || Some(Err(StorageError::Transient("a folder could not be listed in time".to_owned())));
    timeout(READ_MAX_LEAST, listing.next()).await.unwrap_or_else(|_| late())
}

/// How long the reading of a file may take before its storage is held to hang.
fn read_max(byte_count: u64) -> Duration {
    READ_MAX_LEAST + Duration::from_secs(byte_count / SLOW_BYTES_PER_SECOND)
}
