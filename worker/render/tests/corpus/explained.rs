//! What is told of the pixels of real files is what is drawn of them.

use std::path::Path;

use noctis_render::{DisplaySamples, FrameRequest, Voi, VoiFunction, Window, compose_frame, explain_pixel};

use crate::{corpus, files_in, pictures::decode, report};

/// Pixels of each picture, spread over it.
const PIXELS: usize = 97;

#[test]
fn pixels_of_real_files_are_told_as_they_are_drawn() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut failures) = (0, Vec::new());
    for folder in ["files", "edge/files"] {
        for file in files_in(&corpus.join(folder)) {
            match check(&file) {
                Ok(pixels) => count += pixels,
                Err(failure) => failures.push(format!("{}: {failure}", file.display())),
            }
        }
    }
    report("pixels", count, &failures);
    assert!(count > 1000, "only {count} pixels");
}

/// How many pixels were told; none of a file that has no picture.
fn check(file: &Path) -> Result<usize, String> {
    let window = Window::new(100.0, 350.0, VoiFunction::Sigmoid).map_err(|error| error.to_string())?;
    let mut count = 0;
    for voi in [Voi::FromFile, Voi::Window(window)] {
        let request = FrameRequest { voi, ..FrameRequest::default() };
        let Ok((header, frame)) = decode(file, &request) else { return Ok(count) };
        let Ok(drawn) = compose_frame(&header, &frame, &request) else { return Ok(count) };
        let (samples, channels) = match &drawn.samples {
            DisplaySamples::Grey8(samples) => (samples, 1),
            DisplaySamples::Rgb8(samples) => (samples, 3),
            DisplaySamples::Grey16(_) => return Err("16 bits".to_owned()),
        };
        let pixels: Vec<&[u8]> = samples.chunks_exact(channels).collect();
        for place in (0..pixels.len()).step_by((pixels.len() / PIXELS).max(1)) {
            let (column, row) = (place as u32 % drawn.columns, place as u32 / drawn.columns);
            let told =
                explain_pixel(&header, &frame, &request, (column, row)).map_err(|error| error.to_string())?;
            if told.shown != pixels[place] {
                return Err(format!("{:?} is drawn, and told is {told:?}", pixels[place]));
            }
            count += 1;
        }
    }
    Ok(count)
}
