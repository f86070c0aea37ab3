//! Deleting, and files as they are stored, by the public contract alone.

use std::path::Path;

use super::{
    distributed::Deployment,
    embedded::serve,
    files::{slice_uid, study_uid, write_study},
    http::Viewer,
    program::{command, run, wait_until},
};

fn files_under(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_under(&entry.path()) } else { 1 }).sum()
}

#[test]
fn what_was_ingested_is_deleted_beside_a_server_and_comes_back_when_it_is_ingested_again() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_study(files.path(), "gone", 3);
    let ingest = || run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
    assert!(ingest().status.success());
    let program = serve(data.path(), &["--no-index"]);
    let viewer = Viewer::new(&program.url);
    let (study, image) = (study_uid("gone"), slice_uid("gone", 2));
    assert_eq!(viewer.png(&image, "").status, 200);
    let file = viewer.get(&format!("/api/v1/dicom/images/{image}/file"));
    assert!(file.status == 200 && file.body == std::fs::read(files.path().join("2.dcm")).unwrap());
    assert_eq!(files_under(&data.path().join("storage")), 3);

    let delete =
        |more: &[&str]| run(command("noctis").args(["delete", &study, "--data"]).arg(data.path()).args(more));
    let one = delete(&["--instance", &image]);
    let told = String::from_utf8_lossy(&one.stdout).into_owned();
    // Its picture has a row a moment after it was made.
    assert!(told.starts_with("1 instances, ") && told.ends_with(" renders, 1 objects deleted\n"), "{told}");
    wait_until("the server has forgotten it", || (viewer.png(&image, "").status == 404).then_some(()));
    assert_eq!(files_under(&data.path().join("storage")), 2, "removed before the command ended");
    let all = delete(&["--json"]);
    let told = String::from_utf8_lossy(&all.stdout).into_owned();
    assert_eq!(told, "{\"deleted\":{\"instances\":2,\"renders\":0,\"objects\":2}}\n");
    assert_eq!(files_under(&data.path().join("storage")), 0);
    let unknown = delete(&[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no such study"));

    assert_eq!(String::from_utf8_lossy(&ingest().stdout), "3 accepted, 0 duplicate, 0 rejected\n");
    wait_until("it is back", || (viewer.png(&image, "").status == 200).then_some(()));
}

#[test]
fn a_file_that_is_read_in_place_stays_when_its_study_is_deleted() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    write_study(&files, "stays", 2);
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    let path = format!("/api/v1/dicom/studies/{}", study_uid("stays"));
    let zip = viewer.get(&format!("{path}/archive"));
    assert!(zip.status == 200 && zip.body.starts_with(b"PK"), "served in place, handed out in place");
    let deleted = viewer.delete(&path);
    assert_eq!(deleted.json()["deleted"], serde_json::json!({"instances": 2, "renders": 0, "objects": 0}));
    assert_eq!(viewer.get(&path).status, 404);
    assert_eq!(files_under(&files), 2);
}

#[test]
fn a_deletion_over_http_reaches_storage_other_apis_and_the_exchange() {
    let deployment = Deployment::new();
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "spread-out", 2);
    let apis = [deployment.start("noctis-api", &[]), deployment.start("noctis-api", &[])];
    let _worker = deployment.start("noctis-worker", &["--workers", "1"]);
    let [first, second] = apis.each_ref().map(|api| Viewer::new(&api.url));
    deployment.ingest(files.path());
    let path = format!("/api/v1/dicom/studies/{}", study_uid("spread-out"));
    let image = slice_uid("spread-out", 1);
    wait_until("it is indexed", || (second.get(&path).status == 200).then_some(()));
    wait_until("all of it", || (second.get(&path).json()["image_count"] == 2).then_some(()));
    assert_eq!((first.png(&image, "").status, second.png(&image, "").status), (200, 200));
    let events = deployment.hear("study.deleted.v1");

    let deleted = first.delete(&path);
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    let deleted = deleted.json();
    assert_eq!((&deleted["deleted"]["instances"], &deleted["deleted"]["objects"]), (&2.into(), &2.into()));
    assert_eq!(first.png(&image, "").status, 404);
    wait_until("the other API forgets it", || (second.png(&image, "").status == 404).then_some(()));
    wait_until("a worker removes the files", || (files_under(deployment.storage()) == 0).then_some(()));
    let event = events.next();
    assert_eq!((&event["subject"], &event["source"]), (&study_uid("spread-out").into(), &"/noctis".into()));
    // Our own word is no order: what comes after it stays.
    deployment.ingest(files.path());
    wait_until("it is back", || (second.get(&path).status == 200).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(second.get(&path).json()["image_count"], 2);
}
