//! Pictures asked for at a smaller size, cold, against the full decode of the same frame: modality values averaged over
//! the area of each new pixel, then windowed. Every file of the corpus, 64 wide and as a thumbnail.

use std::path::Path;

use noctis_render::{Fit, FrameRequest, Picture, VoiFunction, Window};

use super::pictures::{Pixels, read_png, read_png16, render};
use super::{corpus, files_in, report};

/// Levels that a picture made from the full decode may be off: rounding of one average.
const WHOLE: Bound = Bound { mean: 0.6, p99: 1.0 };
/// Levels that a picture of a codec's own smaller decode may be off: its filter is not the average of an area.
const REDUCED: Bound = Bound { mean: 5.0, p99: 40.0 };

struct Bound {
    mean: f64,
    p99: f64,
}

#[test]
fn reduced_pictures_are_the_full_ones_made_smaller() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut failures) = (0, Vec::new());
    for folder in ["files", "edge/files", "found/files", "found/reports/files"] {
        for file in files_in(&corpus.join(folder)) {
            for (width, height) in [(Some(64), None), (Some(128), Some(128)), (Some(16), Some(16))] {
                let fit = Fit { width, height, enlarge: false };
                let Some(outcome) = check(&file, fit) else { continue };
                count += 1;
                if let Err(failure) = outcome {
                    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
                    failures.push(format!("{name} {width:?}: {failure}"));
                }
            }
        }
    }
    report("reduced pictures", count, &failures);
}

/// `None` for files without a picture, and where the size stays.
fn check(file: &Path, fit: Fit) -> Option<Result<(), String>> {
    let whole = FrameRequest { overlays: false, ..FrameRequest::default() };
    let request = FrameRequest { fit, ..whole.clone() };
    let full = render(file, &whole).ok()?;
    let small = match render(file, &request) {
        Ok(small) => small,
        Err(error) => return Some(Err(error.to_string())),
    };
    if (small.rows, small.columns) == (full.rows, full.columns) {
        return None;
    }
    Some(compare(file, &full, &small))
}

fn compare(file: &Path, full: &Picture, small: &Picture) -> Result<(), String> {
    let (full_pixels, small_pixels) = (read_png(&full.bytes[..])?, read_png(&small.bytes[..])?);
    let is_grey = full_pixels.rgb.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
    let values =
        FrameRequest { overlays: false, format: noctis_render::Format::Png16, ..FrameRequest::default() };
    let expected = match render(file, &values) {
        Ok(picture) if is_grey => {
            let values = values_without_padding(file, &read_png16(&picture.bytes[..])?, &picture);
            match (full.window, picture.pixel_scale) {
                (Some(window), Some(scale)) => {
                    let shown = |value: f64| display_value(window, value * scale.0 + scale.1);
                    let inverted = is_inverted(&values, &full_pixels, shown);
                    let level = |value: f64| Some(if inverted { 255.0 - shown(value) } else { shown(value) });
                    averages_shown(&values, &full_pixels, &small_pixels, level)
                }
                _ => {
                    let levels = levels(&values, &full_pixels);
                    averages_shown(&values, &full_pixels, &small_pixels, |value| interpolated(&levels, value))
                }
            }
        }
        _ => averages(&full_pixels, &small_pixels),
    };
    let mut apart: Vec<f64> = small_pixels
        .rgb
        .iter()
        .zip(&expected)
        .filter_map(|(ours, expected)| expected.map(|expected| (f64::from(*ours) - expected).abs()))
        .collect();
    apart.sort_unstable_by(f64::total_cmp);
    if apart.is_empty() {
        return Ok(());
    }
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    let p99 = apart[(apart.len() - 1) * 99 / 100];
    let bound = if is_reduced_in_decoding(file) { REDUCED } else { WHOLE };
    if mean <= bound.mean && p99 <= bound.p99 {
        return Ok(());
    }
    Err(format!("mean {mean:.2}, p99 {p99:.1}"))
}

/// The average of what is shown.
fn averages(full: &Pixels, small: &Pixels) -> Vec<Option<f64>> {
    let mut averages = Vec::new();
    for (row, column) in positions(small) {
        for sample in 0..3 {
            let value = |at: usize| Some(f64::from(full.rgb[at * 3 + sample]));
            averages.push(average(full, small, (row, column), value));
        }
    }
    averages
}

/// Values of the 16-bit picture; `None` where they are padding.
fn values_without_padding(file: &Path, values: &[u16], pixels: &Picture) -> Vec<Option<f64>> {
    let (slope, offset) = pixels.pixel_scale.expect("a 16-bit picture");
    let (first, last) = padding(file, slope, offset).unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
    let value = |value: u16| Some(f64::from(value)).filter(|value| !(first..=last).contains(value));
    values.iter().map(|&stored| value(stored)).collect()
}

/// Pixel padding of the file as values of the 16-bit picture, whose slope and offset are those of the file times a shift.
fn padding(file: &Path, slope: f64, offset: f64) -> Option<(f64, f64)> {
    let bytes = std::fs::read(file).expect("a file");
    let scan = noctis_render::scan(&bytes, &noctis_render::Limits::default()).expect("a file with a picture");
    let data_set = scan.header.dataset();
    let number = |name: &str| data_set.element_by_name(name).ok()?.to_float64().ok();
    let intercept = number("RescaleIntercept").unwrap_or(0.0);
    let shift = (offset - intercept) / slope;
    let first = number("PixelPaddingValue")?;
    let last = number("PixelPaddingRangeLimit").unwrap_or(first);
    Some((first.min(last) - shift, first.max(last) - shift))
}

/// What is shown of the average of the values. Pixels of the small picture that padding touches are `None`.
fn averages_shown(
    values: &[Option<f64>],
    full: &Pixels,
    small: &Pixels,
    level: impl Fn(f64) -> Option<f64>,
) -> Vec<Option<f64>> {
    let shown = |position| average(full, small, position, |at| values[at]).and_then(&level);
    positions(small).flat_map(|position| [shown(position); 3]).collect()
}

/// PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2 with an output of 0 to 255.
fn display_value(window: Window, x: f64) -> f64 {
    let (c, w) = (window.center(), window.width());
    let line = |start: f64, width: f64| match x - start {
        below if below <= 0.0 => 0.0,
        above if above > width => 255.0,
        inside => inside / width * 255.0,
    };
    match window.function() {
        VoiFunction::Linear => line(c - 0.5 - (w - 1.0) / 2.0, w - 1.0),
        VoiFunction::LinearExact => line(c - w / 2.0, w),
        VoiFunction::Sigmoid => 255.0 / (1.0 + (-4.0 * (x - c) / w).exp()),
    }
}

/// Whether the full picture shows the reverse of what the window says.
fn is_inverted(values: &[Option<f64>], full: &Pixels, shown: impl Fn(f64) -> f64) -> bool {
    let distance = |inverted: bool| -> f64 {
        let pixels = values.iter().zip(full.rgb.iter().step_by(3));
        pixels
            .filter_map(|(value, &level)| {
                let shown = shown((*value)?);
                Some((if inverted { 255.0 - shown } else { shown } - f64::from(level)).abs())
            })
            .sum()
    };
    distance(true) < distance(false)
}

/// The level of each value that occurs, by value.
fn levels(values: &[Option<f64>], full: &Pixels) -> Vec<(f64, f64)> {
    let shown = full.rgb.iter().step_by(3).map(|&level| f64::from(level));
    let mut levels: Vec<(f64, f64)> =
        values.iter().zip(shown).filter_map(|(value, level)| Some(((*value)?, level))).collect();
    levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    levels.dedup_by_key(|(value, _)| *value);
    levels
}

fn interpolated(levels: &[(f64, f64)], value: f64) -> Option<f64> {
    let after = levels.partition_point(|(other, _)| *other < value);
    let (high, low) = (levels.get(after).or(levels.last())?, levels.get(after.saturating_sub(1))?);
    let share = if high.0 > low.0 { (value - low.0) / (high.0 - low.0) } else { 0.0 };
    Some(low.1 + share.clamp(0.0, 1.0) * (high.1 - low.1))
}

fn positions(small: &Pixels) -> impl Iterator<Item = (u32, u32)> + use<> {
    let columns = small.columns;
    (0..small.rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

/// The average over the area of one pixel of the small picture.
fn average(
    full: &Pixels,
    small: &Pixels,
    (row, column): (u32, u32),
    value: impl Fn(usize) -> Option<f64>,
) -> Option<f64> {
    let span = |position: u32, from: u32, to: u32| {
        let scale = f64::from(from) / f64::from(to);
        (f64::from(position) * scale, f64::from(position + 1) * scale)
    };
    let (top, bottom) = span(row, full.rows, small.rows);
    let (left, right) = span(column, full.columns, small.columns);
    let overlap =
        |at: u32, start: f64, end: f64| (end.min(f64::from(at) + 1.0) - start.max(f64::from(at))).max(0.0);
    let (mut sum, mut area) = (0.0, 0.0);
    for y in top as u32..(bottom.ceil() as u32).min(full.rows) {
        for x in left as u32..(right.ceil() as u32).min(full.columns) {
            let weight = overlap(y, top, bottom) * overlap(x, left, right);
            sum += weight * value((y * full.columns + x) as usize)?;
            area += weight;
        }
    }
    Some(sum / area)
}

/// Whether a decoder may leave out what a small picture does not show: the syntax allows it, samples are no indices, and
/// no padding is to be kept apart.
fn is_reduced_in_decoding(file: &Path) -> bool {
    let bytes = std::fs::read(file).expect("a file");
    let scan = noctis_render::scan(&bytes, &noctis_render::Limits::default()).expect("a file with a picture");
    let syntax = scan.header.transfer_syntax_uid();
    let data_set = scan.header.dataset();
    let is_palette = data_set
        .element_by_name("PhotometricInterpretation")
        .is_ok_and(|element| element.to_str().is_ok_and(|name| name.trim() == "PALETTE COLOR"));
    let has_padding = data_set.element_by_name("PixelPaddingValue").is_ok();
    let is_reducible = ["50", "51", "90", "91", "92", "93", "201", "202", "203"]
        .iter()
        .any(|end| syntax.strip_prefix("1.2.840.10008.1.2.4.") == Some(end));
    is_reducible && !is_palette && !has_padding
}
