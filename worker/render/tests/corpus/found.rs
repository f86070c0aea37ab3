//! Files of faults that reviews and public reports found, against the pictures that are right (`found/cases.json`).
//! What only a server can tell (lists, names, order) is asked over HTTP by the journeys.

use std::path::Path;

use noctis_render::{FrameRequest, Voi, VoiFunction, Window};
use serde_json::Value;

use super::pictures::{Pixels, read_png, render};
use super::{corpus, report};

#[test]
fn found_faults_stay_mended() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("found");
    let (mut count, mut failures) = (0, Vec::new());
    for list in ["cases.json", "reports/cases.json"] {
        let cases = std::fs::read(folder.join(list)).expect("a list of cases");
        let cases: Value = serde_json::from_slice(&cases).expect("valid JSON");
        for case in cases.as_array().expect("a list") {
            let Some(outcome) = check(&folder, case) else { continue };
            count += 1;
            if let Err(failure) = outcome {
                failures.push(format!("{}: {failure} ({})", case["name"], case["why"]));
            }
        }
    }
    report("found cases", count, &failures);
}

/// `None` for what pictures alone do not tell.
fn check(folder: &Path, case: &Value) -> Option<Result<(), String>> {
    let file = folder.join(case["file"].as_str()?);
    let expect = &case["expect"];
    let picture = || {
        let picture = render(&file, &request(&case["ask"])).map_err(|error| error.to_string())?;
        read_png(picture.bytes.as_slice())
    };
    if let Some(expected) = expect.as_str() {
        return Some(picture().and_then(|picture| compare(&picture, &folder.join(expected), &case["tol"])));
    }
    if let Some(grey) = expect["first_gray"].as_u64() {
        let at = |picture: Pixels| u64::from(picture.rgb[(8 * picture.columns as usize + 8) * 3]);
        let is_grey =
            |found: u64| if found == grey { Ok(()) } else { Err(format!("{found} instead of {grey}")) };
        return Some(picture().and_then(|picture| is_grey(at(picture))));
    }
    expect["status"].is_array().then(|| match picture() {
        Ok(_) => Err("a picture instead of an error".to_owned()),
        Err(_) => Ok(()),
    })
}

fn request(ask: &Value) -> FrameRequest {
    let number = |name: &str| ask[name].as_u64().map(|value| value as u32);
    let window = ask["window"].as_f64().zip(ask["level"].as_f64()).map(|(width, center)| {
        Voi::Window(Window::new(center, width, VoiFunction::Linear).expect("a valid window"))
    });
    FrameRequest {
        frame_number: number("frame").unwrap_or(1),
        voi: window.unwrap_or(Voi::FromFile),
        fit: noctis_render::Fit { width: number("width"), height: number("height"), enlarge: false },
        ..FrameRequest::default()
    }
}

/// Pixels that are transparent in the expected picture are not compared.
fn compare(ours: &Pixels, expected: &Path, tolerance: &Value) -> Result<(), String> {
    let theirs = read_png(std::fs::File::open(expected).map_err(|error| error.to_string())?)?;
    if (ours.columns, ours.rows) != (theirs.columns, theirs.rows) {
        return Err(format!(
            "{} x {} instead of {} x {}",
            ours.columns, ours.rows, theirs.columns, theirs.rows
        ));
    }
    let pixels = ours.rgb.as_chunks::<3>().0.iter().zip(theirs.rgb.as_chunks::<3>().0).zip(&theirs.opaque);
    let mut apart: Vec<u8> = pixels
        .filter(|(_, opaque)| **opaque)
        .flat_map(|((ours, theirs), _)| [0, 1, 2].map(|sample| ours[sample].abs_diff(theirs[sample])))
        .collect();
    apart.sort_unstable();
    let mean = apart.iter().map(|&value| f64::from(value)).sum::<f64>() / apart.len() as f64;
    let (p99, max) = (apart[(apart.len() - 1) * 99 / 100], apart[apart.len() - 1]);
    let is_near = match tolerance.as_f64() {
        Some(levels) => f64::from(max) <= levels,
        None => {
            mean <= tolerance["mean"].as_f64().unwrap_or(0.0)
                && f64::from(p99) <= tolerance["p99"].as_f64().unwrap_or(0.0)
        }
    };
    if is_near { Ok(()) } else { Err(format!("mean {mean:.2}, p99 {p99}, max {max} for {tolerance}")) }
}
