//! Files of this machine.

use std::{
    fs::{self, File},
    io,
    ops::Range,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc::Sender};
use url::Url;

use super::{FILE_BYTES_MAX, LOOKUPS_MAX, StorageError};

/// A folder, or a single file, that may be read. The path is canonical: symbolic links are resolved before comparing.
/// One that is not there yet is believed to be canonical.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    lookups: Arc<Semaphore>,
    /// When a read in it hung last.
    hung_at: Arc<Mutex<Option<Instant>>>,
}

/// How long a folder in which a read hung is looked into before somebody reads in it.
const SUSPECTED: Duration = Duration::from_secs(30);

impl Folder {
    fn at(path: PathBuf) -> Self {
        Self { path, lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)), hung_at: Arc::default() }
    }

    /// The folder of a `file:` URL, made if it is not there.
    pub(super) fn created(url: &Url) -> Result<Self, StorageError> {
        let path =
            url.to_file_path().map_err(|()| StorageError::Invalid(format!("{url} is no path here")))?;
        fs::create_dir_all(&path)
            .map_err(|error| StorageError::Invalid(format!("{}: {error}", path.display())))?;
        Self::existing(&path)
    }

    /// The folder of a `file:` URL, which may come later.
    pub(super) fn of_url(url: &Url) -> Result<Self, StorageError> {
        let path = url.to_file_path();
        path.map(|path| Self::expected(&path))
            .map_err(|()| StorageError::Invalid(format!("{url} is no path here")))
    }

    /// The file or folder at `path`.
    pub(super) fn existing(path: &Path) -> Result<Self, StorageError> {
        path.canonicalize().map(Self::at).map_err(from_io)
    }

    /// The file or folder at the absolute `path`, which may come later.
    pub(super) fn expected(path: &Path) -> Self {
        Self::at(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    /// Whether `url` is a path under this folder, by its letters.
    pub(super) fn names(&self, url: &Url) -> bool {
        url.scheme() == "file" && url.to_file_path().is_ok_and(|path| path.starts_with(&self.path))
    }

    /// Its canonical path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Permits to look something up in it.
    pub(super) fn lookups(&self) -> Arc<Semaphore> {
        Arc::clone(&self.lookups)
    }

    /// A read in it hung just now.
    pub(super) fn note_hung(&self) {
        *self.hung_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the next read in it may hang, too.
    pub(super) fn is_suspected(&self) -> bool {
        let hung_at = *self.hung_at.lock().unwrap_or_else(PoisonError::into_inner);
        hung_at.is_some_and(|at| at.elapsed() < SUSPECTED)
    }

    /// Its URL.
    pub(super) fn location(&self) -> String {
        location_of(&self.path).unwrap_or_default()
    }

    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// The canonical path of `url`, if it lies under this folder.
    pub(super) fn resolve(&self, url: &Url) -> Result<PathBuf, StorageError> {
        let path = if url.scheme() == "file" { url.to_file_path().ok() } else { None };
        let path = path.ok_or(StorageError::NotAllowed)?;
        let canonical = path.canonicalize().map_err(|error| {
            // What is not there tells nobody outside the root whether it ever was.
            if path.starts_with(&self.path) { from_io(error) } else { StorageError::NotAllowed }
        })?;
        if canonical.starts_with(&self.path) { Ok(canonical) } else { Err(StorageError::NotAllowed) }
    }

    /// Copies `from` to `name`: written beside, synced, then renamed, so that a reader never sees half a file.
    pub(super) fn put(&self, name: &str, from: &Path) -> Result<String, StorageError> {
        let target = self.path.join(name);
        let folder = target.parent().unwrap_or(&self.path);
        let length = fs::metadata(from).map_err(from_io)?.len();
        if length > FILE_BYTES_MAX {
            return Err(StorageError::TooLarge(length));
        }
        let mut beside = temporary_in(folder).map_err(from_io)?;
        io::copy(&mut File::open(from).map_err(from_io)?, beside.as_file_mut()).map_err(from_io)?;
        let (file, beside) = beside.into_parts();
        settle(&file, beside, &target)?;
        location_of(&target)
    }

    /// Lets the file `from` of this folder be `name`, too, in the place of one that is there by that name.
    pub(super) fn link(&self, name: &str, from: &Path) -> Result<String, StorageError> {
        let target = self.path.join(name);
        let folder = target.parent().unwrap_or(&self.path);
        let is_new = !folder.exists();
        // Beside it first: what is there by the name may be damaged, and is never away.
        let beside = folder.join(format!(".{}.linked", uuid::Uuid::new_v4().simple()));
        let link = || {
            fs::create_dir_all(folder)?;
            fs::hard_link(from, &beside)
        };
        match link().or_else(|error| if is_not_found(&error) && from.exists() { link() } else { Err(error) })
        {
            Ok(()) => {}
            Err(error) if is_not_found(&error) => return Err(StorageError::NotFound),
            // File systems without links.
            Err(_) => return self.put(name, from),
        }
        let renamed = fs::rename(&beside, &target);
        // A name for the file that is there already is kept, not renamed (rename(2)).
        let _gone = fs::remove_file(&beside);
        renamed.map_err(from_io)?;
        // The name it came under goes next: this one has to outlast a power failure.
        let above = folder.ancestors().skip(1).take_while(|above| is_new && above.starts_with(&self.path));
        for folder in std::iter::once(folder).chain(above) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(from_io)?;
        }
        location_of(&target)
    }

    /// Where [`Folder::put`] puts `name`.
    pub(super) fn location_of(&self, name: &str) -> Result<String, StorageError> {
        location_of(&self.path.join(name))
    }

    /// Removes the file of `url`, and the folders that it leaves empty.
    pub(super) fn remove(&self, url: &Url) -> Result<(), StorageError> {
        let path = match self.resolve(url) {
            Err(StorageError::NotFound) if self.is_there() => return Ok(()),
            // A folder that is away may come back with what is in it.
            Err(StorageError::NotFound) => {
                return Err(StorageError::Transient("the folder of the storage is not there".to_owned()));
            }
            resolved => resolved?,
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(from_io(error)),
            _ => {}
        }
        for folder in path.ancestors().skip(1).take_while(|folder| **folder != self.path) {
            // One that is not empty stays, and so do those around it.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// A file in `folder`, which is made. Again, should it have been removed in between, when the last file in it went.
pub(super) fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    fs::create_dir_all(folder)?;
    match tempfile::NamedTempFile::new_in(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            tempfile::NamedTempFile::new_in(folder)
        }
        made => made,
    }
}

/// Gives a temporary file its name, once all of it is on the disk.
pub(super) fn settle(file: &File, beside: tempfile::TempPath, target: &Path) -> Result<(), StorageError> {
    file.sync_all().map_err(from_io)?;
    // Temporary files are private to their user; what is stored is read by workers of other users.
    file.set_permissions(PermissionsExt::from_mode(0o644)).map_err(from_io)?;
    beside.persist(target).map_err(|error| from_io(error.error))
}

fn is_not_found(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Every file under `path`, into `found`, until the reader goes. A single file goes by the location that was `asked`, which
/// may be a link to it: the catalog knows it by that one.
pub(super) fn list(path: &Path, asked: &str, found: &Sender<Result<String, StorageError>>) {
    // Links are followed: where they lead out of every root, reading refuses them, and loops are found here.
    let files = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name();
    for entry in files {
        let item = match entry {
            Ok(entry) if entry.file_type().is_file() && entry.depth() == 0 => Ok(asked.to_owned()),
            Ok(entry) if entry.file_type().is_file() => location_of(entry.path()),
            Ok(_) => continue,
            Err(error) => Err(from_walk(error)),
        };
        if found.blocking_send(item).is_err() {
            return;
        }
    }
}

/// The path is not told: it may hold a name.
fn from_walk(error: walkdir::Error) -> StorageError {
    match error.into_io_error() {
        Some(error) => from_io(error),
        None => StorageError::Unreadable("a link leads to a folder around it".to_owned()),
    }
}

pub(super) fn metadata(path: &Path) -> Result<fs::Metadata, StorageError> {
    path.metadata().map_err(from_io)
}

/// A file to read, and how long it is.
pub(super) fn open(path: &Path) -> Result<(File, u64), StorageError> {
    let file = File::open(path).map_err(from_io)?;
    let metadata = file.metadata().map_err(from_io)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(StorageError::NotFound) }
}

/// Exactly the bytes of `ranges`.
pub(super) fn read(path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StorageError> {
    let file = File::open(path).map_err(from_io)?;
    let byte_count = file.metadata().map_err(from_io)?.len();
    let read_one = |range: &Range<u64>| {
        // Checked before the buffer is made: a wrong range must not allocate.
        if range.end > byte_count || range.start > range.end {
            return Err(StorageError::Truncated);
        }
        let length = usize::try_from(range.end - range.start).map_err(|_| StorageError::Truncated)?;
        let mut buffer = vec![0; length];
        file.read_exact_at(&mut buffer, range.start).map_err(from_io)?;
        Ok(Bytes::from(buffer))
    };
    ranges.iter().map(read_one).collect()
}

fn location_of(path: &Path) -> Result<String, StorageError> {
    Url::from_file_path(path)
        .map(String::from)
        .map_err(|()| StorageError::Invalid(format!("{} is not an absolute path", path.display())))
}

pub(super) fn from_io(error: io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::NotFound => StorageError::NotFound,
        io::ErrorKind::UnexpectedEof => StorageError::Truncated,
        io::ErrorKind::PermissionDenied => StorageError::Unreadable(error.to_string()),
        _ => StorageError::Transient(error.to_string()),
    }
}
