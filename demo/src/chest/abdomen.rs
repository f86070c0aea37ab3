//! What lies below the diaphragm: liver, spleen, stomach, kidneys and bowel.

use super::super::canvas::{Canvas, Oval, blend, cover, dome, profile, ramp};
use super::super::noise::smooth;
use super::super::vessels::{Segment, paint_cut};
use super::{AIR, FAT, Level, MUSCLE};

/// Paints the abdomen into the whole cage; the lungs are painted over it afterwards.
pub(super) fn paint(canvas: &mut Canvas, level: &Level, vessels: &[Segment], thickness_mm: f32, seed: u32) {
    if level.z > 112.0 {
        return;
    }
    let z = level.z;
    canvas.paint(level.cage.bounds(), |x, y, under| {
        let fat = FAT - 6.0 + 8.0 * smooth(x * 0.1, y * 0.1, z * 0.1, seed ^ 31);
        let lining = blend(under, MUSCLE, cover(level.cage.distance(x, y)));
        blend(lining, fat, inside(level, x, y, 4.0))
    });
    stomach(canvas, level, seed);
    bowel(canvas, level, seed);
    spleen(canvas, level, seed);
    kidneys(canvas, level);
    liver(canvas, level, vessels, thickness_mm, seed);
}

/// How much of a point lies inside the abdomen, `inset_mm` from its wall and from the diaphragm.
fn inside(level: &Level, x: f32, y: f32, inset_mm: f32) -> f32 {
    let below = ramp(level.diaphragm_z(x, y) - level.z - inset_mm, -1.5, 1.5);
    below * cover(level.cage.distance(x, y) + inset_mm)
}

/// Millimetres outside the liver's outline, without the limits that diaphragm and wall set.
pub(super) fn liver_distance(level: &Level, x: f32, y: f32) -> f32 {
    let z = level.z;
    let right = Oval::new(
        -72.0,
        profile(z, &[(0.0, -8.0), (90.0, 4.0)]),
        profile(z, &[(0.0, 52.0), (45.0, 70.0), (100.0, 78.0)]),
        82.0,
    )
    .squared(0.2);
    let left = Oval::new(2.0, -44.0, 62.0 * dome(z, 8.0, 112.0), 27.0 * dome(z, 8.0, 112.0)).turned(-12.0);
    let bare = Oval::new(6.0, 52.0, 44.0, 40.0);
    right.distance(x, y).min(left.distance(x, y)).max(-bare.distance(x, y))
}

fn liver(canvas: &mut Canvas, level: &Level, vessels: &[Segment], thickness_mm: f32, seed: u32) {
    let z = level.z;
    let share = |x: f32, y: f32| cover(liver_distance(level, x, y)) * inside(level, x, y, 2.0);
    canvas.paint(level.cage.bounds(), |x, y, under| match share(x, y) {
        0.0 => under,
        share => blend(under, 108.0 + 5.0 * smooth(x * 0.2, y * 0.2, z * 0.2, seed ^ 41), share),
    });
    paint_cut(canvas, vessels, z, thickness_mm, |x, y| blend(FAT, 158.0, share(x, y)));
    let cyst = 11.0 * dome(z, 28.0, 52.0);
    canvas.fill(Oval::new(-96.0, -16.0, cyst, cyst), 8.0);
}

fn spleen(canvas: &mut Canvas, level: &Level, seed: u32) {
    let size = dome(level.z, -14.0, 84.0);
    let spleen = Oval::new(102.0, 36.0, 25.0 * size, 45.0 * size).turned(14.0);
    canvas.paint(spleen.bounds(), |x, y, under| {
        let pulp = 124.0 + 5.0 * smooth(x * 0.2, y * 0.2, level.z * 0.2, seed ^ 51);
        blend(under, pulp, cover(spleen.distance(x, y)) * inside(level, x, y, 3.0))
    });
}

/// Air in front, contents behind, parted by the level that gravity makes in a patient on the back.
fn stomach(canvas: &mut Canvas, level: &Level, seed: u32) {
    let size = dome(level.z, -30.0, 86.0);
    let wall = Oval::new(64.0, -22.0, 46.0 * size, 40.0 * size).turned(-24.0);
    canvas.paint(wall.bounds(), |x, y, under| {
        let contents = 18.0 + 26.0 * smooth(x * 0.13, y * 0.13, level.z * 0.1, seed ^ 61).max(0.0);
        let lumen = blend(contents, AIR + 8.0, ramp(-34.0 - y, -0.6, 0.6));
        let with_wall = blend(under, 78.0, cover(wall.distance(x, y)) * inside(level, x, y, 3.0));
        blend(with_wall, lumen, cover(wall.distance(x, y) + 5.0) * inside(level, x, y, 7.0))
    });
}

/// Loops of colon and small bowel in the lowest slices.
fn bowel(canvas: &mut Canvas, level: &Level, seed: u32) {
    let z = level.z;
    for (x, y, radius, contents) in [
        (30.0, -50.0, 17.0, AIR),
        (96.0, -38.0, 18.0, -620.0),
        (20.0, -8.0, 13.0, 40.0),
        (48.0, 14.0, 12.0, 55.0),
        (0.0, -28.0, 12.0, 30.0),
    ] {
        let size = dome(z, -70.0, 38.0);
        let loop_oval = Oval::new(x, y, radius * 1.25 * size, radius * size).turned(x * 0.7 + z);
        canvas.paint(loop_oval.bounds(), |x, y, under| {
            let mottled = contents + 60.0 * smooth(x * 0.3, y * 0.3, z * 0.2, seed ^ 71);
            let with_wall = blend(under, 70.0, cover(loop_oval.distance(x, y)) * inside(level, x, y, 4.0));
            blend(
                with_wall,
                mottled.max(AIR),
                cover(loop_oval.distance(x, y) + 2.5) * inside(level, x, y, 7.0),
            )
        });
    }
}

/// Bright cortex and columns around the fat of the renal sinus.
fn kidneys(canvas: &mut Canvas, level: &Level) {
    for (side, top) in [(-1.0, 34.0), (1.0, 46.0)] {
        let size = dome(level.z, top - 112.0, top);
        let kidney = Oval::new(60.0 * side, 47.0, 25.0 * size, 30.0 * size).turned(-28.0 * side);
        canvas.fill(kidney, 205.0);
        canvas.fill(kidney.grown(-7.0 - 3.0 * (1.0 - size)), 150.0);
        if level.z < top - 26.0 {
            canvas.fill(Oval::new(50.0 * side, 43.0, 9.0, 8.0), -60.0);
        }
    }
}
