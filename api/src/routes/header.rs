//! The header of an image as DICOM JSON, as the index read it: no file is touched here, and no decoder.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use noctis_shared::dicom_uid::parse_public_id;

use super::documents::tell;
use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    picture::wants_plain_json,
    problem::{Document, Kind, Problem},
    query::NoParameters,
};

/// What the index keeps of a header that was too long.
const NOTHING_KEPT: &str = "{}";

/// Tells the header of an image as DICOM JSON (PS3.18 annex F.2), without its pixel data and other bulk data.
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
    let mut response = tell(Bytes::from(json), &headers, api.outgoing.to(&caller.name))?;
    let is_told = response.status() == StatusCode::OK;
    let told = response.headers_mut();
    if is_told && !wants_plain_json(&headers) {
        told.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom+json"));
    }
    told.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}
