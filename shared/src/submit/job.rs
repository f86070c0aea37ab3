//! From an instance and a request to the message that a worker takes.

use chrono::Utc;
use uuid::Uuid;

use super::{Wanted, keeping, lane};
use crate::{
    job::{FrameRange, RenderJob},
    presets::Presets,
    purpose::Purpose,
};

/// A new job to make `wanted`, where these are the presets, whose frame lies in `frame`, for a client that has `ahead` others under way.
pub(super) fn new(
    presets: &Presets,
    wanted: &Wanted,
    frame: FrameRange,
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
        source: image.source(frame),
        request: request.clone(),
        published_at: Utc::now(),
        purpose,
        keep: keeping::is_kept(presets, image, request),
    }
}
