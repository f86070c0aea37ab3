//! Renders the cases of scripts/conformance with dicom-pixeldata, as its documentation shows: decode one frame,
//! `to_dynamic_image_with_options`, save. A line of JSON in (the case), a line of JSON out (why it failed, or null).

use std::error::Error;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_pixeldata::{ConvertOptions, PixelDecoder, VoiLutFunction, VoiLutOption, WindowLevel};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let error = match catch_unwind(AssertUnwindSafe(|| render(&case))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("panic".to_owned()),
        };
        writeln!(out, "{}", json!({ "id": case["id"], "error": error }))?;
    }
    Ok(())
}

fn render(case: &Value) -> Result<(), Box<dyn Error>> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let frame_index = case["frame"].as_u64().unwrap_or(1) as u32 - 1;
    let window = &case["window"];
    let number = |name: &str| window[name].as_f64().unwrap_or_default();
    let voi = if window.is_null() {
        VoiLutOption::Default
    } else {
        let level = WindowLevel { center: number("center"), width: number("width") };
        let function = match window["function"].as_str() {
            Some("SIGMOID") => VoiLutFunction::Sigmoid,
            Some("LINEAR_EXACT") => VoiLutFunction::LinearExact,
            _ => VoiLutFunction::Linear,
        };
        VoiLutOption::CustomWithFunction(level, function)
    };
    let object = dicom_object::open_file(text("path"))?;
    let pixels = object.decode_pixel_data_frame(frame_index)?;
    let options = ConvertOptions::new().with_voi_lut(voi).force_8bit();
    pixels.to_dynamic_image_with_options(0, &options)?.save(text("png"))?;
    Ok(())
}
