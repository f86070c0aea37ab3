//! The demonstration study: a synthetic chest CT, head MR, chest radiograph and ultrasound cine of one patient.
//!
//! Everything is computed from formulas and a seed: no person was imaged, nothing is downloaded, and the files are
//! the same on every run. Start at [`write_demo_study`]; [`DemoFile`] and [`ct_slice`] also serve the tests.

mod canvas;
mod chest;
mod dicom_file;
mod lettering;
mod noise;
mod phantom_ct;
mod phantom_mr;
mod series;
mod ultrasound;
mod vessels;
mod xray;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

pub use dicom_file::{DemoError, DemoFile, DemoItem, NativeSyntax, Samples, Uids, demo_uid};
pub use phantom_ct::ct_slice;

use chest::Chest;
use series::{Picture, SEED, STUDY};

#[cfg(test)]
mod tests;

/// What [`write_demo_study`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoSummary {
    /// Study Instance UID, the same everywhere.
    pub study_instance_uid: String,
    /// Files made by this call.
    pub written: usize,
    /// Files that were there already.
    pub kept: usize,
}

/// Writes the study's files into `folder`, and leaves those alone that an earlier call finished.
///
/// Takes about two seconds on two cores. Pictures are drawn and written one at a time a thread, so memory stays at a
/// few pictures whatever the study's size.
///
/// # Errors
/// The first [`DemoError`]; files finished before it stay and are kept by the next call.
pub fn write_demo_study(folder: &Path) -> Result<DemoSummary, DemoError> {
    write_missing(folder, Picture::all())
}

fn write_missing(folder: &Path, pictures: Vec<Picture>) -> Result<DemoSummary, DemoError> {
    let (done, missing): (Vec<_>, Vec<_>) =
        pictures.into_iter().partition(|picture| is_finished(&folder.join(picture.file_name())));
    draw_all(folder, &missing)?;
    let study_instance_uid = Uids::named(STUDY, "", 0).study;
    Ok(DemoSummary { study_instance_uid, written: missing.len(), kept: done.len() })
}

/// Draws pictures on as many threads as there are cores, four at most.
fn draw_all(folder: &Path, pictures: &[Picture]) -> Result<(), DemoError> {
    const THREADS_MAX: usize = 4;
    let chest = OnceLock::new();
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        while let Some(picture) = pictures.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = picture.file(|| chest.get_or_init(|| Chest::new(SEED)));
            if let Err(error) = file.write(&folder.join(picture.file_name())) {
                next.store(pictures.len(), Ordering::Relaxed);
                failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(pictures.len()) {
            scope.spawn(work);
        }
    });
    failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(()), Err)
}

/// Whether a file of this version of the study lies there. Files appear whole, so their first bytes tell.
fn is_finished(path: &Path) -> bool {
    const META_BYTES: usize = 512;
    let mut start = Vec::with_capacity(META_BYTES);
    let read = File::open(path).and_then(|file| file.take(META_BYTES as u64).read_to_end(&mut start));
    let mark = dicom_file::MARK.as_bytes();
    read.is_ok() && start.windows(mark.len()).any(|window| window == mark)
}
