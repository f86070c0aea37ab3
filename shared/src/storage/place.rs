//! A local file as a location names it, to be opened by whoever reads it: later, and perhaps in another process.
//!
//! It is looked for when it is opened and not before, in one call that never leaves the root on its way: what lies
//! between a check and a use is no place for a link to be swapped. Links that name whole paths, and systems without that
//! call, take two steps: the path is resolved, held against the root, and opened as one without links.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, open, openat2},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{StorageError, local::from_io};

/// Where a local file lies, and under which root it must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalPlace {
    /// Canonical, a folder or the file itself.
    root: PathBuf,
    /// Absolute; under the root by its letters.
    path: PathBuf,
}

impl LocalPlace {
    pub(super) fn new(root: PathBuf, path: PathBuf) -> Self {
        Self { root, path }
    }

    /// A file that whoever runs this program names: it may lie anywhere.
    #[must_use]
    pub fn anywhere(path: &Path) -> Self {
        Self { root: PathBuf::from("/"), path: path.to_owned() }
    }

    /// As it is named, links unresolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// [`StorageError::NotAllowed`] when links lead out of the root; [`StorageError::NotFound`],
    /// [`StorageError::Unreadable`], [`StorageError::Transient`].
    pub fn open(&self) -> Result<File, StorageError> {
        match self.open_beneath() {
            Ok(file) => Ok(file),
            // Links that name whole paths, which may lead back; and kernels or filters without the call.
            Err(Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::INVAL | Errno::NOTDIR) => {
                self.open_resolved()
            }
            Err(error) => Err(from_io(error.into())),
        }
    }

    fn open_beneath(&self) -> Result<File, Errno> {
        // A root that is the file itself has nothing beneath it.
        let relative = self.path.strip_prefix(&self.root).map_err(|_| Errno::XDEV)?;
        if relative.as_os_str().is_empty() {
            return Err(Errno::NOTDIR);
        }
        self.open_from_root(relative, ResolveFlags::BENEATH)
    }

    fn open_from_root(&self, relative: &Path, how: ResolveFlags) -> Result<File, Errno> {
        let root = open(&self.root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        openat2(root, relative, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), how).map(File::from)
    }

    fn open_resolved(&self) -> Result<File, StorageError> {
        let canonical = self.path.canonicalize().map_err(from_io)?;
        let relative = canonical.strip_prefix(&self.root).map_err(|_| StorageError::NotAllowed)?;
        if relative.as_os_str().is_empty() {
            return File::open(canonical).map_err(from_io);
        }
        // What was resolved has no links any more: one that is there now was put there since.
        match self.open_from_root(relative, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
            Err(Errno::NOSYS | Errno::PERM) => File::open(canonical).map_err(from_io),
            Err(Errno::LOOP) => Err(StorageError::NotAllowed),
            opened => opened.map_err(|error| from_io(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn opened(root: &Path, name: &str) -> Result<String, StorageError> {
        let file = LocalPlace::new(root.to_owned(), root.join(name)).open()?;
        Ok(std::io::read_to_string(file).expect("read"))
    }

    #[test]
    fn links_are_followed_as_long_as_they_stay_under_the_root() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().canonicalize().expect("a path");
        let root = base.join("root");
        fs::create_dir_all(root.join("inside")).expect("made");
        fs::write(root.join("inside/a.dcm"), "inside").expect("written");
        fs::write(base.join("outside.dcm"), "outside").expect("written");
        for (link, to) in [
            ("beside.dcm", "inside/a.dcm".into()),
            ("whole.dcm", root.join("inside/a.dcm")),
            ("folder", "inside".into()),
            ("out.dcm", "../outside.dcm".into()),
            ("whole-out.dcm", base.join("outside.dcm")),
            ("gone.dcm", "inside/b.dcm".into()),
        ] {
            symlink(to, root.join(link)).expect("linked");
        }
        for name in ["inside/a.dcm", "beside.dcm", "whole.dcm", "folder/a.dcm"] {
            assert_eq!(opened(&root, name).expect(name), "inside", "{name}");
        }
        for name in ["out.dcm", "whole-out.dcm"] {
            assert!(matches!(opened(&root, name), Err(StorageError::NotAllowed)), "{name}");
        }
        for name in ["gone.dcm", "inside/b.dcm"] {
            assert!(matches!(opened(&root, name), Err(StorageError::NotFound)), "{name}");
        }
        let whole = root.join("inside/a.dcm");
        assert!(LocalPlace::new(whole.clone(), whole).open().is_ok(), "a root that is a file");
    }
}
