//! Files that change, vanish and hang where they lie: never a wrong picture, and never the file's fault for longer than
//! it lasts.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use dicom_dictionary_std::tags;

use super::{
    files::{SIDE, slice, slice_uid, windowed_slice, write_study},
    http::Viewer,
    program::{Program, command, wait_until},
};

fn serve(data: &Path, files: &Path) -> Program {
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(files);
    serve.env("NOCTIS_RATE_LIMIT", "off");
    Program::start(&mut serve)
}

fn serve_study(data: &Path, study: &str, count: u32) -> (Program, Viewer) {
    let files = data.join("files");
    write_study(&files, study, count);
    let mut program = serve(data, &files);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

/// Writes to the file where it lies, and puts its modification time back.
fn edit(path: &Path, offset_from_end: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let metadata = file.metadata().unwrap();
    file.write_all_at(bytes, metadata.len() - offset_from_end).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    let after = file.metadata().unwrap();
    assert_eq!((after.len(), after.modified().unwrap()), (metadata.len(), metadata.modified().unwrap()));
}

/// Replaces `what`, which is there once, by as many bytes.
fn edit_text(path: &Path, what: &[u8], by: &[u8]) {
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(what.len()).position(|window| window == what).expect("it is there");
    edit(path, (bytes.len() - at) as u64, by);
}

#[test]
fn pixels_edited_in_place_are_refused_under_the_old_key_and_then_shown_under_a_new_one() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "edited", 1);
    let image = slice_uid("edited", 1);
    let path = data.path().join("files/1.dcm");
    let old = viewer.png(&image, "preset=lung");
    assert_eq!(old.status, 200);
    let samples = u64::from(SIDE) * u64::from(SIDE);
    // All of the picture becomes stored value 324, which is -700.
    edit(&path, samples * 2, &324_i16.to_le_bytes().repeat(samples as usize));
    // Though the slot still has the frame decoded.
    let refused = viewer.png(&image, "preset=bone");
    assert_eq!(refused.status, 422, "{}", refused.text());
    let new = wait_until("the new picture", || {
        let answer = viewer.png(&image, "");
        (answer.status == 200).then_some(answer)
    });
    assert!(new.picture().samples.iter().all(|sample| *sample == new.picture().samples[0]));
    let again = viewer.png(&image, "preset=lung");
    assert_ne!(again.header("etag"), old.header("etag"), "other bytes, another key");
    assert!(again.body != old.body);
}

#[test]
fn a_header_edited_in_place_is_noticed_and_read_again() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "header", 1);
    let image = slice_uid("header", 1);
    edit_text(&data.path().join("files/1.dcm"), b"-1024 ", b"-1124 ");
    let first = viewer.png(&image, "");
    assert_eq!(first.status, 422, "{}", first.text());
    let new = wait_until("the new picture", || {
        let answer = viewer.png(&image, "");
        (answer.status == 200).then_some(answer)
    });
    assert!(new.picture().samples == windowed_slice(1, -600.0, 600.0), "100 lower under the same window");
}

#[test]
fn a_file_edited_while_nothing_ran_is_taken_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve_study(data.path(), "restart", 1);
    assert_eq!(viewer.png(&slice_uid("restart", 1), "").status, 200);
    assert!(program.terminate().success());
    edit_text(&data.path().join("files/1.dcm"), b"-1024 ", b"-1124 ");
    let mut program = serve(data.path(), &data.path().join("files"));
    assert_eq!(program.wait_for_line("indexed"), "indexed 1 instances, 0 rejected");
    let answer = Viewer::new(&program.url).png(&slice_uid("restart", 1), "");
    assert!(answer.picture().samples == windowed_slice(1, -600.0, 600.0));
}

#[test]
fn a_file_that_was_away_is_shown_as_soon_as_it_is_back() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "away", 2);
    let away = data.path().join("away.dcm");
    for number in [1, 2] {
        let (image, path) = (slice_uid("away", number), data.path().join(format!("files/{number}.dcm")));
        fs::rename(&path, &away).unwrap();
        for _ in 0..2 {
            let answer = viewer.png(&image, "");
            assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{}", answer.text());
            assert_eq!(answer.json()["type"], "/api/v1/problems/file-missing");
            assert!(!answer.text().contains(".dcm"), "no file names: {}", answer.text());
        }
        fs::rename(&away, &path).unwrap();
        assert_eq!(viewer.png(&image, "").status, 200, "nothing was remembered");
    }
}

#[test]
fn a_whole_share_that_is_away_at_the_start_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let (program, _viewer) = serve_study(data.path(), "share", 1);
    assert!(program.terminate().success());
    let (files, away) = (data.path().join("files"), data.path().join("unmounted"));
    fs::rename(&files, &away).unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut program = serve(data.path(), other.path());
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    assert_eq!(viewer.png(&slice_uid("share", 1), "").status, 503);
    fs::rename(&away, &files).unwrap();
    assert!(viewer.png(&slice_uid("share", 1), "").picture().samples == windowed_slice(1, -700.0, 600.0));
}

/// A named pipe that nobody writes to hangs a reader as a share does whose server is gone.
#[test]
fn a_read_that_hangs_is_a_503_frees_its_slot_and_is_never_a_decoders_fault() {
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve_study(data.path(), "hung", 4);
    let slots = program.children().len();
    let (path, kept) = (data.path().join("files/1.dcm"), data.path().join("kept.dcm"));
    fs::rename(&path, &kept).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        // As many as a client has on-screen at a time: more would have processes of another lane.
        for query in ["", "preset=bone"] {
            let viewer = &viewer;
            scope.spawn(move || {
                let answer = viewer.png(&slice_uid("hung", 1), query);
                assert!(matches!(answer.status, 503 | 504), "{}", answer.text());
                assert!(!answer.header("retry-after").is_empty());
                assert!(!answer.text().contains("decoder"), "{}", answer.text());
            });
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(30));
    // All slots are there for other files.
    assert_eq!(viewer.png(&slice_uid("hung", 2), "").status, 200);
    wait_until("the slots are full again", || (program.children().len() == slots).then_some(()));
    fs::remove_file(&path).unwrap();
    fs::rename(&kept, &path).unwrap();
    let back = wait_until("the picture", || {
        let answer = viewer.png(&slice_uid("hung", 1), "");
        assert!(answer.status != 422, "{}", answer.text());
        (answer.status == 200).then_some(answer)
    });
    assert!(back.picture().samples == windowed_slice(1, -700.0, 600.0));
}

#[test]
fn another_file_at_a_known_path_is_never_drawn_under_the_old_name() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "swapped", 1);
    let path = data.path().join("files/1.dcm");
    slice("swapped", 2).set(tags::PATIENT_NAME, "Journey^Test").write(&path).unwrap();
    assert_eq!(viewer.png(&slice_uid("swapped", 1), "").status, 422);
    wait_until("the other instance", || {
        (viewer.png(&slice_uid("swapped", 2), "").status == 200).then_some(())
    });
    assert_eq!(viewer.png(&slice_uid("swapped", 1), "").status, 422);
}
