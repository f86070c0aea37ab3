//! Colours of pixels (PS3.3 C.7.6.3.1.2, C.7.6.3.1.5): averaged as colours, never as indices or chrominance.

use noctis_render::FrameRequest;

use super::Band;
use super::geometry::Contribution;
use crate::case::{Case, Colours, Palette, PaletteForm, Segment};

pub(super) fn averaged(case: &Case, request: &FrameRequest, sources: &[Contribution]) -> [Band; 3] {
    let slack = slack(case) + if sources.len() > 1 { 0.501 } else { 0.0 };
    let mut sums = [0.0; 3];
    for source in sources {
        let colour = of_pixel(case, source.index);
        (0..3).for_each(|channel| sums[channel] += source.weight * colour[channel]);
    }
    sums.map(|level| Band::around(if request.invert { 255.0 - level } else { level }, slack))
}

/// Levels by which a way of coding may miss the exact colour.
fn slack(case: &Case) -> f64 {
    match &case.colours {
        // Entries and samples of more than 8 bits are cut or scaled to 8: the standard does not say which.
        Colours::Palette(palette) if palette.bits == 8 && is_of_bytes(palette) => 0.0,
        Colours::Palette(_) => 1.0,
        Colours::Jpeg { .. } => 6.0,
        Colours::YbrFull { .. } | Colours::YbrFull422 { .. } if case.cells.stored > 8 => 3.0,
        _ if case.cells.stored > 8 => 1.0,
        _ => 0.0,
    }
}

/// Whether the entries need neither scaling nor interpolation.
fn is_of_bytes(palette: &Palette) -> bool {
    !matches!(palette.form, PaletteForm::Segmented(_) | PaletteForm::WiderThanSaid(_))
}

fn of_pixel(case: &Case, index: usize) -> [f64; 3] {
    let stored = case.stored();
    if let Colours::Palette(palette) = &case.colours {
        return of_palette(palette, stored[index] as i64);
    }
    let largest = f64::from((1_u32 << case.cells.stored) - 1);
    let level = |sample: usize| stored[index * 3 + sample] * 255.0 / largest;
    let samples = [level(0), level(1), level(2)];
    match case.colours {
        Colours::YbrFull { .. } | Colours::YbrFull422 { .. } => rgb_of_ybr(samples),
        _ => samples,
    }
}

/// C.7.6.3.1.2, the equations of `YBR_FULL` solved for red, green and blue.
fn rgb_of_ybr([y, cb, cr]: [f64; 3]) -> [f64; 3] {
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let red = y + 1.402 * cr;
    let blue = y + 1.772 * cb;
    let green = (y - 0.299 * red - 0.114 * blue) / 0.587;
    [red, green, blue].map(|level| level.clamp(0.0, 255.0))
}

fn of_palette(palette: &Palette, index: i64) -> [f64; 3] {
    [0, 1, 2].map(|channel| {
        let (entries, bits) = entries(palette, channel);
        let position = (index - palette.first).clamp(0, entries.len() as i64 - 1);
        entries[position as usize] * 255.0 / f64::from((1_u32 << bits) - 1)
    })
}

/// The entries, and how many bits they really have.
fn entries(palette: &Palette, channel: usize) -> (Vec<f64>, u16) {
    let plain = |tables: &[Vec<u16>; 3]| tables[channel].iter().map(|&entry| f64::from(entry)).collect();
    match &palette.form {
        PaletteForm::Words(tables) | PaletteForm::Packed(tables) => (plain(tables), palette.bits),
        PaletteForm::WiderThanSaid(tables) => (plain(tables), 16),
        PaletteForm::NarrowerThanSaid(tables) => (plain(tables), 8),
        PaletteForm::Segmented(tables) => (expanded(&tables[channel]), palette.bits),
    }
}

/// C.7.9.2.
fn expanded(segments: &[Segment]) -> Vec<f64> {
    let mut entries = Vec::new();
    for segment in segments {
        match segment {
            Segment::Discrete(values) => entries.extend(values.iter().map(|&value| f64::from(value))),
            Segment::Linear { count, to } => {
                let from = *entries.last().expect("a value before a line");
                let share = |step: u16| f64::from(step) / f64::from(*count);
                entries.extend((1..=*count).map(|step| from + (f64::from(*to) - from) * share(step)));
            }
            Segment::Indirect { count } => {
                let repeated = expanded(&segments[..usize::from(*count)]);
                entries.extend(repeated);
            }
        }
    }
    entries
}
