//! An instance as the catalog takes it, for tests that look at no pixel.

use noctis_shared::{
    catalog::{NewInstance, OrderFacts},
    facts::{SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    render_key::ContentDigest,
};

pub(crate) const STUDY: &str = "1.2.826.0.1.3680043.10.1";

/// Instance `number` of series `series` of [`STUDY`], of these bytes.
pub(crate) fn instance(series: u32, number: u32, bytes: &[u8]) -> NewInstance {
    NewInstance {
        study_instance_uid: STUDY.to_owned(),
        study: StudyFacts::default(),
        series_instance_uid: format!("{STUDY}.{series}"),
        series: SeriesFacts::default(),
        sop_instance_uid: format!("{STUDY}.{series}.{number}"),
        sop_class_uid: None,
        instance_number: None,
        order: OrderFacts::default(),
        facts: ImageFacts::default(),
        rows: None,
        columns: None,
        samples_per_pixel: 1,
        bits_allocated: 16,
        frame_count: 0,
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        photometric_interpretation: None,
        window: None,
        header_json: "{}".to_owned(),
        location: String::new(),
        content_digest: ContentDigest(*blake3::hash(bytes).as_bytes()),
        file_byte_count: bytes.len() as u64,
        header_byte_count: 4,
        header_checksum: 9,
        deflated: false,
        bulk_values: vec![],
        frames: vec![],
    }
}
