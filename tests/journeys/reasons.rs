//! `docs/problems.md` and the programs say the same: each row of its tables is provoked.

use std::{collections::BTreeMap, fs, path::Path};

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Uids};

use super::{
    files::{slice, slice_uid},
    http::Viewer,
    program::{Program, command, run},
};

/// Rows of the table under `heading`, cell by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = include_str!("../../docs/problems.md");
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn padded(beginning: &[u8], at: usize, mark: &[u8]) -> Vec<u8> {
    let mut bytes = beginning.to_vec();
    bytes.resize(600, 7);
    bytes[at..at + mark.len()].copy_from_slice(mark);
    bytes
}

/// The bytes of what a row of "Files that are not taken" names.
fn given(what: &str) -> Vec<u8> {
    let whole = || slice("reasons", 1).to_bytes().unwrap();
    match what {
        "compressed with gzip (`.dcm.gz`)" => padded(b"\x1f\x8b\x08", 3, b""),
        "compressed with bzip2" => padded(b"BZh9", 4, b""),
        "compressed with xz" => padded(b"\xfd7zXZ\0", 6, b""),
        "compressed with zstd" => padded(b"\x28\xb5\x2f\xfd", 4, b""),
        "a zip archive" => padded(b"PK\x03\x04", 4, b""),
        "a tar archive" => padded(b"IM_1", 257, b"ustar"),
        "a PDF document named `.dcm`" => padded(b"%PDF-1.7", 8, b""),
        "a JPEG picture named `.dcm`" => padded(b"\xff\xd8\xff\xe0", 4, b""),
        "a PNG picture named `.dcm`" => padded(b"\x89PNG\r\n\x1a\n", 8, b""),
        "a TIFF picture named `.dcm`" => padded(b"II*\0", 4, b""),
        "an MP4 video named `.dcm`" => padded(b"\0\0\0\x18ftypmp42", 12, b""),
        "a NIfTI volume" => padded(b"\x5c\x01\0\0", 344, b"n+1\0"),
        "an NRRD volume" => padded(b"NRRD0004", 8, b""),
        "an HTML page, as a failed download leaves" => b"<!DOCTYPE html><p>404".to_vec(),
        "a text file" => b"not a DICOM file at all".to_vec(),
        "an empty file" => Vec::new(),
        "zeros, as a failed copy leaves" => vec![0; 4096],
        "other bytes" => padded(b"\x01\x02\x03\x04", 4, b""),
        "a file cut in its header" => whole()[..400].to_vec(),
        "a DICOMDIR" => DemoFile::new("1.2.840.10008.1.3.10", &Uids::named("reasons", "disc", 1))
            .without(tags::STUDY_INSTANCE_UID)
            .without(tags::SERIES_INSTANCE_UID)
            .bytes(tags::DIRECTORY_RECORD_SEQUENCE, b"")
            .to_bytes()
            .unwrap(),
        other => panic!("no file for the row {other:?}"),
    }
}

#[test]
fn what_is_not_taken_is_refused_in_the_words_of_the_documents() {
    let rows = table("Files that are not taken");
    assert!(rows.len() >= 20, "{rows:?}");
    let files = tempfile::tempdir().unwrap();
    for (number, row) in rows.iter().enumerate() {
        fs::write(files.path().join(format!("{number:02}.dcm")), given(&row[0])).unwrap();
    }
    let data = tempfile::tempdir().unwrap();
    let output = run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let told: BTreeMap<&str, &str> = error
        .lines()
        .filter_map(|line| line.rsplit_once(".dcm: "))
        .map(|(file, reason)| (&file[file.len() - 2..], reason))
        .collect();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(told.get(&*format!("{number:02}")), Some(&&*row[1]), "{}: {error}", row[0]);
        assert!(!row[1].contains(".dcm"));
    }
}

/// The file with another transfer syntax in its meta information (PS3.10 7.1).
fn with_transfer_syntax(mut bytes: Vec<u8>, uid: &[u8]) -> Vec<u8> {
    let header = b"\x02\0\x10\0UI";
    let at = bytes.windows(6).position(|window| window == header).expect("it is there") + 6;
    let length = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut value = uid.to_vec();
    value.resize(uid.len().next_multiple_of(2), 0);
    let mut element = u16::try_from(value.len()).unwrap().to_le_bytes().to_vec();
    element.extend(value);
    bytes.splice(at..at + 2 + length, element);
    bytes
}

/// Writes what a row of "Instances that were taken" names, and says what becomes of it once it is indexed.
fn asked(what: &str, number: u32, path: &Path) -> fn(&Path) {
    const STORAGE: &str = "1.2.840.10008.5.1.4.1.1";
    let of_class = |class: &str| {
        let uids = Uids { instance: slice_uid("reasons", number), ..Uids::named("reasons", "axial", number) };
        DemoFile::new(&format!("{STORAGE}.{class}"), &uids).set(tags::MODALITY, "OT").to_bytes().unwrap()
    };
    let image = || slice("reasons", number).to_bytes().unwrap();
    let nothing_more: fn(&Path) = |_| {};
    let (bytes, then) = match what {
        "a structured report" => (of_class("88.33"), nothing_more),
        "a key object selection" => (of_class("88.59"), nothing_more),
        "an encapsulated PDF" => (of_class("104.1"), nothing_more),
        "a presentation state" => (of_class("11.1"), nothing_more),
        "an RT structure set" => (of_class("481.3"), nothing_more),
        "a waveform" => (of_class("9.1.1"), nothing_more),
        "an image without its pixel data" => (of_class("2"), nothing_more),
        "a video" => (with_transfer_syntax(image(), b"1.2.840.10008.1.2.4.102"), nothing_more),
        "a file cut in its pixel data" => {
            let whole = image();
            (whole[..whole.len() - 1000].to_vec(), nothing_more)
        }
        "an image with 13 bits allocated" => {
            (slice("reasons", number).number(tags::BITS_ALLOCATED, 13).to_bytes().unwrap(), nothing_more)
        }
        "a file that was written to since it was indexed" => (
            image(),
            (|path| {
                let mut bytes = fs::read(path).unwrap();
                let last = bytes.len() - 100;
                bytes[last] ^= 0x40;
                fs::write(path, bytes).unwrap();
            }) as fn(&Path),
        ),
        "a file that was taken away" => (image(), (|path| fs::remove_file(path).unwrap()) as fn(&Path)),
        other => panic!("no instance for the row {other:?}"),
    };
    fs::write(path, bytes).unwrap();
    then
}

#[test]
fn what_is_no_picture_is_refused_in_the_words_of_the_documents() {
    let rows = table("Instances that were taken and are no pictures");
    assert!(rows.len() >= 12, "{rows:?}");
    let (files, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let paths: Vec<_> = (0..rows.len()).map(|number| files.path().join(format!("{number:02}.dcm"))).collect();
    let then: Vec<fn(&Path)> =
        rows.iter().zip(&paths).zip(1..).map(|((row, path), number)| asked(&row[0], number, path)).collect();
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).arg(files.path());
    let mut program = Program::start(&mut serve);
    assert_eq!(program.wait_for_line("indexed"), format!("indexed {} instances, 0 rejected", rows.len()));
    let viewer = Viewer::new(&program.url);
    for (number, (row, (path, then))) in (1..).zip(rows.iter().zip(paths.iter().zip(then))) {
        then(path);
        let answer = viewer.png(&slice_uid("reasons", number), "");
        let problem = answer.json();
        assert_eq!(
            (answer.status.to_string(), problem["detail"].as_str()),
            (row[1].clone(), Some(&*row[2])),
            "{}",
            row[0]
        );
        match answer.status {
            406 => assert_eq!(problem["details"]["media_types"][0], "video/mp4"),
            503 => assert!(!answer.header("retry-after").is_empty()),
            _ => {}
        }
    }
}

#[test]
fn the_command_line_gives_the_same_reasons() {
    let files = tempfile::tempdir().unwrap();
    let cases = [
        ("compressed with gzip (`.dcm.gz`)", given("compressed with gzip (`.dcm.gz`)")),
        ("an empty file", Vec::new()),
    ];
    for (what, bytes) in cases {
        let path = files.path().join("1.dcm");
        fs::write(&path, bytes).unwrap();
        let rows = table("Files that are not taken");
        let reason = &rows.iter().find(|row| row[0] == what).expect("a row")[1];
        let output = run(command("noctis").arg("render").arg(&path).args(["-o", "-"]));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.trim_end().ends_with(reason.as_str()), "{what}: {error}");
    }
    let path = files.path().join("2.dcm");
    DemoFile::new(uids::ENCAPSULATED_PDF_STORAGE, &Uids::named("reasons", "pdf", 1)).write(&path).unwrap();
    let output = run(command("noctis").arg("render").arg(&path).args(["-o", "-"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a PDF document in DICOM"));
}
