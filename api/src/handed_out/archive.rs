//! The files of a study in a ZIP archive, stored as they are: `SERIES/INSTANCE.dcm`, named by UIDs alone. Each piece goes
//! into the archive when the client has taken the one before.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use noctis_shared::{
    catalog::FileOfStudy,
    storage::{StorageError, segment},
};
use tokio::sync::mpsc::{self, Sender};
use uuid::Uuid;
use zip::{CompressionMethod, ZIP64_BYTES_THR, ZipWriter, write::SimpleFileOptions};

use super::{CutOff, open, verified::verified};
use crate::{allowance::Allowed, api::Api, back_end::catalog_problem, problem::Problem};

/// Files that are looked up at a time.
const FILES_MAX: u32 = 500;
/// Pieces that wait for the client.
const PIECES_AHEAD_MAX: usize = 2;

/// The archive of a study; `None` of one that has no file.
///
/// # Errors
/// 503 when the first file cannot be read: what fails later cuts the answer off.
pub(crate) async fn archive(
    api: &Arc<Api>,
    study_id: Uuid,
    download: Allowed,
) -> Result<Option<Body>, Problem> {
    let files = api.catalog.files_of_study(study_id, None, FILES_MAX).await;
    let files = files.map_err(|error| catalog_problem(&error))?;
    let Some(first) = files.first() else { return Ok(None) };
    open(&api.storage, &first.location, first.file_byte_count).await?;
    let (out, pieces) = mpsc::channel(PIECES_AHEAD_MAX);
    let api = Arc::clone(api);
    tokio::spawn(async move {
        if let Err(error) = write(&api, study_id, files, &out).await {
            tracing::warn!(%error, "an archive was cut off");
            let _the_client_is_gone = out.send(Err(error)).await;
        }
        drop(download);
    });
    let pieces = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    Ok(Some(Body::from_stream(pieces)))
}

/// Writes all files, until the client is gone.
async fn write(
    api: &Api,
    study_id: Uuid,
    mut files: Vec<FileOfStudy>,
    out: &Sender<Result<Bytes, CutOff>>,
) -> Result<(), CutOff> {
    let sink = Sink::default();
    let mut archive = ZipWriter::new_stream(sink.clone());
    while let Some(last) = files.last().map(|file| file.key) {
        for file in &files {
            let opened = api.storage.open(&file.location).await?;
            if opened.byte_count() != file.file_byte_count {
                return Err(StorageError::Truncated.into());
            }
            archive.start_file(name(file), options(file.file_byte_count))?;
            let mut pieces =
                std::pin::pin!(verified(opened.read(0..file.file_byte_count), file.content_digest));
            while let Some(piece) = pieces.next().await {
                archive.write_all(&piece?)?;
                if out.send(Ok(sink.take())).await.is_err() {
                    return Ok(());
                }
            }
        }
        files =
            api.catalog.files_of_study(study_id, Some(last), FILES_MAX).await.map_err(|_| CutOff::Catalog)?;
    }
    archive.finish()?;
    let _the_client_is_gone = out.send(Ok(sink.take())).await;
    Ok(())
}

fn name(file: &FileOfStudy) -> String {
    format!("{}/{}.dcm", segment(&file.series_instance_uid), segment(&file.sop_instance_uid))
}

fn options(byte_count: u64) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    options.large_file(byte_count >= ZIP64_BYTES_THR).unix_permissions(0o644)
}

/// Where the archive is written to, piece by piece.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    /// What was written since the last time.
    fn take(&self) -> Bytes {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of 4 GiB is too long for a test; what is written for one is not.
    #[test]
    fn an_entry_with_long_sizes_reads_back() {
        let sink = Sink::default();
        let mut archive = ZipWriter::new_stream(sink.clone());
        for (name, byte_count) in [("a/short.dcm", 3), ("a/long.dcm", ZIP64_BYTES_THR)] {
            archive.start_file(name, options(byte_count)).expect("started");
            archive.write_all(b"abc").expect("written");
        }
        archive.finish().expect("finished");
        let mut read = zip::ZipArchive::new(io::Cursor::new(sink.take())).expect("an archive");
        assert_eq!(read.len(), 2);
        for index in 0..2 {
            let text = io::read_to_string(read.by_index(index).expect("a file")).expect("text");
            assert_eq!(text, "abc");
        }
    }
}
