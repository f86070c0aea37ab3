//! A study as OHIF's "DICOM JSON" source has it: for a viewer that is a folder of files, and opens a study by the address of one document.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, stream};
use noctis_shared::catalog::{CatalogError, HeaderPlace, HeadersOf, InstanceHeader, header_portion};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::dicom_web::naturalized_header;
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::catalog_problem,
    caller::Caller,
    edge::Origin,
    problem::{Document, Problem},
    query::NoParameters,
};

/// What is told of a study, of the header of its first instance.
const OF_STUDY: [&str; 9] = [
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "PatientName",
    "PatientID",
    "PatientSex",
    "PatientAge",
];
/// What is told of a series.
const OF_SERIES: [&str; 6] =
    ["SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime", "Modality"];

/// Tells a study as OHIF's source of DICOM JSON has it: studies, series, and instances with their attributes by keyword and the address
/// of their file.
#[utoipa::path(
    get,
    path = "/api/v1/dicom/studies/{study_id}/ohif.json",
    operation_id = "getOhifStudy",
    tag = "studies",
    params(("study_id" = String, Path, description = "Its UUID, or its Study Instance UID")),
    responses(
        (status = 200, description = "`studies`, `series`, `instances` with `metadata` and `url`; streamed", body = serde_json::Value,
            example = json!({"studies": [{"StudyInstanceUID": "1.2.3", "NumInstances": 1, "series": [{"SeriesInstanceUID": "1.2.3.4", "Modality": "CT", "instances": [{"metadata": {"SOPInstanceUID": "1.2.3.4.5", "Rows": 512}, "url": "dicomweb:https://noctis.example/dicom-web?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.4&objectUID=1.2.3.4.5&contentType=application%2Fdicom"}]}]}]})),
        (status = 400, description = "It takes no parameter", body = Document, content_type = "application/problem+json"),
        (status = 404, description = "No such study", body = Document, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Document, content_type = "application/problem+json"),
        (status = 503, description = "The catalog does not answer, or too many answers are on their way", body = Document, content_type = "application/problem+json"),
    )
)]
pub(super) async fn study(
    State(api): State<Arc<Api>>,
    Path(segment): Path<String>,
    _: NoParameters,
    Extension(caller): Extension<Arc<Caller>>,
    Origin(origin): Origin,
) -> Result<Response, Problem> {
    let visible = api.visible_to(&caller);
    let study = visible.study(&segment)?;
    let places = api.catalog.header_places(HeadersOf::Study(*study)).await;
    let places = places.map_err(|error| catalog_problem(&error))?;
    if places.is_empty() {
        return Err(Problem::no_such_study());
    }
    let permit = api.streams.begin(&caller.name)?;
    visible.note_opened(*study);
    let mut telling = Telling { api: Arc::clone(&api), origin, places, at: 0, series: None };
    // The first portion before the status: what fails at once is said.
    let first = telling.portion().await.map_err(|error| catalog_problem(&error))?;
    let mut response = Body::from_stream(pieces(first, telling, permit)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    Ok(response)
}

/// A study that is being told, by number of series and instance.
struct Telling {
    api: Arc<Api>,
    origin: String,
    places: Vec<HeaderPlace>,
    /// Places that were told of.
    at: usize,
    /// The UID of the series that is being told.
    series: Option<String>,
}

impl Telling {
    /// The next instances, with what stands around them; empty when all is told.
    async fn portion(&mut self) -> Result<String, CatalogError> {
        let rest = self.places.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(String::new());
        }
        let portion = &rest[..header_portion(rest)];
        let headers = self.api.catalog.headers(portion).await?;
        self.at += portion.len();
        let mut text = String::new();
        for header in &headers {
            self.write(header, &mut text);
        }
        if self.at == self.places.len() {
            // What went meanwhile has no series either.
            text.push_str(if self.series.is_some() { "]}]}]}" } else { "{\"studies\":[]}" });
        }
        Ok(text)
    }

    fn write(&mut self, header: &InstanceHeader, text: &mut String) {
        let metadata = naturalized_header(header, &self.origin);
        let series = &header.series_instance_uid;
        let begins = self.series.as_ref() != Some(series);
        match &self.series {
            None => {
                text.push_str("{\"studies\":[{");
                push_members(&metadata, &OF_STUDY, text);
                text.push_str(&format!("\"NumInstances\":{},\"series\":[", self.places.len()));
            }
            Some(_) if begins => text.push_str("]},"),
            Some(_) => text.push(','),
        }
        if begins {
            text.push('{');
            push_members(&metadata, &OF_SERIES, text);
            text.push_str("\"instances\":[");
            self.series = Some(series.clone());
        }
        let url = self.url(header);
        let instance = serde_json::json!({ "metadata": metadata, "url": url });
        text.push_str(&instance.to_string());
    }

    /// The file, by the URI service, which lets parameters be that it does not know: the viewer puts a frame behind it.
    fn url(&self, header: &InstanceHeader) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("requestType", "WADO")
            .append_pair("studyUID", &header.study_instance_uid)
            .append_pair("seriesUID", &header.series_instance_uid)
            .append_pair("objectUID", &header.sop_instance_uid)
            .append_pair("contentType", "application/dicom")
            .finish();
        format!("dicomweb:{}/dicom-web?{query}", self.origin)
    }
}

/// These members, each with the comma behind it.
fn push_members(metadata: &Map<String, Value>, names: &[&str], text: &mut String) {
    for name in names {
        if let Some(value) = metadata.get(*name) {
            text.push_str(&format!("\"{name}\":{value},"));
        }
    }
}

fn pieces(
    first: String,
    telling: Telling,
    permit: Allowed,
) -> impl Stream<Item = Result<Bytes, CatalogError>> + Send {
    stream::try_unfold((Some(first), telling, permit), async |(first, mut telling, permit)| {
        let text = match first {
            Some(first) => first,
            None => telling.portion().await.inspect_err(
                |error| tracing::warn!(%error, "a study that was told to a viewer was cut off"),
            )?,
        };
        Ok((!text.is_empty()).then(|| (Bytes::from(text), (None, telling, permit))))
    })
}
