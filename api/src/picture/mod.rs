//! One picture, from the request to the answer. [`answer_image`] is the table of contents; one step a file.

mod answer;
mod flight;
mod journey;
mod known_image;
mod lane;
mod look;
mod parameters;
mod representation;
mod unrenderable;

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use noctis_shared::{
    catalog::ImageRecord, dicom_uid::parse_public_id, render_key::RenderKey, request::FrameRequest,
};
use uuid::Uuid;

use self::representation::Representation;
pub(crate) use self::{
    answer::RenderedImage,
    flight::Flights,
    known_image::{KnownImages, no_such_image},
    look::Tier,
    parameters::Asked,
};
use self::{
    answer::Validator,
    flight::{CurrentJob, Landing},
    journey::Journey,
};
use crate::{
    api::Api,
    problem::{Kind, Problem, whole_seconds},
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
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let chosen = representation::choose(&asked, headers, shapes == Shapes::PicturesOnly)?;
    let image_id = parse_public_id(segment).ok_or_else(no_such_image)?;
    match answer_chosen(api, image_id, &asked, chosen.clone(), headers).await {
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(image_id, &api.cache).await;
            answer_chosen(api, image_id, &asked, chosen, headers).await
        }
        answer => answer,
    }
}

async fn answer_chosen(
    api: &Arc<Api>,
    image_id: Uuid,
    asked: &Asked,
    chosen: Representation,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let image = api.images.find(image_id, &api.cache, &api.catalog).await?;
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
    let found = match look::in_process(api, &key).await {
        Some(found) => found,
        None => fly(api, &image, key, chosen.request).await?,
    };
    api.numbers.count_picture(found.tier != Tier::Render);
    answer::tell(found, &told, validator)
}

/// Takes a seat in the flight of this picture, for as long as a client waits.
async fn fly(api: &Arc<Api>, image: &Arc<ImageRecord>, key: RenderKey, request: FrameRequest) -> Landing {
    let (seat, job) = api.flights.board(key, |job| {
        Journey { api: Arc::clone(api), image: Arc::clone(image), key, request, job }.land()
    });
    tokio::select! {
        landing = seat => landing,
        () = tokio::time::sleep(api.render_wait) => Err(not_ready(api, &job)),
        () = api.gives_up.cancelled() => Err(shutting_down()),
    }
}

/// The render goes on; the same request again finds it made.
fn not_ready(api: &Api, job: &CurrentJob) -> Problem {
    let waited = whole_seconds(api.render_wait);
    let detail = format!(
        "The render was not ready within {waited} s; it goes on, and the same request finds it then."
    );
    let problem = Problem::new(Kind::RenderTimeout, detail).retry_after(api.render_wait.min(RETRY_PAUSE_MAX));
    match job.get() {
        Some(job_id) => problem.with("job_id", job_id.to_string()).with("state", "queued"),
        None => problem,
    }
}

fn shutting_down() -> Problem {
    let detail = "This server ends before the render is ready; it goes on, and another server will find it.";
    Problem::new(Kind::ShuttingDown, detail).retry_after(Duration::from_secs(1))
}
