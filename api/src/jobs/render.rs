//! One picture that somebody was told to come back for.

use std::{sync::Arc, time::Duration};

use noctis_shared::{
    client_job::{JobState, reason_of},
    queue::PublishError,
    render::Outcome,
    request::FrameRequest,
    submit::SubmitError,
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    driver::{Drive, Stop},
    prerender::{reason_of_error, want},
};

/// When a queue that was full, or a back end that was away, is tried again.
const TRY_PAUSE: Duration = Duration::from_secs(2);

/// Waits for the picture as its client would, and writes what came of it.
pub(super) async fn run(
    drive: &mut Drive,
    image_id: Uuid,
    request: FrameRequest,
    patience: Duration,
) -> Result<(), Stop> {
    let mut progress = drive.job.progress.clone();
    drive.advance(JobState::Running, &progress).await?;
    let made = tokio::time::timeout(patience, make(drive, image_id, request, patience)).await;
    match made.unwrap_or(Ok(Err("not_ready")))? {
        Ok(()) => progress.done = 1,
        Err(reason) => progress.count_failure(reason),
    }
    drive.advance(progress.end(), &progress).await
}

/// The picture, or the reason why there is none.
async fn make(
    drive: &Drive,
    image_id: Uuid,
    request: FrameRequest,
    patience: Duration,
) -> Result<Result<(), &'static str>, Stop> {
    let started = Instant::now();
    loop {
        let Some(image) = drive.inner.catalog.image(image_id).await? else { return Ok(Err("image_gone")) };
        let wanted = want(drive, Arc::new(image), request.clone());
        let seat = drive.inner.submit.board(wanted, patience);
        let landing = seat.landing().await;
        match landing.as_ref().map(|found| &found.outcome).map_err(Arc::as_ref) {
            Ok(Outcome::Picture(_)) => return Ok(Ok(())),
            Ok(Outcome::Failure(failure)) => return Ok(Err(reason_of(failure.kind))),
            // The next look finds the file that took the place.
            Err(SubmitError::ImageReplaced) if started.elapsed() < patience / 4 => {}
            Err(SubmitError::Publish(PublishError::Full | PublishError::Unavailable(_))) => {}
            Err(SubmitError::Catalog(error)) => return Err(Stop::Catalog(error.clone())),
            Err(error) => return Ok(Err(reason_of_error(error))),
        }
        sleep(TRY_PAUSE).await;
    }
}
