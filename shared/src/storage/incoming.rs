//! Files on their way into the storage: written piece by piece to a place apart, which no listing shows, and put where they belong
//! once it is known what they are.

use std::path::PathBuf;

use tempfile::TempPath;
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

use super::{FILE_BYTES_MAX, Root, Storage, StorageError, blocking, local};

/// The folder of what is on its way.
const FOLDER: &str = ".incoming";
/// Bytes that are gathered before the file system is asked.
const BUFFER_BYTES: usize = 1 << 20;

/// A file that is being written. Dropped before [`IncomingFile::finish`] it is not there; an object store keeps the parts of a large
/// one until a rule of its bucket removes them.
#[derive(Debug)]
pub struct IncomingFile {
    to: Target,
    byte_count: u64,
}

#[derive(Debug)]
enum Target {
    Local { file: Box<BufWriter<tokio::fs::File>>, beside: TempPath, path: PathBuf },
    Object(Box<object_store::buffered::BufWriter>),
}

impl IncomingFile {
    /// Writes on.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] past what a stored file may have, and those of a storage that does not take it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.byte_count += bytes.len() as u64;
        if self.byte_count > FILE_BYTES_MAX {
            return Err(StorageError::TooLarge(self.byte_count));
        }
        let written = match &mut self.to {
            Target::Local { file, .. } => file.write_all(bytes).await,
            Target::Object(object) => object.write_all(bytes).await,
        };
        written.map_err(local::from_io)
    }

    /// Ends the file; it is there when this returns.
    ///
    /// # Errors
    /// Those of a storage that does not take it.
    pub async fn finish(self) -> Result<(), StorageError> {
        match self.to {
            Target::Local { mut file, beside, path } => {
                file.flush().await.map_err(local::from_io)?;
                let file = file.into_inner().into_std().await;
                blocking(move || local::settle(&file, beside, &path)).await
            }
            Target::Object(mut object) => object.shutdown().await.map_err(local::from_io),
        }
    }
}

impl Storage {
    /// Begins file `number` of upload `event_id`.
    ///
    /// # Errors
    /// Those of a storage that does not take it.
    pub async fn begin_incoming(&self, event_id: Uuid, number: u32) -> Result<IncomingFile, StorageError> {
        // Listings are in the order of names.
        let name = format!("{FOLDER}/{event_id}/{number:06}.dcm");
        let to = match self.roots.first() {
            Some(Root::Local(folder)) => {
                let path = folder.path().join(name);
                blocking(move || {
                    let beside =
                        local::temporary_in(path.parent().unwrap_or(&path)).map_err(local::from_io)?;
                    let (file, beside) = beside.into_parts();
                    let file = Box::new(BufWriter::with_capacity(BUFFER_BYTES, file.into()));
                    Ok(Target::Local { file, beside, path })
                })
                .await?
            }
            Some(Root::Object(prefix)) => Target::Object(Box::new(prefix.writer(&name))),
            None => return Err(StorageError::NotAllowed),
        };
        Ok(IncomingFile { to, byte_count: 0 })
    }

    /// Where the files of an upload lie, in their order.
    #[must_use]
    pub fn incoming(&self, event_id: Uuid) -> Option<String> {
        self.location_of(&format!("{FOLDER}/{event_id}"))
    }

    /// Lets the incoming file at `location` be stored under `name`, too, in the place of one that is there by that name.
    /// Answers its location, as [`Storage::put`].
    ///
    /// # Errors
    /// [`StorageError::NotFound`], and those of a storage that does not do it.
    pub async fn admit(&self, location: &str, name: &str) -> Result<String, StorageError> {
        match self.roots.first() {
            Some(Root::Local(folder)) => {
                let from = self.local_path(location).await?.ok_or(StorageError::NotAllowed)?;
                let (folder, name) = (folder.clone(), name.to_owned());
                blocking(move || folder.link(&name, &from)).await
            }
            Some(Root::Object(prefix)) => {
                prefix.copy(&prefix.resolve(&super::url_of(location)?)?, name).await
            }
            None => Err(StorageError::NotAllowed),
        }
    }

    /// Removes what lies there of an upload.
    ///
    /// # Errors
    /// Those of a storage that does not do it.
    pub async fn discard_incoming(&self, event_id: Uuid) -> Result<(), StorageError> {
        match (self.roots.first(), self.incoming(event_id)) {
            (Some(Root::Local(folder)), _) => {
                // With what was not finished, which no listing shows.
                let folder = folder.path().join(format!("{FOLDER}/{event_id}"));
                blocking(move || match std::fs::remove_dir_all(folder) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(local::from_io(error)),
                    _ => Ok(()),
                })
                .await
            }
            (Some(Root::Object(_)), Some(prefix)) => {
                let mut listing = self.list(&prefix).await?;
                while let Some(location) = listing.next().await {
                    self.remove(&location?).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// How locations of the place apart begin.
    pub(super) fn incoming_folder(&self) -> Option<String> {
        self.location_of(FOLDER).map(|folder| format!("{folder}/"))
    }
}
