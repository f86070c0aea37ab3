//! Object stores: S3 and what the `object_store` library knows beside it.

use std::{ops::Range, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use object_store::{
    GetOptions, GetResult, OBJECT_STORE_COALESCE_DEFAULT, ObjectStore, ObjectStoreExt, WriteMultipart,
    buffered::BufWriter, coalesce_ranges, path::Path,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc::Sender,
    time::timeout,
};
use url::Url;

use super::{ANSWER_MAX, FILE_BYTES_MAX, StorageError};

/// Bytes of one part of an upload.
const PART_BYTES: usize = 8 << 20;
/// Parts of one upload that are under way at a time.
const PARTS_AT_A_TIME: usize = 4;
/// Bytes of one part of a file that is being sent, of which one is under way at a time: senders are many.
const INCOMING_PART_BYTES: usize = 5 << 20;
/// Longest object that a store is asked to copy: within a request, and below what S3 copies at all (5 GB).
const COPIED_AT_ONCE_BYTES_MAX: u64 = 512 << 20;
/// Longest time in which not one byte of an object arrives. Shorter than clients wait, so that they hear of it.
const READ_STALL_MAX: Duration = Duration::from_secs(5);

/// A bucket and a prefix in it.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    store: Arc<dyn ObjectStore>,
    url: Url,
    prefix: Path,
    read_stall_max: Duration,
}

impl Prefix {
    /// The prefix at `url`; credentials and endpoint come from the environment (`AWS_…`).
    pub(super) fn new(url: &Url) -> Result<Self, StorageError> {
        let options = std::env::vars().map(|(name, value)| (name.to_lowercase(), value));
        Self::with_options(url, options.filter(|(name, _)| name.starts_with("aws_")), READ_STALL_MAX)
    }

    /// The prefix at `url`, with what the library calls options, read with so much patience.
    pub(super) fn with_options(
        url: &Url,
        options: impl Iterator<Item = (String, String)>,
        read_stall_max: Duration,
    ) -> Result<Self, StorageError> {
        let (store, prefix) = object_store::parse_url_opts(url, options)
            .map_err(|error| StorageError::Invalid(format!("{}: {error}", url.scheme())))?;
        Ok(Self { store: Arc::from(store), url: url.clone(), prefix, read_stall_max })
    }

    #[cfg(test)]
    pub(super) fn in_memory(url: &Url) -> Self {
        Self {
            store: Arc::new(object_store::memory::InMemory::new()),
            url: url.clone(),
            prefix: Path::default(),
            read_stall_max: READ_STALL_MAX,
        }
    }

    /// The object's path, if `url` lies under this prefix.
    pub(super) fn resolve(&self, url: &Url) -> Result<Path, StorageError> {
        let same_store = url.scheme() == self.url.scheme() && url.host_str() == self.url.host_str();
        let below = url.path().strip_prefix(self.url.path().trim_end_matches('/'));
        // `s3://b/archive2` is not under `s3://b/archive`.
        let under = below.is_some_and(|below| below.is_empty() || below.starts_with('/'));
        if !same_store || !under || url.port() != self.url.port() {
            return Err(StorageError::NotAllowed);
        }
        let wrong = |error: object_store::path::Error| StorageError::Invalid(error.to_string());
        let below = Path::from_url_path(below.unwrap_or_default()).map_err(wrong)?;
        Ok(self.prefix.parts().chain(below.parts()).collect())
    }

    fn location_of(&self, path: &Path) -> String {
        let below = path.prefix_match(&self.prefix);
        let below = below.map_or_else(|| path.clone(), |parts| parts.collect());
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{below}", self.url.path().trim_end_matches('/')));
        url.into()
    }

    /// Every object under `path`, into `found`, until the reader goes.
    pub(super) async fn list(&self, path: Path, found: Sender<Result<String, StorageError>>) {
        if self.store.head(&path).await.is_ok() {
            let _reader_is_gone = found.send(Ok(self.location_of(&path))).await;
            return;
        }
        let mut objects = self.store.list(Some(&path));
        while let Some(object) = objects.next().await {
            let item = object.map(|object| self.location_of(&object.location)).map_err(from_store);
            if found.send(item).await.is_err() {
                return;
            }
        }
    }

    pub(super) async fn read(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StorageError> {
        // Ranges that lie close together are one request.
        let read_range = |range| self.read_range(path, range);
        let parts = coalesce_ranges(ranges, read_range, OBJECT_STORE_COALESCE_DEFAULT).await?;
        let exact = |(part, range): (&Bytes, &Range<u64>)| part.len() as u64 == range.end - range.start;
        if parts.len() != ranges.len() || !parts.iter().zip(ranges).all(exact) {
            return Err(StorageError::Truncated);
        }
        Ok(parts)
    }

    /// One range, exactly. It is read piece by piece, since a store that hangs is known by the pieces that do not come,
    /// and the library waits for minutes.
    async fn read_range(&self, path: &Path, range: Range<u64>) -> Result<Bytes, StorageError> {
        let byte_count = range.end - range.start;
        let mut pieces = self.get(path, GetOptions::new().with_range(Some(range))).await?.into_stream();
        let mut read = BytesMut::new();
        while let Some(piece) = self.in_time(pieces.next()).await? {
            let piece = piece.map_err(from_store)?;
            if read.is_empty() && piece.len() as u64 == byte_count {
                return Ok(piece);
            }
            if (read.len() + piece.len()) as u64 > byte_count {
                break;
            }
            // All at once, so that a large frame is not copied while it grows; the store has it, or said so.
            read.reserve(usize::try_from(byte_count).unwrap_or(0).saturating_sub(read.len()));
            read.extend_from_slice(&piece);
        }
        if read.len() as u64 == byte_count { Ok(read.freeze()) } else { Err(StorageError::Truncated) }
    }

    async fn get(&self, path: &Path, options: GetOptions) -> Result<GetResult, StorageError> {
        self.in_time(self.store.get_opts(path, options)).await?.map_err(from_store)
    }

    /// How long an object is.
    pub(super) async fn byte_count(&self, path: &Path) -> Result<u64, StorageError> {
        Ok(self.in_time(self.store.head(path)).await?.map_err(from_store)?.size)
    }

    /// The bytes of `range` as they arrive.
    pub(super) async fn pieces(
        &self,
        path: &Path,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, StorageError>> + Send + use<>, StorageError> {
        let pieces = self.get(path, GetOptions::new().with_range(Some(range))).await?.into_stream();
        let prefix = self.clone();
        Ok(stream::unfold(Some(pieces), move |pieces| {
            let prefix = prefix.clone();
            async move {
                let mut pieces = pieces?;
                match prefix.in_time(pieces.next()).await {
                    Ok(None) => None,
                    Ok(Some(piece)) => Some((piece.map_err(from_store), Some(pieces))),
                    Err(hung) => Some((Err(hung), None)),
                }
            }
        }))
    }

    /// What arrives, before the store counts as hung.
    async fn in_time<T>(&self, arriving: impl Future<Output = T>) -> Result<T, StorageError> {
        timeout(self.read_stall_max, arriving).await.map_err(|_| StorageError::Hung)
    }

    /// A temporary copy of the object.
    pub(super) async fn download(&self, path: &Path) -> Result<tempfile::TempPath, StorageError> {
        let transient = |error: std::io::Error| StorageError::Transient(error.to_string());
        let object = self.get(path, GetOptions::new()).await?;
        if object.meta.size > FILE_BYTES_MAX {
            return Err(StorageError::TooLarge(object.meta.size));
        }
        let (file, copy) = tempfile::NamedTempFile::new().map_err(transient)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut pieces = object.into_stream();
        while let Some(piece) = self.in_time(pieces.next()).await? {
            file.write_all(&piece.map_err(from_store)?).await.map_err(transient)?;
        }
        file.flush().await.map_err(transient)?;
        Ok(copy)
    }

    /// Uploads the local file in parts; an unfinished upload is aborted and nothing is there.
    pub(super) async fn put(&self, name: &str, from: &std::path::Path) -> Result<String, StorageError> {
        let transient = |error: std::io::Error| StorageError::Transient(error.to_string());
        let path = self.path_of(name);
        let mut file = tokio::fs::File::open(from).await.map_err(transient)?;
        let length = file.metadata().await.map_err(transient)?.len();
        if length > FILE_BYTES_MAX {
            return Err(StorageError::TooLarge(length));
        }
        let mut upload = WriteMultipart::new_with_chunk_size(
            self.store.put_multipart(&path).await.map_err(from_store)?,
            PART_BYTES,
        );
        let mut buffer = vec![0; PART_BYTES];
        loop {
            match file.read(&mut buffer).await {
                Ok(0) => break,
                Ok(count) => {
                    upload.wait_for_capacity(PARTS_AT_A_TIME).await.map_err(from_store)?;
                    upload.write(&buffer[..count]);
                }
                Err(error) => {
                    upload.abort().await.map_err(from_store)?;
                    return Err(transient(error));
                }
            }
        }
        upload.finish().await.map_err(from_store)?;
        Ok(self.location_of(&path))
    }

    /// What writes an object: in parts where it is large, and there once it is shut down.
    pub(super) fn writer(&self, name: &str) -> BufWriter {
        BufWriter::with_capacity(Arc::clone(&self.store), self.path_of(name), INCOMING_PART_BYTES)
            .with_max_concurrency(1)
    }

    /// Copies an object within the store, which does it by itself where it is not too large for one request.
    pub(super) async fn copy(&self, from: &Path, name: &str) -> Result<String, StorageError> {
        let to = self.path_of(name);
        let byte_count = self.byte_count(from).await?;
        if byte_count <= COPIED_AT_ONCE_BYTES_MAX {
            self.store.copy(from, &to).await.map_err(from_store)?;
            return Ok(self.location_of(&to));
        }
        let mut pieces = std::pin::pin!(self.pieces(from, 0..byte_count).await?);
        let mut writer = self.writer(name);
        let unsent = |error: std::io::Error| StorageError::Transient(error.to_string());
        while let Some(piece) = pieces.next().await {
            writer.put(piece?).await.map_err(from_store)?;
        }
        writer.shutdown().await.map_err(unsent)?;
        Ok(self.location_of(&to))
    }

    fn path_of(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    /// Where [`Prefix::put`] puts `name`.
    pub(super) fn location_of_name(&self, name: &str) -> String {
        self.location_of(&self.path_of(name))
    }

    /// Removes an object; one that is not there is removed.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), StorageError> {
        match self.in_time(self.store.delete(path)).await?.map_err(from_store) {
            Err(StorageError::NotFound) => Ok(()),
            removed => removed,
        }
    }

    pub(super) async fn answers(&self) -> bool {
        // An object that is not there is an answer; no connection is none.
        let probe: Path = self.prefix.parts().chain(Path::from(".health").parts()).collect();
        let answer = timeout(ANSWER_MAX, self.store.head(&probe)).await;
        matches!(answer, Ok(Ok(_) | Err(object_store::Error::NotFound { .. })))
    }
}

fn from_store(error: object_store::Error) -> StorageError {
    match error {
        object_store::Error::NotFound { .. } => StorageError::NotFound,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            StorageError::Unreadable("the store refuses access".to_owned())
        }
        other => StorageError::Transient(other.to_string()),
    }
}
