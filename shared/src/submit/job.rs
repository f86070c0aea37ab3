//! From an instance and a request to the message that a worker takes.

use chrono::Utc;
use uuid::Uuid;

use super::{SubmitError, Wanted, keeping, lane};
use crate::{
    catalog::Catalog,
    job::{FrameRange, RenderJob, WholeFile},
    presets::Presets,
    purpose::Purpose,
    request::FileBeside,
};

/// Where what a picture is made of lies.
pub(super) struct Files {
    pub(super) frame: FrameRange,
    pub(super) presentation_state: Option<WholeFile>,
    pub(super) segmentation: Option<WholeFile>,
}

impl Files {
    /// The frame, and what the request names beside it.
    ///
    /// # Errors
    /// [`SubmitError::BesideReplaced`] for a file that is no longer what was asked with; a catalog that is away.
    pub(super) async fn of(
        catalog: &Catalog,
        wanted: &Wanted,
        frame: FrameRange,
    ) -> Result<Self, SubmitError> {
        Ok(Self {
            frame,
            presentation_state: whole_file(catalog, wanted.request.presentation_state).await?,
            segmentation: whole_file(catalog, wanted.request.segmentation).await?,
        })
    }
}

async fn whole_file(catalog: &Catalog, asked: Option<FileBeside>) -> Result<Option<WholeFile>, SubmitError> {
    let Some(FileBeside { image_id, content_digest }) = asked else { return Ok(None) };
    let found = catalog.image(image_id).await?.ok_or(SubmitError::BesideReplaced)?;
    if found.content_digest != content_digest {
        return Err(SubmitError::BesideReplaced);
    }
    Ok(Some(found.whole_file()))
}

/// A new job to make `wanted` of `files`, where these are the presets, for a client that has `ahead` others under way.
pub(super) fn new(
    presets: &Presets,
    wanted: &Wanted,
    files: Files,
    job_id: Uuid,
    purpose: Purpose,
    ahead: usize,
) -> RenderJob {
    let Wanted { image, key, request, client: _ } = wanted;
    RenderJob {
        job_id,
        render_key: *key,
        lane: lane::of(image, &purpose, ahead),
        image_id: image.key,
        study_id: image.study_id,
        source: image.source(files.frame),
        presentation_state: files.presentation_state,
        segmentation: files.segmentation,
        request: request.clone(),
        published_at: Utc::now(),
        purpose,
        keep: keeping::is_kept(presets, image, request),
    }
}
