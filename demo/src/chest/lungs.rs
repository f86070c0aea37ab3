//! Air, vessels and fissures of both lungs, and one nodule to look for.

use super::super::canvas::{Canvas, Oval, blend, cover, dome, ramp};
use super::super::noise::smooth;
use super::super::vessels::{Segment, paint_cut};
use super::Level;

/// Paints the lungs into the part of the cage that lies above the diaphragm.
pub(super) fn paint(canvas: &mut Canvas, level: &Level, vessels: &[Segment], thickness_mm: f32, seed: u32) {
    let z = level.z;
    let apex = ramp(276.0 - z, 0.0, 8.0);
    if apex <= 0.0 {
        return;
    }
    let share = |x: f32, y: f32| cover(level.cage.distance(x, y)) * level.above_diaphragm(x, y) * apex;
    canvas.paint(level.cage.bounds(), |x, y, under| match share(x, y) {
        0.0 => under,
        share => blend(under, parenchyma(x, y, z, seed), share),
    });
    paint_cut(canvas, vessels, z, thickness_mm, |x, y| blend(-860.0, 115.0, share(x, y)));
    let nodule = Oval::new(-72.0, -28.0, 7.5 * dome(z, 190.0, 206.0), 6.5 * dome(z, 190.0, 206.0));
    canvas.paint(nodule.bounds(), |x, y, under| {
        let spicules = 1.6 * smooth(x * 0.45, y * 0.45, z * 0.3, seed ^ 21);
        blend(under, 42.0, cover(nodule.distance(x, y) + spicules))
    });
}

/// Lung tissue: denser towards the back where blood collects, finely mottled, with thin oblique fissures.
fn parenchyma(x: f32, y: f32, z: f32, seed: u32) -> f32 {
    let gravity = -868.0 + 0.32 * y;
    let lobules = 16.0 * smooth(x * 0.16, y * 0.16, z * 0.16, seed ^ 11);
    let grainy = 26.0 * smooth(x * 0.55, y * 0.55, z * 0.3, seed ^ 12);
    let wave = 5.0 * smooth(x * 0.03, z * 0.03, 0.0, seed ^ 13);
    // The oblique fissure falls from the back at the level of the arch to the front of the diaphragm.
    let fissure_mm = ((z - 150.0) * 0.74 - y * 0.67 + wave).abs();
    gravity + lobules + grainy + 90.0 * ramp(1.1 - fissure_mm, 0.0, 1.0)
}
