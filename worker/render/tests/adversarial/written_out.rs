//! Files and the pictures that the oracle wants of them, for other toolkits to be held against: `scripts/conformance
//! --adversarial DIR` reads the folder.

use std::fs;
use std::path::Path;

use noctis_render::{FrameRequest, Voi, VoiFunction};
use serde_json::{Value, json};

use crate::case::{Case, Colours};
use crate::{generate, oracle, write};

/// Writes a file for each case, a picture for each view of it, and `cases.json`.
pub(crate) fn write_out(folder: &Path, cases: impl Iterator<Item = Case>) {
    fs::create_dir_all(folder).expect("a folder");
    let mut entries = Vec::new();
    for case in cases {
        let path = folder.join(format!("{}.dcm", case.seed));
        fs::write(&path, write::file(&case)).expect("room for a file");
        for (view, request) in views(&case) {
            let name = format!("{}.{view}", case.seed);
            if let Some(tolerance) = write_picture(&folder.join(format!("{name}.png")), &case, &request) {
                entries.push(entry(&case, &name, &request, tolerance));
            }
        }
    }
    let text = serde_json::to_string_pretty(&entries).expect("plain values");
    fs::write(folder.join("cases.json"), text).expect("room for a file");
}

/// The view of the file itself, and a window that every toolkit can be asked for. No overlays: no toolkit is told to
/// show them in the same way.
fn views(case: &Case) -> Vec<(&'static str, FrameRequest)> {
    let own = FrameRequest { frame_number: case.frame_number, overlays: false, ..FrameRequest::default() };
    let mut views = vec![("own", own.clone())];
    if case.is_monochrome() {
        let window = generate::window(case, VoiFunction::Linear);
        views.push(("window", FrameRequest { voi: Voi::Window(window), ..own }));
    }
    views
}

/// By how many levels a picture may differ from the one written; `None` where nothing is asserted of some pixel, so that
/// there is none.
fn write_picture(path: &Path, case: &Case, request: &FrameRequest) -> Option<u32> {
    let expected = oracle::levels(case, request);
    let middle = |band: &Option<oracle::Band>| {
        band.map(|band| (f64::midpoint(band.low, band.high) + 0.5).floor().clamp(0.0, 255.0) as u8)
    };
    let levels = expected.bands.iter().map(middle).collect::<Option<Vec<u8>>>()?;
    let file = fs::File::create(path).expect("room for a picture");
    let mut encoder = png::Encoder::new(file, expected.columns, expected.rows);
    encoder.set_color(if expected.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    let mut writer = encoder.write_header().expect("room for a picture");
    writer.write_image_data(&levels).expect("room for a picture");
    let widest = expected.bands.iter().flatten().map(|band| band.high - band.low).fold(0.0, f64::max);
    Some((widest / 2.0).ceil() as u32 + 1)
}

fn entry(case: &Case, name: &str, request: &FrameRequest, tolerance: u32) -> Value {
    let window = match &request.voi {
        Voi::Window(window) => {
            json!({"center": window.center(), "width": window.width(), "function": "LINEAR"})
        }
        _ => Value::Null,
    };
    // Equations of YBR are rounded to different digits by different toolkits.
    let tolerance = match &case.colours {
        Colours::YbrFull { .. } | Colours::YbrFull422 { .. } => tolerance.max(3),
        _ => tolerance,
    };
    let display = &case.display;
    let in_groups =
        display.rescale.is_in_groups() || display.windows.is_in_groups() || display.voi_table.is_in_groups();
    json!({
        "name": name, "file": format!("{}.dcm", case.seed), "frame": case.frame_number, "window": window,
        "tolerance": tolerance, "transfer_syntax": case.form.syntax.uid(),
        "photometric": case.colours.photometric(), "in_groups": in_groups,
    })
}
