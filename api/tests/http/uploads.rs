//! Files that are sent, over both APIs; what workers make of them is canned.

use axum::body::Body;
use noctis_shared::{
    lane::Lane,
    queue::{QueueLimits, Work},
    upload::{Admits, InstanceUids, Upload, UploadResult, UploadedInstance},
};
use serde_json::json;
use uuid::Uuid;

use crate::{house::House, login, waiting::wait_until};

const RELATED: (&str, &str) =
    ("content-type", "multipart/related; type=\"application/dicom\"; boundary=edge");
const STUDY: &str = "1.2.826.0.1.3680043.10.9";

/// A house with a storage of its own.
struct Storing {
    house: House,
    folder: tempfile::TempDir,
}

impl Storing {
    async fn with(settings: &[(&'static str, &str)], limits: QueueLimits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("file://{}/", folder.path().canonicalize().expect("a path").display());
        let settings: Vec<_> = settings.iter().copied().chain([("NOCTIS_STORAGE_URL", &*url)]).collect();
        Self { house: House::with(&settings, limits).await, folder }
    }

    async fn new() -> Self {
        Self::with(&[], QueueLimits::default()).await
    }

    /// Starts a worker that says of file n of each upload what `results` has at n. The uploads it was asked to take, and the
    /// bytes of their files.
    async fn start_worker(
        &self,
        results: Vec<UploadedInstance>,
    ) -> tokio::sync::mpsc::UnboundedReceiver<(Upload, Vec<Vec<u8>>)> {
        let mut consumer = self.house.back_ends.queue.consume(Lane::Upload, 4).await.expect("a consumer");
        let (catalog, folder) = (self.house.back_ends.catalog.clone(), self.folder.path().to_owned());
        let (taken, was_taken) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let Work::Study(event) = &delivery.work else { panic!("an event") };
                let event_id = Uuid::parse_str(event.id()).expect("an id");
                let upload = catalog.upload(event_id).await.expect("a catalog").expect("an upload");
                let mut paths: Vec<_> = std::fs::read_dir(folder.join(".incoming").join(event.id()))
                    .expect("files")
                    .map(|entry| entry.expect("an entry").path())
                    .collect();
                paths.sort();
                let files = paths.iter().map(|path| std::fs::read(path).expect("read")).collect();
                catalog.upload_done(event_id, &results[..paths.len()]).await.expect("noted");
                drop(taken.send((upload, files)));
                delivery.ack().await.expect("acked");
            }
        });
        was_taken
    }

    /// Waits until nothing is left where files come to.
    async fn nothing_is_left(&self) {
        let folder = self.folder.path().join(".incoming");
        let is_empty = || async { std::fs::read_dir(&folder).map_or(0, Iterator::count) == 0 };
        wait_until("nothing is left", is_empty).await;
    }
}

fn body(files: &[&[u8]]) -> Body {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(b"--edge\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    Body::from(body)
}

fn instance(number: u32, result: UploadResult) -> UploadedInstance {
    let named = InstanceUids {
        study_instance_uid: STUDY.to_owned(),
        series_instance_uid: format!("{STUDY}.1"),
        sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".to_owned()),
        sop_instance_uid: format!("{STUDY}.1.{number}"),
    };
    let reason = (!result.is_stored()).then(|| "a reason".to_owned());
    UploadedInstance { named: Some(named), result, reason }
}

fn unread() -> UploadedInstance {
    let reason = Some("it is no DICOM file, and that is told in more than sixty-four characters".to_owned());
    UploadedInstance { named: None, result: UploadResult::Rejected, reason }
}

fn token(subject: &str, scopes: &str, studies: Option<&[&str]>) -> String {
    login::token(|claims| {
        claims.subject = subject.to_owned();
        claims.scope = scopes.to_owned();
        claims.studies = studies.map(|uids| uids.iter().map(|uid| (*uid).to_owned()).collect());
    })
}

#[tokio::test]
async fn files_are_stored_over_dicom_web_and_told_as_the_standard_has_it() {
    let storing = Storing::new().await;
    let mut taken = storing
        .start_worker(vec![instance(1, UploadResult::Accepted), instance(2, UploadResult::Duplicate)])
        .await;
    let files: [&[u8]; 2] = [b"DICM\r\n\r\n--edg", b"\r\n-edge\r\n"];
    let to_study = format!("/dicom-web/studies/{STUDY}");
    for (path, named) in [("/dicom-web/studies", None), (to_study.as_str(), Some(STUDY.to_owned()))] {
        let answer = storing
            .house
            .send_body("POST", path, &[RELATED, ("accept", "application/dicom+json")], body(&files))
            .await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), "application/dicom+json");
        let item = |number: u32| {
            json!({
                "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
                "00081155": {"vr": "UI", "Value": [format!("{STUDY}.1.{number}")]},
                "00081190": {"vr": "UR", "Value": [format!("http://localhost/dicom-web/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.{number}")]},
            })
        };
        assert_eq!(
            answer.json(),
            json!({
                "00081190": {"vr": "UR", "Value": [format!("http://localhost/dicom-web/studies/{STUDY}")]},
                "00081199": {"vr": "SQ", "Value": [item(1), item(2)]},
            })
        );
        let (upload, sent) = taken.recv().await.expect("an upload");
        assert_eq!(sent, files);
        assert_eq!(upload.admits, Admits { study_instance_uid: named, study_ids: None });
    }
}

#[tokio::test]
async fn what_is_not_stored_is_told_with_its_reason_and_the_status_says_how_much_that_is() {
    let all = [
        (UploadResult::Conflict, 0x0111),
        (UploadResult::OtherStudy, 0xA900),
        (UploadResult::NotAllowed, 0x0124),
        (UploadResult::Rejected, 0xC000),
    ];
    for (result, reason) in all {
        let storing = Storing::new().await;
        storing.start_worker(vec![instance(1, result)]).await;
        let answer = storing.house.send_body("POST", "/dicom-web/studies", &[RELATED], body(&[b"a"])).await;
        assert_eq!(answer.status, 409);
        assert_eq!(
            answer.json(),
            json!({"00081198": {"vr": "SQ", "Value": [{
                "00000902": {"vr": "LO", "Value": ["a reason"]},
                "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
                "00081155": {"vr": "UI", "Value": [format!("{STUDY}.1.1")]},
                "00081197": {"vr": "US", "Value": [reason]},
            }]}})
        );
    }
    let storing = Storing::new().await;
    storing.start_worker(vec![instance(1, UploadResult::Accepted), unread()]).await;
    let answer = storing.house.send_body("POST", "/dicom-web/studies", &[RELATED], body(&[b"a", b"b"])).await;
    assert_eq!(answer.status, 202);
    let told = answer.json();
    let comment = "it is no DICOM file, and that is told in more than sixty-four ch";
    assert_eq!(
        told["0008119A"],
        json!({"vr": "SQ", "Value": [{
            "00000902": {"vr": "LO", "Value": [comment]},
            "00081197": {"vr": "US", "Value": [0xC000]},
        }]})
    );
    assert_eq!(told["00081199"]["Value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn files_are_sent_to_the_other_api_and_asked_for_later() {
    let storing = Storing::new().await;
    let mut taken = storing
        .start_worker(vec![
            instance(1, UploadResult::Accepted),
            instance(2, UploadResult::Duplicate),
            instance(3, UploadResult::Conflict),
            instance(4, UploadResult::NotAllowed),
            unread(),
        ])
        .await;
    let house = &storing.house;
    let sent = body(&[b"a", b"b", b"c", b"d", b"e"]);
    let answer = house.send_body("POST", "/api/v1/dicom/studies", &[RELATED], sent).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let told = answer.json();
    let results: Vec<_> = told["instances"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["result"].as_str().expect("text"))
        .collect();
    assert_eq!(results, ["accepted", "duplicate", "conflict", "rejected", "rejected"]);
    for (count, expected) in [("accepted", 1), ("duplicate", 1), ("conflict", 1), ("rejected", 2)] {
        assert_eq!(told[count], expected, "{count}");
    }
    assert_eq!(
        told["instances"][0],
        json!({"study_instance_uid": STUDY, "sop_instance_uid": format!("{STUDY}.1.1"), "result": "accepted", "reason": null})
    );
    assert_eq!(told["instances"][4]["sop_instance_uid"], json!(null));
    let event_id = told["event_id"].as_str().expect("an id");
    assert_eq!(house.get(&format!("/api/v1/ingest/{event_id}")).await.json(), told);

    taken.recv().await.expect("an upload");
    let alone = [("content-type", "application/dicom")];
    let answer = house.send_body("POST", "/api/v1/dicom/studies", &alone, Body::from("one file")).await;
    assert_eq!((answer.status, answer.json()["accepted"].clone()), (200, json!(1)));
    assert_eq!(taken.recv().await.expect("an upload").1, [b"one file"]);
}

#[tokio::test]
async fn who_would_rather_not_wait_is_told_where_to_ask() {
    let storing = Storing::new().await;
    let headers = [RELATED, ("prefer", "respond-async")];
    let answer = storing.house.send_body("POST", "/api/v1/dicom/studies", &headers, body(&[b"a"])).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (202, "respond-async"));
    assert_eq!(answer.json()["state"], "arrived");
    let location = answer.header("location").to_owned();
    assert_eq!(storing.house.get(&location).await.json(), answer.json());
    storing.start_worker(vec![instance(1, UploadResult::Accepted)]).await;
    let is_done = || async { storing.house.get(&location).await.json()["state"] == "done" };
    wait_until("it is done", is_done).await;
}

#[tokio::test]
async fn what_is_no_upload_leaves_nothing_behind() {
    let storing = Storing::new().await;
    let house = &storing.house;
    let as_json = ("content-type", "multipart/related; type=\"application/dicom+json\"; boundary=edge");
    let none: &[(&str, &str)] = &[];
    let cases = [
        (none, Body::from("x"), 415, "unsupported-media-type"),
        (&[as_json][..], body(&[b"{}"]), 415, "unsupported-media-type"),
        (&[RELATED][..], body(&[]), 400, "invalid-upload"),
        (
            &[RELATED][..],
            Body::from("--edge\r\nContent-Type: application/dicom\r\n\r\nbroken off"),
            400,
            "invalid-upload",
        ),
        (&[RELATED, ("content-length", "68719476737")], Body::empty(), 413, "body-too-large"),
        (&[RELATED, ("accept", "application/dicom+xml")], body(&[b"a"]), 406, "not-acceptable"),
    ];
    for (headers, body, status, slug) in cases {
        let answer = house.send_body("POST", "/dicom-web/studies", headers, body).await;
        answer.problem(status, slug);
    }
    house
        .send_body("POST", "/api/v1/dicom/studies?a=b", &[RELATED], body(&[b"a"]))
        .await
        .problem(400, "invalid-parameter");
    for id in ["none", "11111111-1111-4111-8111-111111111111"] {
        house.get(&format!("/api/v1/ingest/{id}")).await.problem(404, "upload-not-found");
    }
    storing.nothing_is_left().await;
}

#[tokio::test]
async fn a_queue_that_takes_nothing_is_a_503_and_the_files_are_sent_again() {
    let storing = Storing::new().await;
    storing.house.back_ends.queue.close().await;
    let answer = storing.house.send_body("POST", "/dicom-web/studies", &[RELATED], body(&[b"a"])).await;
    answer.problem(503, "queue-unavailable");
    let answer = storing.house.send_body("POST", "/api/v1/dicom/studies", &[RELATED], body(&[b"a"])).await;
    answer.problem(503, "queue-unavailable");
    storing.nothing_is_left().await;
}

#[tokio::test]
async fn who_may_not_write_sends_nothing_and_who_may_writes_what_it_sees() {
    let storing = Storing::with(&login::LOGIN, QueueLimits::default()).await;
    let mut taken = storing.start_worker(vec![instance(1, UploadResult::Accepted)]).await;
    let house = &storing.house;
    let send = |token: String, path: &'static str| async move {
        let bearer = format!("Bearer {token}");
        house.send_body("POST", path, &[RELATED, ("authorization", &bearer)], body(&[b"a"])).await
    };
    for path in ["/dicom-web/studies", "/api/v1/dicom/studies"] {
        let reader = token("reader", "images:read studies:read", None);
        send(reader, path).await.problem(403, "insufficient-scope");
        house.send_body("POST", path, &[RELATED], body(&[b"a"])).await.problem(401, "unauthorized");
        let held = token("writer", "studies:read studies:write", Some(&[STUDY]));
        assert_eq!(send(held, path).await.status, 200);
        let (upload, _) = taken.recv().await.expect("an upload");
        let only = vec![noctis_shared::dicom_uid::public_id(STUDY)];
        assert_eq!(upload.admits.study_ids, Some(only));
        let location = format!("/api/v1/ingest/{}", upload.event_id);
        for (subject, scopes, status) in [
            ("writer", "studies:write", 200),
            ("another", "studies:write", 404),
            ("operator", "studies:write admin", 200),
            ("writer", "studies:read", 403),
        ] {
            let bearer = format!("Bearer {}", token(subject, scopes, None));
            let answer = house.send("GET", &location, &[("authorization", &bearer)]).await;
            assert_eq!(answer.status, status, "{subject}");
        }
        let of_another = token("writer", "studies:write", Some(&["1.2.3"]));
        let bearer = format!("Bearer {of_another}");
        house.send("GET", &location, &[("authorization", &bearer)]).await.problem(404, "upload-not-found");
    }
}
