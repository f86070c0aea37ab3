//! One process over the corpus of real files: every file is listed or rejected with a reason, every picture is
//! right, nothing panics.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use noctis_worker::index::{MissingUids, read_instance};
use serde_json::Value;

use super::{
    http::{Picture, Viewer},
    program::{Program, command},
};

/// The corpus; `None`, loudly, where there is none and this is no CI.
pub(crate) fn corpus() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("NOCTIS_CORPUS") {
        return Some(folder.into());
    }
    assert!(env::var_os("CI").is_none(), "CI needs NOCTIS_CORPUS");
    eprintln!("SKIPPED: NOCTIS_CORPUS is not set, no real file was tried");
    None
}

/// Some public files share a SOP Instance UID; each folder of copies holds every UID once at most.
fn folders_of_unique_uids(corpus: &Path, into: &Path) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(corpus.join("reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&manifest).unwrap();
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for entry in reference["files"].as_array().unwrap() {
        let file = corpus.join(entry["file"].as_str().unwrap());
        let uid = sop_instance_uid(&file).unwrap_or_default();
        let copy = seen.entry(uid).and_modify(|count| *count += 1).or_insert(0);
        // Files that are rejected can lie together.
        let folder = into.join(copy.to_string());
        if !folders.contains(&folder) {
            fs::create_dir_all(&folder).unwrap();
            folders.push(folder.clone());
        }
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    folders
}

pub(crate) fn sop_instance_uid(file: &Path) -> Option<String> {
    let instance = read_instance(file, "file:///", MissingUids::Derive).ok()?;
    Some(instance.sop_instance_uid)
}

fn serve(data: &Path, files: &Path) -> (Program, Viewer, String) {
    let mut serve = command("noctis");
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).arg(files);
    serve.env("NOCTIS_RATE_LIMIT", "off");
    let mut program = Program::start(&mut serve);
    let summary = program.wait_for_line("indexed");
    let viewer = Viewer::new(&program.url);
    (program, viewer, summary)
}

/// How far two pictures are apart.
struct Difference {
    max: u8,
    mean: f64,
    p999: u8,
}

fn difference(ours: &Picture, reference: &Picture) -> Option<Difference> {
    if (ours.rows, ours.columns) != (reference.rows, reference.columns) {
        return None;
    }
    let mut apart: Vec<u8> = ours.rgb().iter().zip(reference.rgb()).map(|(a, b)| a.abs_diff(b)).collect();
    apart.sort_unstable();
    let mean = apart.iter().map(|value| f64::from(*value)).sum::<f64>() / apart.len().max(1) as f64;
    let p999 = apart[(apart.len() * 999 / 1000).min(apart.len() - 1)];
    Some(Difference { max: *apart.last()?, mean, p999 })
}

fn within(difference: &Difference, tolerance: &Value) -> bool {
    match tolerance["max_abs"].as_f64() {
        Some(max) => f64::from(difference.max) <= max,
        None => {
            difference.mean <= tolerance["mean_abs"].as_f64().unwrap()
                && f64::from(difference.p999) <= tolerance["p999_abs"].as_f64().unwrap()
        }
    }
}

fn query(case: &Value) -> String {
    let frame = &case["frame"];
    let window = &case["window"];
    if case["kind"] == "default" || window["center"].is_null() {
        return format!("frame={frame}&overlays=false");
    }
    let function = window["function"].as_str().unwrap_or("LINEAR").to_lowercase();
    let (width, center) = (&window["width"], &window["center"]);
    format!("frame={frame}&overlays=false&window={width}&level={center}&function={function}")
}

#[test]
fn every_file_is_listed_or_rejected_and_every_reference_picture_is_right() {
    let Some(corpus) = corpus() else { return };
    let work = tempfile::tempdir().unwrap();
    let folders = folders_of_unique_uids(&corpus, &work.path().join("files"));
    let reference: Value =
        serde_json::from_str(&fs::read_to_string(corpus.join("reference.json")).unwrap()).unwrap();
    let (mut cases, mut wrong, mut refused) = (0, Vec::new(), 0);
    for (index, folder) in folders.iter().enumerate() {
        let (program, viewer, summary) = serve(&work.path().join(format!("data-{index}")), folder);
        let count = fs::read_dir(folder).unwrap().count();
        let numbers: Vec<usize> =
            summary.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        assert_eq!(numbers.iter().sum::<usize>(), count, "{summary}");
        for entry in reference["files"].as_array().unwrap() {
            let name = Path::new(entry["file"].as_str().unwrap()).file_name().unwrap().to_owned();
            let path = folder.join(&name);
            let Some(uid) = path.exists().then(|| sop_instance_uid(&path)).flatten() else { continue };
            let no_cases = Vec::new();
            let of_file = entry["cases"].as_array().unwrap_or(&no_cases);
            if of_file.is_empty() {
                let answer = viewer.png(&uid, "");
                assert!(matches!(answer.status, 200 | 404 | 406 | 422), "{name:?}: {}", answer.text());
                refused += 1;
            }
            // Without a window in the file the range shown is the server's choice; the corpus says so.
            let informative = |case: &&Value| {
                case["window"]["origin"].as_str().is_some_and(|origin| origin.starts_with("min-max"))
            };
            for case in of_file.iter().filter(|case| !informative(case)) {
                cases += 1;
                let answer = viewer.png(&uid, &query(case));
                if answer.status != 200 {
                    wrong.push(format!("{name:?} {}: {}", case["kind"], answer.text()));
                    continue;
                }
                let expected =
                    Picture::decode(&fs::read(corpus.join(case["png"].as_str().unwrap())).unwrap());
                match difference(&answer.picture(), &expected) {
                    Some(difference) if within(&difference, &entry["tolerance"]) => {}
                    Some(Difference { max, mean, p999 }) => {
                        wrong.push(format!(
                            "{name:?} {}: max {max} mean {mean:.3} p99.9 {p999}",
                            case["kind"]
                        ));
                    }
                    None => wrong.push(format!("{name:?} {}: another size", case["kind"])),
                }
            }
        }
        assert!(program.terminate().success());
    }
    println!(
        "{cases} reference pictures over HTTP, {} outside tolerance; {refused} files without one",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of the corpus with a kilobyte of noise in the middle and some bytes flipped in the header, by a fixed
/// sequence of numbers: every mutant is rejected, refused or shown, and the server is none the worse.
#[test]
fn mutated_files_kill_nothing() {
    let Some(corpus) = corpus() else { return };
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    fs::create_dir_all(&files).unwrap();
    super::files::write_study(&files, "among-mutants", 1);
    let mut originals: Vec<PathBuf> =
        fs::read_dir(corpus.join("files")).unwrap().map(|file| file.unwrap().path()).collect();
    originals.sort();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for (index, original) in originals.iter().step_by(4).enumerate() {
        let mut bytes = fs::read(original).unwrap();
        if bytes.len() > 400_000 {
            continue;
        }
        mutate(&mut bytes, &mut random);
        fs::write(files.join(format!("mutant-{index}.dcm")), bytes).unwrap();
    }
    let (program, viewer, _) = serve(&work.path().join("data"), &files);
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for study in viewer.list("/api/v1/dicom/studies?limit=500", "studies") {
        let study = study["study_id"].as_str().unwrap().to_owned();
        for series in viewer.list(&format!("/api/v1/dicom/studies/{study}/series"), "series") {
            let series = series["series_id"].as_str().unwrap().to_owned();
            for image in viewer.list(&format!("/api/v1/dicom/series/{series}/images"), "images") {
                let answer = viewer.png(image["image_id"].as_str().unwrap(), "");
                assert!(matches!(answer.status, 200 | 406 | 422), "{}: {}", answer.status, answer.text());
                *statuses.entry(answer.status).or_default() += 1;
            }
        }
    }
    println!("mutants by status: {statuses:?}");
    assert!(statuses.contains_key(&422), "the mutants are damaged");
    let sound = viewer.png(&super::files::slice_uid("among-mutants", 1), "");
    assert!(sound.picture().samples == super::files::windowed_slice(1, -700.0, 600.0));
    assert!(program.terminate().success());
}

fn mutate(bytes: &mut [u8], random: &mut u64) {
    let mut next = || {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    };
    let length = bytes.len();
    let middle = length / 2;
    for byte in &mut bytes[middle..(middle + 1024).min(length)] {
        *byte = next() as u8;
    }
    for _ in 0..4 {
        // Behind the file meta information, mostly in the header.
        let place = 400 + (next() as usize) % (length / 3).max(1);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 << (next() % 8);
        }
    }
}
