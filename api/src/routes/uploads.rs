//! Files that are sent, and what became of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::upload::{Upload, UploadResult, UploadState, UploadedInstance};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::Api,
    caller::Caller,
    picture::respond_async,
    problem::{Document, Problem},
    query::NoParameters,
    upload,
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadAnswer {
    /// Its name, and that of `study.indexed.v1` about it.
    event_id: Uuid,
    /// Whether the files are still coming, are all there, or were all looked at.
    state: UploadAnswerState,
    /// New instances.
    accepted: u64,
    /// Instances that were there with the same bytes.
    duplicate: u64,
    /// Instances that are there with other bytes, which stay.
    conflict: u64,
    /// Files that were not taken.
    rejected: u64,
    /// Each file, in their order; empty until they were looked at.
    instances: Vec<InstanceAnswer>,
}

/// Files in a form, as browsers send it; each in a field of its own, whatever its name.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document alone tells of it: fields are read as they come")]
pub(super) struct UploadForm {
    /// A DICOM file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum UploadAnswerState {
    Arriving,
    Arrived,
    Done,
}

/// One file of an upload.
#[derive(Debug, Serialize, ToSchema)]
struct InstanceAnswer {
    /// `null` where it could not be read.
    study_instance_uid: Option<String>,
    /// `null` where it could not be read.
    sop_instance_uid: Option<String>,
    /// What became of it.
    result: InstanceResult,
    /// Why it was not taken.
    reason: Option<String>,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InstanceResult {
    Accepted,
    Duplicate,
    Conflict,
    Rejected,
}

impl UploadAnswer {
    fn of(upload: Upload) -> Self {
        let instances: Vec<InstanceAnswer> = upload.instances.into_iter().map(InstanceAnswer::of).collect();
        let count = |result| instances.iter().filter(|instance| instance.result == result).count() as u64;
        Self {
            event_id: upload.event_id,
            state: match upload.state {
                UploadState::Arriving => UploadAnswerState::Arriving,
                UploadState::Arrived => UploadAnswerState::Arrived,
                UploadState::Done => UploadAnswerState::Done,
            },
            accepted: count(InstanceResult::Accepted),
            duplicate: count(InstanceResult::Duplicate),
            conflict: count(InstanceResult::Conflict),
            rejected: count(InstanceResult::Rejected),
            instances,
        }
    }
}

impl InstanceAnswer {
    fn of(instance: UploadedInstance) -> Self {
        let (study_instance_uid, sop_instance_uid) =
            instance.named.map(|named| (named.study_instance_uid, named.sop_instance_uid)).unzip();
        let result = match instance.result {
            UploadResult::Accepted => InstanceResult::Accepted,
            UploadResult::Duplicate => InstanceResult::Duplicate,
            UploadResult::Conflict => InstanceResult::Conflict,
            UploadResult::Rejected | UploadResult::OtherStudy | UploadResult::NotAllowed => {
                InstanceResult::Rejected
            }
        };
        Self { study_instance_uid, sop_instance_uid, result, reason: instance.reason }
    }
}

/// Stores DICOM files: one as `application/dicom`, or many as the parts of `multipart/related` or of a form.
///
/// Answers when all were looked at, whatever became of them; with `Prefer: respond-async` when they are there. The same file
/// again changes nothing. At most 10,000 files and 64 GiB at a time, 16 GiB of one.
#[utoipa::path(
    post,
    path = "/api/v1/dicom/studies",
    operation_id = "uploadFiles",
    tag = "studies",
    request_body(content(
        (Vec<u8> = "application/dicom"),
        (Vec<u8> = "multipart/related"),
        (UploadForm = "multipart/form-data"),
    ), description = "The files"),
    responses(
        (status = 200, description = "What became of each file", body = UploadAnswer),
        (status = 202, description = "All files are there, and will be looked at (`Prefer: respond-async`)", body = UploadAnswer, headers(("Location" = String, description = "Where to ask what became of them"), ("Preference-Applied" = String, description = "respond-async"))),
        (status = 400, description = "It takes no parameter, or the body is not made of files", body = Document, content_type = "application/problem+json"),
        (status = 413, description = "More than an upload may have", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Not a type of files", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or uploads at a time", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Storage, catalog or queue do not take them; or no worker looked at them in five minutes", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn send(
    State(api): State<Arc<Api>>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let files = upload::Files::of(&headers, body)?;
    let event_id = upload::put_down(&api, &caller, None, files).await?;
    let outcome = upload::outcome(&api, event_id);
    let Some(preference) = respond_async(&headers) else {
        return Ok(Json(UploadAnswer::of(outcome.await?)).into_response());
    };
    if let Ok(done) = timeout(preference.wait, outcome).await {
        return Ok(Json(UploadAnswer::of(done?)).into_response());
    }
    let upload = api.visible_to(&caller).upload(&event_id.to_string()).await?;
    let location = HeaderValue::try_from(format!("/api/v1/ingest/{event_id}"));
    let location = location.map_err(|error| Problem::internal(&error))?;
    let headers = [(header::LOCATION, location), (PREFERENCE_APPLIED, preference.applied())];
    Ok((StatusCode::ACCEPTED, headers, Json(UploadAnswer::of(upload))).into_response())
}

/// Tells how far an upload is, and what became of its files; for seven days, to who sent it.
#[utoipa::path(
    get,
    path = "/api/v1/ingest/{event_id}",
    operation_id = "getUpload",
    tag = "studies",
    params(("event_id" = Uuid, Path, description = "As the answer to the upload told it")),
    responses(
        (status = 200, description = "The upload", body = UploadAnswer),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such upload", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(event_id): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<UploadAnswer>, Problem> {
    Ok(Json(UploadAnswer::of(api.visible_to(&caller).upload(&event_id).await?)))
}
