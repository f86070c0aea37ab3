//! Wrong settings, wrong requests, wrong files: a clear error each, and no harm to anything else.

use dicom_dictionary_std::{tags, uids};
use noctis_demo::{DemoFile, Samples, Uids};

use super::{
    files::{slice, slice_uid, write_study},
    http::Viewer,
    program::{Program, command, run},
};

#[test]
fn a_wrong_setting_ends_every_program_with_status_2_and_one_sentence() {
    let cases = [
        (
            "noctis",
            vec!["serve"],
            "NOCTIS_QUEUE_URL",
            "http://x",
            r#"scheme "http" is not one of memory, amqp, amqps"#,
        ),
        ("noctis", vec!["serve"], "NOCTIS_LISTEN", "nowhere", "is not an address and a port"),
        ("noctis", vec!["serve"], "NOCTIS_LISTEN", "0.0.0.0:0", "listens on loopback only"),
        ("noctis", vec!["serve"], "NOCTIS_AUTH", "jwt", "takes one secret, or several"),
        ("noctis", vec!["token", "--subject", "x"], "NOCTIS_AUTH", "off", "it takes jwt"),
        ("noctis-api", vec![], "NOCTIS_QUEUE_URL", "memory:", "it takes amqp or amqps, not memory"),
        ("noctis-worker", vec![], "NOCTIS_LANES", "fast", r#"lane "fast" is not one of"#),
        (
            "noctis-worker",
            vec![],
            "NOCTIS_CATALOG_URL",
            "mysql://x",
            r#"scheme "mysql" is not one of sqlite, postgres"#,
        ),
    ];
    let data = tempfile::tempdir().unwrap();
    for (program, arguments, name, value, sentence) in cases {
        let output = run(command(program).args(arguments).env("NOCTIS_DATA", data.path()).env(name, value));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{program} {name}={value}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(sentence), "{program} {name}={value}: {error}");
    }
}

#[test]
fn a_name_that_is_no_setting_ends_every_program_with_status_2_and_one_sentence() {
    for (program, arguments) in
        [("noctis", &["serve"][..]), ("noctis", &["config"]), ("noctis-api", &[]), ("noctis-worker", &[])]
    {
        let output = run(command(program).args(arguments).env("NOCTIS_QUEU_URL", "amqp://127.0.0.1"));
        assert_eq!(output.status.code(), Some(2), "{program}");
        let sentence = "NOCTIS_QUEU_URL: is not a setting; did you mean NOCTIS_QUEUE_URL?\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), sentence, "{program}");
    }
    let ours =
        ["NOCTIS_CORPUS", "NOCTIS_TEST_AMQP_URL", "NOCTIS_ADVERSARIAL_SEED", "NOCTIS_URL", "NOCTIS_CHROMIUM"];
    let mut config = command("noctis");
    for name in ours {
        config.env(name, "x");
    }
    assert!(run(config.arg("config")).status.success(), "names of tests and scripts are let be");
}

#[test]
fn a_path_that_is_not_there_is_bad_usage() {
    let data = tempfile::tempdir().unwrap();
    let output = run(command("noctis").args(["serve", "/no/such/folder", "--data"]).arg(data.path()));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("/no/such/folder: "));
}

/// Nobody may write to `/proc`, not even the superuser that tests may run as.
#[test]
fn a_data_folder_that_cannot_be_written_to_is_named() {
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "unwritable", 1);
    for arguments in [&["serve", "--demo"][..], &["serve"], &["serve", "--no-index"], &["ingest"]] {
        let paths = if *arguments == ["ingest"] { vec![files.path()] } else { vec![] };
        let output = run(command("noctis").args(arguments).args(paths).args(["--data", "/proc"]));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.starts_with("NOCTIS_DATA: /proc cannot be written to: "), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// A folder with one good slice among bad company.
fn serve_bad_company(data: &std::path::Path) -> (Program, Viewer) {
    let files = data.join("files");
    write_study(&files, "company", 1);
    std::fs::write(files.join("text.dcm"), "not a DICOM file at all").unwrap();
    std::fs::write(files.join("empty.dcm"), "").unwrap();
    let whole = slice("company", 7).to_bytes().unwrap();
    std::fs::write(files.join("header-cut.dcm"), &whole[..200]).unwrap();
    let report_without_uids = DemoFile::new(uids::BASIC_TEXT_SR_STORAGE, &Uids::named("company", "axial", 8));
    report_without_uids.without(tags::STUDY_INSTANCE_UID).write(&files.join("no-study.dcm")).unwrap();
    slice("company", 2).number(tags::BITS_ALLOCATED, 13).write(&files.join("bits.dcm")).unwrap();
    std::fs::write(files.join("pixels-cut.dcm"), cut_pixels(3)).unwrap();
    let report = DemoFile::new(uids::BASIC_TEXT_SR_STORAGE, &Uids::named("company", "report", 1));
    report.set(tags::MODALITY, "SR").write(&files.join("report.dcm")).unwrap();
    let grey = DemoFile::new(uids::SECONDARY_CAPTURE_IMAGE_STORAGE, &Uids::named("company", "zero", 1));
    grey.pixels(0, 0, 1, Samples::Grey8(vec![])).write(&files.join("zero-rows.dcm")).unwrap();
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(&files);
    let mut program = Program::start(&mut serve);
    program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    (program, viewer)
}

fn cut_pixels(number: u32) -> Vec<u8> {
    let mut bytes = slice("company", number).to_bytes().unwrap();
    bytes.truncate(bytes.len() - 1000);
    bytes
}

#[test]
fn bad_files_are_rejected_or_refused_with_a_reason_and_harm_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_bad_company(data.path());
    for (number, about) in [(2, "BitsAllocated 13"), (3, "pixel data cut short")] {
        let answer = viewer.png(&slice_uid("company", number), "");
        assert_eq!(answer.status, 422, "{about}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{about}");
    }
    let report = Uids::named("company", "report", 1).instance;
    assert_eq!(viewer.png(&report, "").status, 422);
    assert_eq!(viewer.png(&slice_uid("company", 1), "").status, 200);
    for rejected in [7, 8] {
        assert_eq!(viewer.png(&slice_uid("company", rejected), "").status, 404);
    }
}

#[test]
fn a_bad_request_is_a_problem_that_names_the_parameter() {
    let data = tempfile::tempdir().unwrap();
    let (_program, viewer) = serve_bad_company(data.path());
    let image = slice_uid("company", 1);
    let cases = [
        ("window=100", "level"),
        ("level=100", "window"),
        ("window=0&level=40", "window"),
        ("window=x&level=40", "window"),
        ("preset=lungs", "preset"),
        ("preset=lung&window=1&level=1", "preset"),
        ("frame=0", "frame"),
        ("frame=x", "frame"),
        ("width=0", "width"),
        ("quality=101", "quality"),
        ("function=cubic", "function"),
        ("invert=maybe", "invert"),
        ("colour=red", "colour"),
    ];
    for (query, parameter) in cases {
        let answer = viewer.png(&image, query);
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["details"]["parameter"], parameter, "{query}: {problem}");
        for member in
            ["type", "title", "status", "detail", "instance", "error", "details", "timestamp", "path"]
        {
            assert!(!problem[member].is_null(), "{query}: {member} is missing");
        }
    }
    assert_eq!(viewer.png(&image, "frame=2").status, 404);
    assert_eq!(viewer.png("no-image", "").status, 404);
    assert_eq!(viewer.get("/api/v1/dicom/studies/1.2.3").status, 404);
    assert_eq!(viewer.get("/api/v1/dicom/series/1.2.3/images").status, 404);
    let path = format!("/api/v1/dicom/images/{image}");
    assert_eq!(viewer.get_with(&path, &[("accept", "text/html;q=0.9, application/pdf")]).status, 406);
}
