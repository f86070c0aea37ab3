//! Values that metadata have the places of: one, and all of a study, a series or an instance.

use noctis_shared::{
    bulk::BulkValue, catalog::NewInstance, job::FrameRange, queue::QueueLimits, render_key::ContentDigest,
};
use serde_json::json;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    house::{Answer, House, picture},
    login::{LOGIN, token},
};

use super::{
    archive::{ROOT, part, series_uid, uid},
    frames::parts,
};

const STUDY: &str = "1.2.826.0.1.3680043.10.41";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const OCTETS: &str = "application/octet-stream";
/// A value that is longer than what is read at once.
const LONG_BYTES: usize = 5 << 20;

/// A house with a document that has two long values and one in a sequence, a big-endian file, a deflated one, and pictures.
struct Bulk {
    house: House,
    folder: TempDir,
}

/// Bytes that differ from place to place.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 / 7 + seed) as u8).collect()
}

fn value(path: &str, file: &[u8], offset: usize, byte_count: usize, swapped_bytes: u8) -> BulkValue {
    BulkValue {
        path: path.to_owned(),
        offset: offset as u64,
        byte_count: byte_count as u64,
        checksum: xxh3_64(&file[offset..offset + byte_count]),
        swapped_bytes,
    }
}

fn element(path: &str) -> serde_json::Value {
    json!({"vr": "OB", "BulkDataURI": noctis_shared::bulk::address(path)})
}

impl Bulk {
    async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let url = format!("file://{}/", path.display());
        let settings: Vec<_> =
            settings.iter().copied().chain([("NOCTIS_STORAGE_URL", url.as_str())]).collect();
        let house = House::with(&settings, QueueLimits::default()).await;
        let files: Vec<(Vec<u8>, NewInstance)> = (1..=5).map(|number| file(number, &url)).collect();
        for (number, (bytes, _)) in (1..).zip(&files) {
            std::fs::write(path.join(format!("{number}.dcm")), bytes).expect("written");
        }
        let batch: Vec<NewInstance> = files.into_iter().map(|(_, instance)| instance).collect();
        house.back_ends.catalog.record_instances(&batch, false).await.expect("recorded");
        Self { house, folder }
    }

    fn on_disk(&self, number: u32) -> std::path::PathBuf {
        self.folder.path().join(format!("{number}.dcm"))
    }

    fn stored(&self, number: u32) -> Vec<u8> {
        std::fs::read(self.on_disk(number)).expect("read")
    }

    async fn get(&self, number: u32, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.house.send("GET", &format!("{}/{path}", instance(number)), headers).await
    }
}

fn series() -> String {
    format!("{ROOT}/studies/{STUDY}/series/{}", series_uid(STUDY, 1))
}

fn instance(number: u32) -> String {
    format!("{}/instances/{}", series(), uid(STUDY, 1, number))
}

/// 1: a document; 2: big endian; 3: deflated; 4: native pixels and a profile; 5: pixels in fragments.
fn file(number: u32, url: &str) -> (Vec<u8>, NewInstance) {
    let bytes = bytes(if number == 1 { LONG_BYTES + 20_000 } else { 9000 }, number as usize);
    let frame = |offset: usize, byte_count: usize| FrameRange {
        offset: offset as u64,
        byte_count: byte_count as u64,
        checksum: xxh3_64(&bytes[offset..offset + byte_count]),
    };
    let (values, frames, syntax) = match number {
        1 => {
            let values = vec![
                value("00420011", &bytes, 3000, LONG_BYTES, 1),
                value("00480105/2/00282000", &bytes, LONG_BYTES + 5000, 2000, 1),
            ];
            (values, vec![], EXPLICIT)
        }
        2 => (vec![value("00281201", &bytes, 1000, 2050, 2)], vec![], "1.2.840.10008.1.2.2"),
        3 => (vec![value("00420011", &bytes, 1000, 2000, 1)], vec![], "1.2.840.10008.1.2.1.99"),
        4 => (
            vec![value("00282000", &bytes, 500, 1500, 1)],
            vec![frame(3000, 2000), frame(5000, 2000)],
            EXPLICIT,
        ),
        _ => (vec![], vec![frame(3000, 100)], "1.2.840.10008.1.2.4.90"),
    };
    let mut header = json!({
        "00080018": {"vr": "UI", "Value": [uid(STUDY, 1, number)]},
        "00280103": {"vr": "US", "Value": [0]},
    });
    for value in &values {
        match value.path.split_once("/2/") {
            None => header[&value.path] = element(&value.path),
            Some((sequence, tag)) => {
                header[sequence] = json!({"vr": "SQ", "Value": [{}, {tag: element(&value.path)}]});
            }
        }
    }
    let mut described = part(STUDY, 1, number, |part| {
        part.transfer_syntax_uid = syntax.to_owned();
        part.bits_allocated = 16;
        part.frame_count = frames.len() as u32;
        (part.rows, part.columns) = (Some(32), Some(32));
        (part.bulk_values, part.frames) = (values, frames);
        part.location = format!("{url}{number}.dcm");
        part.file_byte_count = bytes.len() as u64;
        part.content_digest = ContentDigest(*blake3::hash(&bytes).as_bytes());
    });
    described.header_json = header.to_string();
    (bytes, described)
}

#[tokio::test]
async fn a_value_is_where_metadata_say_that_it_is() {
    let bulk = Bulk::with(&[]).await;
    let stored = bulk.stored(1);
    let told = bulk.get(1, "metadata", &[]).await.json();
    let places = [&told[0]["00420011"], &told[0]["00480105"]["Value"][1]["00282000"]];
    let expected = [&stored[3000..3000 + LONG_BYTES], &stored[LONG_BYTES + 5000..LONG_BYTES + 7000]];
    for (place, expected) in places.into_iter().zip(expected) {
        assert_eq!(place["vr"], "OB", "{told}");
        let address = place["BulkDataURI"].as_str().expect("an address");
        let address = address.strip_prefix("http://localhost").expect("ours");
        let answer = bulk.house.get(address).await;
        let told = parts(&answer);
        assert!(told.len() == 1 && told[0].1 == expected, "{address}");
        let head = format!(
            "Content-Type: {OCTETS}; transfer-syntax={EXPLICIT}\r\nContent-Length: {}\r\n\
             Content-Location: http://localhost{address}",
            expected.len()
        );
        assert_eq!(told[0].0, head);
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        let alone = bulk.house.send("GET", address, &[("accept", OCTETS)]).await;
        assert_eq!(alone.header("content-type"), format!("{OCTETS}; transfer-syntax={EXPLICIT}"));
        assert!(alone.body[..] == *expected, "{address}");
        bulk.house.send("GET", address, &[("accept", "image/png")]).await.problem(406, "not-acceptable");
    }
    // The API of our own leads to the same place.
    let own = noctis_shared::own_id::of_image(STUDY, &series_uid(STUDY, 1), &uid(STUDY, 1, 1));
    let header = bulk.house.get(&format!("/api/v1/dicom/images/{own}/metadata")).await.json();
    assert_eq!(header["00420011"], told[0]["00420011"]);
}

#[tokio::test]
async fn a_part_of_a_value_is_sent_by_range() {
    let bulk = Bulk::with(&[]).await;
    for (path, accept) in [
        ("bulkdata/00420011", OCTETS),
        ("bulkdata/00480105/2/00282000", OCTETS),
        ("bulkdata/OpticalPathSequence/2/ICCProfile", "*/*"),
        ("bulkdata/00420011", "*/*"),
    ] {
        let whole = bulk.get(1, path, &[("accept", accept)]).await;
        let tag = whole.header("etag").to_owned();
        assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"), "{path}");
        let last = whole.body.len() - 1;
        for (first, last) in [(0, 0), (20, 1500), (last - 5, last), (0, last)] {
            let range = format!("bytes={first}-{last}");
            let part = bulk.get(1, path, &[("accept", accept), ("range", &range), ("if-range", &tag)]).await;
            assert_eq!(part.status, 206, "{path} {range}");
            assert!(part.body[..] == whole.body[first..=last], "{path} {range}");
            assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{}", whole.body.len()));
        }
        let past = bulk.get(1, path, &[("accept", accept), ("range", "bytes=99999999-")]).await;
        past.problem(416, "range-not-satisfiable");
        let known = bulk.get(1, path, &[("accept", accept), ("if-none-match", &tag)]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
}

/// PS3.5 7.3: words of a big-endian file leave in little endian.
#[tokio::test]
async fn words_of_a_big_endian_file_are_swapped() {
    let bulk = Bulk::with(&[]).await;
    let stored = bulk.stored(2);
    let swapped: Vec<u8> = stored[1000..3050]
        .chunks(2)
        .flat_map(|word| word.iter().rev().copied().collect::<Vec<_>>())
        .collect();
    let answer = bulk.get(2, "bulkdata/00281201", &[("accept", OCTETS)]).await;
    assert!(answer.status == 200 && answer.body == swapped);
}

#[tokio::test]
async fn what_is_no_bulk_data_is_a_404_and_of_deflated_files_a_501() {
    let bulk = Bulk::with(&[]).await;
    for path in [
        "00420010",
        "00480105",
        "00480105/1/00282000",
        "00480105/2",
        "00480105/2/00282001",
        "7FE00010",
        "7FE00008",
        "7FE0000A",
        "nothing",
        "00420011/1",
    ] {
        bulk.get(1, &format!("bulkdata/{path}"), &[]).await.problem(404, "bulk-data-not-found");
    }
    bulk.get(4, "bulkdata/7FE00008", &[]).await.problem(404, "bulk-data-not-found");
    bulk.get(3, "bulkdata/00420011", &[]).await.problem(501, "not-built");
    bulk.get(9, "bulkdata/00420011", &[]).await.problem(404, "image-not-found");
}

#[tokio::test]
async fn a_value_that_is_not_as_it_was_indexed_never_comes_whole() {
    let bulk = Bulk::with(&[]).await;
    let mut bytes = bulk.stored(1);
    bytes[LONG_BYTES + 6000] ^= 1;
    bytes[4000] ^= 1;
    std::fs::write(bulk.on_disk(1), &bytes).expect("written");
    // What is short is read before it is sent; of what is long the end never comes.
    bulk.get(1, "bulkdata/00480105/2/00282000", &[]).await.problem(503, "image-replaced");
    let request = axum::http::Request::builder().uri(format!("{}/bulkdata/00420011", instance(1)));
    let request = request.header("host", "localhost").body(axum::body::Body::empty()).expect("a request");
    let response = tower::ServiceExt::oneshot(bulk.house.router.clone(), request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert!(http_body_util::BodyExt::collect(response.into_body()).await.is_err(), "it has no end");
    std::fs::remove_file(bulk.on_disk(1)).expect("removed");
    bulk.get(1, "bulkdata/00420011", &[]).await.problem(503, "file-missing");
}

#[tokio::test]
async fn all_bulk_data_of_each_level_are_parts_with_their_places() {
    let bulk = Bulk::with(&[]).await;
    bulk.house.start_worker(picture()).await;
    let study = format!("{ROOT}/studies/{STUDY}/bulkdata");
    let places = |told: &[(String, Vec<u8>)]| -> Vec<String> {
        let place = |(head, _): &(String, Vec<u8>)| {
            let at = head.split("Content-Location: ").nth(1).unwrap_or_default();
            at.replace(&format!("http://localhost{}/instances/", series()), "")
                .replace(&uid(STUDY, 1, 0)[..uid(STUDY, 1, 0).len() - 1], "")
        };
        told.iter().map(place).collect()
    };
    let expected = [
        "1/bulkdata/00420011",
        "1/bulkdata/00480105/2/00282000",
        "2/bulkdata/00281201",
        // A problem document in the place of what is deflated.
        "",
        "4/bulkdata/00282000",
        "4/bulkdata/7FE00010",
        "5/frames/1",
    ];
    let stored = bulk.stored(4);
    for path in [study, format!("{}/bulkdata", series())] {
        for accept in ["*/*", "multipart/related; type=\"application/octet-stream\""] {
            let told = parts(&bulk.house.send("GET", &path, &[("accept", accept)]).await);
            assert_eq!(places(&told), expected, "{path} {accept}");
            assert!(told[3].0.starts_with("Content-Type: application/problem+json"), "{}", told[3].0);
            assert!(told[4].1 == stored[500..2000] && told[5].1 == stored[3000..7000]);
            assert!(told[5].0.contains("\r\nContent-Length: 4000\r\n"), "{}", told[5].0);
            // Decoded for who takes octets that everybody reads, else as it is stored.
            let media_type = if accept == "*/*" { "image/jp2" } else { OCTETS };
            assert!(told[6].0.starts_with(&format!("Content-Type: {media_type};")), "{}", told[6].0);
        }
    }
    let of_one = parts(&bulk.get(4, "bulkdata", &[]).await);
    assert_eq!(places(&of_one), expected[4..6]);
    bulk.get(4, "bulkdata", &[("accept", "image/jp2")]).await.problem(406, "not-acceptable");
    bulk.get(9, "bulkdata", &[]).await.problem(404, "image-not-found");
    bulk.house.get(&format!("{ROOT}/studies/1.2.404/bulkdata")).await.problem(404, "study-not-found");
}

#[tokio::test]
async fn who_may_not_see_an_instance_is_told_of_no_value() {
    let bulk = Bulk::with(&LOGIN).await;
    let (all, held) = (token(|_| {}), token(|claims| claims.studies = Some(vec!["1.2.3".to_owned()])));
    for path in ["bulkdata", "bulkdata/00420011"] {
        let ask = async |token: &str, tag: &str| {
            let bearer = format!("Bearer {token}");
            bulk.get(1, path, &[("authorization", &bearer), ("if-none-match", tag)]).await
        };
        let tag = ask(&all, "\"x\"").await.header("etag").to_owned();
        assert_eq!(ask(&all, &tag).await.status, 304, "{path}");
        for tag in [&*tag, "*"] {
            ask(&held, tag).await.problem(404, "image-not-found");
        }
    }
}

/// A search tells no place but that of the instance which has the value.
#[tokio::test]
async fn searches_tell_where_the_values_of_an_instance_are() {
    let bulk = Bulk::with(&[]).await;
    let found = |path: String| async move { bulk.house.get(&path).await.json() };
    let told = found(format!("{}/instances?includefield=all&InstanceNumber=", series())).await;
    let of_document =
        told.as_array().expect("a list").iter().find(|row| row["00080018"]["Value"][0] == uid(STUDY, 1, 1));
    let address = format!("http://localhost{}/bulkdata/00420011", instance(1));
    assert_eq!(of_document.expect("found")["00420011"]["BulkDataURI"], address);
}
