use super::*;
use crate::index::read_instance;

/// An element in explicit little endian.
fn element(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value").to_le_bytes();
    let long = matches!(vr, "UN" | "SQ" | "OB" | "OW");
    let length = if long { [0, 0, length[0], length[1], 0, 0].to_vec() } else { length.to_vec() };
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr.as_bytes(), &length, value].concat()
}

fn instance(elements: &[Vec<u8>]) -> NewInstance {
    let meta = element(tags::TRANSFER_SYNTAX_UID, "UI", b"1.2.840.10008.1.2.1\0");
    let file = [&[0; 128][..], b"DICM", &meta, &elements.concat()].concat();
    let mut written = tempfile::NamedTempFile::new().expect("a file");
    std::io::Write::write_all(&mut written, &file).expect("written");
    read_instance(written.path(), "file:///x", MissingUids::Refuse).expect("an instance")
}

/// Every fact and the header JSON (PS3.18 F.2) of a file in Japanese, items with sets of their own, and UIDs as UN.
#[test]
fn facts_and_header_json_are_unicode_and_read_un_by_the_dictionary() {
    let nested = [
        element(tags::SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 144"),
        element(tags::PATIENT_NAME, "PN", b"\xB8\xD2"),
    ];
    let nested = nested.concat();
    let item = [&[0xFE, 0xFF, 0x00, 0xE0][..], &(nested.len() as u32).to_le_bytes(), &nested].concat();
    let instance = instance(&[
        element(tags::SPECIFIC_CHARACTER_SET, "CS", b"\\ISO 2022 IR 87 "),
        element(tags::SOP_CLASS_UID, "UN", b"1.2.840.10008.5.1.4.1.1.7\0"),
        element(tags::SOP_INSTANCE_UID, "UN", b"1.2.3\0"),
        element(tags::STUDY_DATE, "UN", b"20261123"),
        element(tags::STUDY_DESCRIPTION, "LO", b"\x1B$B;3ED\x1B(B "),
        element(tags::SERIES_DESCRIPTION, "UN", b"\x1B$BB@O:\x1B(B "),
        element(tags::REFERENCED_PATIENT_SEQUENCE, "SQ", &item),
        element(tags::PATIENT_NAME, "PN", b"Yamada=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B "),
        element(tags::STUDY_INSTANCE_UID, "UN", b"1.2.4\0"),
        element(tags::SERIES_INSTANCE_UID, "UN", b"1.2.5\0"),
        element(tags::INSTANCE_NUMBER, "UN", b"7 "),
    ]);
    assert_eq!(instance.sop_instance_uid, "1.2.3");
    assert_eq!((&*instance.study_instance_uid, &*instance.series_instance_uid), ("1.2.4", "1.2.5"));
    assert_eq!(instance.sop_class_uid.as_deref(), Some("1.2.840.10008.5.1.4.1.1.7"));
    assert_eq!(instance.study.study_date.as_deref(), Some("2026-11-23"));
    assert_eq!(instance.study.patient.patient_name.as_deref(), Some("Yamada=山田^太郎"));
    assert_eq!(instance.study.study_description.as_deref(), Some("山田"));
    assert_eq!(instance.series.series_description.as_deref(), Some("太郎"));
    assert_eq!(instance.instance_number, Some(7));
    let json: serde_json::Value = serde_json::from_str(&instance.header_json).expect("JSON");
    assert_eq!(json["00080005"]["Value"][0], "ISO_IR 192");
    assert_eq!(json["0020000D"], serde_json::json!({"vr": "UI", "Value": ["1.2.4"]}));
    assert_eq!(json["00100010"]["Value"][0]["Ideographic"], "山田^太郎");
    assert_eq!(json["00081120"]["Value"][0]["00100010"]["Value"][0]["Alphabetic"], "Ив");
    assert!(json["00081120"]["Value"][0].get("00080005").is_none());
}

/// What is long is told of by where it lies, at the top and in items; what is short stays, also of makers' own elements.
#[test]
fn long_values_have_places_in_the_header_and_checksums_in_the_row() {
    let item = |content: &[u8]| {
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &(content.len() as u32).to_le_bytes(), content].concat()
    };
    let profile = element(tags::ICC_PROFILE, "OB", &[5; 3000]);
    let instance = instance(&[
        element(tags::SOP_CLASS_UID, "UI", b"1.2.840.10008.5.1.4.1.1.104.1\0"),
        element(tags::SOP_INSTANCE_UID, "UI", b"1.2.3\0"),
        element(Tag(0x0009, 0x0010), "LO", b"A MAKER "),
        element(Tag(0x0009, 0x1001), "OB", &[1, 2, 3, 4]),
        element(Tag(0x0009, 0x1002), "UN", &[5, 6]),
        element(Tag(0x0009, 0x1003), "UN", &[9; 1026]),
        element(tags::STUDY_INSTANCE_UID, "UI", b"1.2.4\0"),
        element(tags::SERIES_INSTANCE_UID, "UI", b"1.2.5\0"),
        element(tags::ENCAPSULATED_DOCUMENT, "OB", &[7; 20_000]),
        element(tags::OPTICAL_PATH_SEQUENCE, "SQ", &[item(&[]), item(&profile)].concat()),
    ]);
    let json: serde_json::Value = serde_json::from_str(&instance.header_json).expect("JSON");
    assert_eq!(json["00091001"], serde_json::json!({"vr": "OB", "InlineBinary": "AQIDBA=="}));
    assert_eq!(json["00091002"], serde_json::json!({"vr": "UN", "InlineBinary": "BQY="}));
    let place = |path: &str| format!("bulkdata/{path}");
    assert_eq!(json["00091003"], serde_json::json!({"vr": "UN", "BulkDataURI": place("00091003")}));
    assert_eq!(json["00420011"]["BulkDataURI"], place("00420011"));
    let nested = &json["00480105"]["Value"][1]["00282000"]["BulkDataURI"];
    assert_eq!(*nested, place("00480105/2/00282000"));
    let told: Vec<(&str, u64, u64)> =
        instance.bulk_values.iter().map(|value| (&*value.path, value.byte_count, value.checksum)).collect();
    let checksum = |byte, length| xxhash_rust::xxh3::xxh3_64(&vec![byte; length]);
    let expected = [
        ("00091003", 1026, checksum(9, 1026)),
        ("00420011", 20_000, checksum(7, 20_000)),
        ("00480105/2/00282000", 3000, checksum(5, 3000)),
    ];
    assert_eq!(told, expected);
}
