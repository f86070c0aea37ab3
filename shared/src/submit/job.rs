//! From an instance and a request to the message that a worker takes.

use std::collections::HashMap;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::{SubmitError, Wanted, keeping, lane};
use crate::{
    catalog::{Catalog, ImageRecord},
    job::{FrameRange, FrameSource, RenderJob, WholeFile},
    presets::Presets,
    purpose::Purpose,
    render_key::ContentDigest,
    request::FileBeside,
    volume_plane::{VolumePlane, VolumeSlice},
};

/// Instances that the catalog is asked for at a time.
const AT_A_TIME: usize = 8;

/// Where what a picture is made of lies.
pub(super) struct Files {
    pub(super) frame: FrameRange,
    pub(super) presentation_state: Option<WholeFile>,
    pub(super) segmentation: Option<WholeFile>,
    pub(super) slices: Vec<FrameSource>,
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
            slices: slices(catalog, wanted.request.plane.as_deref()).await?,
        })
    }
}

async fn whole_file(catalog: &Catalog, asked: Option<FileBeside>) -> Result<Option<WholeFile>, SubmitError> {
    let Some(FileBeside { image_id, content_digest }) = asked else { return Ok(None) };
    Ok(Some(record(catalog, image_id, content_digest).await?.whole_file()))
}

/// Where the slices of a plane lie. Each instance is looked up once, however many of them are frames of it.
async fn slices(catalog: &Catalog, plane: Option<&VolumePlane>) -> Result<Vec<FrameSource>, SubmitError> {
    let asked = plane.map(|plane| plane.slices.as_slice()).unwrap_or_default();
    let files: HashMap<Uuid, ContentDigest> =
        asked.iter().map(|slice| (slice.image_id, slice.content_digest)).collect();
    let records: Vec<_> =
        files.into_iter().map(|(image_id, digest)| record(catalog, image_id, digest)).collect();
    let records: HashMap<Uuid, ImageRecord> = stream::iter(records)
        .buffer_unordered(AT_A_TIME)
        .map_ok(|found| (found.key, found))
        .try_collect()
        .await?;
    let mut sources = Vec::with_capacity(asked.len());
    for VolumeSlice { image_id, frame_number, .. } in asked {
        let found = records.get(image_id).ok_or(SubmitError::BesideReplaced)?;
        let frame = match found.frame(*frame_number) {
            Some(frame) => Some(frame),
            // Beyond the first frames of a long one.
            None => catalog.frame_range(*image_id, *frame_number).await?,
        };
        sources.push(found.source(frame.ok_or(SubmitError::WithoutRange)?));
    }
    Ok(sources)
}

/// An instance whose file is the one that was asked with.
async fn record(
    catalog: &Catalog,
    key: Uuid,
    content_digest: ContentDigest,
) -> Result<ImageRecord, SubmitError> {
    let found = catalog.image(key).await?.ok_or(SubmitError::BesideReplaced)?;
    if found.content_digest == content_digest { Ok(found) } else { Err(SubmitError::BesideReplaced) }
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
        lane: lane::of(image, request, &purpose, ahead),
        image_id: image.key,
        study_id: image.study_id,
        source: image.source(files.frame),
        presentation_state: files.presentation_state,
        segmentation: files.segmentation,
        slices: files.slices,
        request: request.clone(),
        published_at: Utc::now(),
        purpose,
        keep: keeping::is_kept(presets, image, request),
    }
}
