//! The operator's commands.

use std::{fs::File, net::TcpListener, path::Path};

use super::{
    files::write_study,
    program::{Program, command, run},
};

#[test]
fn ingest_counts_what_it_took_knew_and_refused() {
    let data = tempfile::tempdir().unwrap();
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "ingest", 3);
    let ingest = || run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
    std::fs::copy(files.path().join("1.dcm"), files.path().join("copy.dcm")).unwrap();
    let first = ingest();
    assert_eq!(String::from_utf8_lossy(&first.stdout), "3 accepted, 1 duplicate, 0 rejected\n");
    assert_eq!(first.status.code(), Some(0));
    std::fs::write(files.path().join("note.txt"), "not a DICOM file").unwrap();
    let second = ingest();
    assert_eq!(String::from_utf8_lossy(&second.stdout), "0 accepted, 4 duplicate, 1 rejected\n");
    assert_eq!(second.status.code(), Some(1));
    let named = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(named.contains("note.txt: not a DICOM file"), "{named}");
}

#[test]
fn config_says_where_each_value_came_from_and_masks_secrets() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "namespace = \"ward-7\"\n").unwrap();
    let mut config = command("noctis");
    config.args(["config", "--config"]).arg(file.path());
    config.env("NOCTIS_QUEUE_URL", "amqp://guest:geheim@127.0.0.1/").env("NOCTIS_DATA", "/var/lib/noctis");
    let output = run(&mut config);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("geheim"), "{text}");
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("NOCTIS_NAMESPACE").contains("ward-7") && line("NOCTIS_NAMESPACE").contains("file "));
    assert!(line("NOCTIS_QUEUE_URL").contains("environment"));
    assert!(line("NOCTIS_LISTEN").contains("default"));
}

#[test]
fn a_frame_that_is_not_there_fails_with_status_1() {
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "frame", 1);
    let output = run(command("noctis")
        .arg("render")
        .arg(files.path().join("1.dcm"))
        .args(["--frame", "2", "-o", "-"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no frame 2"));
}

#[test]
fn the_ending_of_the_output_says_what_the_picture_is() {
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "ending", 1);
    let cases: [(&str, &[&str], &[u8]); 7] = [
        ("slice.png", &[], b"\x89PNG"),
        ("slice.jpg", &[], b"\xff\xd8\xff"),
        ("slice.JPEG", &[], b"\xff\xd8\xff"),
        ("slice.webp", &[], b"RIFF"),
        ("slice", &[], b"\x89PNG"),
        ("1.2.840.1", &["--format", "jpeg"], b"\xff\xd8\xff"),
        ("values.png", &["--format", "png16"], b"\x89PNG"),
    ];
    for (name, arguments, start) in cases {
        let (file, target) = (files.path().join("1.dcm"), files.path().join(name));
        let output = run(command("noctis").arg("render").arg(file).arg("-o").arg(&target).args(arguments));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(&target).unwrap().starts_with(start), "{name}");
    }
}

#[test]
fn an_ending_that_would_lie_about_the_picture_is_bad_usage() {
    let files = tempfile::tempdir().unwrap();
    write_study(files.path(), "ending", 1);
    let cases: [(&str, &[&str], &str); 4] = [
        ("slice.gif", &[], "-o: the ending \"gif\" is not one of png, jpg, jpeg, webp\n"),
        ("slice.gif", &["--format", "png"], "-o: the ending \"gif\" is not one of png, jpg, jpeg, webp\n"),
        ("slice.png", &["--format", "jpeg"], "--format: is not what the ending \"png\" of -o stands for\n"),
        ("slice.jpg", &["--format", "png16"], "--format: is not what the ending \"jpg\" of -o stands for\n"),
    ];
    for (name, arguments, sentence) in cases {
        let (file, target) = (files.path().join("1.dcm"), files.path().join(name));
        let output = run(command("noctis").arg("render").arg(file).arg("-o").arg(&target).args(arguments));
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), sentence, "{name}");
        assert!(!target.exists(), "{name}");
    }
}

/// Every line, which is JSON, and names no patient.
fn json_lines(text: &str) -> Vec<serde_json::Value> {
    assert!(!text.contains("Doe"), "{text}");
    let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    text.lines().map(line).collect()
}

/// One file that is taken, and one that is not, named for a patient as scanners and people do.
fn write_one_of_each(folder: &Path, study: &str) {
    write_study(folder, study, 1);
    std::fs::write(folder.join("Doe_Jane.dcm"), "not a DICOM file").unwrap();
}

#[test]
fn names_of_rejected_files_are_no_log_lines_and_json_stays_json() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_one_of_each(files.path(), "names");
    let log = data.path().join("log");
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).arg(files.path());
    serve.env("NOCTIS_LOG_FORMAT", "json").env("NOCTIS_LOG", "debug").stderr(File::create(&log).unwrap());
    let mut program = Program::start(&mut serve);
    assert!(program.wait_for_line("rejected ").contains("Doe_Jane.dcm: not a DICOM file"));
    assert_eq!(program.wait_for_line("indexed"), "indexed 1 instances, 1 rejected");
    assert!(program.terminate().success());
    assert!(!json_lines(&std::fs::read_to_string(&log).unwrap()).is_empty());
}

#[test]
fn ingest_beside_json_logs_names_rejected_files_on_standard_output() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_one_of_each(files.path(), "ingest-names");
    let mut ingest = command("noctis");
    ingest.arg("ingest").arg(files.path()).arg("--data").arg(data.path());
    let output = run(ingest.env("NOCTIS_LOG_FORMAT", "json").env("NOCTIS_LOG", "debug"));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("rejected ") && told.contains("Doe_Jane.dcm: not a DICOM file"), "{told}");
    assert!(told.ends_with("\n1 accepted, 0 duplicate, 1 rejected\n"), "{told}");
    json_lines(&String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_last_sentence_of_a_program_with_json_logs_is_json() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut serve = command("noctis");
    serve.args(["serve", "--data"]).arg(data.path()).env("NOCTIS_LOG_FORMAT", "json");
    let output = run(serve.arg("--listen").arg(taken.local_addr().unwrap().to_string()));
    assert_eq!(output.status.code(), Some(2));
    let lines = json_lines(&String::from_utf8_lossy(&output.stderr));
    let message = lines.last().and_then(|line| line["message"].as_str()).unwrap_or_default();
    assert!(message.starts_with("NOCTIS_LISTEN: ") && message.contains("cannot be listened on"), "{message}");
}
