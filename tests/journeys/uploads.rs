//! Files that are sent over HTTP become pictures, by the public contract alone.

use std::path::Path;

use noctis_demo::DemoFile;

use super::{
    corpus::corpus,
    distributed::{Deployment, wait_for_images},
    embedded::serve,
    files::{slice, slice_uid, study_uid, windowed_slice},
    http::Viewer,
    program::wait_until,
};

fn bytes(file: DemoFile) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    file.write(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn slices(study: &str, numbers: std::ops::RangeInclusive<u32>) -> Vec<Vec<u8>> {
    numbers.map(|number| bytes(slice(study, number))).collect()
}

/// Files below a folder, those on their way among them.
fn files_under(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_under(&entry.path()) } else { 1 }).sum()
}

#[test]
fn what_is_sent_is_shown_and_handed_out_as_it_came() {
    let data = tempfile::tempdir().unwrap();
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    let sent = slices("sent", 1..=3);
    let answer = viewer.post_files("/dicom-web/studies", &sent, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["00081199"]["Value"].as_array().map(Vec::len), Some(3));
    // It is there when the answer is.
    for number in 1..=3 {
        let image = slice_uid("sent", number);
        assert!(viewer.png(&image, "").picture().samples == windowed_slice(number, -700.0, 600.0));
        let file = viewer.get(&format!("/api/v1/dicom/images/{image}/file"));
        assert!(file.body == sent[number as usize - 1]);
    }
    let retrieve = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].as_str().unwrap().to_owned();
    let path = retrieve.strip_prefix(&program.url).expect("an address of this server");
    assert!(viewer.get_with(path, &[("accept", "application/dicom")]).body == sent[0]);

    // Again; beside it one with other bytes, one more, and what is none.
    let other = bytes(slice("sent", 2).set(dicom_dictionary_std::tags::PATIENT_COMMENTS, "other bytes"));
    let mixed = [sent[0].clone(), other, slices("sent", 4..=4).remove(0), b"no DICOM".to_vec()];
    let answer = viewer.post_files("/api/v1/dicom/studies", &mixed, &[]);
    let told = answer.json();
    let counts = ["duplicate", "conflict", "accepted", "rejected"].map(|name| told[name].as_u64());
    assert_eq!((answer.status, counts), (200, [Some(1); 4]), "{told}");
    assert!(viewer.png(&slice_uid("sent", 2), "").picture().samples == windowed_slice(2, -700.0, 600.0));
    let refused = viewer.post_files("/dicom-web/studies/1.2.3", &slices("sent", 5..=5), &[]);
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["00081198"]["Value"][0]["00081197"]["Value"][0], 0xA900);
    assert_eq!(files_under(&data.path().join("storage")), 4, "nothing is left on its way");

    // It is there after a restart, and goes as a whole.
    let event = format!("/api/v1/ingest/{}", told["event_id"].as_str().unwrap());
    assert!(program.terminate().success());
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    assert_eq!(viewer.get(&event).json(), told);
    assert_eq!(viewer.png(&slice_uid("sent", 4), "").status, 200);
    let deleted = viewer.delete(&format!("/api/v1/dicom/studies/{}", study_uid("sent"))).json();
    assert_eq!(deleted["deleted"]["objects"], 4);
    wait_until("the files are gone", || (files_under(&data.path().join("storage")) == 0).then_some(()));
}

#[test]
fn what_is_sent_while_no_worker_is_there_waits_for_one() {
    let deployment = Deployment::new();
    let api = deployment.start("noctis-api", &[]);
    let viewer = Viewer::new(&api.url);
    let answer =
        viewer.post_files("/api/v1/dicom/studies", &slices("waits", 1..=3), &[("prefer", "respond-async")]);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["state"], "arrived");
    let told = deployment.hear("study.indexed.v1");
    let _worker = deployment.start("noctis-worker", &[]);
    let indexed = told.next();
    assert_eq!(
        (&indexed["data"]["event_id"], &indexed["data"]["accepted"]),
        (&answer.json()["event_id"], &3.into())
    );
    let done = wait_until("it is done", || {
        let upload = viewer.get(answer.header("location")).json();
        (upload["state"] == "done").then_some(upload)
    });
    assert_eq!(done["accepted"], 3);
    wait_for_images(&viewer, "waits", 3);
    assert!(viewer.png(&slice_uid("waits", 2), "").picture().samples == windowed_slice(2, -700.0, 600.0));
    wait_until("nothing is left on its way", || (files_under(deployment.storage()) == 3).then_some(()));
}

/// Real files, and built ones: each is stored and handed out byte for byte, or refused with a reason.
#[test]
fn every_real_file_comes_back_as_it_was_sent_or_is_refused_with_a_reason() {
    let Some(corpus) = corpus() else { return };
    let data = tempfile::tempdir().unwrap();
    let program = serve(data.path(), &[]);
    let viewer = Viewer::new(&program.url);
    let (mut stored, mut refused) = (0, 0);
    for folder in ["files", "edge/files", "found/files"] {
        let mut files: Vec<_> =
            std::fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let sent = std::fs::read(&file).unwrap();
            let answer = viewer.post_files("/dicom-web/studies", std::slice::from_ref(&sent), &[]);
            let told = answer.json();
            let reason = |tag: &str| told[tag]["Value"][0]["00000902"]["Value"][0].as_str().map(str::len);
            if answer.status == 200 {
                let address = told["00081199"]["Value"][0]["00081190"]["Value"][0].as_str().unwrap();
                let path = address.strip_prefix(&program.url).unwrap();
                let back = viewer.get_with(path, &[("accept", "application/dicom")]);
                assert!(back.status == 200 && back.body == sent, "{} {}", file.display(), back.status);
                stored += 1;
            } else {
                assert_eq!(answer.status, 409, "{}: {}", file.display(), answer.text());
                let said = reason("00081198").or(reason("0008119A"));
                assert!(said.is_some_and(|length| length > 10), "{}: {told}", file.display());
                refused += 1;
            }
        }
    }
    println!("{stored} files stored and back, {refused} refused");
    assert!(stored > 200 && refused < stored / 4, "{stored} stored, {refused} refused");
}
