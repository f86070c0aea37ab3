//! Files as they are stored: one instance, or the archive of a study.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::{
    catalog::{FileOfStudy, ImageRecord},
    dicom_uid::parse_public_id,
    storage::segment,
};

use crate::{
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    entity_tag::{EntityTag, any_is_named_by},
    handed_out::{self, Sent},
    problem::{Document, Problem},
    query::NoParameters,
};

/// Patient data: not for caches that many share.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Hands out the stored file of an instance.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/images/{image_id}/file",
    operation_id = "getFile",
    tag = "images",
    params(
        ("image_id" = String, Path, description = "Its UUID, or its SOP Instance UID"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
    ),
    responses(
        (status = 200, description = "The file, as it is stored", body = Vec<u8>, content_type = "application/dicom", headers(
            ("ETag" = String, description = "Strong; of the digest of the file"),
            ("Content-Disposition" = String, description = "A name made of the SOP Instance UID"),
        )),
        (status = 206, description = "A part of it (`Range`)", body = Vec<u8>, content_type = "application/dicom"),
        (status = 304, description = "The client has it (`If-None-Match`)"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such image", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "Instances of several studies or series have this UID; `details.choices` names each alone", body = Document, content_type = "application/problem+json"),
        (status = 416, description = "The file has none of the bytes of `Range`", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The file cannot be read now, was written to since it was indexed, or too many are on their way", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn file(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image_id = parse_public_id(&segment).ok_or_else(Problem::no_such_image)?;
    let image = api.visible_to(&caller).image(image_id).await?;
    // What this process remembers may be deleted or replaced by now, and a file is worth a look.
    let now = api.catalog.image(image.key).await.map_err(|error| catalog_problem(&error))?;
    let file = file_of(now.ok_or_else(Problem::no_such_image)?);
    let tag = || EntityTag::strong(file.content_digest);
    if tag().is_named_by(&headers) || any_is_named_by(&headers) {
        return Ok(with_tag(StatusCode::NOT_MODIFIED.into_response(), tag()));
    }
    let download = api.downloads.begin(&caller.name)?;
    let opened = handed_out::open(&api.storage, &file.location, file.file_byte_count).await?;
    let sent = Sent::of(&headers, file.file_byte_count, &tag())?;
    let body = match sent.is_whole() {
        true => handed_out::whole(&opened, &file, download),
        false => handed_out::part(&opened, sent.range(), download),
    };
    Ok(with_tag(told(&file, &sent, body), tag()))
}

/// Hands out all files of a study in a ZIP archive, named by UIDs.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/studies/{study_id}/archive",
    operation_id = "getArchive",
    tag = "studies",
    params(("study_id" = String, Path, description = "Its UUID, or its Study Instance UID")),
    responses(
        (status = 200, description = "`SERIES/INSTANCE.dcm` of every instance, stored; streamed. An archive without its end was cut off: a file is missing or was written to", body = Vec<u8>, content_type = "application/zip"),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "Catalog or files cannot be read now, or too many are on their way", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn archive(
    State(api): State<Arc<Api>>,
    Path(segment_of_path): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Problem> {
    let visible = api.visible_to(&caller);
    let study = visible.study(&segment_of_path)?;
    let told = api.catalog.study(*study).await.map_err(|error| catalog_problem(&error))?;
    let told = told.ok_or_else(Problem::no_such_study)?;
    let download = api.downloads.begin(&caller.name)?;
    let body = handed_out::archive(&api, *study, download).await?.ok_or_else(Problem::no_such_study)?;
    visible.note_opened(*study);
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    put(headers, header::CONTENT_DISPOSITION, attachment(&told.study_instance_uid, "zip"));
    Ok(response)
}

fn file_of(image: ImageRecord) -> FileOfStudy {
    FileOfStudy {
        key: image.key,
        series_instance_uid: image.metadata.series_instance_uid,
        sop_instance_uid: image.image.sop_instance_uid,
        location: image.location,
        content_digest: image.content_digest,
        file_byte_count: image.file_byte_count,
    }
}

fn told(file: &FileOfStudy, sent: &Sent, body: Body) -> Response {
    let mut response = body.into_response();
    sent.put_into(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom"));
    put(headers, header::CONTENT_DISPOSITION, attachment(&file.sop_instance_uid, "dcm"));
    response
}

fn with_tag(mut response: Response, tag: EntityTag) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE_CONTROL);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Authorization"));
    tag.put_into(response.headers_mut());
    response
}

/// Letters of a plain segment are always a header value.
fn attachment(uid: &str, ending: &str) -> String {
    format!("attachment; filename=\"{}.{ending}\"", segment(uid))
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
