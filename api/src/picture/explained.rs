//! Why a pixel looks as it does: asked of a worker by the same way as the picture, and answered with what is known of the
//! image beside.

use std::sync::Arc;

use noctis_shared::{
    catalog::ImageRecord,
    dicom_uid::parse_public_id,
    explanation::Explanation,
    render::{Outcome, StageTimings},
    render_key::{ContentDigest, RenderKey},
    request::{Fit, Flip, FrameRequest, PictureFormat},
    submit::Tier,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{asked_format::AskedFormat, found, parameters::Asked, representation, unrenderable};
use crate::{
    api::Api,
    caller::Caller,
    problem::{Kind, Problem},
    visible::Permitted,
};

/// One pixel of a picture, from what is stored to what is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainedPixel {
    /// Public id of the instance.
    image_id: Uuid,
    #[serde(flatten)]
    explanation: Explanation,
    /// What the modality value is in, where the file says so.
    #[schema(example = "HU")]
    unit: Option<String>,
    /// The preset asked for.
    preset: Option<&'static str>,
    /// Transfer Syntax UID (0002,0010): the codec.
    transfer_syntax_uid: Option<String>,
    /// BLAKE3 of the file when it was indexed.
    #[schema(value_type = String)]
    digest: ContentDigest,
    /// The name of the picture with these parameters: its strong `ETag`.
    #[schema(value_type = String)]
    render_key: RenderKey,
}

/// What is told of a pixel, and where it came from.
pub(crate) struct Explained {
    pub(crate) pixel: ExplainedPixel,
    pub(crate) tier: Tier,
    pub(crate) timings: StageTimings,
}

/// Why one pixel of the image that `segment` (UUID or SOP Instance UID) names looks as it does.
///
/// # Errors
/// Every problem of the contract, "One image".
pub(crate) async fn explain_pixel(
    api: &Arc<Api>,
    segment: &str,
    (asked, pixel): (Asked, (u32, u32)),
    caller: &Caller,
) -> Result<Explained, Problem> {
    let format = asked.format.unwrap_or(AskedFormat::Png);
    if format.is_of_modality_values() {
        let takes = "16-bit values are not shown: explain takes png, jpeg, webp or json";
        return Err(Problem::parameter("format", takes));
    }
    let picture = representation::in_format(&asked, format)?.request;
    let image_id = parse_public_id(segment).ok_or_else(Problem::no_such_image)?;
    match of_image(api, image_id, &asked, &picture, pixel, caller).await {
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(image_id, &api.cache).await;
            of_image(api, image_id, &asked, &picture, pixel, caller).await
        }
        answer => answer,
    }
}

async fn of_image(
    api: &Arc<Api>,
    image_id: Uuid,
    asked: &Asked,
    picture: &FrameRequest,
    (column, row): (u32, u32),
    caller: &Caller,
) -> Result<Explained, Problem> {
    let image = api.visible_to(caller).image(image_id).await?;
    unrenderable::check_frame(&image, asked.frame_number)?;
    check_pixel(&image, (column, row))?;
    let request = FrameRequest {
        region: None,
        fit: Fit::default(),
        flip: Flip::NONE,
        format: PictureFormat::Explanation { column, row },
        ..picture.clone()
    };
    let key = RenderKey::new(&image.content_digest, &request);
    let found = found(api, &image, key, request, caller).await?;
    let told = match found.outcome {
        Outcome::Picture(told) => told,
        Outcome::Failure(failure) => return Err(unrenderable::problem(&failure)),
    };
    let explanation = serde_json::from_slice(&told.picture).map_err(|error| Problem::internal(&error))?;
    let pixel = pixel_of(&image, explanation, asked, picture);
    Ok(Explained { pixel, tier: found.tier, timings: told.facts.timings })
}

fn pixel_of(
    image: &Permitted<Arc<ImageRecord>>,
    explanation: Explanation,
    asked: &Asked,
    picture: &FrameRequest,
) -> ExplainedPixel {
    ExplainedPixel {
        image_id: image.image.image_id,
        explanation,
        unit: image.image.facts.unit.clone(),
        preset: asked.preset,
        transfer_syntax_uid: image.image.transfer_syntax_uid.clone(),
        digest: image.content_digest,
        render_key: RenderKey::new(&image.content_digest, picture),
    }
}

/// # Errors
/// 400 for a pixel outside of the frame, as far as the catalog can tell.
fn check_pixel(image: &ImageRecord, (column, row): (u32, u32)) -> Result<(), Problem> {
    let sides = [("x", column, image.image.columns, "columns"), ("y", row, image.image.rows, "rows")];
    for (name, asked, side, what) in sides {
        if let Some(side) = side.filter(|side| asked >= *side) {
            let detail = format!("{name}: the frame has {side} {what}, counted from 0.");
            return Err(Problem::new(Kind::RequestDoesNotFit, detail)
                .with("parameter", name)
                .with(what, side));
        }
    }
    Ok(())
}
