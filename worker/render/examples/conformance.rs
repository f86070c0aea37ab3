//! Renders the cases of `scripts/conformance`. A line of JSON in (a file, a frame, a window, where the PNG goes),
//! a line of JSON out (why there is no picture, or null). The peers in `tests/peers` speak the same.

#![expect(clippy::print_stdout, reason = "the answers are what the script reads")]

use std::error::Error;
use std::fs;
use std::io::BufRead;

use noctis_render::{
    FrameRequest, Limits, Picture, RenderError, Voi, VoiFunction, Window, WindowError, inflate, render_frame,
    scan,
};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let error = answer(&case).err().map(|error| error.to_string());
        println!("{}", json!({ "id": case["id"], "error": error }));
    }
    Ok(())
}

fn answer(case: &Value) -> Result<(), Box<dyn Error>> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let request = FrameRequest {
        frame_number: u32::try_from(case["frame"].as_u64().unwrap_or(1))?,
        voi: voi(&case["window"])?,
        overlays: case["overlays"].as_bool().unwrap_or(true),
        ..FrameRequest::default()
    };
    let picture = render(text("path"), &request)?;
    fs::write(text("png"), picture.bytes)?;
    Ok(())
}

fn voi(window: &Value) -> Result<Voi, WindowError> {
    if window.is_null() {
        return Ok(Voi::FromFile);
    }
    let number = |name: &str| window[name].as_f64().unwrap_or(f64::NAN);
    let function = match window["function"].as_str() {
        Some("LINEAR_EXACT") => VoiFunction::LinearExact,
        Some("SIGMOID") => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    Ok(Voi::Window(Window::new(number("center"), number("width"), function)?))
}

/// Renders as the worker does: scan, read one range, render.
fn render(path: &str, request: &FrameRequest) -> Result<Picture, RenderError> {
    let limits = Limits::default();
    let mut file = fs::read(path)?;
    let scan = scan(&file, &limits)?;
    let pixels = scan.pixels.ok_or(RenderError::NoPixelData)?;
    if pixels.deflated {
        file = inflate(&file, &limits)?;
    }
    let available = pixels.frames.len() as u32;
    let range = request.frame_number.checked_sub(1).and_then(|index| pixels.frames.get(index as usize));
    let range = range.ok_or(RenderError::NoSuchFrame { asked: request.frame_number, available })?;
    let frame_bytes = &file[range.offset as usize..][..range.byte_count as usize];
    render_frame(&scan.header, frame_bytes, request, &limits)
}
