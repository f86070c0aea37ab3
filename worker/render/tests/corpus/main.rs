//! Pictures of real and of built files against references made by other toolkits.
//!
//! `NOCTIS_CORPUS` names the folder. Without it the tests say that they were skipped, and fail under `CI`,
//! so that a skipped suite never looks like a pass.

#![expect(clippy::print_stdout, reason = "the summary is what one reads")]

mod explained;
mod found;
mod native;
mod pictures;
mod reduced;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

use noctis_render::{FrameRequest, Voi, VoiFunction, Window};
use pictures::{compare, render};
use serde_json::Value;

#[test]
fn references_are_met_within_their_tolerance() {
    let Some(corpus) = corpus() else { return };
    let listing: Value =
        serde_json::from_slice(&fs::read(corpus.join("reference.json")).expect("reference.json"))
            .expect("valid JSON");
    let (mut failures, mut informative) = (Vec::new(), Vec::new());
    let mut count = 0;
    for file in listing["files"].as_array().expect("a list of files") {
        for case in file["cases"].as_array().expect("a list of cases") {
            count += 1;
            let name = case["png"].as_str().expect("a name");
            if let Err(failure) = check_case(&corpus, file, case) {
                // The view of a file without a window is the server's to choose; the corpus calls these informative.
                let origin = case["window"]["origin"].as_str().unwrap_or_default();
                let list = if origin.starts_with("min-max") { &mut informative } else { &mut failures };
                list.push(format!("{name}: {failure}"));
            }
        }
    }
    println!("informative references that differ: {}\n{}", informative.len(), informative.join("\n"));
    // Not counted: a reference that only informs and is not met must not look like one that is.
    report("references", count - informative.len(), &failures);
}

#[test]
fn edge_cases_are_shown_as_the_standard_asks() {
    let Some(corpus) = corpus() else { return };
    let mut failures = Vec::new();
    let files = files_in(&corpus.join("edge/files"));
    for file in &files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if let Err(failure) = check_edge_case(&corpus, file, &name) {
            failures.push(format!("{name}: {failure}"));
        }
    }
    report("edge cases", files.len(), &failures);
}

/// Files without a reference picture: damaged, or without pixels. None may panic, and each gets an answer.
#[test]
fn files_without_a_reference_get_an_answer() {
    let Some(corpus) = corpus() else { return };
    for file in files_in(&corpus.join("files")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        match render(&file, &FrameRequest::default()) {
            Ok(picture) => assert!(!picture.bytes.is_empty(), "{name}"),
            Err(error) => {
                assert!(error.is_permanent(), "{name}: {error}");
                println!("{name}: {error}");
            }
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("NOCTIS_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var_os("CI").is_none(), "NOCTIS_CORPUS must be set in CI");
        println!("SKIPPED: NOCTIS_CORPUS is not set, no picture was compared");
    }
    folder
}

fn report(what: &str, count: usize, failures: &[String]) {
    println!("{what}: {} of {count} met", count - failures.len());
    assert!(failures.is_empty(), "{} of {count} {what} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(count > 0, "no {what} found");
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the corpus");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn check_case(corpus: &Path, file: &Value, case: &Value) -> Result<(), String> {
    let window = &case["window"];
    let voi = match (case["kind"].as_str(), window["function"].as_str()) {
        (Some("default"), _) => Voi::FromFile,
        (_, function) => {
            let function = match function {
                Some("LINEAR_EXACT") => VoiFunction::LinearExact,
                Some("SIGMOID") => VoiFunction::Sigmoid,
                _ => VoiFunction::Linear,
            };
            let number = |name: &str| window[name].as_f64().unwrap_or(f64::NAN);
            Voi::Window(
                Window::new(number("center"), number("width"), function)
                    .map_err(|error| error.to_string())?,
            )
        }
    };
    let frame_number = case["frame"].as_u64().unwrap_or(1) as u32;
    let request = FrameRequest { frame_number, voi, overlays: false, ..FrameRequest::default() };
    let path = corpus.join(file["file"].as_str().unwrap_or_default());
    let picture = render(&path, &request).map_err(|error| error.to_string())?;
    let difference = compare(&picture, &corpus.join(case["png"].as_str().unwrap_or_default()))?;
    let tolerance = &file["tolerance"];
    let within = match tolerance["max_abs"].as_u64() {
        Some(maximum) => u64::from(difference.maximum) <= maximum,
        None => {
            let bound = |name: &str| tolerance[name].as_f64().unwrap_or(0.0);
            difference.mean <= bound("mean_abs") && f64::from(difference.p999) <= bound("p999_abs")
        }
    };
    if within { Ok(()) } else { Err(format!("{} for {tolerance}", difference.text())) }
}

fn check_edge_case(corpus: &Path, file: &Path, name: &str) -> Result<(), String> {
    let frame_number = if name.starts_with("F1_") { 2 } else { 1 };
    let request = FrameRequest { frame_number, ..FrameRequest::default() };
    let picture = render(file, &request).map_err(|error| error.to_string())?;
    let difference = compare(&picture, &corpus.join(format!("edge/expected/{name}.png")))?;
    let tolerance = if name.contains("jpeg") || name.contains("ybr") { 3 } else { 1 };
    if difference.maximum <= tolerance { Ok(()) } else { Err(difference.text()) }
}
