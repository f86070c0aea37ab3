//! Text and identity of files as others write them: character sets, attributes as UN, UIDs that are none, no UIDs at all.

use std::path::Path;

use dicom_dictionary_std::tags;

use super::{
    files::{slice, slice_uid, windowed_slice},
    http::Viewer,
    program::{Program, command, run},
};

/// The placeholder that stands for the patient's name until its bytes take its place.
const PLACEHOLDER: [u8; 64] = [b'N'; 64];

/// Slice `number` of a study of its own, whose Specific Character Set and Patient's Name have these bytes.
fn named(number: u32, character_set: &str, name: &[u8]) -> Vec<u8> {
    let study = format!("text-{number}");
    let placeholder = String::from_utf8_lossy(&PLACEHOLDER).into_owned();
    let mut file = slice(&study, 1).set(tags::PATIENT_NAME, &placeholder);
    if !character_set.is_empty() {
        file = file.set(tags::SPECIFIC_CHARACTER_SET, character_set);
    }
    let mut value = name.to_vec();
    value.resize(PLACEHOLDER.len(), b' ');
    replaced(file.to_bytes().unwrap(), &PLACEHOLDER, &value)
}

/// `bytes` with other bytes in one place.
fn replaced(bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("what is to be replaced");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

/// The file with the VR of the element `tag`, of a short length, written as UN.
fn as_un(bytes: Vec<u8>, tag: dicom_core::Tag) -> Vec<u8> {
    let start = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    let at = bytes.windows(4).position(|window| window == start).expect("the element");
    let length = u32::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]])).to_le_bytes();
    [&bytes[..at + 4], b"UN\0\0", &length, &bytes[at + 8..]].concat()
}

fn serve(data: &Path, files: &Path) -> (Program, Viewer, String) {
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(files);
    let mut program = Program::start(&mut serve);
    let summary = program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    (program, viewer, summary)
}

/// What a path segment needs.
fn percent_encoded(uid: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    uid.bytes().map(encoded).collect()
}

#[test]
fn names_are_listed_and_found_in_unicode_whatever_set_they_are_written_in() {
    let cases: [(&str, &[u8], &str); 8] = [
        ("ISO_IR 144", b"\xB8\xD2\xD0\xDD\xDE\xD2^\xB8\xD2\xD0\xDD", "Иванов^Иван"),
        ("\\ISO 2022 IR 87", b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B", "Yamada^Tarou=山田^太郎"),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7",
            "Hong^Gildong=洪^吉洞",
        ),
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB",
            "Zhang^XiaoDong=张^小东",
        ),
        ("ISO_IR 13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("GBK", b"\x95\x5C^\x9C\x79\xD5\x5C", "昞^測誠"),
        ("", "Müller^Jürgen".as_bytes(), "Müller^Jürgen"),
        ("ISO IR 192", "Žižek^Ø".as_bytes(), "Žižek^Ø"),
    ];
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    std::fs::create_dir_all(&files).unwrap();
    for (number, (character_set, name, _)) in (0..).zip(cases) {
        std::fs::write(files.join(format!("{number}.dcm")), named(number, character_set, name)).unwrap();
    }
    let (_program, viewer, summary) = serve(&work.path().join("data"), &files);
    assert_eq!(summary, "indexed 8 instances, 0 rejected");
    for (number, (character_set, _, name)) in (0_u32..).zip(cases) {
        let image = viewer.get(&format!("/api/v1/dicom/images/{}", slice_uid(&format!("text-{number}"), 1)));
        assert_eq!(image.json()["metadata"]["patient_name"], name, "{character_set}");
        let word = name.split(['^', '=']).next_back().unwrap();
        let query = format!("/api/v1/dicom/studies?q={}", percent_encoded(word));
        let found = viewer.list(&query, "studies");
        assert!(found.iter().any(|study| study["patient_name"] == name), "{name}: {found:?}");
    }
}

/// PS3.5 section 6.2.2: gateways write as UN what their dictionary does not have.
#[test]
fn a_file_whose_attributes_are_all_un_is_the_same_image() {
    let un = [
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::STUDY_DATE,
        tags::MODALITY,
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::INSTANCE_NUMBER,
        tags::PHOTOMETRIC_INTERPRETATION,
        tags::ROWS,
        tags::BITS_ALLOCATED,
        tags::PIXEL_REPRESENTATION,
        tags::WINDOW_CENTER,
        tags::WINDOW_WIDTH,
        tags::RESCALE_INTERCEPT,
        tags::RESCALE_SLOPE,
    ];
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    std::fs::create_dir_all(&files).unwrap();
    let file = un.into_iter().fold(slice("gateway", 1).to_bytes().unwrap(), as_un);
    std::fs::write(files.join("un.dcm"), file).unwrap();
    let (_program, viewer, summary) = serve(&work.path().join("data"), &files);
    assert_eq!(summary, "indexed 1 instances, 0 rejected");
    let uid = slice_uid("gateway", 1);
    let metadata = viewer.get(&format!("/api/v1/dicom/images/{uid}")).json()["metadata"].clone();
    let told = ["patient_name", "patient_id", "study_date", "modality", "uids_derived"];
    let told = told.map(|name| metadata[name].to_string());
    assert_eq!(told, ["\"Journey^Test\"", "\"JOURNEY-1\"", "\"2026-11-23\"", "\"CT\"", "false"]);
    assert!(viewer.png(&uid, "").picture().samples == windowed_slice(1, -700.0, 600.0));
}

#[test]
fn a_uid_of_64_printable_characters_is_listed_and_served_and_a_longer_one_is_refused_as_too_long() {
    let hexadecimal = "0123456789abcdef".repeat(4);
    let odd = [&*hexadecimal, &hexadecimal[..32], "1.2.840.Site-A_7/scan.1", "..", "a b%2Fc?d#e"];
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    std::fs::create_dir_all(&files).unwrap();
    let written = |number: u32, uid: &str| {
        let file = slice("odd", number).set(tags::SOP_INSTANCE_UID, uid).to_bytes().unwrap();
        std::fs::write(files.join(format!("{number}.dcm")), file).unwrap();
    };
    (1..).zip(odd).for_each(|(number, uid)| written(number, uid));
    written(9, &"3".repeat(70));
    let (_program, viewer, summary) = serve(&work.path().join("data"), &files);
    assert_eq!(summary, "indexed 5 instances, 1 rejected");
    let series = &viewer.get(&format!("/api/v1/dicom/images/{hexadecimal}")).json()["metadata"]["series_id"];
    let images = viewer.list(&format!("/api/v1/dicom/series/{}/images", series.as_str().unwrap()), "images");
    for (number, uid) in (1..).zip(odd) {
        assert!(images.iter().any(|image| image["sop_instance_uid"] == uid), "{uid}");
        // Clients drop a segment of dots, percent-encoded or not; its id is there for that.
        let path = match images.iter().find(|image| image["sop_instance_uid"] == uid) {
            Some(image) if uid == ".." => image["image_id"].as_str().unwrap().to_owned(),
            _ => percent_encoded(uid),
        };
        let shown = viewer.png(&path, "").picture().samples;
        assert!(shown == windowed_slice(number, -700.0, 600.0), "{uid}");
    }
    let ingest =
        run(command("noctis").arg("ingest").arg(&files).arg("--data").arg(work.path().join("other")));
    let reasons = String::from_utf8_lossy(&ingest.stderr).into_owned();
    assert!(reasons.contains("SOP Instance UID is too long: it has 70 characters"), "{reasons}");
    assert_eq!(String::from_utf8_lossy(&ingest.stdout), "5 accepted, 0 duplicate, 1 rejected\n");
}

#[test]
fn a_picture_without_uids_is_shown_where_it_lies_and_refused_where_it_would_be_kept() {
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    std::fs::create_dir_all(&files).unwrap();
    let levels = [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID];
    for (number, level) in (1..).zip(levels) {
        slice(&format!("lacks-{number}"), 1)
            .without(level)
            .write(&files.join(format!("{number}.dcm")))
            .unwrap();
    }
    let all = levels.into_iter().fold(slice("lacks-all", 1), |file, level| file.without(level));
    all.write(&files.join("all.dcm")).unwrap();
    slice("lacks-none", 1).write(&files.join("none.dcm")).unwrap();
    let served = || {
        let data = tempfile::tempdir().unwrap();
        let (_program, viewer, summary) = serve(data.path(), &files);
        assert_eq!(summary, "indexed 5 instances, 0 rejected");
        images(&viewer)
    };
    let images = served();
    assert_eq!(images, served(), "the same UIDs each time");
    let derived = images.iter().filter(|(_, derived)| *derived).count();
    assert_eq!((images.len(), derived), (5, 4));
    assert!(images.contains(&(slice_uid("lacks-none", 1), false)));
    assert!(images.contains(&(slice_uid("lacks-1", 1), true)), "what it states it keeps");
    let data = work.path().join("kept");
    let ingest = run(command("noctis").arg("ingest").arg(&files).arg("--data").arg(&data));
    let reasons = String::from_utf8_lossy(&ingest.stderr).into_owned();
    for name in ["Study Instance UID", "Series Instance UID", "SOP Instance UID"] {
        assert!(reasons.contains(&format!("{name} is missing")), "{reasons}");
    }
    assert_eq!(String::from_utf8_lossy(&ingest.stdout), "1 accepted, 0 duplicate, 4 rejected\n");
}

/// SOP Instance UID of every image, each of which is shown, and whether its UIDs are derived; sorted.
fn images(viewer: &Viewer) -> Vec<(String, bool)> {
    let mut images = Vec::new();
    for study in viewer.list("/api/v1/dicom/studies", "studies") {
        let study = study["study_id"].as_str().unwrap();
        for series in viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series") {
            let series = series["series_id"].as_str().unwrap();
            for image in viewer.list(&format!("/api/v1/dicom/series/{series}/images"), "images") {
                let uid = image["sop_instance_uid"].as_str().unwrap().to_owned();
                assert!(viewer.png(&uid, "").picture().samples == windowed_slice(1, -700.0, 600.0), "{uid}");
                images.push((uid, image["uids_derived"].as_bool().unwrap()));
            }
        }
    }
    images.sort();
    images
}
