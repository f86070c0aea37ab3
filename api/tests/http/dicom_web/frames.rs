//! Frames as they are stored.

use noctis_shared::{
    catalog::NewInstance, job::FrameRange, queue::QueueLimits, render::FailureKind, render_key::ContentDigest,
};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    house::{Answer, House, PICTURE, failure, picture},
    login::{LOGIN, token},
};

use super::archive::{ROOT, part, series_uid, uid};

pub(super) const STUDY: &str = "1.2.826.0.1.3680043.10.31";
const J2K: &str = "1.2.840.10008.1.2.4.90";
const HEADER_BYTES: usize = 1000;

/// A house with files of its own: native, in fragments, of single bits, deflated.
pub(super) struct Stored {
    pub(super) house: House,
    pub(super) folder: TempDir,
}

fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &(value.len() as u32).to_le_bytes(), value].concat()
}

/// What each frame is, and what it lies in.
fn contents() -> [(u32, &'static str, Vec<Vec<u8>>); 4] {
    let native = (0..6_u8).map(|number| vec![number; 2000]).collect();
    let fragments = vec![item(b"codestream one"), [item(b"codestream "), item(b"two!")].concat()];
    [
        (1, "1.2.840.10008.1.2", native),
        (2, J2K, fragments),
        (3, "1.2.840.10008.1.2.1", vec![vec![0b0000_0001, 0b0000_0111], vec![0b0101_0111, 0b0000_0101]]),
        (4, "1.2.840.10008.1.2.1.99", vec![vec![7; 20]]),
    ]
}

impl Stored {
    pub(super) async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let url = format!("file://{}/", path.display());
        let settings: Vec<_> =
            settings.iter().copied().chain([("NOCTIS_STORAGE_URL", url.as_str())]).collect();
        let house = House::with(&settings, QueueLimits::default()).await;
        for (number, syntax, frames) in contents() {
            let mut bytes = vec![0xAA; HEADER_BYTES];
            let mut ranges = Vec::new();
            for frame in &frames {
                // Those of single bits share a byte: ten bits each.
                let offset = bytes.len() - usize::from(number == 3 && !ranges.is_empty());
                bytes.truncate(offset);
                bytes.extend_from_slice(frame);
                let (offset, byte_count) = (offset as u64, frame.len() as u64);
                ranges.push(FrameRange { offset, byte_count, checksum: 0 });
            }
            for range in &mut ranges {
                let (start, end) = (range.offset as usize, (range.offset + range.byte_count) as usize);
                range.checksum = xxh3_64(&bytes[start..end]);
            }
            std::fs::write(path.join(format!("{number}.dcm")), &bytes).expect("written");
            let stored = part(STUDY, 1, number, |part| describe(part, syntax, number, ranges, &bytes, &url));
            house.back_ends.catalog.record_instances(&[stored], false).await.expect("recorded");
        }
        Self { house, folder }
    }

    async fn get(&self, number: u32, frames: &str, accept: &str) -> Answer {
        let headers: &[(&str, &str)] = if accept.is_empty() { &[] } else { &[("accept", accept)] };
        self.house.send("GET", &frames_path(number, frames), headers).await
    }
}

fn describe(
    part: &mut NewInstance,
    syntax: &str,
    number: u32,
    ranges: Vec<FrameRange>,
    bytes: &[u8],
    url: &str,
) {
    part.transfer_syntax_uid = syntax.to_owned();
    part.frame_count = ranges.len() as u32;
    part.frames = ranges;
    (part.rows, part.columns) = if number == 3 { (Some(2), Some(5)) } else { (Some(32), Some(32)) };
    part.deflated = number == 4;
    part.location = format!("{url}{number}.dcm");
    part.file_byte_count = bytes.len() as u64;
    part.content_digest = ContentDigest(*blake3::hash(bytes).as_bytes());
}

pub(super) fn frames_path(number: u32, frames: &str) -> String {
    let (series, instance) = (series_uid(STUDY, 1), uid(STUDY, 1, number));
    format!("{ROOT}/studies/{STUDY}/series/{series}/instances/{instance}/frames/{frames}")
}

/// Head and body of each part of a multipart answer.
pub(super) fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let boundary = answer.header("content-type").split_once("boundary=").expect("a boundary").1;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    assert!(answer.body.starts_with(&delimiter[2..]), "nothing stands before the first part");
    let body = [b"\r\n", &answer.body[..]].concat();
    let mut places: Vec<usize> = Vec::new();
    for place in 0..body.len() {
        if body[place..].starts_with(&delimiter) {
            places.push(place);
        }
    }
    let last = places.last().expect("an end");
    assert_eq!(&body[last + delimiter.len()..], b"--\r\n");
    let part = |pair: &[usize]| {
        let part = &body[pair[0] + delimiter.len() + 2..pair[1]];
        let end = part.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        (String::from_utf8_lossy(&part[..end]).into_owned(), part[end + 4..].to_vec())
    };
    places.windows(2).map(part).collect()
}

#[tokio::test]
async fn frames_of_a_list_are_parts_in_its_order() {
    let stored = Stored::with(&[]).await;
    let answer = stored.get(1, "6,1,2", "").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("multipart/related; type=\"application/octet-stream\"; boundary=")
    );
    let told = parts(&answer);
    let first_bytes: Vec<u8> = told.iter().map(|(_, body)| body[0]).collect();
    assert_eq!((first_bytes, told.iter().all(|(_, body)| body.len() == 2000)), (vec![5, 0, 1], true));
    let head = format!(
        "Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\nContent-Length: 2000\r\n\
         Content-Location: http://localhost{}",
        frames_path(1, "6")
    );
    assert_eq!(told[0].0, head);
}

#[tokio::test]
async fn fragments_are_joined_under_the_type_that_is_asked_for() {
    let stored = Stored::with(&[]).await;
    for (accept, media_type) in [
        ("", "image/jp2"),
        ("multipart/related; type=\"image/jp2\"", "image/jp2"),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", "application/octet-stream"),
    ] {
        let told = parts(&stored.get(2, "1,2", accept).await);
        let bodies: Vec<&[u8]> = told.iter().map(|(_, body)| &body[..]).collect();
        assert_eq!(bodies, [&b"codestream one"[..], b"codestream two!"], "{accept}");
        let content_type = format!("Content-Type: {media_type}; transfer-syntax={J2K}\r\n");
        assert!(told[0].0.starts_with(&content_type), "{}", told[0].0);
    }
    for accept in ["multipart/related; type=\"image/jpeg\"", "text/html"] {
        stored.get(2, "1", accept).await.problem(406, "not-acceptable");
    }
    let alone = stored.get(2, "2", "image/jp2").await;
    assert_eq!((alone.status, &alone.body[..]), (200, &b"codestream two!"[..]));
    assert_eq!(alone.header("content-type"), format!("image/jp2; transfer-syntax={J2K}"));
    stored.get(2, "1,2", "image/jp2").await.problem(406, "not-acceptable");
    // One is read before it is sent, so that its length is known.
    for accept in ["image/jp2", "multipart/related; type=\"image/jp2\""] {
        let one = stored.get(2, "2", accept).await;
        assert_eq!(one.header("content-length"), one.body.len().to_string(), "{accept}");
    }
}

#[tokio::test]
async fn frames_are_decoded_for_who_takes_octets_that_everybody_reads() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker(picture()).await;
    let octets = "multipart/related; type=\"application/octet-stream\"";
    let explicit = "Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\n";
    for (number, accept) in [
        (2, octets),
        (2, &*format!("{octets}; transfer-syntax=1.2.840.10008.1.2.1")),
        // Of a deflated whole no frame leaves as it is.
        (4, ""),
        (4, octets),
        (4, &*format!("{octets}; transfer-syntax=*")),
    ] {
        let told = parts(&stored.get(number, "1", accept).await);
        assert_eq!(told.len(), 1, "{accept}");
        assert_eq!(told[0].1, PICTURE, "{accept}");
        assert!(told[0].0.starts_with(explicit), "{}", told[0].0);
    }
    assert_eq!(stored.house.jobs(), 2, "each is decoded once");
    let alone = stored.get(2, "1", "application/octet-stream").await;
    assert_eq!(alone.header("content-type"), "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1");
    assert_eq!(&alone.body[..], PICTURE);
    assert_eq!(parts(&stored.get(2, "2,1", octets).await).len(), 2);
    stored.get(2, "3", octets).await.problem(404, "frame-not-found");
    let coded = stored.get(4, "1", "image/jls").await;
    assert_eq!(coded.header("content-type"), "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80");
    assert_eq!(&coded.body[..], PICTURE);
    stored.get(4, "1", "image/jxl").await.problem(406, "not-acceptable");
}

#[tokio::test]
async fn a_frame_that_cannot_be_decoded_says_why() {
    let stored = Stored::with(&[]).await;
    stored.house.start_worker(failure(FailureKind::Unrenderable)).await;
    let octets = "multipart/related; type=\"application/octet-stream\"";
    stored.get(2, "1", octets).await.problem(422, "unrenderable");
}

/// Where metadata say that the pixels are, they are.
#[tokio::test]
async fn pixels_are_sent_as_a_whole_or_frame_by_frame() {
    let stored = Stored::with(&[]).await;
    let place = async |number: u32| {
        let metadata = frames_path(number, "").replace("/frames/", "/metadata");
        let told = stored.house.get(&metadata).await.json();
        let address = told[0]["7FE00010"]["BulkDataURI"].as_str().expect("an address").to_owned();
        address.strip_prefix("http://localhost").expect("ours").to_owned()
    };
    let native = place(1).await;
    let whole = parts(&stored.house.get(&native).await);
    let expected: Vec<u8> = (0..6_u8).flat_map(|number| [number; 2000]).collect();
    assert!(whole.len() == 1 && whole[0].1 == expected);
    let alone = stored.house.send("GET", &native, &[("accept", "application/octet-stream")]).await;
    assert_eq!((alone.status, alone.body == expected), (200, true));
    let fragments = parts(&stored.house.get(&place(2).await).await);
    assert_eq!((fragments.len(), &fragments[1].1[..]), (2, &b"codestream two!"[..]));
    stored.house.get(&place(3).await).await.problem(501, "not-built");
    for absent in ["00281201", "7FE00008", "7FE00009", "7FE0000A"] {
        let absent = native.replace("7FE00010", absent);
        stored.house.get(&absent).await.problem(404, "bulk-data-not-found");
    }
    stored.house.get(&native.replace(&uid(STUDY, 1, 1), "1.2.404")).await.problem(404, "image-not-found");
}

/// Ten bits a frame: the second begins within a byte of the first.
#[tokio::test]
async fn frames_of_single_bits_begin_at_their_first_bit() {
    let stored = Stored::with(&[]).await;
    let told = parts(&stored.get(3, "1,2", "").await);
    let bits = |body: &[u8]| u16::from_le_bytes([body[0], body[1]]) & 0x3FF;
    let file = std::fs::read(stored.folder.path().join("3.dcm")).expect("read");
    let all = u32::from_le_bytes([file[HEADER_BYTES], file[HEADER_BYTES + 1], file[HEADER_BYTES + 2], 0]);
    assert_eq!(u32::from(bits(&told[0].1)), all & 0x3FF);
    assert_eq!(u32::from(bits(&told[1].1)), all >> 10 & 0x3FF);
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_before_anything_is() {
    let stored = Stored::with(&[]).await;
    for list in ["0", "1,", "a", "1-2", "-1"] {
        let problem = stored.get(1, list, "").await.problem(400, "invalid-parameter");
        assert_eq!(problem["details"]["parameter"], "frames", "{list}");
    }
    let problem = stored.get(1, "1,7", "").await.problem(404, "frame-not-found");
    assert_eq!(problem["details"]["frame_count"], 6);
    stored.get(9, "1", "").await.problem(404, "image-not-found");
    let file = stored.folder.path().join("1.dcm");
    let mut bytes = std::fs::read(&file).expect("read");
    bytes[HEADER_BYTES + 10] ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    stored.get(1, "1", "").await.problem(503, "image-replaced");
    assert_eq!(parts(&stored.get(1, "2", "").await).len(), 1, "the others are as they were");
    std::fs::remove_file(&file).expect("removed");
    stored.get(1, "2", "").await.problem(503, "file-missing");
}

#[tokio::test]
async fn a_client_that_has_the_frames_is_told_so_and_others_nothing() {
    let stored = Stored::with(&LOGIN).await;
    let (all, held) = (token(|_| {}), token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])));
    let ask = async |token: &str, path: &str, tag: &str| {
        let headers = [("authorization", &*format!("Bearer {token}")), ("if-none-match", tag)];
        stored.house.send("GET", path, &headers).await
    };
    let path = frames_path(1, "1");
    let tag = ask(&all, &path, "\"x\"").await.header("etag").to_owned();
    std::fs::remove_file(stored.folder.path().join("1.dcm")).expect("removed");
    assert_eq!(ask(&all, &path, &tag).await.status, 304, "no file is opened for it");
    for (path, tag) in [(&path, &*tag), (&path, "*"), (&frames_path(9, "1"), "*")] {
        ask(&held, path, tag).await.problem(404, "image-not-found");
    }
    stored.house.get(&path).await.problem(401, "unauthorized");
}
