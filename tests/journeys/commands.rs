//! The operator's commands.

use super::{
    files::write_study,
    program::{command, run},
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
fn what_is_not_built_says_so() {
    for arguments in [vec!["token", "--subject", "x"], vec!["user", "add", "x"]] {
        let output = run(command("noctis").args(arguments));
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("not built in this version"));
    }
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
