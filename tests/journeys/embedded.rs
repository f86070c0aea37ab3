//! Everything in one process, with nothing installed.

use std::{path::Path, thread};

use super::{
    files::{slice, slice_uid, study_uid, windowed_slice, write_study},
    http::Viewer,
    program::{Program, command, run, wait_until},
};

pub(crate) fn serve(data: &Path, arguments: &[&str]) -> Program {
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
    serve.env("NOCTIS_RATE_LIMIT", "off");
    Program::start(&mut serve)
}

/// A Redis that is not there: what is indexed is indexed, and what the cache should forget is owed.
#[test]
fn a_redis_that_is_away_stops_no_indexing_and_is_said_once() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    write_study(&files, "away", 3);
    let log = data.path().join("log");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).arg(&files);
    serve.env("NOCTIS_RATE_LIMIT", "off").env("NOCTIS_CACHE_URL", format!("redis://127.0.0.1:{port}"));
    let mut program = Program::start(serve.stderr(std::fs::File::create(&log).unwrap()));
    assert_eq!(program.wait_for_line("indexed"), "indexed 3 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    assert_eq!(viewer.list("/api/v1/dicom/studies", "studies").len(), 1);
    let picture = viewer.png(&slice_uid("away", 2), "").picture();
    assert!(picture.samples == windowed_slice(2, -700.0, 600.0));
    assert!(program.terminate().success());
    let said = std::fs::read_to_string(log).unwrap();
    let lines = |part: &str| said.lines().filter(|line| line.contains(part)).count();
    assert_eq!(lines("NOCTIS_CACHE_URL is out of reach"), 1, "{said}");
    assert_eq!(lines("forgets what changes now when it is back"), 1, "{said}");
    assert_eq!(lines(&port.to_string()), 0, "{said}");
}

/// Serves a study of `count` slices.
fn serve_study(data: &Path, study: &str, count: u32) -> (Program, Viewer) {
    let files = data.join("files");
    write_study(&files, study, count);
    let mut program = serve(data, &[files.to_str().expect("UTF-8")]);
    assert_eq!(program.wait_for_line("indexed"), format!("indexed {count} instances, 0 rejected"));
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

#[test]
fn the_demo_is_served_and_its_presets_differ() {
    let data = tempfile::tempdir().unwrap();
    let mut program = serve(data.path(), &["--demo"]);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    let studies = viewer.list("/api/v1/dicom/studies", "studies");
    let study = studies[0]["study_id"].as_str().unwrap();
    let series = viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series");
    let modalities: Vec<_> = series.iter().map(|series| series["modality"].as_str().unwrap()).collect();
    assert_eq!(modalities, ["CT", "MR", "CR", "US"]);
    for series in &series {
        let id = series["series_id"].as_str().unwrap();
        let images = viewer.list(&format!("/api/v1/dicom/series/{id}/images"), "images");
        let image = &images[images.len() / 2];
        let picture = viewer.png(image["image_id"].as_str().unwrap(), "").picture();
        assert_eq!(u64::from(picture.rows), image["rows"].as_u64().unwrap());
        let distinct: std::collections::HashSet<_> = picture.samples.iter().collect();
        assert!(distinct.len() > 100, "{}: {} levels", series["modality"], distinct.len());
        if series["modality"] == "CT" {
            assert!(images.len() >= 60);
            let id = image["image_id"].as_str().unwrap();
            assert!(viewer.png(id, "preset=lung").picture() != viewer.png(id, "preset=bone").picture());
        }
    }
    assert!(program.terminate().success());
}

#[test]
fn a_slice_is_windowed_to_the_letter_of_the_standard() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "letter", 3);
    let image = slice_uid("letter", 2);
    let of_file = viewer.png(&image, "").picture();
    assert!(of_file.samples == windowed_slice(2, -700.0, 600.0));
    let asked = viewer.png(&image, "window=200&level=-800").picture();
    assert!(asked.samples == windowed_slice(2, -800.0, 200.0));
    let inverted = viewer.png(&image, "window=200&level=-800&invert=true").picture();
    assert!(inverted.samples.iter().zip(&asked.samples).all(|(a, b)| a ^ b == 255));
}

#[test]
fn a_pixel_is_explained_as_it_is_drawn() {
    let data = tempfile::tempdir().unwrap();
    let mut program = serve(data.path(), &["--demo"]);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    let study = viewer.list("/api/v1/dicom/studies", "studies")[0]["study_id"].as_str().unwrap().to_owned();
    for series in viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series") {
        let path = format!("/api/v1/dicom/series/{}/images", series["series_id"].as_str().unwrap());
        let images = viewer.list(&path, "images");
        let image = &images[images.len() / 2];
        let id = image["image_id"].as_str().unwrap();
        let picture = viewer.png(id, "").picture();
        let (columns, rows) = (picture.columns as usize, picture.rows as usize);
        for (x, y) in [(0, 0), (columns / 2, rows / 2), (columns - 1, rows - 1), (columns / 3, rows / 2)] {
            let told = viewer.get(&format!("/api/v1/dicom/images/{id}/explain?x={x}&y={y}")).json();
            let drawn = &picture.samples[(y * columns + x) * picture.channels..][..picture.channels];
            let told_values = match told["display_value"].as_array() {
                Some(values) => values.iter().map(|value| value.as_f64().unwrap() as u8).collect(),
                None => vec![told["display_value"].as_f64().unwrap() as u8; picture.channels],
            };
            assert_eq!(told_values, drawn, "{} at {x}, {y}: {told}", series["modality"]);
        }
        let header = viewer.get(&format!("/api/v1/dicom/images/{id}/metadata")).json();
        assert_eq!(header["00080018"]["Value"][0], image["sop_instance_uid"]);
        assert!(header["7FE00010"].is_null(), "bulk data is left out");
        if series["modality"] == "CT" {
            assert_eq!(image["unit"], "HU");
            for fact in ["pixel_spacing", "image_position", "image_orientation", "windows"] {
                assert!(image[fact].as_array().is_some_and(|values| !values.is_empty()), "{fact}: {image}");
            }
        }
    }
    assert!(program.terminate().success());
}

#[test]
fn what_is_ingested_beside_a_server_shows_at_once() {
    let data = tempfile::tempdir().unwrap();
    let more = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "beside", 2);
    let study = study_uid("beside");
    let series = viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series");
    let path = format!("/api/v1/dicom/series/{}/images", series[0]["series_id"].as_str().unwrap());
    // Asked twice, so that the answer comes from the cache.
    assert_eq!((viewer.list(&path, "images").len(), viewer.list(&path, "images").len()), (2, 2));
    slice("beside", 3).write(&more.path().join("3.dcm")).unwrap();
    let ingested = run(command("noctis").arg("ingest").arg(more.path()).arg("--data").arg(data.path()));
    assert_eq!(String::from_utf8_lossy(&ingested.stdout), "1 accepted, 0 duplicate, 0 rejected\n");
    wait_until("the third slice in the list", || (viewer.list(&path, "images").len() == 3).then_some(()));
    assert_eq!(viewer.list("/api/v1/dicom/studies", "studies")[0]["image_count"], 3);
    viewer.png(&slice_uid("beside", 3), "").picture();
}

#[test]
fn a_second_server_on_one_data_folder_is_refused_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let first = serve(data.path(), &["--no-index"]);
    let second =
        || run(command("noctis").args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()));
    let refused = second();
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), sentence.lines().count()), (Some(2), 1), "{sentence}");
    assert!(sentence.starts_with("NOCTIS_DATA: ") && sentence.contains("another noctis serve"), "{sentence}");
    assert!(first.terminate().success());
    let next = serve(data.path(), &["--no-index"]);
    assert!(next.terminate().success(), "the folder is free again");
}

#[test]
fn images_come_in_the_order_of_their_geometry() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "order", 5);
    let study = study_uid("order");
    let series = viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series");
    let id = series[0]["series_id"].as_str().unwrap();
    let images = viewer.list(&format!("/api/v1/dicom/series/{id}/images"), "images");
    let numbers: Vec<_> = images.iter().map(|image| image["instance_number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
}

#[test]
fn thirty_two_equal_cold_requests_make_one_render() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "herd", 1);
    let image = slice_uid("herd", 1);
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let (viewer, image) = (viewer.clone(), image.clone());
            thread::spawn(move || viewer.png(&image, "preset=bone").picture().samples)
        })
        .collect();
    let pictures: Vec<_> = requests.into_iter().map(|request| request.join().unwrap()).collect();
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
    let renders = || viewer.metric("noctis_renders_total{outcome=\"rendered\"}");
    // A picture is announced before it is counted.
    wait_until("the render is counted", || (renders() >= 1.0).then_some(()));
    assert_eq!(renders(), 1.0);
}

#[test]
fn the_second_request_is_a_hit_and_the_third_with_its_tag_is_304() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "hit", 1);
    let image = slice_uid("hit", 1);
    let first = viewer.png(&image, "preset=lung");
    assert_eq!(first.tier(), "render", "{}", first.header("server-timing"));
    let second = viewer.png(&image, "window=1500&level=-600");
    assert_eq!((second.tier().as_str(), &second.body), ("memory", &first.body), "a preset is its window");
    let tag = first.header("etag").to_owned();
    let path = format!("/api/v1/dicom/images/{image}?preset=lung");
    let third = viewer.get_with(&path, &[("accept", "image/png"), ("if-none-match", &tag)]);
    assert_eq!((third.status, third.body.len()), (304, 0));
    assert_eq!(viewer.post("/api/v1/dicom/clear-cache").status, 200);
    assert_eq!(viewer.png(&image, "preset=lung").tier(), "render");
}

#[test]
fn the_command_line_draws_the_same_bytes_as_the_server() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "same", 1);
    let served = viewer.png(&slice_uid("same", 1), "preset=lung").body;
    let mut render = command("noctis");
    render.arg("render").arg(data.path().join("files/1.dcm")).args(["--preset", "lung", "-o", "-"]);
    let drawn = super::program::run(&mut render);
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    assert!(drawn.stdout == served);
}

#[test]
fn what_was_indexed_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve_study(data.path(), "restart", 2);
    let before = viewer.png(&slice_uid("restart", 1), "").body;
    assert!(program.terminate().success());
    let files = data.path().join("files");
    let again = serve(data.path(), &["--no-index", files.to_str().unwrap()]);
    let viewer = Viewer::new(&again.url);
    let after = viewer.png(&slice_uid("restart", 1), "");
    assert!(after.body == before);
    assert_eq!(after.tier(), "postgres", "the catalog keeps pictures across restarts");
}

#[test]
fn a_file_that_changed_since_it_was_indexed_is_not_shown() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_study(data.path(), "changed", 1);
    let path = data.path().join("files/1.dcm");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 0x40;
    std::fs::write(&path, bytes).unwrap();
    let answer = viewer.png(&slice_uid("changed", 1), "");
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains("no longer as it was when it was indexed"), "{}", answer.text());
    assert_eq!((&answer.json()["details"]["changed"], answer.header("retry-after")), (&true.into(), "2"));
}

#[test]
fn a_folder_that_moved_is_read_from_where_it_lies_now() {
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve_study(data.path(), "moved", 2);
    assert_eq!(viewer.png(&slice_uid("moved", 1), "").status, 200);
    assert!(program.terminate().success());
    let moved = data.path().join("moved");
    std::fs::rename(data.path().join("files"), &moved).unwrap();
    let mut program = serve(data.path(), &[moved.to_str().unwrap()]);
    assert_eq!(program.wait_for_line("indexed"), "indexed 2 instances, 0 rejected");
    let viewer = Viewer::new(&program.url);
    assert!(viewer.png(&slice_uid("moved", 2), "").picture().samples == windowed_slice(2, -700.0, 600.0));
}

#[test]
fn what_another_path_brought_stays_readable() {
    let data = tempfile::tempdir().unwrap();
    let (program, _viewer) = serve_study(data.path(), "first", 1);
    assert!(program.terminate().success());
    let other = tempfile::tempdir().unwrap();
    write_study(other.path(), "second", 1);
    let mut program = serve(data.path(), &[other.path().to_str().unwrap()]);
    program.wait_for_line("indexed");
    assert_eq!(Viewer::new(&program.url).png(&slice_uid("first", 1), "").status, 200);
}

#[test]
fn a_render_process_that_dies_is_replaced_and_nobody_notices() {
    let data = tempfile::tempdir().unwrap();
    let (program, viewer) = serve_study(data.path(), "slot", 2);
    let children = program.children();
    assert!(!children.is_empty(), "renders run in processes of their own");
    for child in &children {
        let killed = std::process::Command::new("kill").args(["-s", "KILL", child]).status().unwrap();
        assert!(killed.success());
    }
    let answer = viewer.png(&slice_uid("slot", 1), "");
    assert!(answer.picture().samples == windowed_slice(1, -700.0, 600.0));
}

#[test]
fn other_bytes_under_a_known_uid_are_a_conflict_and_the_first_stay() {
    let data = tempfile::tempdir().unwrap();
    let files = data.path().join("files");
    write_study(&files, "conflict", 1);
    let other = slice("conflict", 1).set(dicom_dictionary_std::tags::WINDOW_WIDTH, "900");
    other.write(&files.join("2.dcm")).unwrap();
    std::fs::copy(files.join("1.dcm"), files.join("3.dcm")).unwrap();
    let mut program = serve(data.path(), &[files.to_str().unwrap()]);
    assert_eq!(program.wait_for_line("indexed"), "indexed 2 instances, 1 rejected");
}
