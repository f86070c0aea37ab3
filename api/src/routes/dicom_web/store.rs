//! Storing instances (PS3.18 10.5, STOW-RS): files in, and what became of each as a data set.

use axum::{
    Extension,
    body::Body,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use noctis_shared::upload::{InstanceUids, Upload, UploadResult, UploadedInstance};
use serde_json::{Value, json};

use super::{
    address::{self, Uids},
    asks::Asks,
    media_type,
};
use crate::{edge::Complete, problem::Problem, upload};

/// Longest text of an attribute of VR LO, in characters (PS3.5 6.2).
const LO_CHARS_MAX: usize = 64;

/// The study that a path names beside the files.
#[derive(serde::Deserialize)]
pub(super) struct ToStudy {
    study: Option<String>,
}

/// Stores the files of the body. `POST /dicom-web/studies`, and `/dicom-web/studies/{study}`, which takes those of this study
/// alone (10.5.1.1).
///
/// # Errors
/// 406 for a client that takes no JSON, before anything is read; those of [`upload::put_down`] and [`upload::outcome`].
pub(super) async fn store(Path(to): Path<ToStudy>, asks: Asks, body: Body) -> Result<Response, Problem> {
    let media_type = media_type::of_json(asks.accept().as_deref(), &asks.headers)?;
    let files = upload::Files::of(&asks.headers, body)?;
    let event_id = upload::put_down(&asks.api, &asks.caller, to.study.clone(), files).await?;
    let upload = upload::outcome(&asks.api, event_id).await?;
    let body = told(&asks.origin, to.study.as_deref(), &upload).to_string();
    let headers = [(header::CONTENT_TYPE, media_type)];
    // An error among these statuses has its body, too.
    Ok((status(&upload.instances), Extension(Complete), headers, body).into_response())
}

/// Table 10.5.3-1: whether all, some, or none of them are stored.
fn status(instances: &[UploadedInstance]) -> StatusCode {
    let stored = instances.iter().filter(|instance| instance.result.is_stored()).count();
    match stored {
        0 => StatusCode::CONFLICT,
        count if count == instances.len() => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    }
}

/// The Store Instances Response Module (I.2.2). What could not be read has no UIDs to be told by: it stands among the Other
/// Failures.
fn told(origin: &str, to_study: Option<&str>, upload: &Upload) -> Value {
    let (mut stored, mut failed, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for instance in &upload.instances {
        match &instance.named {
            Some(named) if instance.result.is_stored() => stored.push(stored_item(origin, named)),
            Some(named) => {
                let mut item = reference(named);
                item.extend(failure(instance));
                failed.push(Value::Object(item));
            }
            None => unread.push(Value::Object(failure(instance))),
        }
    }
    let mut response = serde_json::Map::new();
    // Of one study, whether it was named or not (table I.2-1).
    if let Some(study) = to_study.or_else(|| only_study(upload)).filter(|_| !stored.is_empty()) {
        response.insert("00081190".into(), url(address::of(origin, Uids::study(study))));
    }
    for (tag, items) in [("00081198", failed), ("00081199", stored), ("0008119A", unread)] {
        if !items.is_empty() {
            response.insert(tag.into(), json!({"vr": "SQ", "Value": items}));
        }
    }
    Value::Object(response)
}

/// The study that all of what is stored is of.
fn only_study(upload: &Upload) -> Option<&str> {
    let stored = upload.instances.iter().filter(|instance| instance.result.is_stored());
    let mut studies =
        stored.filter_map(|instance| Some(instance.named.as_ref()?.study_instance_uid.as_str()));
    let first = studies.next()?;
    studies.all(|study| study == first).then_some(first)
}

fn stored_item(origin: &str, named: &InstanceUids) -> Value {
    let InstanceUids { study_instance_uid, series_instance_uid, sop_instance_uid, .. } = named;
    let uids = Uids::instance(study_instance_uid, series_instance_uid, sop_instance_uid);
    let mut item = reference(named);
    item.insert("00081190".into(), url(address::of(origin, uids)));
    Value::Object(item)
}

/// Referenced SOP Class and Instance UID.
fn reference(named: &InstanceUids) -> serde_json::Map<String, Value> {
    let class = named.sop_class_uid.as_ref();
    let class = class.map_or_else(|| json!({"vr": "UI"}), |uid| json!({"vr": "UI", "Value": [uid]}));
    let instance = json!({"vr": "UI", "Value": [named.sop_instance_uid]});
    serde_json::Map::from_iter([("00081150".to_owned(), class), ("00081155".to_owned(), instance)])
}

/// Failure Reason (0008,1197), and beside it, as other servers have it, the Error Comment (0000,0902).
fn failure(instance: &UploadedInstance) -> serde_json::Map<String, Value> {
    let mut item = serde_json::Map::new();
    if let Some(reason) = &instance.reason {
        let comment: String = reason.chars().take(LO_CHARS_MAX).collect();
        item.insert("00000902".into(), json!({"vr": "LO", "Value": [comment]}));
    }
    item.insert("00081197".into(), json!({"vr": "US", "Value": [failure_reason(instance.result)]}));
    item
}

/// Table I.2-2, and where it has none the status of the DIMSE service that says the same (PS3.7 annex C).
fn failure_reason(result: UploadResult) -> u16 {
    match result {
        // Of what is stored nobody asks.
        UploadResult::Accepted | UploadResult::Duplicate => 0,
        // Duplicate SOP Instance (C.5.7): its UID is that of other bytes.
        UploadResult::Conflict => 0x0111,
        // Cannot understand.
        UploadResult::Rejected => 0xC000,
        // Data Set does not match: here, the study that was named.
        UploadResult::OtherStudy => 0xA900,
        // Refused: Not Authorized (C.5.13).
        UploadResult::NotAllowed => 0x0124,
    }
}

fn url(address: String) -> Value {
    json!({"vr": "UR", "Value": [address]})
}
