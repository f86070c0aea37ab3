//! One picture, from the request to the answer. [`answer_image`] is the table of contents; one step a file.

pub(crate) mod animation;
mod answer;
mod asked_format;
pub(crate) mod contact_sheet;
mod explained;
mod json_body;
mod named_windows;
mod parameters;
mod pixels;
mod places;
mod preference;
mod representation;
mod samples;
pub(crate) mod stream;
mod unrenderable;

use std::{sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, Uri},
    response::Response,
};
use noctis_shared::{
    auth::Scope,
    catalog::{Again, ImageRecord, Ordered},
    client_job::{ClientJob, ClientWork},
    dicom_uid::parse_public_id,
    render::{FailureKind, Outcome},
    render_key::RenderKey,
    request::FrameRequest,
    submit::{Found, Seat, SubmitError, Tier, Wanted, lane_of_awaited},
};
use uuid::Uuid;

use self::{answer::Validator, preference::RespondAsync, representation::Representation};
pub(crate) use self::{
    answer::{RenderedImage, SERVER_TIMING, server_timing, warning},
    asked_format::AskedFormat,
    explained::{Explained, ExplainedPixel, explain_pixel},
    named_windows::NamedWindows,
    parameters::{Asked, TAKES_OF_SERIES, take_icc_profile},
    places::{Place, Places},
    preference::respond_async,
    representation::{in_format, takes, wants_json_rather_than_png, wants_page, wants_plain_json},
    samples::{file_head, samples},
    unrenderable::{check_frame, no_such_frame, video_media_type},
};
use crate::{
    api::Api,
    back_end::{catalog_problem, submit_problem},
    caller::{By, Caller},
    edge,
    jobs::{accepted, path_of},
    problem::{Kind, Problem, whole_seconds},
    visible::Permitted,
};

/// When to ask again for a picture that is being made, at most.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a picture is waited for whose client would rather hear of a job.
const PATIENCE_OF_ORDERS: Duration = Duration::from_secs(300);
/// How long one is that came too late for its client, who may not come back.
const PATIENCE_OF_THE_LATE: Duration = Duration::from_secs(30);

/// Whether a route may answer in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shapes {
    JsonAndPictures,
    PicturesOnly,
}

/// Where a picture is asked for, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Path and query.
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) caller: &'a Caller,
}

/// How a picture that is not here comes to its answer.
enum Flown {
    /// It is there by now.
    Found(Found),
    /// Its client was told of the job instead.
    Told(Box<Response>),
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
    from: Request<'_>,
) -> Result<Response, Problem> {
    let chosen = representation::choose(&asked, from.headers, shapes == Shapes::PicturesOnly)?;
    let image_id = parse_public_id(segment).ok_or_else(Problem::no_such_image)?;
    match answer_chosen(api, image_id, &asked, chosen.clone(), from).await {
        Err(problem) if problem.kind() == Kind::ImageReplaced => {
            api.images.forget_with(image_id, &api.cache).await;
            answer_chosen(api, image_id, &asked, chosen, from).await
        }
        answer => answer,
    }
}

async fn answer_chosen(
    api: &Arc<Api>,
    image_id: Uuid,
    asked: &Asked,
    chosen: Representation,
    from: Request<'_>,
) -> Result<Response, Problem> {
    let Request { headers, caller, .. } = from;
    let image = api.visible_to(caller).image(image_id).await?;
    unrenderable::check_frame(&image, asked.frame_number)?;
    let key = RenderKey::new(&image.content_digest, &chosen.request);
    let told = answer::Asked {
        image: &image,
        frame_number: asked.frame_number,
        preset: asked.preset,
        metadata: chosen.json.then(|| answer::metadata(&image)).transpose()?,
    };
    let validator = Validator::new(&key, &told);
    if validator.is_known_to(headers) {
        return Ok(answer::not_modified(validator));
    }
    let found = match api.submit.look_here(&key).await {
        Some(found) => found,
        None => match fly(api, &image, key, chosen, from).await? {
            Flown::Found(found) => found,
            Flown::Told(response) => return Ok(*response),
        },
    };
    check_bytes(api, caller, &image, &found).await?;
    api.numbers.count_picture(found.tier);
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
        None => match awaited(api, image, key, request, caller, api.render_wait).await? {
            Awaited::Landed(found) => found,
            Awaited::Late(seat) => {
                seat.leave_and_come_back();
                return Err(not_ready(api.render_wait, None));
            }
        },
    };
    check_bytes(api, caller, image, &found).await?;
    Ok(found)
}

/// # Errors
/// `image-replaced` when the file was not as this process knows it, since another has taken its place.
async fn check_bytes(
    api: &Api,
    caller: &Caller,
    image: &Permitted<Arc<ImageRecord>>,
    found: &Found,
) -> Result<(), Problem> {
    let Outcome::Failure(failure) = &found.outcome else { return Ok(()) };
    let finds_other_bytes = matches!(failure.kind, FailureKind::FileChanged | FailureKind::FileMissing);
    if finds_other_bytes && api.visible_to(caller).was_replaced(image).await {
        return Err(submit_problem(&SubmitError::ImageReplaced));
    }
    Ok(())
}

/// How a picture that somebody waits for comes.
enum Awaited {
    Landed(Found),
    /// Not in time.
    Late(Seat),
}

/// Takes a seat in the flight of a picture and waits so long. What making it takes is paid before, and given back where it
/// was not made for this.
async fn awaited(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    key: RenderKey,
    request: FrameRequest,
    caller: &Caller,
    wait: Duration,
) -> Result<Awaited, Problem> {
    let (cost, lane) = (edge::render_cost(image, &request), lane_of_awaited(image, &request));
    edge::pay(api, caller, cost).await?;
    let wanted = Wanted { image: Arc::clone(image), key, request, client: caller.name.clone() };
    let seat = api.submit.board(wanted, api.render_wait);
    let landing = tokio::select! {
        landing = seat.landing() => landing.map_err(|error| submit_problem(&error)),
        () = tokio::time::sleep(wait) => return Ok(Awaited::Late(seat)),
        () = api.gives_up.cancelled() => {
            seat.leave_and_come_back();
            Err(shutting_down())
        }
    };
    match &landing {
        Ok(found) if found.tier == Tier::Render => {
            api.numbers.count_render(lane, &found.outcome);
        }
        _ => edge::give_back(api, caller, cost).await,
    }
    landing.map(Awaited::Landed)
}

/// Takes a seat in the flight of this picture, for as long as its client waits.
async fn fly(
    api: &Arc<Api>,
    image: &Permitted<Arc<ImageRecord>>,
    key: RenderKey,
    chosen: Representation,
    from: Request<'_>,
) -> Result<Flown, Problem> {
    // Who may not ask for a job is told of none: such a client waits.
    let hears_of_jobs = matches!(from.caller.by, By::Nothing | By::Token { .. })
        && from.caller.sight.reaches(image.study_id())
        && from.caller.scopes.has(Scope::StudiesRead);
    let preference = preference::respond_async(from.headers).filter(|_| hears_of_jobs);
    if preference.is_some()
        && let Some(found) = api.submit.look_everywhere(image.key, &key).await
    {
        return Ok(Flown::Found(found));
    }
    let wait = preference.map_or(api.render_wait, |preference| preference.wait.min(api.render_wait));
    match awaited(api, image, key, chosen.request.clone(), from.caller, wait).await? {
        Awaited::Landed(found) => Ok(Flown::Found(found)),
        Awaited::Late(seat) => {
            let job = hears_of_jobs.then(|| job_of(image, &key, chosen, preference.is_some(), from));
            late(api, image, job.as_ref(), seat, preference).await
        }
    }
}

/// The job by which a picture goes on that its client does not wait for, by choice or any more.
fn job_of(
    image: &Permitted<Arc<ImageRecord>>,
    key: &RenderKey,
    chosen: Representation,
    is_an_order: bool,
    from: Request<'_>,
) -> ClientJob {
    let patience = if is_an_order { PATIENCE_OF_ORDERS } else { PATIENCE_OF_THE_LATE };
    let owner = &from.caller.name;
    let work = ClientWork::Render {
        image_id: image.key,
        url: link(from.uri, &chosen),
        request: chosen.request,
        patience_seconds: u32::try_from(patience.as_secs()).unwrap_or(u32::MAX),
    };
    ClientJob::new(ClientJob::id_of_render(key, owner), image.study_id(), owner, work, 1)
}

/// What is told to one whose picture is not ready: of the job by which it goes on, if there is one for it.
async fn late(
    api: &Api,
    image: &Permitted<Arc<ImageRecord>>,
    job: Option<&ClientJob>,
    seat: Seat,
    preference: Option<RespondAsync>,
) -> Result<Flown, Problem> {
    let ordered = match job {
        Some(job) => api.jobs.order(job, Again::Anew).await.map(Some),
        None => Ok(None),
    };
    seat.leave_and_come_back();
    match (preference, ordered) {
        (Some(preference), Ok(Some(Ordered::Job(job)))) => {
            let accepted = accepted(&image.told_as(*job), Some(preference.applied()))?;
            Ok(Flown::Told(Box::new(accepted)))
        }
        (Some(_), Ok(_)) => Err(Problem::too_many_jobs()),
        (Some(_), Err(error)) => Err(catalog_problem(&error)),
        (None, ordered) => Err(not_ready(api.render_wait, ordered.ok().flatten())),
    }
}

/// The render goes on; the same request again finds it made.
fn not_ready(render_wait: Duration, ordered: Option<Ordered>) -> Problem {
    let waited = whole_seconds(render_wait);
    let detail = format!(
        "The render was not ready within {waited} s; it goes on, and the same request finds it then."
    );
    let problem = Problem::new(Kind::RenderTimeout, detail).retry_after(render_wait.min(RETRY_PAUSE_MAX));
    match ordered {
        Some(Ordered::Job(job)) => problem
            .with("job_id", job.job_id.to_string())
            .with("job_url", path_of(job.job_id))
            .with("state", job.state.name()),
        // No job of which the client could be told.
        Some(Ordered::TooMany) | None => problem,
    }
}

fn shutting_down() -> Problem {
    let detail = "This server ends before the render is ready; it goes on, and another server will find it.";
    Problem::new(Kind::ShuttingDown, detail).retry_after(Duration::from_secs(1))
}

/// Path and query that show the picture, whatever is accepted. What let its client in was taken out of them by the edge.
fn link(uri: &Uri, chosen: &Representation) -> String {
    let given = || url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given());
    let media_type = chosen.request.format.media_type();
    let shape = match (chosen.format_name(), uri.path()) {
        (Some(format), _) => Some(("format", format)),
        // DICOMweb calls it otherwise (PS3.18 8.3.3.1, 9.1.2.2.1).
        (None, "/dicom-web") => Some(("contentType", media_type)),
        (None, path) if path.starts_with("/dicom-web/") => Some(("accept", media_type)),
        (None, _) => None,
    };
    if let Some((name, value)) = shape
        && !given().any(|(given, _)| given == name)
    {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_asks_for_the_same() {
        let linked = |accept: &'static str, path: &'static str, pictures_only| {
            let uri = Uri::from_static(path);
            let headers = HeaderMap::from_iter([(
                axum::http::header::ACCEPT,
                axum::http::HeaderValue::from_static(accept),
            )]);
            let asked = Asked::parse(uri.query(), &NamedWindows::default()).expect("valid");
            link(&uri, &representation::choose(&asked, &headers, pictures_only).expect("acceptable"))
        };
        assert_eq!(linked("*/*", "/i/1", false), "/i/1?format=json");
        assert_eq!(linked("image/webp", "/i/1?invert=true", false), "/i/1?invert=true&format=webp");
        assert_eq!(linked("image/webp", "/i/1?format=png16", false), "/i/1?format=png16");
        assert_eq!(linked("image/png", "/i/1", false), "/i/1?format=png");
        assert_eq!(
            linked("image/webp", "/dicom-web/i/rendered", true),
            "/dicom-web/i/rendered?accept=image%2Fwebp"
        );
        assert_eq!(linked("image/png", "/dicom-web", true), "/dicom-web?contentType=image%2Fpng");
        assert_eq!(linked("image/png", "/i/1/thumbnail", true), "/i/1/thumbnail");
    }
}
