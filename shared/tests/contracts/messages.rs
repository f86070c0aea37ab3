//! The schemas in `docs/schemas`: what we publish follows them, and they say no more than we mean.

use std::{fs, path::Path};

use jsonschema::{Validator, options};
use noctis_shared::{
    event::{
        Event, InstanceLocation, RejectedFile, STUDY_DELETED, STUDY_INDEXED, STUDY_NEW, StudyDeleted,
        StudyIndexed, StudyNew,
    },
    job::{FrameSource, RenderJob},
    lane::Lane,
    purpose::Purpose,
    queue::QueueLimits,
    request::{Fit, IccProfile, PictureFormat, Region, Voi, VoiFunction, Window},
    volume_plane::{Projection, VolumePlane, VolumeSlice},
};
use serde_json::{Value, json};

use crate::queue::fixture::job;

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas").join(format!("{name}.json"));
    serde_json::from_str(&fs::read_to_string(&path).expect("a schema")).expect("JSON")
}

fn validator(name: &str) -> Validator {
    options().should_validate_formats(true).build(&schema(name)).expect("a valid schema")
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).expect("JSON")
}

fn jobs() -> Vec<Value> {
    let window = Window::new(40.0, 400.0, VoiFunction::Sigmoid).expect("a window");
    let mut full = job(Lane::OnScreenHeavy);
    full.purpose = Purpose::Awaited { until: full.published_at };
    full.request.voi = Voi::Window(window);
    full.request.region = Some(Region { left: 0, top: 1, width: 2, height: 3 });
    full.request.fit = Fit { width: Some(512), height: None, enlarge: true };
    full.request.format = PictureFormat::Jpeg { quality: 90 };
    let mut other = job(Lane::Background);
    other.purpose = Purpose::Prefetch { client: "viewer".to_owned(), until: other.published_at };
    other.request.voi = Voi::FromFileWith(VoiFunction::LinearExact);
    other.request.format = PictureFormat::Webp { quality: None };
    other.request.icc_profile = IccProfile::SrgbIfUsable;
    let mut third = job(Lane::Background);
    third.purpose = Purpose::Prerender { job_id: third.job_id };
    let mut fourth = job(Lane::OnScreen);
    fourth.request.format = PictureFormat::Explanation { column: 7, row: 0 };
    let mut fifth = job(Lane::OnScreen);
    fifth.request.format = PictureFormat::Raw16;
    [job(Lane::OnScreen), full, other, third, fourth, fifth, through_a_volume()].iter().map(value).collect()
}

fn through_a_volume() -> RenderJob {
    let mut job = job(Lane::OnScreenHeavy);
    let slice = |along| VolumeSlice {
        image_id: job.image_id,
        content_digest: job.source.content_digest,
        frame_number: 1,
        along,
        moved: [0.0, 0.5],
    };
    job.request.plane = Some(Box::new(VolumePlane {
        slices: vec![slice(0.0), slice(2.5)],
        along: [-1.25, 3.75],
        rows: 512,
        columns: 512,
        corner: [-0.5, -0.5, 0.0],
        to_right: [1.0, 0.0, 0.0],
        to_below: [0.0, 1.0, 0.0],
        through: [0.0, 0.0, 2.5],
        projection: Projection::Maximum,
        points: 1,
    }));
    job.slices = vec![job.source.clone(), job.source.clone()];
    job
}

fn study_new() -> Value {
    let data = StudyNew {
        location: Some("file:///archive/study-1/".to_owned()),
        instances: vec![InstanceLocation { location: "file:///archive/1.dcm".to_owned() }],
        prerender: vec!["lung".to_owned()],
        replace: true,
    };
    value(&Event::new(STUDY_NEW, "/ingest/site-a", Some("1.2.3".to_owned()), data))
}

fn study_indexed() -> Value {
    let reason =
        RejectedFile { location: "file:///archive/2.dcm".to_owned(), reason: "no DICOM file".to_owned() };
    let data = StudyIndexed {
        event_id: "1".to_owned(),
        rejected: 1,
        reasons: vec![reason],
        ..StudyIndexed::default()
    };
    value(&Event::new(STUDY_INDEXED, "/noctis", Some("1.2.3".to_owned()), data))
}

fn study_deleted() -> Value {
    value(&Event::new(STUDY_DELETED, "/archive", Some("1.2.3".to_owned()), StudyDeleted::default()))
}

/// Every message type, with values that we publish.
fn published() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("render.job.v1", jobs()),
        (STUDY_NEW, vec![study_new()]),
        (STUDY_INDEXED, vec![study_indexed()]),
        (STUDY_DELETED, vec![study_deleted()]),
    ]
}

#[test]
fn what_is_published_follows_its_schema() {
    for (name, values) in published() {
        let validator = validator(name);
        for value in values {
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?} in {value}");
        }
    }
}

#[test]
fn a_schema_describes_every_member_that_is_published() {
    for (name, values) in published() {
        let described = schema(name)["properties"].clone();
        for member in values.iter().flat_map(|value| value.as_object().expect("an object").keys()) {
            assert!(described.get(member).is_some(), "{name} does not describe {member}");
        }
    }
    let described = schema("render.job.v1")["$defs"].clone();
    let (full, through) = (jobs().remove(1), value(&through_a_volume()));
    let parts =
        [("source", &full["source"]), ("request", &full["request"]), ("request", &through["request"])];
    for (part, value) in parts.into_iter().chain([("plane", &through["request"]["plane"])]) {
        for member in value.as_object().expect("an object").keys() {
            assert!(described[part]["properties"].get(member).is_some(), "{part} does not describe {member}");
        }
    }
}

/// As many as the API lets one plane touch, with long names.
#[test]
fn a_job_of_a_thousand_slices_is_no_longer_than_a_message_may_be() {
    let mut job = through_a_volume();
    let plane = job.request.plane.as_mut().expect("a plane");
    let slice = VolumeSlice {
        along: 1_234.567_890_123_4,
        moved: [-0.123_456_789_012_345, 10.0 / 3.0],
        ..plane.slices[0].clone()
    };
    plane.slices = vec![slice; 1_000];
    let file = "1.2.826.0.1.3680043.10.1234567890.1234567890.1234567890.123456";
    let location = format!("s3://bucket-of-a-hospital/archive/2026/11/{file}/{file}/{file}.dcm");
    job.slices = vec![FrameSource { location, ..job.source.clone() }; 1_000];
    let bytes = serde_json::to_vec(&job).expect("JSON").len();
    assert!(bytes < QueueLimits::default().message_bytes_max, "{bytes} bytes");
}

/// A publisher of the last version knows no profiles.
#[test]
fn a_job_that_says_nothing_of_profiles_embeds_them() {
    let mut old = value(&job(Lane::OnScreen));
    old["request"].as_object_mut().expect("an object").remove("icc_profile").expect("published");
    assert!(validator("render.job.v1").is_valid(&old));
    let read: RenderJob = serde_json::from_value(old).expect("a job");
    assert_eq!(read.request.icc_profile, IccProfile::Yes);
}

#[test]
fn what_a_schema_requires_cannot_be_left_out() {
    for (name, values) in published() {
        let (validator, schema) = (validator(name), schema(name));
        for member in schema["required"].as_array().expect("a list") {
            let mut value = values[0].clone();
            value.as_object_mut().expect("an object").remove(member.as_str().expect("a name"));
            assert!(!validator.is_valid(&value), "{name} without {member}");
        }
    }
}

#[test]
fn a_schema_refuses_what_the_code_refuses() {
    let cases = [
        ("/lane", json!("index")),
        ("/render_key", json!("zz")),
        ("/job_id", json!("1")),
        ("/request/frame_number", json!(0)),
        ("/request/voi", json!({"window": {"center": 0, "width": 0, "function": "linear"}})),
        ("/request/voi", json!("from_nowhere")),
        ("/request/format", json!({"jpeg": {}})),
        ("/source/content_digest", json!("00")),
        ("/published_at", json!("yesterday")),
    ];
    let validator = validator("render.job.v1");
    for (member, wrong) in cases {
        let mut job = jobs().remove(0);
        *job.pointer_mut(member).expect("a member") = wrong.clone();
        assert!(!validator.is_valid(&job), "{member} as {wrong}");
    }
}
