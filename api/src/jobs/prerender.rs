//! The pictures of a study, ahead of their viewers: some at a time, so that the lane never holds a whole study.
//!
//! What is kept already counts at once. So whoever drives a job next begins with the first picture again, and makes what is
//! not there: a process that was killed may have told of pictures that were not written yet.

use std::{collections::HashMap, sync::Arc};

use futures::future::join_all;
use noctis_shared::{
    catalog::{CatalogError, ImageRecord},
    client_job::{JobState, Progress, reason_of},
    render::Outcome,
    render_key::RenderKey,
    request::FrameRequest,
    submit::{PICTURES_MAX, SubmitError, ViewOfImage, Views, Wanted},
};
use uuid::Uuid;

use super::driver::{Drive, Stop};

/// Pictures in the queue at a time, of one job.
const PORTION: usize = 32;

/// Makes what is left of the job, and writes how far it is after each portion.
pub(super) async fn run(drive: &mut Drive, views: &Views) -> Result<(), Stop> {
    let images = drive.inner.catalog.frames_of_study(drive.job.study_id).await?;
    let mut progress = drive.job.progress.clone();
    if images.is_empty() {
        for _ in progress.settled()..progress.total {
            progress.count_failure("study_gone");
        }
        return drive.advance(JobState::Failed, &progress).await;
    }
    // It may have grown since.
    let told = progress.settled();
    progress.total = views.count(&images).unwrap_or(PICTURES_MAX).max(told);
    drive.advance(JobState::Running, &progress).await?;
    progress = Progress { total: progress.total, ..Progress::default() };
    let mut left = views.pictures(&images).take(PICTURES_MAX as usize).peekable();
    while left.peek().is_some() {
        let portion: Vec<ViewOfImage> = left.by_ref().take(PORTION).collect();
        make(drive, &portion, &mut progress).await?;
        // What was told before is not taken back meanwhile.
        if left.peek().is_some() && progress.settled() > told {
            drive.advance(JobState::Running, &progress).await?;
        }
    }
    progress.total = progress.settled();
    drive.advance(progress.end(), &progress).await
}

/// Has the pictures of a portion made, and counts what comes of them.
async fn make(drive: &Drive, portion: &[ViewOfImage], progress: &mut Progress) -> Result<(), CatalogError> {
    let mut images: HashMap<Uuid, Option<Arc<ImageRecord>>> = HashMap::new();
    let mut wanted = Vec::with_capacity(portion.len());
    for ViewOfImage { image_id, request } in portion {
        let image = match images.get(image_id) {
            Some(image) => image.clone(),
            None => {
                let image = drive.inner.catalog.image(*image_id).await?.map(Arc::new);
                images.insert(*image_id, image.clone());
                image
            }
        };
        match image {
            Some(image) => wanted.push(want(drive, image, request.clone())),
            None => progress.count_failure("image_gone"),
        }
    }
    let keys: Vec<RenderKey> = wanted.iter().map(|wanted| wanted.key).collect();
    let there = drive.inner.catalog.pictures_there(&keys).await?;
    let count_before = wanted.len();
    wanted.retain(|wanted| !there.contains(&wanted.key));
    progress.done += u32::try_from(count_before - wanted.len()).unwrap_or(u32::MAX);
    for made in join_all(wanted.into_iter().map(|wanted| make_one(drive, wanted))).await {
        match made {
            Ok(()) => progress.done += 1,
            Err(reason) => progress.count_failure(reason),
        }
    }
    Ok(())
}

pub(super) fn want(drive: &Drive, image: Arc<ImageRecord>, request: FrameRequest) -> Wanted {
    let key = RenderKey::new(&image.content_digest, &request);
    Wanted { image, key, request, client: drive.job.owner.clone() }
}

/// One picture; the reason why there is none.
async fn make_one(drive: &Drive, wanted: Wanted) -> Result<(), &'static str> {
    match drive.background.make(&wanted).await {
        // Its file was replaced since it was looked up.
        Err(SubmitError::ImageReplaced) => {
            let image = drive.inner.catalog.image(wanted.image.key).await.ok().flatten();
            let image = image.ok_or("image_gone")?;
            let anew = want(drive, Arc::new(image), wanted.request);
            reason(drive.background.make(&anew).await.as_ref())
        }
        made => reason(made.as_ref()),
    }
}

fn reason(made: Result<&Outcome, &SubmitError>) -> Result<(), &'static str> {
    match made {
        Ok(Outcome::Picture(_)) => Ok(()),
        Ok(Outcome::Failure(failure)) => Err(reason_of(failure.kind)),
        Err(error) => Err(reason_of_error(error)),
    }
}

/// The slug of what a job met beside the file.
pub(super) fn reason_of_error(error: &SubmitError) -> &'static str {
    match error {
        SubmitError::ImageGone => "image_gone",
        SubmitError::ImageReplaced | SubmitError::BesideReplaced => "image_replaced",
        SubmitError::WithoutRange => "without_range",
        SubmitError::Catalog(_) | SubmitError::Publish(_) | SubmitError::NotMade | SubmitError::Lost(_) => {
            "not_made"
        }
    }
}
