//! The storage held against the catalog, by the public contract alone.

use std::path::{Path, PathBuf};

use super::{
    files::write_study,
    program::{command, run},
};

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

/// What it prints, and its status.
fn verify(data: &Path, more: &[&str]) -> (String, Option<i32>) {
    let done = run(command("noctis").args(["verify", "--data"]).arg(data).args(more));
    (String::from_utf8_lossy(&done.stdout).into_owned(), done.status.code())
}

#[test]
fn a_lost_catalog_is_made_again_from_the_storage_and_damage_is_told_and_never_drawn() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_study(files.path(), "verified", 3);
    let ingested = run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
    assert!(ingested.status.success());
    assert_eq!(verify(data.path(), &[]), ("3 sound, 0 faults, 0 repaired\n".to_owned(), Some(0)));

    // All that is left is the storage.
    for file in files_under(data.path()) {
        if !file.starts_with(data.path().join("storage")) {
            std::fs::remove_file(file).unwrap();
        }
    }
    let (told, status) = verify(data.path(), &[]);
    assert_eq!((told.matches("orphan file://").count(), status), (3, Some(1)), "{told}");
    assert!(told.ends_with("0 sound, 3 faults, 0 repaired\n"), "{told}");
    let (told, status) = verify(data.path(), &["--repair"]);
    assert!(status == Some(0) && told.ends_with("0 sound, 3 faults, 3 repaired\n"), "{told}");
    assert_eq!(verify(data.path(), &[]), ("3 sound, 0 faults, 0 repaired\n".to_owned(), Some(0)));

    // Damage does not become another instance.
    let stored = files_under(&data.path().join("storage"));
    let mut bytes = std::fs::read(&stored[0]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&stored[0], bytes).unwrap();
    std::fs::remove_file(&stored[1]).unwrap();
    for more in [&["--json"][..], &["--json", "--repair"]] {
        let (told, status) = verify(data.path(), more);
        let lines: Vec<serde_json::Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut faults: Vec<&str> = lines.iter().filter_map(|line| line["fault"].as_str()).collect();
        faults.sort_unstable();
        assert_eq!((faults, status), (vec!["changed", "missing"], Some(1)), "{told}");
        let summary = serde_json::json!({"sound": 1, "faults": 2, "repaired": 0, "elsewhere": 0});
        assert_eq!(lines.last().unwrap()["verified"], summary);
    }
    // What was sent again is there again.
    let again = run(command("noctis").arg("ingest").arg(files.path()).arg("--data").arg(data.path()));
    assert!(again.status.success());
    assert_eq!(files_under(&data.path().join("storage")).len(), 3);
}
