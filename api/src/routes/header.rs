//! The header of an image as DICOM JSON, as the index read it: no file is touched here, and no decoder.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use noctis_shared::{bulk, catalog::ImageRecord, dicom_uid::parse_public_id};

use super::{dicom_web, documents::tell};
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    edge::Origin,
    picture::wants_plain_json,
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

/// What the index keeps of a header that was too long.
const NOTHING_KEPT: &str = "{}";

/// Tells the header of an image as DICOM JSON (PS3.18 annex F.2), without its pixel data; of other bulk data where they are.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/images/{image_id}/metadata",
    operation_id = "getImageHeader",
    tag = "images",
    params(("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID")),
    responses(
        (status = 200, description = "The header: one object, a member for each element; `application/json` to who names that", headers(("ETag" = String, description = "Weak")), content(
            (serde_json::Value = "application/dicom+json", example = json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JANE"}]}})),
            (serde_json::Value = "application/json"),
        )),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The header is too long to be kept", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or earlier answers are not read yet", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn header(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    Origin(origin): Origin,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image_id = parse_public_id(&segment).ok_or_else(Problem::no_such_image)?;
    let visible = api.visible_to(&caller);
    let image = visible.image(image_id).await?;
    let json = visible.catalog.header_json(image.key).await.map_err(|error| catalog_problem(&error))?;
    let json = json.ok_or_else(Problem::no_such_image)?;
    if json == NOTHING_KEPT {
        let detail = "The header of this file was too long to be kept.";
        return Err(Problem::new(Kind::HeaderNotKept, detail));
    }
    let json = located(json, &image, &origin);
    let mut response = tell(Bytes::from(json), &headers, api.outgoing.to(&caller.name))?;
    let is_told = response.status() == StatusCode::OK;
    let told = response.headers_mut();
    if is_told && !wants_plain_json(&headers) {
        told.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom+json"));
    }
    told.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}

/// The header with the whole addresses of its bulk data.
fn located(json: String, image: &ImageRecord, origin: &str) -> String {
    if !bulk::is_in(&json) {
        return json;
    }
    let ImageRecord { metadata, image, .. } = image;
    let (study, series) = (&metadata.study_instance_uid, &metadata.series_instance_uid);
    let instance = dicom_web::instance_address(origin, study, series, &image.sop_instance_uid);
    let mut told = String::with_capacity(json.len() * 2);
    bulk::push_located(&json, &instance, &mut told);
    told
}
