//! The samples of a frame, decoded, and what stands before them in a file: made, waited for and cached like a picture.

use std::sync::Arc;

use axum::body::Bytes;
use noctis_shared::{
    catalog::ImageRecord,
    render::{FilePixels, Outcome, StoredRender},
    render_key::RenderKey,
    request::{FrameRequest, LosslessCodec, PictureFormat},
};

use super::{found, unrenderable};
use crate::{api::Api, caller::Caller, problem::Problem, visible::Permitted};

/// A frame as native pixel data has it in Explicit VR Little Endian (PS3.5 A.2), or in a codec.
///
/// # Errors
/// Those of a picture: 422 for a frame that cannot be decoded or coded, 503 and 504 while nobody does.
pub(crate) async fn samples(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    frame_number: u32,
    codec: Option<LosslessCodec>,
    caller: &Caller,
) -> Result<Bytes, Problem> {
    let format = codec.map_or(PictureFormat::Samples, |codec| PictureFormat::Codestream { codec });
    Ok(made(api, image, FrameRequest { frame_number, ..FrameRequest::new(format) }, caller).await?.picture)
}

/// The file of an instance up to the value of its pixel data, in Explicit VR Little Endian or in the transfer syntax of a codec, and
/// what has to follow.
///
/// # Errors
/// As [`samples`], of its first frame.
pub(crate) async fn file_head(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    codec: Option<LosslessCodec>,
    caller: &Caller,
) -> Result<(Bytes, FilePixels), Problem> {
    let request = FrameRequest::new(PictureFormat::FileHead { codec });
    let StoredRender { facts, picture } = made(api, image, request, caller).await?;
    Ok((picture, facts.pixels.unwrap_or(FilePixels::None)))
}

async fn made(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    request: FrameRequest,
    caller: &Caller,
) -> Result<StoredRender, Problem> {
    let key = RenderKey::new(&image.content_digest, &request);
    let found = found(api, image, key, request, caller).await?;
    api.numbers.count_picture(found.tier);
    match found.outcome {
        Outcome::Picture(stored) => Ok(stored),
        Outcome::Failure(failure) => Err(unrenderable::problem(&failure)),
    }
}
