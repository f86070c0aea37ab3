//! Rescale, windows, tables, padding, shapes: all that decides how stored values look.

use super::numbers::{decimal, integer};
use crate::case::{
    Case, CellKind, FileWindow, Function, LosslessJpeg, Overlay, OverlayPlace, Padding, PixelShape, Place,
    Rescale, Setting, ShapeAttribute, Syntax, Table, Windows,
};
use crate::oracle;
use crate::random::Random;

/// Adds what a case shows its values by; the padding is put into the frames, too.
pub(super) fn complete(case: &mut Case, random: &mut Random) {
    if random.once_in(4) {
        case.display.pixel_shape = Some(pixel_shape(random));
    }
    case.display.overlay = overlay(case, random);
    if !case.is_monochrome() {
        return;
    }
    if random.once_in(3) && !matches!(case.form.syntax, Syntax::JpegBaseline { .. }) {
        add_padding(case, random);
    }
    match random.index(5) {
        0 if case.cells.kind == CellKind::Integer && case.cells.allocated <= 16 && case.loss == 0.0 => {
            case.display.modality_table = Some(modality_table(case, random));
        }
        1..=2 => case.display.rescale = setting(case, random, |_, random| rescale(random)),
        _ => {}
    }
    if random.once_in(8) {
        let relationship = random.choose(&["LOG", "DISP", "LIN"]);
        case.display.intensity = Some((random.choose(&["XA", "RF"]), relationship));
    }
    case.display.shape = random.choose(&[None, None, None, Some("IDENTITY"), Some("INVERSE")]);
    if case.loss > 0.0 || random.once_in(2) {
        case.display.windows = setting(case, random, windows);
    }
    if random.once_in(5) {
        case.display.voi_table = setting(case, random, voi_table);
    }
}

/// The attribute at one place or at several, where the nearest counts.
fn setting<T>(case: &Case, random: &mut Random, mut make: impl FnMut(&Case, &mut Random) -> T) -> Setting<T> {
    let mut setting = Setting::default();
    let (top, shared, per_frame) = random.choose(&[
        (true, false, false),
        (true, false, false),
        (true, true, false),
        (false, true, false),
        (false, false, true),
        (true, false, true),
        (true, true, true),
    ]);
    if top {
        setting.top = Some(make(case, random));
    }
    if shared {
        setting.shared = Some(make(case, random));
    }
    if per_frame {
        // An item may be without it where something farther away stands in.
        let frames = case.frames.iter();
        setting.per_frame =
            frames.map(|_| (!(top && random.once_in(4))).then(|| make(case, random))).collect();
    }
    setting
}

fn rescale(random: &mut Random) -> Rescale {
    let (mantissa, decimals) = random.choose(&[
        (1, 0),
        (1, 0),
        (2, 0),
        (-1, 0),
        (5, 1),
        (-25, 2),
        (1, 1),
        (10, 0),
        (1, 3),
        (244, 4),
    ]);
    let slope = decimal(mantissa, decimals, random);
    let (mantissa, decimals) =
        random.choose(&[(0, 0), (-1024, 0), (-10_005, 1), (3725, 2), (40, 0), (10_000, 0), (-1, 0)]);
    Rescale { slope, intercept: decimal(mantissa, decimals, random) }
}

/// Smallest and largest modality value of the frame that is looked at.
fn modality_range(case: &Case) -> (f64, f64) {
    let values = case.stored().iter().map(|&stored| oracle::modality_value(case, stored));
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

fn windows(case: &Case, random: &mut Random) -> Windows {
    let function = random.choose(&[
        None,
        None,
        Some(Function::Linear),
        Some(Function::LinearExact),
        Some(Function::Sigmoid),
    ]);
    let count = random.choose(&[1, 1, 1, 2, 3]);
    Windows { windows: (0..count).map(|_| file_window(case, random)).collect(), function }
}

fn file_window(case: &Case, random: &mut Random) -> FileWindow {
    let (center, width) = window(case, random);
    // Too narrow to be valid, as some writers fill in what they do not know.
    let width = if random.once_in(10) && case.loss == 0.0 { random.choose(&[0, -100, 50]) } else { width };
    FileWindow { center: decimal(center, 2, random), width: decimal(width, 2, random) }
}

/// Center and width in hundredths, around the values of the frame.
pub(super) fn window(case: &Case, random: &mut Random) -> (i64, i64) {
    let (low, high) = modality_range(case);
    let (low, high) = ((low * 100.0) as i64, (high * 100.0) as i64);
    let span = (high - low).max(200);
    let center = random.between(low - span / 4, high + span / 4);
    let width = span * random.choose(&[10, 50, 100, 150, 400]) / 100 + 100;
    let whole = random.once_in(2);
    let whole_of = |value: i64| if whole { value / 100 * 100 } else { value };
    // A lossy codec leaves no room for a steep window.
    if case.loss > 0.0 {
        (whole_of(center), width.max(span * 3))
    } else {
        (whole_of(center), whole_of(width).max(100))
    }
}

fn modality_table(case: &Case, random: &mut Random) -> Table {
    let (low, high) = case.cells.limits();
    let stored = case.stored().iter();
    let least = stored.map(|&stored| stored as i64).min().unwrap_or(low);
    let first = (least + random.choose(&[0, 0, -3, 5])).clamp(low, high);
    table(first, random)
}

fn voi_table(case: &Case, random: &mut Random) -> Table {
    let (low, _) = modality_range(case);
    let negative = case.display.modality_table.is_none()
        && (case.cells.signed
            || !crate::oracle::ignores_modality(case)
                && case
                    .display
                    .rescale
                    .of_frame(case.frame_number)
                    .next()
                    .is_some_and(|rescale| rescale.slope.value < 0.0 || rescale.intercept.value < 0.0));
    // Without a VR nothing tells the sign of real numbers.
    let has_no_vr = case.form.syntax == Syntax::ImplicitLittle || case.form.sequences_unknown;
    let (least, most) = match (negative, case.cells.kind == CellKind::Integer || !has_no_vr) {
        (true, _) => (-32_768, 32_767),
        (false, true) => (0, 65_535),
        (false, false) => (0, 32_767),
    };
    let first = (low as i64 + random.choose(&[0, 0, -7, 20])).clamp(least, most);
    table(first, random)
}

fn table(first: i64, random: &mut Random) -> Table {
    let length = match random.index(12) {
        0 => 65_536,
        1 => 1,
        2..=4 => random.between(257, 5000) as usize,
        _ => random.between(2, 256) as usize,
    };
    let bits = random.choose(&[8, 8, 10, 12, 16, 16]);
    let largest = (1_i64 << bits) - 1;
    let kind = random.index(3);
    let mut entry = |at: i64| match kind {
        0 => largest * at / length as i64,
        1 => largest - largest * at / length as i64,
        _ => random.between(0, largest),
    };
    let entries = (0..length as i64).map(|at| entry(at) as u16).collect();
    Table { first, entries, bits, packed: bits == 8 && random.once_in(2) }
}

fn add_padding(case: &mut Case, random: &mut Random) {
    if case.cells.allocated == 32 && case.cells.kind == CellKind::Integer || case.cells.allocated == 1 {
        return;
    }
    let (low, high) =
        if case.cells.kind == CellKind::Integer { case.cells.limits() } else { (-30_000, 30_000) };
    let value = match random.index(3) {
        0 => low,
        1 => high,
        _ => random.between(low, high),
    };
    let reach = random.between(0, ((high - low) / 16).max(1));
    let limit = (random.once_in(3)).then(|| random.choose(&[value - reach, value + reach]).clamp(low, high));
    let padding = Padding {
        value: value as f64,
        limit: limit.map(|limit| limit as f64),
        other_vr: case.cells.kind == CellKind::Integer && random.once_in(5),
    };
    let every = random.between(2, 9) as usize;
    for frame in &mut case.frames {
        let start = random.index(frame.len());
        let block = frame.len() / 3;
        for (at, sample) in frame.iter_mut().enumerate() {
            if at % every == 0 && random.once_in(3) || (start..start + block).contains(&at) {
                *sample =
                    if random.once_in(2) { padding.value } else { padding.limit.unwrap_or(padding.value) };
            }
        }
    }
    case.display.padding = Some(padding);
}

fn pixel_shape(random: &mut Random) -> PixelShape {
    let attribute = random.choose(&[
        ShapeAttribute::AspectRatio,
        ShapeAttribute::PixelSpacing,
        ShapeAttribute::PixelSpacing,
        ShapeAttribute::ImagerPixelSpacing,
    ]);
    if attribute == ShapeAttribute::AspectRatio {
        let (vertical, horizontal) = (random.between(1, 4), random.between(1, 4));
        return PixelShape {
            attribute,
            place: Place::Top,
            vertical: integer(vertical, random),
            horizontal: integer(horizontal, random),
        };
    }
    let place = match attribute {
        ShapeAttribute::PixelSpacing => {
            random.choose(&[Place::Top, Place::Top, Place::Shared, Place::PerFrame])
        }
        _ => Place::Top,
    };
    let (vertical, horizontal) = random.choose(&[(50, 50), (100, 50), (50, 75), (70, 70), (33, 99)]);
    PixelShape {
        attribute,
        place,
        vertical: decimal(vertical, 2, random),
        horizontal: decimal(horizontal, 2, random),
    }
}

fn overlay(case: &Case, random: &mut Random) -> Option<Overlay> {
    if !random.once_in(7) {
        return None;
    }
    let every = random.between(2, 5) as u32;
    let cells = &case.cells;
    let lowest = cells.high_bit + 1 - cells.stored;
    let spare: Vec<u16> =
        (0..cells.allocated).filter(|bit| !(lowest..=cells.high_bit).contains(bit)).collect();
    // A codec keeps the spare bits where it codes whole cells without loss.
    let keeps_cells = match case.form.syntax {
        Syntax::JpegBaseline { .. } | Syntax::Jpeg2000 { lossy_uid: true, .. } => false,
        Syntax::Jpeg2000 { precision, .. } | Syntax::JpegLs { precision, .. } => precision == cells.allocated,
        Syntax::JpegLossless(LosslessJpeg { precision, .. }) => precision == cells.allocated,
        _ => true,
    };
    let has_spare = cells.allocated == 16 && case.samples_per_pixel() == 1 && keeps_cells;
    if has_spare && !spare.is_empty() && random.once_in(2) {
        let place = OverlayPlace::Bit(random.choose(&spare));
        return Some(Overlay { origin: (1, 1), rows: case.rows, columns: case.columns, place, every });
    }
    Some(Overlay {
        origin: (random.between(-3, 8) as i32, random.between(-3, 8) as i32),
        rows: random.between(1, 20) as u32,
        columns: random.between(1, 20) as u32,
        place: OverlayPlace::Plane,
        every,
    })
}
