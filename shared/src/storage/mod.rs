//! Where DICOM files lie: local folders and object stores, behind URLs.
//!
//! Contract, tested on both variants:
//! - a location is readable only under the storage URL or one of the ingest roots, symbolic links resolved;
//! - a read of ranges returns exactly those bytes, or an error, never fewer;
//! - a file that is read piece by piece is never in memory whole, and ends in an error where it is shorter;
//! - a listing is recursive, sorted by nothing, bounded in memory, and of files only;
//! - what is put is there when `put` returns, or not at all;
//! - a file on its way is there when it was finished, or not at all; it is found by who asks for its upload, and in no other
//!   listing, until it is admitted under its name;
//! - what is removed lies under the storage URL, and is gone when `remove` returns; again is nothing;
//! - a storage that hangs is an error within [`ANSWER_MAX`] wherever a place is looked up, and holds up a bounded number
//!   of threads;
//! - an object store of which no byte arrives for some seconds hangs: reading it ends in an error then.
//!
//! Local files are read by plain positioned reads where they lie; every other scheme goes through `object_store`.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::Semaphore, time::timeout};
use url::Url;

mod incoming;
mod listing;
mod local;
mod object;
mod place;
mod stored_file;
mod stored_name;

pub use self::{
    incoming::IncomingFile,
    listing::Listing,
    place::LocalPlace,
    stored_file::StoredFile,
    stored_name::{Stored, named_in, segment},
};

/// Largest file that is read or put, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// How long it may take to look up where a location lies.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Lookups under one local root at a time. One that hangs in the kernel keeps its place until the storage lets go of
/// it, so that a share that is away takes this many threads and no more, and none from other roots.
const LOOKUPS_MAX: usize = 16;

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
    /// Nothing came for too long; may go away, and another try would hang as long.
    #[error("the storage did not answer in time")]
    Hung,
    /// Anything else; may go away.
    #[error("storage: {0}")]
    Transient(String),
}

impl StorageError {
    /// Whether the same access may succeed later, though nobody does anything about it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, StorageError::Hung | StorageError::Transient(_))
    }
}

/// The storage and the roots that events may point to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The storage itself, then the ingest roots.
    roots: Arc<Vec<Root>>,
    /// Permits for paths that lie under no root by their letters: links, and what is not allowed.
    elsewhere: Arc<Semaphore>,
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

impl Storage {
    /// The storage at `url`, with further roots that may be read.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] for a scheme or bucket that the object-store library does not know.
    pub fn new(url: &Url, ingest_roots: &[Url]) -> Result<Self, StorageError> {
        let roots = std::iter::once(url).chain(ingest_roots).map(Root::new).collect::<Result<_, _>>()?;
        Ok(Self::over(roots))
    }

    /// The same for a process that only reads: nothing is made where a folder is not there.
    ///
    /// # Errors
    /// As [`Storage::new`].
    pub fn to_read(url: &Url, ingest_roots: &[Url]) -> Result<Self, StorageError> {
        let roots = std::iter::once(url).chain(ingest_roots).map(Root::to_read).collect::<Result<_, _>>()?;
        Ok(Self::over(roots))
    }

    fn over(roots: Vec<Root>) -> Self {
        Self { roots: Arc::new(roots), elsewhere: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }

    /// Lets `path`, a file or a folder of this machine, be read where it lies.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when nothing is there.
    pub fn allow_local(&mut self, path: &Path) -> Result<String, StorageError> {
        let folder = local::Folder::existing(path)?;
        let location = folder.location();
        Arc::make_mut(&mut self.roots).push(Root::Local(folder));
        Ok(location)
    }

    /// Lets the absolute `path` be read when it is there: a share that is away now may come back.
    pub fn allow_local_when_there(&mut self, path: &Path) {
        Arc::make_mut(&mut self.roots).push(Root::Local(local::Folder::expected(path)));
    }

    /// Every file under `location`, which may be a file, a folder or a prefix.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`], [`StorageError::Invalid`] at once; what fails later comes as an item.
    pub async fn list(&self, location: &str) -> Result<Listing, StorageError> {
        let (sender, listing) = Listing::of(self, location);
        match self.place_of(location).await? {
            Place::Local(path) => {
                let asked = location.to_owned();
                tokio::task::spawn_blocking(move || local::list(&path, &asked, &sender));
            }
            Place::Object(prefix, path) => {
                tokio::spawn(async move { prefix.list(path, sender).await });
            }
        }
        Ok(listing)
    }

    /// Exactly the bytes of `ranges`.
    ///
    /// # Errors
    /// Every [`StorageError`] but `TooLarge`.
    pub async fn read(&self, location: &str, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, StorageError> {
        match self.place_of(location).await? {
            Place::Local(path) => blocking(move || local::read(&path, &ranges)).await,
            Place::Object(prefix, path) => prefix.read(&path, &ranges).await,
        }
    }

    /// The file at `location`, to be read piece by piece.
    ///
    /// # Errors
    /// Every [`StorageError`] but `Truncated`.
    pub async fn open(&self, location: &str) -> Result<StoredFile, StorageError> {
        match self.place_of(location).await? {
            Place::Local(path) => {
                let permits = self.permits_for(location);
                let opened = look_up(Arc::clone(&permits), ANSWER_MAX, move || local::open(&path)).await?;
                let (file, byte_count) = opened;
                Ok(StoredFile::new(byte_count, stored_file::Source::Local(Arc::new(file), permits)))
            }
            Place::Object(prefix, path) => {
                let byte_count = prefix.byte_count(&path).await?;
                Ok(StoredFile::new(byte_count, stored_file::Source::Object(prefix, path)))
            }
        }
    }

    /// The path of a local location, checked; `None` for an object store.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`], [`StorageError::NotFound`], [`StorageError::Invalid`], and
    /// [`StorageError::Transient`] when that cannot be told now.
    pub async fn local_path(&self, location: &str) -> Result<Option<PathBuf>, StorageError> {
        Ok(match self.place_of(location).await? {
            Place::Local(path) => Some(path),
            Place::Object(..) => None,
        })
    }

    /// Where a local location lies, without a look at the file system where its letters say under which root; `None` for
    /// an object store. A root in which a read hung is looked into first for a while: what hangs again then is a thread
    /// of a bounded number, and not a process that renders.
    ///
    /// # Errors
    /// As [`Storage::local_path`], for a location that lies under no root by its letters, or under one that hung.
    pub async fn local_place(&self, location: &str) -> Result<Option<LocalPlace>, StorageError> {
        let named = Url::parse(location).ok().filter(|url| url.scheme() == "file");
        let named = named.and_then(|url| url.to_file_path().ok());
        let by_letters = named.and_then(|path| {
            let root = self.folders().find(|root| path.starts_with(root.path()))?;
            (!root.is_suspected()).then(|| LocalPlace::new(root.path().to_owned(), path))
        });
        match by_letters {
            Some(place) => Ok(Some(place)),
            None => self.resolved_place(location).await,
        }
    }

    /// Where the file at a local location really lies, under whichever root; `None` for an object store.
    ///
    /// # Errors
    /// As [`Storage::local_path`].
    pub async fn resolved_place(&self, location: &str) -> Result<Option<LocalPlace>, StorageError> {
        let Some(path) = self.local_path(location).await? else { return Ok(None) };
        let root = self.folders().find(|root| path.starts_with(root.path()));
        let root = root.ok_or(StorageError::NotAllowed)?;
        Ok(Some(LocalPlace::new(root.path().to_owned(), path)))
    }

    /// Somebody's read of the file at this location hung.
    pub fn note_hung(&self, location: &str) {
        let Ok(url) = Url::parse(location) else { return };
        if let Some(folder) = self.folders().find(|folder| folder.names(&url)) {
            folder.note_hung();
        }
    }

    fn folders(&self) -> impl Iterator<Item = &local::Folder> {
        self.roots.iter().filter_map(|root| match root {
            Root::Local(folder) => Some(folder),
            Root::Object(_) => None,
        })
    }

    /// What the file system tells of the file at a local location; `None` for an object store.
    ///
    /// # Errors
    /// As [`Storage::local_path`].
    pub async fn local_metadata(&self, location: &str) -> Result<Option<std::fs::Metadata>, StorageError> {
        match self.local_path(location).await? {
            Some(path) => {
                let permits = self.permits_for(location);
                look_up(permits, ANSWER_MAX, move || local::metadata(&path)).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// The file to be read locally: itself, or a temporary copy of an object.
    ///
    /// # Errors
    /// Every [`StorageError`] but `Truncated`.
    pub async fn local_file(&self, location: &str) -> Result<LocalFile, StorageError> {
        match self.place_of(location).await? {
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

    /// The location that [`Storage::put`] gives to what is put under `name`.
    #[must_use]
    pub fn location_of(&self, name: &str) -> Option<String> {
        match self.roots.first()? {
            Root::Local(folder) => folder.location_of(name).ok(),
            Root::Object(prefix) => Some(prefix.location_of_name(name)),
        }
    }

    /// Whether the file at `location` is one that we put there ourselves, so that it is ours to remove.
    #[must_use]
    pub fn is_ours(&self, location: &str, stored: &Stored<'_>) -> bool {
        self.location_of(&stored.name()).is_some_and(|ours| ours == location)
    }

    /// Removes what lies at `location` under the storage URL itself; one that is not there is removed.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`] for what lies elsewhere, and those of a storage that does not do it.
    pub async fn remove(&self, location: &str) -> Result<(), StorageError> {
        let url = url_of(location)?;
        match self.roots.first() {
            Some(Root::Local(folder)) => {
                let (permits, folder) = (folder.lookups(), folder.clone());
                look_up(permits, ANSWER_MAX, move || folder.remove(&url)).await
            }
            Some(Root::Object(prefix)) => prefix.remove(&prefix.resolve(&url)?).await,
            None => Err(StorageError::NotAllowed),
        }
    }

    /// Whether the storage answers.
    pub async fn health(&self) -> crate::health::Health {
        let up = match self.roots.first() {
            Some(Root::Local(folder)) => {
                let folder = folder.clone();
                look_up(folder.lookups(), ANSWER_MAX, move || Ok(folder.is_there())).await.unwrap_or(false)
            }
            Some(Root::Object(prefix)) => prefix.answers().await,
            None => false,
        };
        if up { crate::health::Health::Up } else { crate::health::Health::Down }
    }

    /// Whether `location` lies under the storage itself, where files are put once and never changed, and not under a
    /// root that others write to.
    #[must_use]
    pub fn is_its_own(&self, location: &str) -> bool {
        let Ok(url) = Url::parse(location) else { return false };
        match self.roots.first() {
            Some(Root::Local(folder)) => folder.names(&url),
            Some(Root::Object(prefix)) => prefix.resolve(&url).is_ok(),
            None => false,
        }
    }

    /// Where `location` lies, if it may be read.
    async fn place_of(&self, location: &str) -> Result<Place, StorageError> {
        let url = url_of(location)?;
        if url.scheme() != "file" {
            return place_under(&self.roots, &url);
        }
        let roots = Arc::clone(&self.roots);
        look_up(self.permits_for(location), ANSWER_MAX, move || place_under(&roots, &url)).await
    }

    /// The permits of the root that a local location names, so that one that hangs holds up no other.
    fn permits_for(&self, location: &str) -> Arc<Semaphore> {
        let under = Url::parse(location)
            .ok()
            .and_then(|url| self.folders().find(|folder| folder.names(&url)).map(local::Folder::lookups));
        under.unwrap_or_else(|| Arc::clone(&self.elsewhere))
    }
}

fn url_of(location: &str) -> Result<Url, StorageError> {
    Url::parse(location).map_err(|_| StorageError::Invalid("a location is a URL".into()))
}

/// Asks the file system, which may hang: a thread that does not come back holds its permit and nobody else.
async fn look_up<T: Send + 'static>(
    permits: Arc<Semaphore>,
    answer_max: Duration,
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let look = async move {
        let permit = permits.acquire_owned().await;
        blocking(move || {
            let _permit = permit;
            work()
        })
        .await
    };
    let no_answer = || StorageError::Transient(format!("no answer within {answer_max:?}"));
    timeout(answer_max, look).await.unwrap_or_else(|_| Err(no_answer()))
}

fn place_under(roots: &[Root], url: &Url) -> Result<Place, StorageError> {
    let mut answer = Err(StorageError::NotAllowed);
    for root in roots {
        let place = match root {
            Root::Local(folder) => folder.resolve(url).map(Place::Local),
            Root::Object(prefix) => prefix.resolve(url).map(|path| Place::Object(prefix.clone(), path)),
        };
        match place {
            Ok(place) => return Ok(place),
            Err(StorageError::NotAllowed) => {}
            Err(other) => answer = Err(other),
        }
    }
    answer
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

    fn to_read(url: &Url) -> Result<Self, StorageError> {
        if url.scheme() == "file" {
            return local::Folder::of_url(url).map(Root::Local);
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
