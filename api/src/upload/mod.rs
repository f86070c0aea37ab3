//! Files that a client sends: put down in the storage piece by piece as they come, in a place apart, then told of to the
//! workers, who look at them; and waiting for what became of each.
//!
//! What must not be here: what is in a file (`receive` of the worker), and how the outcome is told (`routes`).

mod files;

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    catalog::CatalogError,
    event::StudyEvent,
    storage::StorageError,
    upload::{Admits, UPLOAD_FILES_MAX, Upload, UploadState},
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub(crate) use self::files::Files;
use crate::{
    api::Api,
    back_end::{catalog_problem, publish_problem, storage_problem},
    caller::{Caller, Sight},
    problem::{Kind, Problem},
};

/// Longest wait for the workers, from when all files are there.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How soon it is looked whether they are done, and how soon again at last.
const LOOK_SOONEST: Duration = Duration::from_millis(4);
const LOOK_LATEST: Duration = Duration::from_millis(250);
/// When it is worth to ask again for an upload that waits for its workers.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Puts down all files that a request sends, and asks the workers to take them. Answers the name of the upload.
///
/// # Errors
/// 400 and 415 for a body that is no such files, 413 past a bound, 429 for a client with too many uploads under way, 503 when
/// storage, catalog or queue do not take them: nothing is left of them then.
pub(crate) async fn put_down(
    api: &Arc<Api>,
    caller: &Caller,
    to_study: Option<String>,
    mut files: Files,
) -> Result<Uuid, Problem> {
    let _allowed = api.uploads.begin(&caller.name)?;
    let event_id = Uuid::new_v4();
    let upload = Upload {
        event_id,
        owner: caller.name.clone(),
        admits: Admits { study_instance_uid: to_study, study_ids: writable(&caller.sight) },
        state: UploadState::Arriving,
        instances: Vec::new(),
    };
    api.catalog.begin_upload(&upload).await.map_err(|error| catalog_problem(&error))?;
    let unfinished = Unfinished { api: Some(Arc::clone(api)), event_id };
    let mut count = 0;
    while files.next().await.map_err(|problem| at_the_end(api, problem))? {
        if count == UPLOAD_FILES_MAX {
            let detail = format!("An upload has at most {UPLOAD_FILES_MAX} files; send the rest in another.");
            return Err(Problem::new(Kind::BodyTooLarge, detail));
        }
        put_down_one(api, event_id, count, &mut files).await?;
        count += 1;
    }
    if count == 0 {
        return Err(Problem::new(Kind::InvalidUpload, "There is no file in the body."));
    }
    api.catalog.upload_arrived(event_id).await.map_err(|error| catalog_problem(&error))?;
    api.queue
        .publish_event(&StudyEvent::uploaded(event_id))
        .await
        .map_err(|error| publish_problem(&error))?;
    unfinished.finish();
    Ok(event_id)
}

async fn put_down_one(api: &Api, event_id: Uuid, number: u32, files: &mut Files) -> Result<(), Problem> {
    let refused = |error: StorageError| match error {
        StorageError::TooLarge(_) => {
            Problem::new(Kind::BodyTooLarge, "A file is longer than a stored one may be.")
        }
        error => storage_problem(&error),
    };
    let mut incoming = api.storage.begin_incoming(event_id, number).await.map_err(refused)?;
    while let Some(piece) = files.piece().await.map_err(|problem| at_the_end(api, problem))? {
        incoming.write(&piece).await.map_err(refused)?;
    }
    incoming.finish().await.map_err(refused)
}

/// What is wrong with a body, unless this process ends: then it is the process.
fn at_the_end(api: &Api, problem: Problem) -> Problem {
    if problem.kind() == Kind::InvalidUpload && api.drains.is_cancelled() {
        let detail = "The server ends before all files are there; send them again.";
        return Problem::new(Kind::ShuttingDown, detail).retry_after(RETRY_PAUSE);
    }
    problem
}

/// The studies that somebody who sees so much may write; `None` for all.
fn writable(sight: &Sight) -> Option<Vec<Uuid>> {
    match sight {
        Sight::Everything => None,
        Sight::Studies(study_ids) => Some(study_ids.iter().copied().collect()),
        Sight::Shared(_) => Some(Vec::new()),
    }
}

/// An upload whose files are still coming. Dropped before it is finished nothing is left of it.
struct Unfinished {
    api: Option<Arc<Api>>,
    event_id: Uuid,
}

impl Unfinished {
    fn finish(mut self) {
        self.api = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let (Some(api), event_id) = (self.api.take(), self.event_id) else { return };
        tokio::spawn(async move {
            // What is left now goes when uploads of that time are forgotten.
            match api.storage.discard_incoming(event_id).await {
                Ok(()) => drop(api.catalog.forget_upload(event_id).await),
                Err(error) => tracing::debug!(%error, "files of an upload that was broken off stay for now"),
            }
        });
    }
}

/// What became of an upload, once its workers are done.
///
/// # Errors
/// 503 when that takes too long, or this process ends: it goes on nevertheless.
pub(crate) async fn outcome(api: &Api, event_id: Uuid) -> Result<Upload, Problem> {
    let until = Instant::now() + WAIT_MAX;
    let mut pause = LOOK_SOONEST;
    loop {
        tokio::select! {
            () = sleep(pause) => {}
            () = api.gives_up.cancelled() => return Err(under_way(event_id)),
        }
        pause = (pause * 2).min(LOOK_LATEST);
        match api.catalog.is_upload_done(event_id).await {
            Ok(true) => return told(api, event_id).await,
            Ok(false) => {}
            // It may be back before the wait is over.
            Err(CatalogError::Unavailable(_)) => {}
            Err(error) => return Err(catalog_problem(&error)),
        }
        if Instant::now() > until {
            return Err(under_way(event_id));
        }
    }
}

async fn told(api: &Api, event_id: Uuid) -> Result<Upload, Problem> {
    let upload = api.catalog.upload(event_id).await.map_err(|error| catalog_problem(&error))?;
    upload.ok_or_else(|| under_way(event_id))
}

fn under_way(event_id: Uuid) -> Problem {
    let detail = "All files are there, and not yet looked at. It goes on; `details` says where to ask what becomes of them.";
    Problem::new(Kind::UploadUnderWay, detail)
        .retry_after(RETRY_PAUSE)
        .with("event_id", event_id.to_string())
        .with("location", format!("/api/v1/ingest/{event_id}"))
}
