//! The storage held against the catalog, both ways: whether the file of each instance is there as it was indexed, and whether each
//! file that we stored is an instance's. Every byte of every file is read.
//!
//! What must not be here: what is done about a fault (`index`), and how it is told (commands).

use futures::StreamExt;
use noctis_shared::{
    catalog::{Catalog, CatalogError, FileOfStudy},
    render_key::ContentDigest,
    storage::{Storage, StorageError, StoredFile, named_in},
};

/// Rows that are looked up at a time.
const PORTION: u32 = 500;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An instance has it, and it is not there.
    Missing,
    /// It has other bytes than were indexed.
    Changed,
    /// It cannot be read now, and why.
    Unreadable(String),
    /// It is named as we name what we store, and no instance has it.
    Orphan,
}

impl Fault {
    /// A word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Changed => "changed",
            Fault::Unreadable(_) => "unreadable",
            Fault::Orphan => "orphan",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Instances whose file is as it was indexed.
    pub sound: u64,
    /// Files with a fault.
    pub faults: u64,
    /// Instances whose file lies outside of what this program may read.
    pub elsewhere: u64,
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The storage cannot be listed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Holds the files of all instances against the catalog, then the files under `storage_url` that are named as ours. `told` hears
/// of each fault, with the location. A file that is being received just now is an orphan until it is indexed.
///
/// # Errors
/// [`VerifyError`]; what was told before stays true.
pub async fn verify(
    catalog: &Catalog,
    storage: &Storage,
    storage_url: &str,
    mut told: impl FnMut(&str, &Fault),
) -> Result<Verified, VerifyError> {
    let mut verified = Verified::default();
    let mut after = None;
    loop {
        let files = catalog.files(after, PORTION).await?;
        let Some(last) = files.last() else { break };
        after = Some(last.key);
        for file in &files {
            match look_at(file, storage).await {
                Ok(None) => verified.sound += 1,
                Ok(Some(fault)) => {
                    verified.faults += 1;
                    told(&file.location, &fault);
                }
                Err(Elsewhere) => verified.elsewhere += 1,
            }
        }
    }
    verified.faults += orphans(catalog, storage, storage_url, &mut told).await?;
    Ok(verified)
}

/// The file lies outside of the roots.
struct Elsewhere;

async fn look_at(file: &FileOfStudy, storage: &Storage) -> Result<Option<Fault>, Elsewhere> {
    let digest = match storage.open(&file.location).await {
        Ok(opened) if opened.byte_count() != file.file_byte_count => return Ok(Some(Fault::Changed)),
        Ok(opened) => digest_of(&opened).await,
        Err(error) => Err(error),
    };
    match digest {
        Ok(digest) if digest == file.content_digest => Ok(None),
        Ok(_) | Err(StorageError::Truncated) => Ok(Some(Fault::Changed)),
        Err(StorageError::NotFound) => Ok(Some(Fault::Missing)),
        Err(StorageError::NotAllowed) => Err(Elsewhere),
        Err(error) => Ok(Some(Fault::Unreadable(error.to_string()))),
    }
}

async fn digest_of(file: &StoredFile) -> Result<ContentDigest, StorageError> {
    let mut hasher = blake3::Hasher::new();
    let mut pieces = std::pin::pin!(file.read(0..file.byte_count()));
    while let Some(piece) = pieces.next().await {
        hasher.update(&piece?);
    }
    Ok(ContentDigest(*hasher.finalize().as_bytes()))
}

/// How many files that are named as ours nobody has.
async fn orphans(
    catalog: &Catalog,
    storage: &Storage,
    storage_url: &str,
    told: &mut impl FnMut(&str, &Fault),
) -> Result<u64, VerifyError> {
    let mut listing = match storage.list(storage_url).await {
        // Nothing was ever put there.
        Err(StorageError::NotFound) => return Ok(0),
        listing => listing?,
    };
    let (mut count, mut ends) = (0, false);
    while !ends {
        let mut named = Vec::with_capacity(PORTION as usize);
        while named.len() < PORTION as usize {
            match listing.next().await {
                Some(Err(StorageError::NotFound)) => {}
                Some(location) => {
                    let location = location?;
                    named.extend(named_in(&location).map(|own_id| (own_id, location)));
                }
                None => {
                    ends = true;
                    break;
                }
            }
        }
        let own_ids: Vec<_> = named.iter().map(|(own_id, _)| *own_id).collect();
        let known = catalog.known_files(&own_ids).await?;
        for (own_id, location) in named {
            let is_known = known.iter().any(|file| file.own_id == own_id && file.location == location);
            if !is_known && !catalog.accounts_for(&location).await? {
                count += 1;
                told(&location, &Fault::Orphan);
            }
        }
    }
    Ok(count)
}
