//! What metadata tell of one instance: its header as it is kept, with what a file says elsewhere, and addresses in the place
//! of bulk data (PS3.18 10.4.1.1.2 and F.2.6).

use noctis_shared::{bulk, catalog::InstanceHeader, header_json::HeaderJson};

use super::{
    address::{self, Uids},
    data_set::DataSet,
    transfer_syntax::is_encapsulated,
};

/// The arc of UIDs that are made of UUIDs, and so of those that are made of files that have none.
const UUID_ARC: &str = "2.25.";

/// Writes the data set of one instance.
pub(super) fn write(instance: &InstanceHeader, origin: &str, out: &mut String) {
    let header = HeaderJson::new(&instance.header_json);
    let mut beside = DataSet::default();
    if header.is_empty() {
        facts(instance, &mut beside);
    }
    let InstanceHeader { study_instance_uid, series_instance_uid, sop_instance_uid, .. } = instance;
    for (tag, uid) in [
        (0x0008_0018, sop_instance_uid),
        (0x0020_000D, study_instance_uid),
        (0x0020_000E, series_instance_uid),
    ] {
        // What it is retrieved by, where the file itself has none.
        if header.is_empty() || uid.starts_with(UUID_ARC) {
            beside.text(tag, "UI", Some(uid));
        }
    }
    if let Some(transfer_syntax_uid) = &instance.transfer_syntax_uid {
        beside.text(0x0008_3002, "UI", Some(transfer_syntax_uid));
    }
    let of_instance =
        address::of(origin, Uids::instance(study_instance_uid, series_instance_uid, sop_instance_uid));
    let mut pixels = DataSet::default();
    if let Some((tag, vr)) = pixel_data(instance) {
        pixels.bulk(tag, vr, &format!("{of_instance}/{}", bulk::address(&format!("{tag:08X}"))));
    }
    if bulk::is_in(&instance.header_json) {
        let mut located = String::with_capacity(instance.header_json.len() * 2);
        bulk::push_located(&instance.header_json, &of_instance, &mut located);
        return HeaderJson::new(&located).write_with(&beside.elements(), &pixels.elements(), out);
    }
    header.write_with(&beside.elements(), &pixels.elements(), out);
}

/// What the columns know, of a header that was too long to be kept.
fn facts(instance: &InstanceHeader, beside: &mut DataSet) {
    beside.text(0x0008_0016, "UI", instance.sop_class_uid.as_deref());
    beside.text(0x0008_0060, "CS", instance.modality.as_deref());
    beside.number(0x0020_0013, "IS", instance.instance_number);
    if instance.frame_count > 0 {
        beside.number(0x0028_0008, "IS", Some(instance.frame_count));
        beside.number(0x0028_0010, "US", instance.rows);
        beside.number(0x0028_0011, "US", instance.columns);
        beside.number(0x0028_0100, "US", Some(instance.bits_allocated).filter(|bits| *bits > 0));
    }
}

/// The element of the pixels and its VR (PS3.5 8.2, A.4); `None` where there are none, or no byte of them.
pub(super) fn pixel_data(instance: &InstanceHeader) -> Option<(u32, &'static str)> {
    let header = HeaderJson::new(&instance.header_json);
    let is_empty = instance.first_frame.is_some_and(|frame| frame.byte_count == 0);
    if instance.frame_count == 0 || is_empty {
        return None;
    }
    // Only integers have a representation (PS3.3 C.7.6.3.1).
    let is_float = || !header.is_empty() && header.get(0x0028_0103).is_none();
    Some(match instance.bits_allocated {
        32 if is_float() => (0x7FE0_0008, "OF"),
        64 => (0x7FE0_0009, "OD"),
        _ if instance.transfer_syntax_uid.as_deref().is_some_and(is_encapsulated) => (0x7FE0_0010, "OB"),
        1..=8 => (0x7FE0_0010, "OB"),
        _ => (0x7FE0_0010, "OW"),
    })
}

#[cfg(test)]
mod tests {
    use noctis_shared::job::FrameRange;
    use serde_json::{Value, json};

    use super::*;

    fn instance() -> InstanceHeader {
        InstanceHeader {
            study_instance_uid: "1.2".to_owned(),
            series_instance_uid: "1.3".to_owned(),
            sop_instance_uid: "1.4".to_owned(),
            sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".to_owned()),
            modality: Some("CT".to_owned()),
            instance_number: Some(7),
            rows: Some(512),
            columns: Some(512),
            bits_allocated: 16,
            frame_count: 1,
            transfer_syntax_uid: Some("1.2.840.10008.1.2.1".to_owned()),
            first_frame: Some(FrameRange { offset: 1000, byte_count: 524_288, checksum: 1 }),
            header_json: r#"{"00080018":{"vr":"UI","Value":["1.4"]},"00280103":{"vr":"US","Value":[0]}}"#
                .to_owned(),
        }
    }

    fn told(instance: &InstanceHeader) -> Value {
        let mut text = String::new();
        write(instance, "http://h", &mut text);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn a_header_is_told_as_it_is_kept_with_the_place_of_its_pixels() {
        let pixels = "http://h/dicom-web/studies/1.2/series/1.3/instances/1.4/bulkdata/7FE00010";
        let expected = json!({
            "00080018": {"vr": "UI", "Value": ["1.4"]},
            "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
            "00280103": {"vr": "US", "Value": [0]},
            "7FE00010": {"vr": "OW", "BulkDataURI": pixels},
        });
        assert_eq!(told(&instance()), expected);
    }

    #[test]
    fn values_that_are_not_kept_are_told_by_where_they_are() {
        let header_json = r#"{"00080018":{"vr":"UI","Value":["1.4"]},"00420011":{"vr":"OB","BulkDataURI":"bulkdata/00420011"}}"#;
        let told = told(&InstanceHeader { header_json: header_json.to_owned(), ..instance() });
        let document = "http://h/dicom-web/studies/1.2/series/1.3/instances/1.4/bulkdata/00420011";
        assert_eq!(told["00420011"], json!({"vr": "OB", "BulkDataURI": document}));
        assert_eq!((&told["00080018"]["Value"][0], &told["7FE00010"]["vr"]), (&"1.4".into(), &"OW".into()));
    }

    #[test]
    fn pixels_are_told_by_what_they_are() {
        let jpeg = Some("1.2.840.10008.1.2.4.50".to_owned());
        let without_representation = "{\"00080018\":{\"vr\":\"UI\"}}".to_owned();
        let empty = Some(FrameRange { offset: 1000, byte_count: 0, checksum: 0 });
        let cases = [
            (instance(), Some(("7FE00010", "OW"))),
            (InstanceHeader { bits_allocated: 8, ..instance() }, Some(("7FE00010", "OB"))),
            (InstanceHeader { transfer_syntax_uid: jpeg, ..instance() }, Some(("7FE00010", "OB"))),
            (InstanceHeader { bits_allocated: 32, ..instance() }, Some(("7FE00010", "OW"))),
            (
                InstanceHeader { bits_allocated: 32, header_json: without_representation, ..instance() },
                Some(("7FE00008", "OF")),
            ),
            (InstanceHeader { bits_allocated: 64, ..instance() }, Some(("7FE00009", "OD"))),
            (InstanceHeader { first_frame: None, ..instance() }, Some(("7FE00010", "OW"))),
            (InstanceHeader { first_frame: empty, ..instance() }, None),
            (InstanceHeader { frame_count: 0, first_frame: None, ..instance() }, None),
        ];
        for (instance, expected) in cases {
            let told = told(&instance);
            let pixels: Vec<&String> =
                told.as_object().expect("an object").keys().filter(|tag| tag.starts_with("7FE0")).collect();
            assert_eq!(pixels, expected.map(|(tag, _)| tag).into_iter().collect::<Vec<_>>(), "{instance:?}");
            if let Some((tag, vr)) = expected {
                assert_eq!(told[tag]["vr"], vr, "{instance:?}");
            }
        }
    }

    #[test]
    fn a_header_that_was_too_long_is_told_as_far_as_it_is_known() {
        let told = told(&InstanceHeader { header_json: "{}".to_owned(), ..instance() });
        assert_eq!(told["00080018"]["Value"][0], "1.4");
        assert_eq!(told["0020000D"]["Value"][0], "1.2");
        assert_eq!((&told["00280010"]["Value"][0], &told["7FE00010"]["vr"]), (&512.into(), &"OW".into()));
    }

    #[test]
    fn uids_that_a_file_lacks_are_those_it_is_retrieved_by() {
        let derived = "2.25.152449559653591725510334989870309108523".to_owned();
        let told = told(&InstanceHeader { study_instance_uid: derived.clone(), ..instance() });
        assert_eq!(told["0020000D"]["Value"], json!([derived]));
        assert!(told.get("0020000E").is_none(), "the file has it, if its header does");
    }
}
