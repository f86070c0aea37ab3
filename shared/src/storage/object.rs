//! Object stores: S3 and what the `object_store` library knows beside it.

use std::{io::Write, ops::Range, sync::Arc};

use bytes::Bytes;
use futures::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart, path::Path};
use tokio::{io::AsyncReadExt, sync::mpsc::Sender};
use url::Url;

use super::{FILE_BYTES_MAX, StorageError};

/// Bytes of one part of an upload.
const PART_BYTES: usize = 8 << 20;
/// Parts of one upload that are under way at a time.
const PARTS_AT_A_TIME: usize = 4;

/// A bucket and a prefix in it.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    store: Arc<dyn ObjectStore>,
    url: Url,
    prefix: Path,
}

impl Prefix {
    /// The prefix at `url`; credentials and endpoint come from the environment (`AWS_…`).
    pub(super) fn new(url: &Url) -> Result<Self, StorageError> {
        let options = std::env::vars().map(|(name, value)| (name.to_lowercase(), value));
        let known = options.filter(|(name, _)| name.starts_with("aws_"));
        let (store, prefix) = object_store::parse_url_opts(url, known)
            .map_err(|error| StorageError::Invalid(format!("{}: {error}", url.scheme())))?;
        Ok(Self { store: Arc::from(store), url: url.clone(), prefix })
    }

    #[cfg(test)]
    pub(super) fn in_memory(url: &Url) -> Self {
        Self {
            store: Arc::new(object_store::memory::InMemory::new()),
            url: url.clone(),
            prefix: Path::default(),
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
        let parts = self.store.get_ranges(path, ranges).await.map_err(from_store)?;
        let exact = |(part, range): (&Bytes, &Range<u64>)| part.len() as u64 == range.end - range.start;
        if parts.len() != ranges.len() || !parts.iter().zip(ranges).all(exact) {
            return Err(StorageError::Truncated);
        }
        Ok(parts)
    }

    /// A temporary copy of the object.
    pub(super) async fn download(&self, path: &Path) -> Result<tempfile::TempPath, StorageError> {
        let transient = |error: std::io::Error| StorageError::Transient(error.to_string());
        let object = self.store.get(path).await.map_err(from_store)?;
        if object.meta.size > FILE_BYTES_MAX {
            return Err(StorageError::TooLarge(object.meta.size));
        }
        let mut copy = tempfile::NamedTempFile::new().map_err(transient)?;
        let mut parts = object.into_stream();
        while let Some(part) = parts.next().await {
            copy.write_all(&part.map_err(from_store)?).map_err(transient)?;
        }
        copy.flush().map_err(transient)?;
        Ok(copy.into_temp_path())
    }

    /// Uploads the local file in parts; an unfinished upload is aborted and nothing is there.
    pub(super) async fn put(&self, name: &str, from: &std::path::Path) -> Result<String, StorageError> {
        let transient = |error: std::io::Error| StorageError::Transient(error.to_string());
        let path: Path = self.prefix.parts().chain(Path::from(name).parts()).collect();
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

    pub(super) async fn answers(&self) -> bool {
        // An object that is not there is an answer; no connection is none.
        let probe: Path = self.prefix.parts().chain(Path::from(".health").parts()).collect();
        matches!(self.store.head(&probe).await, Ok(_) | Err(object_store::Error::NotFound { .. }))
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
