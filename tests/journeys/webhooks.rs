//! Webhooks from an ingested study to its end, by the public contract alone.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::{Value, json};

use super::{
    embedded::serve,
    files::{slice, study_uid, write_study},
    http::Viewer,
    program::{PATIENCE, command, run},
};

/// A receiver that takes everything: its URL, and the events as they come.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (came, events) = channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut reader = BufReader::new(connection.unwrap());
            let (mut length, mut is_signed) = (0, false);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                is_signed |= line.starts_with("webhook-signature: v1,");
                if let Some(text) = line.strip_prefix("content-length: ") {
                    length = text.parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
            assert!(is_signed);
            if came.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, events)
}

#[test]
fn a_receiver_is_told_of_a_study_from_its_coming_to_its_end() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = serve(data.path(), &["--no-index"]);
    let viewer = Viewer::new(&program.url);
    let (url, events) = receiver();
    let body = json!({"url": url, "events": ["study.new", "study.changed", "study.deleted"]});
    let added = viewer.post_json("/api/v1/webhooks", &body);
    assert_eq!(added.status, 201, "{}", added.text());

    let next = || events.recv_timeout(PATIENCE).expect("an event");
    let ingest = || {
        let done = run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    write_study(files.path(), "told", 2);
    ingest();
    let new = next();
    assert_eq!((&new["type"], &new["subject"]), (&"study.new.v1".into(), &study_uid("told").into()));
    let study = format!("/api/v1/dicom/studies/{}", new["data"]["study_id"].as_str().unwrap());
    assert_eq!(viewer.get(&study).json()["image_count"], 2);

    slice("told", 3).write(&files.path().join("3.dcm")).unwrap();
    ingest();
    assert_eq!(next()["type"], "study.changed.v1");
    // The same files again are no news.
    ingest();
    assert_eq!(viewer.delete(&study).status, 200);
    let deleted = next();
    assert_eq!((&deleted["type"], &deleted["data"]), (&"study.deleted.v1".into(), &json!({})));
}
