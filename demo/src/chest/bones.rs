//! Ribs, spine, breastbone, collarbones and shoulder blades.

use std::f32::consts::PI;

use super::super::canvas::{Canvas, Oval, blend, cover, profile, ramp};
use super::super::noise::smooth;
use super::{AIR, Level, MUSCLE};

const CORTEX: f32 = 780.0;
const MARROW: f32 = 190.0;
const CARTILAGE: f32 = 125.0;
/// From one rib, and one vertebra, to the next, mm.
const SEGMENT_MM: f32 = 25.0;

/// Paints the skeleton last: it covers everything else.
pub(super) fn paint(canvas: &mut Canvas, level: &Level, seed: u32) {
    ribs(canvas, level);
    shoulder_girdle(canvas, level.z, seed);
    breastbone(canvas, level.z, seed);
    back_muscles(canvas, level.z);
    spine(canvas, level.z, seed);
}

/// How far a rib has fallen from its vertebra, mm; `angle` is 0 at the spine and pi at the breastbone.
pub(crate) fn rib_drop_mm(angle: f32) -> f32 {
    98.0 * ramp(angle, -0.7, PI * 0.98) - 6.0
}

/// The height at which rib `index` (0 is the first) leaves the spine, mm.
pub(crate) fn rib_origin_mm(index: usize) -> f32 {
    272.0 - SEGMENT_MM * index as f32
}

/// Ribs are tubes on the cage that fall towards the front, so each slice cuts several of them, each once a side.
fn ribs(canvas: &mut Canvas, level: &Level) {
    const RIB_COUNT: f32 = 12.0;
    let middle = level.cage.grown(7.5);
    canvas.paint(level.cage.grown(14.0).bounds(), |x, y, under| {
        let across = middle.distance(x, y);
        if across.abs() > 7.0 || x.abs() < 16.0 || under < -300.0 {
            return under;
        }
        let angle = x.abs().atan2(y / level.cage_radius.1 * level.cage_radius.0);
        let nth = ((272.0 - rib_drop_mm(angle) - level.z) / SEGMENT_MM).round();
        if !(0.0..RIB_COUNT).contains(&nth)
            || angle > PI * profile(nth, &[(0.0, 0.9), (7.0, 0.86), (11.0, 0.5)])
        {
            return under;
        }
        // The rib runs downhill: seen along its course it is thinner than the slice shows it.
        let along = (272.0 - SEGMENT_MM * nth - rib_drop_mm(angle) - level.z) * 0.86;
        let depth = ((across / 4.2).powi(2) + (along / 7.2).powi(2)).sqrt();
        let outside_mm = (depth - 1.0) * 4.2;
        let bone = blend(CORTEX, MARROW, cover(outside_mm + 1.9));
        let cartilage = ramp(angle, PI * 0.74, PI * 0.78);
        blend(under, blend(bone, CARTILAGE, cartilage), cover(outside_mm))
    });
}

/// A bone of a dense shell and spongy marrow.
fn bone(canvas: &mut Canvas, oval: Oval, shell_mm: f32, z: f32, seed: u32) {
    canvas.paint(oval.bounds(), |x, y, under| {
        if under <= AIR + 1.0 {
            // Outside the skin, which lies close where the patient is thin.
            return under;
        }
        let outside_mm = oval.distance(x, y);
        let sponge = MARROW + 32.0 * smooth(x * 0.5, y * 0.5, z * 0.4, seed ^ 81);
        blend(under, blend(CORTEX, sponge, cover(outside_mm + shell_mm)), cover(outside_mm))
    });
}

fn spine(canvas: &mut Canvas, z: f32, seed: u32) {
    // 0 in the middle of a vertebra, 1 in the middle of a disc.
    let phase = ((z - 12.0) / SEGMENT_MM).rem_euclid(1.0);
    let disc = ramp((phase - 0.5).abs() * -2.0 + 1.0, 0.66, 0.86);
    let body = Oval::new(0.0, 55.0, 18.0 - 1.5 * (1.0 - disc), 14.5).squared(0.3);
    bone(canvas, body, 1.6, z, seed);
    let endplate = (disc * (1.0 - disc) * 4.0).clamp(0.0, 1.0);
    canvas.paint(body.bounds(), |x, y, under| {
        let with_plate = blend(under, 430.0, 0.5 * endplate * cover(body.distance(x, y)));
        blend(with_plate, 88.0, disc * cover(body.distance(x, y) - 0.5))
    });
    arch(canvas, phase, z, seed);
    canvas.fill(Oval::new(0.0, 77.0, 10.5, 8.5), 8.0);
    canvas.fill(Oval::new(0.0, 77.0, 6.0, 4.8), 42.0);
}

/// Pedicles, laminae, transverse and spinous processes, each at its part of a vertebra's height.
fn arch(canvas: &mut Canvas, phase: f32, z: f32, seed: u32) {
    let near = |center: f32, width: f32| {
        ramp(width - (phase - center).rem_euclid(1.0).min((center - phase).rem_euclid(1.0)), 0.0, 0.06)
    };
    let (pedicle, lamina, process) = (near(0.12, 0.24), near(0.85, 0.34), near(0.05, 0.2));
    for side in [-1.0, 1.0] {
        if pedicle > 0.3 {
            bone(canvas, Oval::new(12.5 * side, 74.0, 4.2 * pedicle, 8.5), 1.4, z, seed);
        }
        if lamina > 0.3 {
            bone(canvas, Oval::new(8.0 * side, 87.0, 10.0, 3.4 * lamina).turned(-28.0 * side), 1.2, z, seed);
        }
        if process > 0.3 {
            bone(canvas, Oval::new(27.0 * side, 82.0, 15.0 * process, 4.5).turned(22.0 * side), 1.2, z, seed);
        }
    }
    // The spinous process slants down: it shows below the arch it belongs to.
    let length = profile((phase + 0.45).rem_euclid(1.0), &[(0.0, 12.0), (0.5, 7.0), (1.0, 10.0)]);
    bone(canvas, Oval::new(0.0, 90.0 + length, 2.8, length), 1.1, z, seed);
}

fn back_muscles(canvas: &mut Canvas, z: f32) {
    for side in [-1.0, 1.0] {
        let muscle = Oval::new(27.0 * side, 94.0, 24.0, 13.0).turned(8.0 * side).squared(0.3);
        canvas.paint(muscle.bounds(), |x, y, under| {
            let marbled = MUSCLE - 70.0 * ramp(smooth(x * 0.15, y * 0.15, z * 0.02, 91), 0.35, 0.6);
            if !(-300.0..150.0).contains(&under) {
                under
            } else {
                blend(under, marbled, cover(muscle.distance(x, y)))
            }
        });
    }
}

fn breastbone(canvas: &mut Canvas, z: f32, seed: u32) {
    if !(95.0..252.0).contains(&z) {
        return;
    }
    let half_width = profile(z, &[(95.0, 7.0), (130.0, 16.0), (200.0, 13.0), (225.0, 24.0), (250.0, 27.0)]);
    let front = profile(z, &[(95.0, -93.0), (170.0, -90.0), (215.0, -78.0), (252.0, -48.0)]);
    bone(canvas, Oval::new(0.0, front, half_width, 6.0).squared(0.5), 1.3, z, seed);
}

fn shoulder_girdle(canvas: &mut Canvas, z: f32, seed: u32) {
    for side in [-1.0, 1.0] {
        if (246.0..272.0).contains(&z) {
            // The collarbone climbs to the side; a slice cuts a slanting stretch of it.
            let rise = (z - 246.0) / 26.0;
            let (x, y) = (28.0 + 84.0 * rise, -44.0 + 26.0 * rise);
            bone(canvas, Oval::new(x * side, y, 20.0, 6.0).turned(16.0 * side), 1.8, z, seed);
        }
        if (118.0..262.0).contains(&z) {
            blade(canvas, z, side, seed);
        }
    }
}

/// The shoulder blade: a thin plate outside the ribs, bedded between two muscles.
fn blade(canvas: &mut Canvas, z: f32, side: f32, seed: u32) {
    let length = profile(z, &[(118.0, 7.0), (190.0, 30.0), (262.0, 34.0)]);
    let x = profile(z, &[(118.0, 118.0), (262.0, 104.0)]);
    let y = profile(z, &[(118.0, 64.0), (262.0, 58.0)]);
    for (dx, dy, grow_mm) in [(3.0, -9.0, 9.0), (0.0, 8.0, 8.0)] {
        let muscle = Oval::new((x + dx) * side, y + dy, length + 4.0, grow_mm).turned(-38.0 * side);
        canvas.paint(muscle.bounds(), |x, y, under| {
            if !(-400.0..150.0).contains(&under) {
                under
            } else {
                blend(under, MUSCLE, cover(muscle.distance(x, y)))
            }
        });
    }
    bone(canvas, Oval::new(x * side, y, length, 2.6).turned(-38.0 * side), 1.4, z, seed);
}
