//! Documents and videos as what they are, for browsers.

use noctis_shared::{
    bulk::BulkValue, catalog::NewInstance, job::FrameRange, queue::QueueLimits, render_key::ContentDigest,
};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::house::{Answer, House};

use super::archive::{ROOT, part, series_uid, uid};

const STUDY: &str = "1.2.826.0.1.3680043.10.51";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
/// A document of an odd length, which a byte pads.
const DOCUMENT: &[u8] = b"%PDF-1.7 of a length that is odd";
const TEXT: &[u8] = b"<ClinicalDocument/>";

struct Shown {
    house: House,
    folder: tempfile::TempDir,
}

fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0][..], &(value.len() as u32).to_le_bytes(), value].concat()
}

/// A stream that begins like one in an MP4 container, or does not, longer than what is read at once.
fn stream(is_mp4: bool) -> Vec<u8> {
    let beginning: &[u8] = if is_mp4 { b"\0\0\0\x18ftypisom" } else { b"\0\0\0\x01\x67\x64\0\x28abcd" };
    let rest = (0..300_000_usize).map(|place| (place % 251) as u8);
    beginning.iter().copied().chain(rest).collect()
}

/// 1: a PDF; 2: a clinical document; 3: MPEG-4 in a container, in three fragments; 4: without one; 5: MPEG2; 6: a PDF that is short
/// enough for its header; 7: a model.
fn file(number: u32, url: &str) -> (Vec<u8>, NewInstance) {
    let content = match number {
        1 => [DOCUMENT, b"\0"].concat(),
        2 => [TEXT, b"\0"].concat(),
        3 => {
            let stream = stream(true);
            [item(&stream[..10]), item(&stream[10..200_000]), item(&stream[200_000..])].concat()
        }
        4 | 5 => item(&stream(false)),
        _ => vec![7; 3000],
    };
    let bytes = [&[0xAA; 1000][..], &content, &[0xBB; 50]].concat();
    let range = FrameRange { offset: 1000, byte_count: content.len() as u64, checksum: xxh3_64(&content) };
    let (class, syntax) = match number {
        1 | 6 => ("104.1", "1.2.840.10008.1.2.1"),
        2 => ("104.2", "1.2.840.10008.1.2.1"),
        3 | 4 => ("77.1.1.1", "1.2.840.10008.1.2.4.102"),
        5 => ("77.1.1.1", "1.2.840.10008.1.2.4.100"),
        _ => ("104.3", "1.2.840.10008.1.2.1"),
    };
    let mut described = part(STUDY, 1, number, |part| {
        part.sop_class_uid = Some(format!("1.2.840.10008.5.1.4.1.1.{class}"));
        part.transfer_syntax_uid = syntax.to_owned();
        let is_video = (3..=5).contains(&number);
        part.frame_count = if is_video { 25 } else { 0 };
        part.frames = if is_video { vec![range] } else { vec![] };
        let value = BulkValue {
            path: "00420011".to_owned(),
            offset: 1000,
            byte_count: content.len() as u64,
            checksum: range.checksum,
            swapped_bytes: 1,
        };
        part.bulk_values = if is_video || number == 6 { vec![] } else { vec![value] };
        part.location = format!("{url}{number}.dcm");
        part.file_byte_count = bytes.len() as u64;
        part.content_digest = ContentDigest(*blake3::hash(&bytes).as_bytes());
    });
    described.header_json = match number {
            6 => json!({"00420011": {"vr": "OB", "InlineBinary": "JVBERi1zaG9ydAA="}, "00420015": {"vr": "UL", "Value": [10]}}),
            1 => json!({"00420015": {"vr": "UL", "Value": [DOCUMENT.len()]}}),
            2 => json!({"00420015": {"vr": "UL", "Value": [TEXT.len()]}}),
            _ => json!({}),
        }
        .to_string();
    (bytes, described)
}

impl Shown {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let url = format!("file://{}/", path.display());
        let house = House::with(&[("NOCTIS_STORAGE_URL", &url)], QueueLimits::default()).await;
        let mut batch = Vec::new();
        for number in 1..=7 {
            let (bytes, described) = file(number, &url);
            std::fs::write(path.join(format!("{number}.dcm")), bytes).expect("written");
            batch.push(described);
        }
        house.back_ends.catalog.record_instances(&batch, false).await.expect("recorded");
        Self { house, folder }
    }

    async fn get(&self, number: u32, headers: &[(&str, &str)]) -> Answer {
        self.house.send("GET", &format!("{}/rendered", instance(number)), headers).await
    }
}

fn instance(number: u32) -> String {
    format!("{ROOT}/studies/{STUDY}/series/{}/instances/{}", series_uid(STUDY, 1), uid(STUDY, 1, number))
}

#[tokio::test]
async fn a_document_is_told_as_what_it_is_to_who_takes_it() {
    let shown = Shown::new().await;
    for (number, media_type, content) in
        [(1, "application/pdf", DOCUMENT), (2, "text/xml", TEXT), (6, "application/pdf", b"%PDF-short")]
    {
        for accept in [media_type, "*/*", BROWSER] {
            let answer = shown.get(number, &[("accept", accept)]).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, media_type), "{accept}");
            assert_eq!(answer.body, content, "without what pads it");
            let is_held = answer.header("content-security-policy").contains("sandbox");
            assert_eq!(is_held, media_type == "text/xml", "XML can hold scripts");
        }
        let part = shown.get(number, &[("accept", media_type), ("range", "bytes=1-4")]).await;
        assert_eq!((part.status, &part.body[..]), (206, &content[1..5]));
        let tag = part.header("etag").to_owned();
        assert_eq!(shown.get(number, &[("if-none-match", &tag)]).await.status, 304);
        for accept in ["image/png", "image/jpeg, text/html", "multipart/related; type=\"application/pdf\""] {
            let refused = shown.get(number, &[("accept", accept)]).await.problem(406, "not-a-picture");
            assert_eq!(refused["details"]["media_types"], json!([media_type]), "{accept}");
        }
    }
    shown.get(7, &[("accept", BROWSER)]).await.problem(422, "unrenderable");
}

#[tokio::test]
async fn a_video_is_its_stream_and_a_browser_finds_its_place_in_it() {
    let shown = Shown::new().await;
    for (number, media_type) in [(3, "video/mp4"), (5, "video/mpeg")] {
        let whole = shown.get(number, &[("accept", "*/*")]).await;
        assert_eq!((whole.status, whole.header("content-type")), (200, media_type));
        assert!(whole.body == stream(number == 3), "no header of an item is in it");
        assert_eq!(whole.header("content-length"), whole.body.len().to_string());
        let last = whole.body.len() - 1;
        // Within a fragment, over an end, all of it, and its end.
        for (first, to) in
            [(0, 1), (5, 15), (9, 9), (0, last), (199_999, 200_000), (200_000, last), (last, last)]
        {
            let range = format!("bytes={first}-{to}");
            let part = shown.get(number, &[("accept", "video/*"), ("range", &range)]).await;
            assert_eq!(part.status, 206);
            assert!(part.body[..] == whole.body[first..=to], "{number} {range}");
            assert_eq!(part.header("content-range"), format!("bytes {first}-{to}/{}", whole.body.len()));
        }
        let refused = shown.get(number, &[("accept", "image/jpeg")]).await.problem(406, "not-a-picture");
        assert_eq!(refused["details"]["media_types"], json!([media_type]));
    }
}

#[tokio::test]
async fn a_video_in_no_container_says_how_its_stream_is_had() {
    let shown = Shown::new().await;
    let refused = shown.get(4, &[("accept", BROWSER)]).await.problem(406, "not-a-picture");
    let stored = refused["details"]["media_types"][0].as_str().expect("a media type").to_owned();
    assert!(stored.contains("1.2.840.10008.1.2.4.102"), "{stored}");
    let pixels = format!("{}/bulkdata/7FE00010", instance(4));
    let told = super::frames::parts(&shown.house.send("GET", &pixels, &[("accept", &stored)]).await);
    assert!(told.len() == 1 && told[0].1 == stream(false));
    // Of a stream no frame is had.
    shown.house.get(&format!("{}/frames/1", instance(4))).await.problem(406, "not-a-picture");
}

#[tokio::test]
async fn a_video_that_is_not_as_it_was_indexed_never_comes_whole() {
    let shown = Shown::new().await;
    let path = shown.folder.path().join("3.dcm");
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[150_000] ^= 1;
    std::fs::write(&path, &bytes).expect("written");
    let request = axum::http::Request::builder().uri(format!("{}/rendered", instance(3)));
    let request = request.header("host", "localhost").body(axum::body::Body::empty()).expect("a request");
    let response = tower::ServiceExt::oneshot(shown.house.router.clone(), request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert!(http_body_util::BodyExt::collect(response.into_body()).await.is_err(), "it has no end");
}
