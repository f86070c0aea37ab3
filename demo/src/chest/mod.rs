//! The chest phantom: anatomy as smooth functions of height, cut into slices of Hounsfield units.
//!
//! The patient lies on the back with the arms up, contrast agent in the veins and arteries. z grows to the head:
//! 0 mm lies in the upper abdomen, 288 mm above the tips of the lungs. Each file of this folder paints one region,
//! in the order of [`Chest::slice`]; later paint covers earlier paint.

mod abdomen;
mod bones;
mod lungs;
mod mediastinum;
mod wall;

pub(crate) use bones::{rib_drop_mm, rib_origin_mm};

use super::canvas::{Canvas, Oval, profile};
use super::noise::Rng;
use super::vessels::{Point, Segment, grow};

/// How much of the patient the CT covers, mm.
pub(crate) const HEIGHT_MM: f32 = 288.0;
/// Air, HU.
pub(crate) const AIR: f32 = -1000.0;
const FAT: f32 = -98.0;
const MUSCLE: f32 = 58.0;

/// One patient: what is random about the anatomy, decided once and shared by all slices.
pub(crate) struct Chest {
    lung_vessels: Vec<Segment>,
    liver_vessels: Vec<Segment>,
    seed: u32,
}

impl Chest {
    /// Grows the vessels; the rest of the anatomy is fixed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 0xc4e5);
        let mut lung_vessels = Vec::new();
        for side in [-1.0, 1.0] {
            for (root, count, radius_mm) in
                [([38.0 * side, -4.0, 172.0], 900, 7.5), ([34.0 * side, 12.0, 148.0], 620, 6.5)]
            {
                let mut targets =
                    scatter(count, &mut rng, |p| p[0] * side > 12.0 && Level::at(p[2]).is_lung(p[0], p[1]));
                lung_vessels.extend(grow(root, &mut targets, radius_mm, &mut rng));
            }
        }
        let mut liver_targets =
            scatter(70, &mut rng, |p| p[0] < 10.0 && Level::at(p[2]).is_liver(p[0], p[1]));
        let liver_vessels = grow([-20.0, 16.0, 62.0], &mut liver_targets, 5.5, &mut rng);
        Self { lung_vessels, liver_vessels, seed: seed as u32 }
    }

    /// The slice at `z_mm` without noise, in HU. `thickness_mm` only fades what is thinner than a slice.
    pub(crate) fn slice(
        &self,
        rows: usize,
        columns: usize,
        spacing_mm: f32,
        z_mm: f32,
        thickness_mm: f32,
    ) -> Canvas {
        let level = Level::at(z_mm);
        let mut canvas = Canvas::new(rows, columns, spacing_mm, AIR);
        canvas.bend(2.6, z_mm * 0.011);
        wall::paint(&mut canvas, &level, self.seed);
        abdomen::paint(&mut canvas, &level, &self.liver_vessels, thickness_mm, self.seed);
        lungs::paint(&mut canvas, &level, &self.lung_vessels, thickness_mm, self.seed);
        mediastinum::paint(&mut canvas, &level);
        bones::paint(&mut canvas, &level, self.seed);
        canvas
    }
}

/// What a radiograph needs beside the slices.
impl Chest {
    /// Heart, vessels, abdomen and wall on a coarse grid, without the bones and the fine vessels.
    pub(crate) fn soft_slice(&self, rows: usize, columns: usize, spacing_mm: f32, z_mm: f32) -> Canvas {
        const NO_VESSELS: &[Segment] = &[];
        let level = Level::at(z_mm);
        let mut canvas = Canvas::new(rows, columns, spacing_mm, AIR);
        canvas.bend(2.6, z_mm * 0.011);
        wall::paint(&mut canvas, &level, self.seed);
        abdomen::paint(&mut canvas, &level, NO_VESSELS, spacing_mm, self.seed);
        lungs::paint(&mut canvas, &level, NO_VESSELS, spacing_mm, self.seed);
        mediastinum::paint(&mut canvas, &level);
        canvas
    }

    /// The vessels of both lungs.
    pub(crate) fn lung_vessels(&self) -> &[Segment] {
        &self.lung_vessels
    }
}

/// `count` points of the upper body that `keep` accepts.
fn scatter(count: usize, rng: &mut Rng, keep: impl Fn(&Point) -> bool) -> Vec<Point> {
    // Each region asked for fills more than a hundredth of the box, so this bound is never met.
    const TRIES_PER_POINT: usize = 400;
    let candidates = (0..count * TRIES_PER_POINT)
        .map(|_| [rng.uniform(-135.0, 135.0), rng.uniform(-90.0, 90.0), rng.uniform(10.0, 275.0)]);
    candidates.filter(keep).take(count).collect()
}

/// The large shapes at one height.
pub(crate) struct Level {
    /// Height above the feet end of the scan, mm.
    pub(crate) z: f32,
    /// The skin.
    pub(crate) body: Oval,
    /// The inner face of the ribs.
    pub(crate) cage: Oval,
    /// Half the width and half the depth of the cage, mm.
    pub(crate) cage_radius: (f32, f32),
}

impl Level {
    pub(crate) fn at(z: f32) -> Self {
        let half_width = profile(
            z,
            &[
                (-40.0, 148.0),
                (60.0, 155.0),
                (190.0, 166.0),
                (240.0, 160.0),
                (272.0, 138.0),
                (305.0, 72.0),
                (330.0, 60.0),
            ],
        );
        let half_depth = profile(
            z,
            &[(-40.0, 100.0), (60.0, 108.0), (160.0, 112.0), (230.0, 106.0), (288.0, 94.0), (325.0, 66.0)],
        );
        let cage_radius = (
            profile(
                z,
                &[(0.0, 126.0), (90.0, 130.0), (170.0, 127.0), (215.0, 112.0), (250.0, 82.0), (276.0, 46.0)],
            ),
            profile(z, &[(0.0, 82.0), (110.0, 87.0), (190.0, 80.0), (240.0, 60.0), (276.0, 34.0)]),
        );
        let cage_y = profile(z, &[(170.0, 0.0), (276.0, 24.0)]);
        Self {
            z,
            body: Oval::new(0.0, 7.0, half_width, half_depth).squared(0.35),
            cage: Oval::new(0.0, cage_y, cage_radius.0, cage_radius.1).squared(0.25),
            cage_radius,
        }
    }

    /// The height of the diaphragm above a point of the slice, mm: two domes, the right one higher.
    pub(crate) fn diaphragm_z(&self, x: f32, y: f32) -> f32 {
        let dome = |cx: f32, top: f32| top - 60.0 * (((x - cx) / 80.0).powi(2) + ((y + 6.0) / 76.0).powi(2));
        dome(-66.0, 104.0).max(dome(68.0, 90.0))
    }

    /// How much of a point belongs to the space above the diaphragm, 0 to 1; soft where the dome lies flat in the slice.
    pub(crate) fn above_diaphragm(&self, x: f32, y: f32) -> f32 {
        super::canvas::ramp(self.z - self.diaphragm_z(x, y), -1.5, 1.5)
    }

    fn is_lung(&self, x: f32, y: f32) -> bool {
        self.cage.distance(x, y) < -3.0 && self.z > self.diaphragm_z(x, y) + 3.0
    }

    fn is_liver(&self, x: f32, y: f32) -> bool {
        abdomen::liver_distance(self, x, y) < -8.0 && self.z < self.diaphragm_z(x, y) - 6.0
    }
}
