//! The samples of a frame, decoded: made, waited for and cached like a picture of it.

use std::sync::Arc;

use axum::body::Bytes;
use noctis_shared::{
    catalog::ImageRecord,
    render::Outcome,
    render_key::RenderKey,
    request::{FrameRequest, PictureFormat},
    submit::Tier,
};

use super::{found, unrenderable};
use crate::{api::Api, caller::Caller, problem::Problem, visible::Permitted};

/// A frame as native pixel data has it in Explicit VR Little Endian (PS3.5 A.2).
///
/// # Errors
/// Those of a picture: 422 for a frame that cannot be decoded, 503 and 504 while nobody does.
pub(crate) async fn samples(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    frame_number: u32,
    caller: &Caller,
) -> Result<Bytes, Problem> {
    let request = FrameRequest { frame_number, ..FrameRequest::new(PictureFormat::Samples) };
    let key = RenderKey::new(&image.content_digest, &request);
    let found = found(api, image, key, request, caller).await?;
    api.numbers.count_picture(found.tier != Tier::Render);
    match found.outcome {
        Outcome::Picture(stored) => Ok(stored.picture),
        Outcome::Failure(failure) => Err(unrenderable::problem(&failure)),
    }
}
