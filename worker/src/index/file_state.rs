//! What the file system tells of a state of a file, to see whether somebody wrote to it.

use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    time::{Duration, SystemTime},
};

/// One state of a file. Two readings that find the same state found the same bytes, unless the disk decayed or a clock
/// stood still: what is drawn is held against checksums all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    inode: u64,
    byte_count: u64,
    modified: (i64, i64),
    /// Moves with every write, also when the modification time is set back.
    status_changed: (i64, i64),
}

impl FileState {
    /// The state that `metadata` tell.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            byte_count: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            status_changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether nobody has written to it for `pause`, by the clock of this machine.
    pub(crate) fn rests_for(&self, pause: Duration) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = self.status_changed;
        let changed = u64::try_from(seconds).map_or(Duration::ZERO, Duration::from_secs)
            + u64::try_from(nanoseconds).map_or(Duration::ZERO, Duration::from_nanos);
        now.saturating_sub(changed) > pause
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::FileExt};

    use super::*;

    #[test]
    fn a_write_in_place_is_another_state_though_size_and_time_are_put_back() {
        let file = tempfile::NamedTempFile::new().expect("a file that is there");
        fs::write(file.path(), b"0123").expect("a file that is there");
        let before = file.path().metadata().expect("a file that is there");
        // Clocks of file systems tick every few milliseconds.
        std::thread::sleep(Duration::from_millis(30));
        file.as_file().write_all_at(b"x", 2).expect("a file that is there");
        file.as_file()
            .set_modified(before.modified().expect("a file that is there"))
            .expect("a file that is there");
        let after = file.path().metadata().expect("a file that is there");
        assert_eq!(
            (before.len(), before.modified().expect("a file that is there")),
            (after.len(), after.modified().expect("a file that is there"))
        );
        assert_ne!(FileState::of(&before), FileState::of(&after));
        assert!(!FileState::of(&after).rests_for(Duration::from_secs(60)));
        assert!(FileState::of(&after).rests_for(Duration::ZERO));
    }
}
