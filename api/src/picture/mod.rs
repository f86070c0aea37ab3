//! One picture, from the request to the answer. [`answer_image`] is the table of contents; one step a file.

mod answer;
mod asked_format;
mod explained;
mod json_body;
mod named_windows;
mod parameters;
mod representation;
pub(crate) mod stream;
mod unrenderable;

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use noctis_shared::{
    catalog::ImageRecord,
    dicom_uid::parse_public_id,
    render::{FailureKind, Outcome},
    render_key::RenderKey,
    request::FrameRequest,
    submit::{Found, SubmitError, Tier, Wanted, lane_of_awaited},
};
use uuid::Uuid;

use self::{answer::Validator, representation::Representation};
pub(crate) use self::{
    answer::{RenderedImage, SERVER_TIMING, server_timing},
    asked_format::AskedFormat,
    explained::{Explained, ExplainedPixel, explain_pixel},
    named_windows::NamedWindows,
    parameters::Asked,
    representation::{in_format, wants_page, wants_plain_json},
};
use crate::{
    api::Api,
    back_end::submit_problem,
    caller::Caller,
    edge,
    problem::{Kind, Problem, whole_seconds},
    visible::Permitted,
};

/// When to ask again for a picture that is being made, at most.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Whether a route may answer in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shapes {
    JsonAndPictures,
    PicturesOnly,
}

/// Answers with one rendered frame of the image that `segment` (UUID or SOP Instance UID) names.
///
/// # Errors
/// Every problem of the contract, "One image".
pub(crate) async fn answer_image(
    api: &Arc<Api>,
    segment: &str,
    asked: Asked,
    shapes: Shapes,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let chosen = representation::choose(&asked, headers, shapes == Shapes::PicturesOnly)?;
    let image_id = parse_public_id(segment).ok_or_else(Problem::no_such_image)?;
    match answer_chosen(api, image_id, &asked, chosen.clone(), caller, headers).await {
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(image_id, &api.cache).await;
            answer_chosen(api, image_id, &asked, chosen, caller, headers).await
        }
        answer => answer,
    }
}

async fn answer_chosen(
    api: &Arc<Api>,
    image_id: Uuid,
    asked: &Asked,
    chosen: Representation,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let image = api.visible_to(caller).image(image_id).await?;
    unrenderable::check_frame(&image, asked.frame_number)?;
    let key = RenderKey::new(&image.content_digest, &chosen.request);
    let told = answer::Asked {
        image: &image,
        frame_number: asked.frame_number,
        preset: asked.preset,
        json: chosen.json,
    };
    let validator = Validator::new(&key, &told)?;
    if validator.is_known_to(headers) {
        return Ok(answer::not_modified(validator));
    }
    let found = found(api, &image, key, chosen.request, caller).await?;
    api.numbers.count_picture(found.tier != Tier::Render);
    answer::tell(found, &told, validator, headers, api.outgoing.to(&caller.name))
}

/// What is known under `key`, or what comes of asking for it.
async fn found(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    key: RenderKey,
    request: FrameRequest,
    caller: &Caller,
) -> Result<Found, Problem> {
    let found = match api.submit.look_here(&key).await {
        Some(found) => found,
        None => have(api, caller, image, key, request).await?,
    };
    if finds_other_bytes(&found) && api.visible_to(caller).was_replaced(image).await {
        return Err(submit_problem(&SubmitError::ImageReplaced));
    }
    Ok(found)
}

/// Whether the file was not as this process knows it.
fn finds_other_bytes(found: &Found) -> bool {
    let Outcome::Failure(failure) = &found.outcome else { return false };
    matches!(failure.kind, FailureKind::FileChanged | FailureKind::FileMissing)
}

/// The picture from a cache of others, or made. What making it takes is paid before, and given back where it was not made.
pub(crate) async fn have(
    api: &Arc<Api>,
    caller: &Caller,
    image: &Permitted<Arc<ImageRecord>>,
    key: RenderKey,
    request: FrameRequest,
) -> Result<Found, Problem> {
    let cost = edge::render_cost(image);
    edge::pay(api, caller, cost).await?;
    let (image, client) = (Arc::clone(image), caller.name.clone());
    let found = fly(api, Wanted { image, key, request, client }).await;
    let is_made = match &found {
        Ok(found) => found.tier == Tier::Render,
        // It goes on, whoever does not wait for it.
        Err(problem) => problem.kind() == Kind::RenderTimeout,
    };
    if !is_made {
        edge::give_back(api, caller, cost).await;
    }
    found
}

/// Takes a seat in the flight of this picture, for as long as a client waits.
async fn fly(api: &Arc<Api>, wanted: Wanted) -> Result<Found, Problem> {
    let lane = lane_of_awaited(&wanted.image);
    let seat = api.submit.board(wanted, api.render_wait);
    let landing = tokio::select! {
        landing = seat.landing() => landing,
        () = tokio::time::sleep(api.render_wait) => {
            let problem = not_ready(api.render_wait, seat.job_id());
            seat.leave_and_come_back();
            return Err(problem);
        }
        () = api.gives_up.cancelled() => {
            seat.leave_and_come_back();
            return Err(shutting_down());
        }
    };
    let found = landing.map_err(|error| submit_problem(&error))?;
    if found.tier == Tier::Render {
        api.numbers.count_render(lane, &found.outcome);
    }
    Ok(found)
}

/// The render goes on; the same request again finds it made.
fn not_ready(render_wait: Duration, job_id: Option<Uuid>) -> Problem {
    let waited = whole_seconds(render_wait);
    let detail = format!(
        "The render was not ready within {waited} s; it goes on, and the same request finds it then."
    );
    let problem = Problem::new(Kind::RenderTimeout, detail).retry_after(render_wait.min(RETRY_PAUSE_MAX));
    match job_id {
        Some(job_id) => problem.with("job_id", job_id.to_string()).with("state", "queued"),
        None => problem,
    }
}

fn shutting_down() -> Problem {
    let detail = "This server ends before the render is ready; it goes on, and another server will find it.";
    Problem::new(Kind::ShuttingDown, detail).retry_after(Duration::from_secs(1))
}
