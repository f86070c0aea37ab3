//! Instances in another transfer syntax than they are stored in, by the public contract alone.

use std::fs;

use noctis_demo::DemoFile;

use super::{
    corpus::corpus,
    embedded::serve,
    files::{slice, study_uid},
    http::{Answer, Viewer},
};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const CODED: [&str; 3] = ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"];
/// Larger files are not coded here, which would take minutes.
const CODED_BYTES_MAX: usize = 2 << 20;
/// Bits Allocated of 1, as Explicit VR Little Endian has it.
const ONE_BIT: &[u8] = &[0x28, 0, 0x00, 0x01, b'U', b'S', 2, 0, 1, 0];
const ITEM: &[u8] = &[0xFE, 0xFF, 0x00, 0xE0];
const SEQUENCE_END: &[u8] = &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

fn get_in(viewer: &Viewer, address: &str, syntax: &str) -> Answer {
    viewer.get_with(address, &[("accept", &format!("application/dicom; transfer-syntax={syntax}"))])
}

fn frame(viewer: &Viewer, address: &str, number: u32) -> Answer {
    viewer.get_with(&format!("{address}/frames/{number}"), &[("accept", "application/octet-stream")])
}

/// The values of the items that the file ends with, where these are its pixels.
fn fragments(file: &[u8]) -> Option<Vec<&[u8]>> {
    let start = file
        .windows(12)
        .position(|bytes| bytes == [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])?;
    let mut rest = file[start + 12..].strip_suffix(SEQUENCE_END)?;
    let mut values = Vec::new();
    while let Some(item) = rest.strip_prefix(ITEM) {
        let (length, value) = item.split_first_chunk()?;
        let (value, after) = value.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        values.push(value);
        rest = after;
    }
    rest.is_empty().then_some(values)
}

/// What is written anew can be stored again, and shows the same.
#[test]
fn what_is_written_in_each_syntax_is_a_file_that_shows_the_same() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (serve(data.path(), &[]), serve(other.path(), &[]));
    let viewer = Viewer::new(&first.url);
    let folder = tempfile::tempdir().unwrap();
    let write = |file: DemoFile, name: &str| {
        let path = folder.path().join(name);
        file.write(&path).unwrap();
        fs::read(path).unwrap()
    };
    let sent = write(slice("written", 1), "a.dcm");
    let told = viewer.post_files("/dicom-web/studies", std::slice::from_ref(&sent), &[]).json();
    let address = told["00081199"]["Value"][0]["00081190"]["Value"][0].as_str().unwrap();
    let address = address.strip_prefix(&first.url).unwrap();
    let picture = viewer.get_with(&format!("{address}/rendered"), &[("accept", "image/png")]);
    assert_eq!(picture.status, 200);
    for syntax in CODED {
        let file = get_in(&viewer, address, syntax);
        assert_eq!(file.status, 200, "{syntax}: {}", file.text());
        assert_eq!(file.header("content-type"), format!("application/dicom; transfer-syntax={syntax}"));
        assert!(file.body.len() < sent.len(), "{syntax} has {} bytes of {}", file.body.len(), sent.len());
        let shows = Viewer::new(&second.url);
        let stored = shows.post_files("/dicom-web/studies", std::slice::from_ref(&file.body), &[]);
        assert_eq!(stored.status, 200, "{syntax}: {}", stored.text());
        let shown = shows.get_with(&format!("{address}/rendered"), &[("accept", "image/png")]);
        assert!(shown.body == picture.body, "{syntax} looks otherwise");
        // Back again.
        let back = get_in(&shows, address, EXPLICIT);
        assert_eq!(back.status, 200, "{}", back.text());
        assert_eq!(back.header("content-length"), back.body.len().to_string());
        assert!(back.body.ends_with(&frame(&viewer, address, 1).body), "{syntax} comes back otherwise");
        let deleted = shows.delete(&format!("/api/v1/dicom/studies/{}", study_uid("written")));
        assert_eq!(deleted.status, 200, "{}", deleted.text());
    }
}

/// Real files, and built ones, in Explicit VR Little Endian and in a codec: what is sent has the samples of its frames, or the refusal a
/// reason.
#[test]
fn every_real_file_is_written_in_other_syntaxes_or_refused_with_a_reason() {
    let Some(corpus) = corpus() else { return };
    let data = tempfile::tempdir().unwrap();
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    let (mut written, mut refused) = (0, Vec::new());
    for folder in ["files", "edge/files"] {
        let mut files: Vec<_> =
            fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let sent = fs::read(&file).unwrap();
            let told = viewer.post_files("/dicom-web/studies", std::slice::from_ref(&sent), &[]).json();
            let Some(address) = told["00081199"]["Value"][0]["00081190"]["Value"][0].as_str() else {
                continue;
            };
            let address = address.strip_prefix(&program.url).unwrap();
            let name = file.display();
            let plain = get_in(&viewer, address, EXPLICIT);
            let pixels = frame(&viewer, address, 1);
            match (plain.status, pixels.status) {
                (200, 200) => {
                    assert_eq!(plain.header("content-length"), plain.body.len().to_string(), "{name}");
                    // Those of single bits may begin inside a byte.
                    let is_of_bits = plain.body.windows(10).any(|bytes| bytes == ONE_BIT);
                    let has_them =
                        plain.body.windows(pixels.body.len().max(1)).any(|bytes| bytes == pixels.body);
                    assert!(has_them || is_of_bits, "{name} has other samples");
                    written += 1;
                }
                // No pixels; or damaged ones, of a file that is in the syntax already.
                (200, 404) => written += 1,
                (200, 422) => assert!(plain.body == sent, "{name} is other than it was sent"),
                (422, _) => refused.push(format!("{name}: {}", plain.text())),
                (status, of_frame) => panic!("{name}: {status}, its frame {of_frame}: {}", plain.text()),
            }
            if sent.len() > CODED_BYTES_MAX {
                continue;
            }
            let rle = get_in(&viewer, address, CODED[0]);
            match rle.status {
                200 if pixels.status == 200 => {
                    assert!(
                        fragments(&rle.body).is_some_and(|values| values.len() > 1) || rle.body == sent,
                        "{name}"
                    );
                }
                200 | 422 => {}
                status => panic!("{name}: {status} {}", rle.text()),
            }
        }
    }
    println!("{written} files written, {} refused\n{}", refused.len(), refused.join("\n"));
    assert!(written > 150 && refused.len() < 20, "{written} written, {} refused", refused.len());
}
