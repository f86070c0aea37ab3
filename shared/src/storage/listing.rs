//! Locations under a root, as they are found.

use tokio::sync::mpsc;

use super::{Storage, StorageError};

/// Locations that wait between a listing and its reader.
const AHEAD_MAX: usize = 1024;

/// What puts them in.
pub(super) type Found = mpsc::Sender<Result<String, StorageError>>;

/// A listing that is under way.
pub struct Listing {
    found: mpsc::Receiver<Result<String, StorageError>>,
    /// How locations begin that are not shown.
    hidden: Option<String>,
}

impl Listing {
    /// One of what lies at `location`, and where it is found. Files on their way are shown to who asks for them alone.
    pub(super) fn of(storage: &Storage, location: &str) -> (Found, Self) {
        let (sender, found) = mpsc::channel(AHEAD_MAX);
        let hidden = storage.incoming_folder().filter(|folder| !location.starts_with(folder));
        (sender, Self { found, hidden })
    }

    /// The next file; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<String, StorageError>> {
        loop {
            let next = self.found.recv().await?;
            match (&next, &self.hidden) {
                (Ok(location), Some(hidden)) if location.starts_with(hidden) => {}
                _ => return Some(next),
            }
        }
    }
}
