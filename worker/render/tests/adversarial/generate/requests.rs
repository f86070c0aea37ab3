//! What is asked of a case.

use noctis_render::{Fit, Format, FrameRequest, IccProfile, Orientation, Region, Voi, VoiFunction, Window};

use super::display;
use crate::case::Case;
use crate::oracle;
use crate::random::Random;

/// Requests of each case beside the plain one.
const REQUESTS: usize = 3;

/// The file's own view, then views at random.
pub(crate) fn requests(case: &Case) -> Vec<FrameRequest> {
    let mut random = Random::new(case.seed ^ 0x5245_5155);
    let plain = FrameRequest {
        frame_number: case.frame_number,
        overlays: true,
        icc_profile: IccProfile::No,
        ..FrameRequest::default()
    };
    let mut requests = vec![plain.clone()];
    // Of its own, so that a seed goes on asking for what it asked before there were orientations.
    let mut turns = Random::new(case.seed ^ 0x5455_524E);
    requests.extend((0..REQUESTS).map(|_| FrameRequest {
        orientation: orientation(&mut turns),
        ..at_random(case, &plain, &mut random)
    }));
    requests
}

/// A window around the values of a case, the same each time.
pub(crate) fn window(case: &Case, function: VoiFunction) -> Window {
    let (center, width) = display::window(case, &mut Random::new(case.seed));
    Window::new(center as f64 / 100.0, width as f64 / 100.0, function).expect("a valid window")
}

fn at_random(case: &Case, plain: &FrameRequest, random: &mut Random) -> FrameRequest {
    let fit = if random.once_in(2) { fit(case, random) } else { Fit::default() };
    let is_resized = fit != Fit::default();
    FrameRequest {
        voi: voi(case, random),
        invert: random.once_in(4),
        // Overlays are held against the cells at full size.
        overlays: !is_resized && random.once_in(2),
        region: random.once_in(4).then(|| region(case, random)),
        fit,
        format: if case.is_monochrome() && random.once_in(6) { Format::Png16 } else { Format::Png },
        ..plain.clone()
    }
}

/// As stored, every other time.
fn orientation(random: &mut Random) -> Orientation {
    match random.index(16) {
        way @ 0..8 => Orientation::new(way as u8 / 2, way % 2 == 1),
        _ => Orientation::AS_STORED,
    }
}

fn voi(case: &Case, random: &mut Random) -> Voi {
    let function = random.choose(&[VoiFunction::Linear, VoiFunction::LinearExact, VoiFunction::Sigmoid]);
    match random.index(6) {
        0 | 1 if case.is_monochrome() => {
            let (center, width) = display::window(case, random);
            let window = Window::new(center as f64 / 100.0, width as f64 / 100.0, function);
            Voi::Window(window.expect("a valid window"))
        }
        2 if oracle::has_window(case) && case.loss == 0.0 => Voi::FromFileWith(function),
        _ => Voi::FromFile,
    }
}

fn region(case: &Case, random: &mut Random) -> Region {
    let (columns, rows) = (f64::from(case.columns), f64::from(case.rows));
    let mut part = |whole: f64| random.between(0, 90) as f64 / 100.0 * whole;
    let (left, top) = (part(columns) - 1.0, part(rows) - 1.0);
    Region { left, top, width: part(columns) + 1.5, height: part(rows) + 1.5 }
}

fn fit(case: &Case, random: &mut Random) -> Fit {
    let side = |whole: u32, random: &mut Random| match random.index(5) {
        0 => 1,
        1 => (whole / 2).max(1),
        2 => whole + random.between(1, 30) as u32,
        _ => random.between(1, whole.into()) as u32,
    };
    let (width, height) = (side(case.columns, random), side(case.rows, random));
    let (with_width, with_height) =
        random.choose(&[(true, false), (true, false), (false, true), (true, true)]);
    Fit {
        width: with_width.then_some(width),
        height: with_height.then_some(height),
        enlarge: random.once_in(4),
    }
}
