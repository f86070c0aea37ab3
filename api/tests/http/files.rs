//! Files as they are stored: one instance, a part of one, the archive of a study.

use axum::body::Body;
use http_body_util::BodyExt;
use noctis_shared::{
    catalog::NewInstance, dicom_uid::public_id, queue::QueueLimits, render_key::ContentDigest,
};
use tower::ServiceExt;

use crate::{
    house::{House, IMAGE, instance},
    login,
};

const STUDY: &str = "1.2.826.0.1.3680043.10.7";
const SERIES: [&str; 2] = ["1.2.826.0.1.3680043.10.7.1", "1.2.826.0.1.3680043.10.7.2"];

/// A house with a study of four files in its storage.
struct Archive {
    house: House,
    folder: tempfile::TempDir,
    files: Vec<(NewInstance, Vec<u8>)>,
}

impl Archive {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path");
        let url = format!("file://{}/", path.display());
        let settings: Vec<_> =
            settings.iter().copied().chain([("NOCTIS_STORAGE_URL", url.as_str())]).collect();
        let house = House::with(&settings, QueueLimits::default()).await;
        let mut files = Vec::new();
        for number in 0..4_usize {
            // Longer than a piece, and each of other bytes.
            let bytes: Vec<u8> = (0..200_000 + number).map(|byte| (byte % 249 + number) as u8).collect();
            let name = format!("incoming/{number}.dcm");
            let path = path.join(&name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, &bytes).expect("written");
            let mut recorded = instance(&format!("{STUDY}.{number}"), 1);
            recorded.study_instance_uid = STUDY.to_owned();
            recorded.series_instance_uid = SERIES[number % 2].to_owned();
            recorded.location = format!("{url}{name}");
            recorded.content_digest = ContentDigest(*blake3::hash(&bytes).as_bytes());
            recorded.file_byte_count = bytes.len() as u64;
            files.push((recorded, bytes));
        }
        let batch: Vec<NewInstance> = files.iter().map(|(instance, _)| instance.clone()).collect();
        house.back_ends.catalog.record_instances(&batch, false).await.expect("recorded");
        Self { house, folder, files }
    }

    fn path(&self, number: usize) -> String {
        format!("/api/v1/dicom/images/{}/file", public_id(&self.files[number].0.sop_instance_uid))
    }

    fn on_disk(&self, number: usize) -> std::path::PathBuf {
        self.folder.path().join(format!("incoming/{number}.dcm"))
    }

    /// The bytes of an answer, and whether it came to its end.
    async fn read(&self, path: &str) -> (u16, Vec<u8>, bool) {
        let request = axum::http::Request::builder().uri(path).header("host", "localhost");
        let request = request.body(Body::empty()).expect("a request");
        let response = self.house.router.clone().oneshot(request).await.expect("infallible");
        let (status, mut body, mut bytes) = (response.status().as_u16(), response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().expect("data")),
                Err(_) => return (status, bytes, false),
            }
        }
        (status, bytes, true)
    }
}

#[tokio::test]
async fn a_file_is_handed_out_as_it_is_stored() {
    let archive = Archive::new().await;
    let answer = archive.house.get(&archive.path(1)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body[..] == archive.files[1].1[..]);
    assert_eq!(answer.header("content-type"), "application/dicom");
    assert_eq!(answer.header("content-length"), "200001");
    let name = format!("attachment; filename=\"{STUDY}.1.dcm\"");
    assert_eq!(answer.header("content-disposition"), name);
    let etag = answer.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", archive.files[1].0.content_digest));
    assert!(answer.header("cache-control").contains("private"));
    let send = async |method: &str, headers: &[(&str, &str)]| {
        archive.house.send(method, &archive.path(1), headers).await
    };
    let known = send("GET", &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, &*etag));
    let head = send("HEAD", &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, "200001"));
}

#[tokio::test]
async fn a_part_of_a_file_is_handed_out_by_range() {
    let archive = Archive::new().await;
    let bytes = &archive.files[0].1;
    let send = async |headers: &[(&str, &str)]| archive.house.send("GET", &archive.path(0), headers).await;
    let part = send(&[("range", "bytes=100-199999999")]).await;
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 100-199999/200000"));
    assert_eq!(part.header("content-length"), "199900");
    assert!(part.body[..] == bytes[100..]);
    let etag = part.header("etag").to_owned();
    let last = send(&[("range", "bytes=-1"), ("if-range", &etag)]).await;
    assert_eq!((last.status, &last.body[..]), (206, &bytes[199_999..]));
    let of_other_bytes = send(&[("range", "bytes=-1"), ("if-range", "\"other\"")]).await;
    assert_eq!((of_other_bytes.status, of_other_bytes.body.len()), (200, 200_000));
    let none = send(&[("range", "bytes=200000-")]).await;
    none.problem(416, "range-not-satisfiable");
    assert_eq!(none.header("content-range"), "bytes */200000");
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_indexed_never_comes_whole() {
    let archive = Archive::new().await;
    let mut edited = archive.files[0].1.clone();
    edited[150_000] ^= 1;
    std::fs::write(archive.on_disk(0), &edited).expect("written");
    let (status, bytes, is_whole) = archive.read(&archive.path(0)).await;
    assert_eq!((status, is_whole), (200, false), "cut off");
    assert!(bytes.len() < edited.len());
    std::fs::write(archive.on_disk(0), &edited[..1000]).expect("written");
    archive.house.get(&archive.path(0)).await.problem(503, "image-replaced");
    std::fs::remove_file(archive.on_disk(0)).expect("removed");
    let missing = archive.house.get(&archive.path(0)).await;
    missing.problem(503, "file-missing");
    assert_eq!(missing.header("retry-after"), "2");
}

#[tokio::test]
async fn a_file_outside_of_what_the_server_may_read_is_not_read() {
    let archive = Archive::new().await;
    let outside = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(outside.path(), b"secret").expect("written");
    let mut recorded = instance("1.2.99", 1);
    recorded.location = format!("file://{}", outside.path().display());
    recorded.file_byte_count = 6;
    recorded.content_digest = ContentDigest(*blake3::hash(b"secret").as_bytes());
    archive.house.back_ends.catalog.record_instances(&[recorded], false).await.expect("recorded");
    let refused = archive.house.get("/api/v1/dicom/images/1.2.99/file").await;
    let problem = refused.problem(503, "storage-unavailable");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("NOCTIS_STORAGE_URL")));
    assert!(!String::from_utf8_lossy(&refused.body).contains("/tmp"), "no place is told");
}

#[tokio::test]
async fn an_archive_has_every_file_of_a_study_under_names_of_uids() {
    let archive = Archive::new().await;
    let answer = archive.house.get(&format!("/api/v1/dicom/studies/{STUDY}/archive")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/zip"));
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{STUDY}.zip\""));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&answer.body[..])).expect("an archive");
    assert_eq!(zip.len(), 4);
    for (instance, bytes) in &archive.files {
        let name = format!("{}/{}.dcm", instance.series_instance_uid, instance.sop_instance_uid);
        let mut file = zip.by_name(&name).expect("a file of this name");
        assert_eq!(file.compression(), zip::CompressionMethod::Stored);
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut read).expect("its checksum fits");
        assert!(read == *bytes, "{name}");
    }
    let patient = b"DOE";
    assert!(!answer.body.windows(3).any(|window| window == patient), "no name of a patient");
}

#[tokio::test]
async fn an_archive_with_a_file_that_is_gone_is_cut_off_or_refused() {
    let archive = Archive::new().await;
    let path = format!("/api/v1/dicom/studies/{STUDY}/archive");
    let all =
        archive.house.back_ends.catalog.files_of_study(public_id(STUDY), None, 10).await.expect("files");
    let number = |location: &str| (0..4).find(|number| location.ends_with(&format!("/{number}.dcm")));
    let [first, .., last] = &all[..] else { panic!("four files") };
    std::fs::remove_file(archive.on_disk(number(&last.location).expect("a file"))).expect("removed");
    let (status, bytes, is_whole) = archive.read(&path).await;
    assert_eq!((status, is_whole), (200, false));
    assert!(zip::ZipArchive::new(std::io::Cursor::new(bytes)).is_err(), "nobody takes it for a whole one");
    std::fs::remove_file(archive.on_disk(number(&first.location).expect("a file"))).expect("removed");
    archive.house.get(&path).await.problem(503, "file-missing");
}

/// What a client does not take is not read, and ends with its connection.
#[tokio::test]
async fn an_archive_is_read_as_it_is_taken_and_counts_until_its_end() {
    let archive = Archive::new().await;
    let begin = async || {
        let path = format!("/api/v1/dicom/studies/{STUDY}/archive");
        let request = axum::http::Request::builder().uri(path).header("host", "localhost");
        let request = request.body(Body::empty()).expect("a request");
        archive.house.router.clone().oneshot(request).await.expect("infallible")
    };
    let mut unread = Vec::new();
    let refused = loop {
        let response = begin().await;
        if response.status() != 200 {
            break response.status().as_u16();
        }
        unread.push(response);
        assert!(unread.len() <= 100, "nobody counts them");
    };
    assert_eq!((refused, unread.len()), (503, 100));
    // They have waited with some pieces each: the files can go, and the rest of them does not come.
    for number in 0..4 {
        std::fs::write(archive.on_disk(number), b"").expect("emptied");
    }
    drop(unread);
    for _ in 0..200 {
        if begin().await.status() != 503 {
            return;
        }
        let one = archive.house.get(&archive.path(0)).await;
        if one.json()["type"] == "/api/v1/problems/image-replaced" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("those who left still count");
}

#[tokio::test]
async fn files_are_for_those_who_may_see_the_study() {
    let archive = Archive::with(&login::LOGIN).await;
    let get = async |path: &str, change: &dyn Fn(&mut noctis_api::auth::Claims)| {
        let token = login::token(change);
        archive.house.send("GET", path, &[("authorization", &format!("Bearer {token}"))]).await
    };
    let (file, zip) = (archive.path(0), format!("/api/v1/dicom/studies/{STUDY}/archive"));
    let other = |claims: &mut noctis_api::auth::Claims| claims.studies = Some(vec!["1.2.3".to_owned()]);
    let own = |claims: &mut noctis_api::auth::Claims| claims.studies = Some(vec![STUDY.to_owned()]);
    let etag = format!("\"{}\"", archive.files[0].0.content_digest);
    get(&file, &other).await.problem(404, "image-not-found");
    get(&zip, &other).await.problem(404, "study-not-found");
    let token = login::token(other);
    let headers = [("authorization", &*format!("Bearer {token}")), ("if-none-match", &*etag)];
    archive.house.send("GET", &file, &headers).await.problem(404, "image-not-found");
    assert_eq!((get(&file, &own).await.status, get(&zip, &own).await.status), (200, 200));
    let lists_only = |claims: &mut noctis_api::auth::Claims| claims.scope = "studies:read".to_owned();
    get(&zip, &lists_only).await.problem(403, "insufficient-scope");
}

#[tokio::test]
async fn what_is_not_there_has_no_file() {
    let archive = Archive::new().await;
    archive.house.get("/api/v1/dicom/images/1.2.3/file").await.problem(404, "image-not-found");
    archive.house.get("/api/v1/dicom/studies/1.2.3/archive").await.problem(404, "study-not-found");
    archive.house.get(&format!("{}?size=1", archive.path(0))).await.problem(400, "invalid-parameter");
    // Its file never was where the catalog says.
    archive
        .house
        .get(&format!("/api/v1/dicom/images/{IMAGE}/file"))
        .await
        .problem(503, "storage-unavailable");
}
