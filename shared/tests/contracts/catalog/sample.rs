//! Instances, renders and look-ups that the tests are made of.

use bytes::Bytes;
use noctis_shared::{
    catalog::{Catalog, NewInstance, OrderFacts, Plane, RenderRecord, StudyFilter},
    dicom_uid::public_id,
    facts::{PatientFacts, SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    job::FrameRange,
    render::{FailureKind, Outcome, RenderFacts, RenderFailure, StageTimings, StoredRender},
    render_key::{ContentDigest, RenderKey},
    request::{PictureFormat, VoiFunction, Window},
};
use uuid::Uuid;

/// Instance `number` of series `series` of study `study`, the bytes of which are told by `version`.
pub(crate) fn instance_version(study: u32, series: u32, number: u32, version: u8) -> NewInstance {
    let sop_instance_uid = image_uid(study, series, number);
    NewInstance {
        study_instance_uid: study_uid(study),
        study: StudyFacts {
            patient: PatientFacts {
                patient_id: Some(format!("P-{study}")),
                patient_name: Some(format!("Sample^Patient{study}")),
                ..PatientFacts::default()
            },
            study_date: Some(format!("2026-01-{:02}", study % 28 + 1)),
            ..StudyFacts::default()
        },
        series_instance_uid: series_uid(study, series),
        series: SeriesFacts {
            series_number: i32::try_from(series).ok(),
            modality: Some("CT".to_owned()),
            ..SeriesFacts::default()
        },
        sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".to_owned()),
        instance_number: i32::try_from(number).ok(),
        order: OrderFacts { plane: axial(f64::from(number) * 2.5), ..OrderFacts::default() },
        rows: Some(512),
        columns: Some(256),
        samples_per_pixel: 1,
        bits_allocated: 16,
        frame_count: 1,
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        photometric_interpretation: Some("MONOCHROME2".to_owned()),
        window: Window::new(40.0, 400.0, VoiFunction::Linear).ok(),
        facts: ImageFacts::default(),
        header_json: format!(r#"{{"00080018":{{"vr":"UI","Value":["{sop_instance_uid}"]}}}}"#),
        location: format!("file:///archive/{sop_instance_uid}.dcm"),
        content_digest: ContentDigest(
            *blake3::hash(format!("{sop_instance_uid} {version}").as_bytes()).as_bytes(),
        ),
        file_byte_count: 263_000,
        header_byte_count: 856,
        header_checksum: u64::MAX - u64::from(number),
        deflated: false,
        bulk_values: vec![],
        frames: vec![FrameRange { offset: 856, byte_count: 262_144, checksum: u64::MAX / 3 }],
        sop_instance_uid,
    }
}

/// An axial plane at `z` mm.
pub(crate) fn axial(z: f64) -> Option<Plane> {
    Plane::new([-180.0, -180.0, z], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
}

pub(crate) fn instance(study: u32, series: u32, number: u32) -> NewInstance {
    instance_version(study, series, number, 0)
}

pub(crate) fn study_uid(study: u32) -> String {
    format!("1.2.826.0.1.{study}")
}

pub(crate) fn series_uid(study: u32, series: u32) -> String {
    format!("1.2.826.0.1.{study}.{series}")
}

fn image_uid(study: u32, series: u32, number: u32) -> String {
    format!("1.2.826.0.1.{study}.{series}.{number}")
}

pub(crate) fn study_id(study: u32) -> Uuid {
    public_id(&study_uid(study))
}

pub(crate) fn series_id(study: u32, series: u32) -> Uuid {
    public_id(&series_uid(study, series))
}

pub(crate) fn image_id(study: u32, series: u32, number: u32) -> Uuid {
    public_id(&image_uid(study, series, number))
}

/// The render key that is `number`, whatever it was made of.
pub(crate) fn key(number: u32) -> RenderKey {
    format!("{number:032x}").parse().unwrap()
}

/// A picture of `byte_count` bytes.
pub(crate) fn picture(byte_count: usize) -> Outcome {
    let facts = RenderFacts {
        format: PictureFormat::Png,
        rows: 512,
        columns: 256,
        window: Window::new(40.0, 400.0, VoiFunction::Linear).ok(),
        pixel_scale: None,
        partial: false,
        pixels: None,
        left_out: Vec::new(),
        timings: StageTimings { decode_ms: 1.5, ..StageTimings::default() },
    };
    Outcome::Picture(StoredRender { facts, picture: Bytes::from(vec![0xd1; byte_count]) })
}

pub(crate) fn failure(reason: &str) -> Outcome {
    Outcome::Failure(RenderFailure::new(FailureKind::Unrenderable, reason))
}

pub(super) async fn put(catalog: &Catalog, number: u32, image_id: Uuid, outcome: &Outcome) {
    let render = RenderRecord { key: key(number), image_id, outcome, worker: "worker-1".to_owned() };
    catalog.put_render(&render).await.unwrap();
}

pub(super) async fn put_behind(catalog: &Catalog, number: u32, image_id: Uuid, outcome: &Outcome) {
    let render = RenderRecord { key: key(number), image_id, outcome, worker: "worker-1".to_owned() };
    catalog.put_render_behind(&render).await;
}

/// Everything on one page.
pub(crate) fn all() -> StudyFilter {
    StudyFilter { limit: 1000, ..StudyFilter::default() }
}

/// Studies, series, instances; and the same summed over what lists tell, so that counts are checked twice.
pub(super) async fn assert_counts(catalog: &Catalog, studies: u64, series: u64, instances: u64) {
    let counts = catalog.counts().await.unwrap();
    assert_eq!((counts.studies, counts.series, counts.instances), (studies, series, instances));
    let mut listed = (0, 0, 0);
    for study in catalog.studies(&all()).await.unwrap().studies {
        let series = catalog.series_of_study(study.study_id).await.unwrap().expect("a study that is listed");
        assert_eq!(study.series_count as usize, series.len());
        assert_eq!(study.image_count, series.iter().map(|series| series.image_count).sum::<u32>());
        for series in &series {
            let key = catalog
                .find_series(series.series_id)
                .await
                .unwrap()
                .one()
                .expect("a series that is listed")
                .key;
            let images = catalog.images_of_series(key).await.unwrap().expect("a series that is listed");
            assert_eq!(series.image_count as usize, images.len());
            listed.2 += images.len() as u64;
        }
        listed.0 += 1;
        listed.1 += series.len() as u64;
    }
    assert_eq!(listed, (studies, series, instances), "what lists tell");
}
