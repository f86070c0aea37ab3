//! Skin, fat and muscle around the cage.

use super::super::canvas::{Canvas, blend, cover, profile};
use super::super::noise::smooth;
use super::{AIR, FAT, Level, MUSCLE};

/// Paints everything between the skin and the inner face of the ribs.
pub(super) fn paint(canvas: &mut Canvas, level: &Level, seed: u32) {
    let (body, cage, z) = (level.body, level.cage, level.z);
    let fat_mm = profile(z, &[(0.0, 17.0), (120.0, 12.0), (230.0, 10.0), (300.0, 8.0)]);
    canvas.paint(body.bounds(), |x, y, under| {
        let (inside, from_cage) = (body.distance(x, y), cage.distance(x, y));
        if inside > 1.0 || from_cage < -6.0 {
            // Outside the skin, or where the organs will cover everything.
            return if inside > 1.0 { under } else { MUSCLE };
        }
        let fat = FAT + 9.0 * smooth(x * 0.09, y * 0.09, z * 0.05, seed);
        let skin = blend(AIR, 35.0, cover(inside));
        let tissue = blend(skin, fat, cover(inside + 2.2));
        // Muscle lies between the fat and the cage, in sheets that thin layers of fat part.
        let strand = smooth(x * 0.05, y * 0.05, z * 0.02, seed ^ 5);
        let muscle = MUSCLE + 7.0 * smooth(x * 0.25, y * 0.25, z * 0.1, seed ^ 9);
        let sheet = if strand.abs() < 0.035 { FAT * 0.7 } else { muscle };
        let depth = fat_mm + 5.0 * smooth(x * 0.03, y * 0.03, z * 0.015, seed ^ 3);
        let covered = blend(tissue, sheet, cover(inside + depth));
        blend(covered, muscle, cover(from_cage - 13.0))
    });
}
