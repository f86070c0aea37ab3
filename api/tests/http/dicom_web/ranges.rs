//! Parts of frames, of files and of bodies of many, by `Range`; and how long bodies are said to be.

use crate::house::Answer;

use super::frames::{STUDY, Stored, frames_path, parts};

use super::archive::{ROOT, series_uid, uid};

const ALONE: (&str, &str) = ("accept", "application/octet-stream");
const PARTS: (&str, &str) = ("accept", "multipart/related; type=\"application/octet-stream\"");

impl Stored {
    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.house.send("GET", path, headers).await
    }
}

/// Asserts that `part` is the bytes from `first` to `last` of `whole`.
fn is_part(part: &Answer, whole: &Answer, first: usize, last: usize) {
    assert_eq!(part.status, 206, "{}", String::from_utf8_lossy(&part.body));
    assert!(part.body[..] == whole.body[first..=last], "{first}-{last}");
    let range = format!("bytes {first}-{last}/{}", whole.body.len());
    assert_eq!(part.header("content-range"), range);
    assert_eq!(part.header("content-length"), (last - first + 1).to_string());
    for name in ["content-type", "etag", "accept-ranges"] {
        assert_eq!(part.header(name), whole.header(name), "{name}");
    }
}

#[tokio::test]
async fn a_part_of_a_frame_is_sent_by_range() {
    let stored = Stored::with(&[]).await;
    let path = frames_path(1, "3");
    let whole = stored.ask(&path, &[ALONE]).await;
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"));
    assert_eq!(whole.header("content-range"), "", "nobody asked for a part");
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=1990-9999", 1990, 1999),
        ("bytes=-5", 1995, 1999),
    ] {
        is_part(&stored.ask(&path, &[ALONE, ("range", range)]).await, &whole, first, last);
    }
    for range in ["bytes=0-1,5-6", "bytes=5-1", "frames=1-2", "bytes=x-"] {
        let answer = stored.ask(&path, &[ALONE, ("range", range)]).await;
        assert_eq!((answer.status, answer.body == whole.body), (200, true), "{range}");
    }
    let past_the_end = stored.ask(&path, &[ALONE, ("range", "bytes=2000-")]).await;
    past_the_end.problem(416, "range-not-satisfiable");
    assert_eq!(past_the_end.header("content-range"), "bytes */2000");
    let file = stored.folder.path().join("1.dcm");
    std::fs::write(&file, vec![9; std::fs::metadata(&file).expect("a file").len() as usize])
        .expect("written");
    let of_other_bytes = stored.ask(&path, &[ALONE, ("range", "bytes=0-0")]).await;
    of_other_bytes.problem(503, "image-replaced");
}

#[tokio::test]
async fn a_body_of_frames_is_the_same_each_time_and_any_part_of_it_is_sent() {
    let stored = Stored::with(&[]).await;
    let path = frames_path(1, "6,1,2");
    let whole = stored.ask(&path, &[PARTS]).await;
    assert_eq!(parts(&whole).len(), 3);
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert!(stored.ask(&path, &[PARTS]).await.body == whole.body);
    let byte_count = whole.body.len();
    // Ends and beginnings in heads, in frames, between them and in what ends the body.
    for first in (0..byte_count).step_by(331) {
        for last in [first, first + 500, first + 3000, byte_count - 1].map(|last| last.min(byte_count - 1)) {
            let range = format!("bytes={first}-{last}");
            is_part(&stored.ask(&path, &[PARTS, ("range", &range)]).await, &whole, first, last);
        }
    }
    is_part(
        &stored.ask(&path, &[PARTS, ("range", "bytes=-3")]).await,
        &whole,
        byte_count - 3,
        byte_count - 1,
    );
    let other = stored.ask(&frames_path(1, "6,2,1"), &[PARTS]).await;
    assert_ne!(
        other.header("content-type"),
        whole.header("content-type"),
        "another body has another boundary"
    );
}

/// Frames before the part are not read for it.
#[tokio::test]
async fn what_lies_before_a_part_is_not_read() {
    let stored = Stored::with(&[]).await;
    let path = frames_path(1, "1,6");
    let whole = stored.ask(&path, &[PARTS]).await;
    let file = stored.folder.path().join("1.dcm");
    let mut bytes = std::fs::read(&file).expect("read");
    bytes[1000] ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    let last = whole.body.len() - 1;
    let part = stored.ask(&path, &[PARTS, ("range", &format!("bytes={}-{last}", last - 1000))]).await;
    is_part(&part, &whole, last - 1000, last);
    stored.ask(&path, &[PARTS, ("range", "bytes=0-")]).await.problem(503, "image-replaced");
}

#[tokio::test]
async fn who_has_a_part_of_other_bytes_gets_the_whole() {
    let stored = Stored::with(&[]).await;
    for (path, accept) in
        [(frames_path(1, "2"), ALONE), (frames_path(1, "1,2"), PARTS), (frames_path(2, "1"), PARTS)]
    {
        let accept = if path == frames_path(2, "1") { ("accept", "*/*") } else { accept };
        let whole = stored.ask(&path, &[accept]).await;
        let tag = whole.header("etag");
        assert!(tag.starts_with('"'), "strong: {tag}");
        let part = stored.ask(&path, &[accept, ("range", "bytes=0-9"), ("if-range", tag)]).await;
        is_part(&part, &whole, 0, 9);
        for other in ["\"other\"", &format!("W/{tag}"), "Sun, 29 Nov 2026 10:00:00 GMT"] {
            let answer = stored.ask(&path, &[accept, ("range", "bytes=0-9"), ("if-range", other)]).await;
            assert_eq!((answer.status, answer.body == whole.body), (200, true), "{other}");
        }
    }
}

/// What fragments come to without their headers is not known before they are read.
#[tokio::test]
async fn frames_whose_lengths_are_not_known_come_whole() {
    let stored = Stored::with(&[]).await;
    let list = stored.ask(&frames_path(2, "1,2"), &[("range", "bytes=0-9")]).await;
    assert_eq!((list.header("content-length"), list.header("accept-ranges")), ("", ""));
    assert_eq!(parts(&list).len(), 2);
    let one = stored.ask(&frames_path(2, "2"), &[("accept", "image/jp2"), ("range", "bytes=-4")]).await;
    assert_eq!((one.status, &one.body[..]), (206, &b"two!"[..]));
}

#[tokio::test]
async fn pixels_as_a_whole_and_single_bits_have_a_length_and_parts() {
    let stored = Stored::with(&[]).await;
    let pixels = frames_path(1, "x").replace("frames/x", "bulkdata/7FE00010");
    let whole = stored.ask(&pixels, &[PARTS]).await;
    let told = parts(&whole);
    assert!(told[0].0.contains("\r\nContent-Length: 12000\r\n"), "{}", told[0].0);
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    is_part(&stored.ask(&pixels, &[PARTS, ("range", "bytes=5000-9000")]).await, &whole, 5000, 9000);
    let alone = stored.ask(&pixels, &[ALONE, ("range", "bytes=1999-2000")]).await;
    assert_eq!((alone.status, &alone.body[..]), (206, &[0, 1][..]));
    let bits = stored.ask(&frames_path(3, "2,1"), &[PARTS]).await;
    assert_eq!(bits.header("content-length"), bits.body.len().to_string());
    is_part(
        &stored.ask(&frames_path(3, "2,1"), &[PARTS, ("range", "bytes=-400")]).await,
        &bits,
        bits.body.len() - 400,
        bits.body.len() - 1,
    );
}

#[tokio::test]
async fn instances_have_a_length_and_a_file_has_parts() {
    let stored = Stored::with(&[]).await;
    let series = format!("{ROOT}/studies/{STUDY}/series/{}", series_uid(STUDY, 1));
    for path in [format!("{ROOT}/studies/{STUDY}"), series.clone()] {
        let whole = stored.ask(&path, &[]).await;
        assert_eq!(whole.header("content-length"), whole.body.len().to_string(), "{path}");
        assert!(stored.ask(&path, &[("range", "bytes=0-9")]).await.body == whole.body, "the same each time");
    }
    let instance = format!("{series}/instances/{}", uid(STUDY, 1, 2));
    let file = ("accept", "application/dicom");
    let whole = stored.ask(&instance, &[file]).await;
    assert_eq!(whole.header("accept-ranges"), "bytes");
    is_part(&stored.ask(&instance, &[file, ("range", "bytes=990-1009")]).await, &whole, 990, 1009);
    stored.ask(&instance, &[file, ("range", "bytes=999999-")]).await.problem(416, "range-not-satisfiable");
}
