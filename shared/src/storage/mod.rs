//! Where DICOM files lie: local folders and object stores, behind URLs.
//!
//! Contract, tested on both variants:
//! - a location is readable only under the storage URL or one of the ingest roots, symbolic links resolved;
//! - a read of ranges returns exactly those bytes, or an error, never fewer;
//! - a listing is recursive, sorted by nothing, bounded in memory, and of files only;
//! - what is put is there when `put` returns, or not at all.
//!
//! Local files are read by plain positioned reads where they lie; every other scheme goes through `object_store`.

use std::{ops::Range, path::PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;
use url::Url;

mod local;
mod object;

/// Largest file that is read or put, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// Locations that wait between a listing and its reader.
const LISTING_AHEAD_MAX: usize = 1024;

/// A failed access. Messages hold locations, never contents.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The location lies outside the storage and every ingest root.
    #[error("the location lies outside the storage and every ingest root")]
    NotAllowed,
    /// The URL is none, or of a scheme that is not built in.
    #[error("{0}")]
    Invalid(String),
    /// Nothing is there.
    #[error("nothing is stored at this location")]
    NotFound,
    /// Fewer bytes than the index recorded: the file changed.
    #[error("the file is shorter than it was when it was indexed")]
    Truncated,
    /// There, but not to be read: no permission, or links in a circle.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Larger than [`FILE_BYTES_MAX`].
    #[error("{0} bytes are more than a stored file may have")]
    TooLarge(u64),
    /// Anything else; may go away.
    #[error("storage: {0}")]
    Transient(String),
}

impl StorageError {
    /// Whether the same access may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, StorageError::Transient(_))
    }
}

/// The storage and the roots that events may point to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The storage itself, then the ingest roots.
    roots: Vec<Root>,
}

#[derive(Debug, Clone)]
enum Root {
    Local(local::Folder),
    Object(object::Prefix),
}

/// A file to be read locally: where it lies, or a copy that goes when this value goes.
#[derive(Debug)]
pub struct LocalFile {
    /// The path to open.
    pub path: PathBuf,
    _copy: Option<tempfile::TempPath>,
}

/// Locations under a root, as they are found.
pub struct Listing(mpsc::Receiver<Result<String, StorageError>>);

impl Listing {
    /// The next file; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<String, StorageError>> {
        self.0.recv().await
    }
}

impl Storage {
    /// The storage at `url`, with further roots that may be read.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] for a scheme or bucket that the object-store library does not know.
    pub fn new(url: &Url, ingest_roots: &[Url]) -> Result<Self, StorageError> {
        let roots = std::iter::once(url).chain(ingest_roots).map(Root::new).collect::<Result<_, _>>()?;
        Ok(Self { roots })
    }

    /// Lets `path`, a file or a folder of this machine, be read where it lies.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when nothing is there.
    pub fn allow_local(&mut self, path: &std::path::Path) -> Result<String, StorageError> {
        let folder = local::Folder::existing(path)?;
        let location = folder.location();
        self.roots.push(Root::Local(folder));
        Ok(location)
    }

    /// Every file under `location`, which may be a file, a folder or a prefix.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`], [`StorageError::Invalid`] at once; what fails later comes as an item.
    pub fn list(&self, location: &str) -> Result<Listing, StorageError> {
        let (found, listing) = mpsc::channel(LISTING_AHEAD_MAX);
        match self.root_of(location)? {
            Place::Local(path) => {
                tokio::task::spawn_blocking(move || local::list(&path, &found));
            }
            Place::Object(prefix, path) => {
                tokio::spawn(async move { prefix.list(path, found).await });
            }
        }
        Ok(Listing(listing))
    }

    /// Exactly the bytes of `ranges`.
    ///
    /// # Errors
    /// Every [`StorageError`] but `TooLarge`.
    pub async fn read(&self, location: &str, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, StorageError> {
        match self.root_of(location)? {
            Place::Local(path) => blocking(move || local::read(&path, &ranges)).await,
            Place::Object(prefix, path) => prefix.read(&path, &ranges).await,
        }
    }

    /// The path of a local location, checked; `None` for an object store.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`], [`StorageError::NotFound`], [`StorageError::Invalid`].
    pub fn local_path(&self, location: &str) -> Result<Option<PathBuf>, StorageError> {
        Ok(match self.root_of(location)? {
            Place::Local(path) => Some(path),
            Place::Object(..) => None,
        })
    }

    /// The file to be read locally: itself, or a temporary copy of an object.
    ///
    /// # Errors
    /// Every [`StorageError`] but `Truncated`.
    pub async fn local_file(&self, location: &str) -> Result<LocalFile, StorageError> {
        match self.root_of(location)? {
            Place::Local(path) => Ok(LocalFile { path, _copy: None }),
            Place::Object(prefix, path) => {
                let copy = prefix.download(&path).await?;
                Ok(LocalFile { path: copy.to_path_buf(), _copy: Some(copy) })
            }
        }
    }

    /// Copies the local file `from` into the storage under `name` (segments of letters, digits, dots, `-`, `_`).
    /// Answers its location.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] for another name, [`StorageError::TooLarge`], [`StorageError::Transient`].
    pub async fn put(&self, name: &str, from: PathBuf) -> Result<String, StorageError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let segment_fits =
            |segment: &str| !segment.is_empty() && segment.chars().all(plain) && segment != "..";
        if !name.split('/').all(segment_fits) {
            return Err(StorageError::Invalid(
                "a stored name is segments of letters, digits, ., - and _".into(),
            ));
        }
        match self.roots.first() {
            Some(Root::Local(folder)) => {
                let (folder, name) = (folder.clone(), name.to_owned());
                blocking(move || folder.put(&name, &from)).await
            }
            Some(Root::Object(prefix)) => prefix.put(name, &from).await,
            None => Err(StorageError::Invalid("there is no storage".into())),
        }
    }

    /// Whether the storage answers.
    pub async fn health(&self) -> crate::health::Health {
        let up = match self.roots.first() {
            Some(Root::Local(folder)) => folder.is_there(),
            Some(Root::Object(prefix)) => prefix.answers().await,
            None => false,
        };
        if up { crate::health::Health::Up } else { crate::health::Health::Down }
    }

    /// Where `location` lies, if it may be read.
    fn root_of(&self, location: &str) -> Result<Place, StorageError> {
        let url = Url::parse(location).map_err(|_| StorageError::Invalid("a location is a URL".into()))?;
        let mut answer = Err(StorageError::NotAllowed);
        for root in &self.roots {
            let place = match root {
                Root::Local(folder) => folder.resolve(&url).map(Place::Local),
                Root::Object(prefix) => prefix.resolve(&url).map(|path| Place::Object(prefix.clone(), path)),
            };
            match place {
                Ok(place) => return Ok(place),
                Err(StorageError::NotAllowed) => {}
                Err(other) => answer = Err(other),
            }
        }
        answer
    }
}

enum Place {
    Local(PathBuf),
    Object(object::Prefix, object_store::path::Path),
}

impl Root {
    fn new(url: &Url) -> Result<Self, StorageError> {
        if url.scheme() == "file" {
            return local::Folder::created(url).map(Root::Local);
        }
        object::Prefix::new(url).map(Root::Object)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StorageError::Transient(error.to_string()))?
}

#[cfg(test)]
mod tests;
