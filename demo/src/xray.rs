//! A chest radiograph: the chest phantom seen from the front, by adding up what lies along each ray.
//!
//! Soft tissue is added up from coarse slices, since it is smooth; ribs, collarbones and vessels are drawn at full
//! resolution from the same geometry. Bands of rows are made one at a time, which keeps memory small.

use std::f32::consts::PI;

use super::canvas::{Canvas, blend, profile, ramp};
use super::chest::{Chest, Level, rib_drop_mm, rib_origin_mm};
use super::lettering;
use super::noise::{Rng, grain, smooth};
use super::vessels::Segment;

/// The distance between detector elements, mm.
pub(crate) const SPACING_MM: f32 = 0.17;
/// The height in the patient that the first row shows, mm.
const TOP_MM: f32 = 336.0;
/// Values are of 12 bits.
const STORED_MAX: f32 = 4095.0;

/// Line integrals of attenuation on a coarse grid, in mm of water.
struct Thickness {
    step_mm: f32,
    columns: usize,
    rows: usize,
    values: Vec<f32>,
}

/// The radiograph as stored values, MONOCHROME1: large values are dark, as on film turned over.
///
/// `rows x columns` at [`SPACING_MM`], row-major.
pub(crate) fn stored_image(chest: &Chest, rows: u16, columns: u16, seed: u64) -> Vec<u16> {
    const BAND_ROWS: usize = 250;
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let thickness = Thickness::of(chest, rows as f32 * SPACING_MM);
    let mut stored = vec![0u16; rows * columns];
    let mut bands: Vec<(usize, &mut [u16])> =
        stored.chunks_mut(BAND_ROWS * columns).enumerate().map(|(i, band)| (i * BAND_ROWS, band)).collect();
    let half = bands.len() / 2;
    let second = bands.split_off(half);
    std::thread::scope(|scope| {
        for part in [bands, second] {
            let thickness = &thickness;
            scope.spawn(move || {
                for (first_row, band) in part {
                    expose(chest, thickness, first_row, columns, seed, band);
                }
            });
        }
    });
    marker(&mut stored, columns);
    stored
}

impl Thickness {
    fn of(chest: &Chest, height_mm: f32) -> Self {
        const COLUMNS: usize = 176;
        const DEPTH_ROWS: usize = 96;
        const FIELD_MM: f32 = 380.0;
        let step_mm = 2.4;
        let rows = (height_mm / step_mm).ceil() as usize + 2;
        let spacing_mm = FIELD_MM / COLUMNS as f32;
        let mut values = vec![0.0f32; rows * COLUMNS];
        let (upper, lower) = values.split_at_mut(rows / 2 * COLUMNS);
        std::thread::scope(|scope| {
            for (first_row, part) in [(0, upper), (rows / 2, lower)] {
                scope.spawn(move || {
                    for (row, sums) in part.chunks_mut(COLUMNS).enumerate() {
                        let z = TOP_MM - (first_row + row) as f32 * step_mm;
                        add_up(&chest.soft_slice(DEPTH_ROWS, COLUMNS, spacing_mm, z), sums);
                    }
                });
            }
        });
        Self { step_mm, columns: COLUMNS, rows, values }.blurred()
    }

    /// A little blur hides the steps of the coarse grid.
    fn blurred(mut self) -> Self {
        let at = |values: &[f32], row: usize, column: usize| values[row * self.columns + column];
        let source = self.values.clone();
        for row in 1..self.rows - 1 {
            for column in 1..self.columns - 1 {
                let cross = at(&source, row - 1, column)
                    + at(&source, row + 1, column)
                    + at(&source, row, column - 1)
                    + at(&source, row, column + 1);
                self.values[row * self.columns + column] = 0.5 * at(&source, row, column) + 0.125 * cross;
            }
        }
        self
    }

    /// Smoothly interpolated.
    fn at(&self, x: f32, z: f32) -> f32 {
        let u = (x / 380.0 * self.columns as f32 + (self.columns as f32 - 1.0) / 2.0)
            .clamp(0.0, self.columns as f32 - 1.01);
        let v = ((TOP_MM - z) / self.step_mm).clamp(0.0, self.rows as f32 - 1.01);
        let (i, j) = (u as usize, v as usize);
        let row = |j: usize| {
            let line = &self.values[j * self.columns..];
            blend(line[i], line[i + 1], u - i as f32)
        };
        blend(row(j), row(j + 1), v - j as f32)
    }
}

/// Adds a slice up from front to back, mm of water.
fn add_up(slice: &Canvas, sums: &mut [f32]) {
    for line in slice.values.chunks(slice.columns) {
        sums.iter_mut()
            .zip(line)
            .for_each(|(sum, hu)| *sum += (hu + 1000.0).max(0.0) / 1000.0 * slice.spacing_mm);
    }
}

/// Fills one band of rows.
fn expose(
    chest: &Chest,
    thickness: &Thickness,
    first_row: usize,
    columns: usize,
    seed: u64,
    band: &mut [u16],
) {
    let mut frame = Band::new(first_row, band.len() / columns, columns);
    for nth in 0..11 {
        for side in [-1.0, 1.0] {
            frame.rib(nth, side, 0.0..PI * 0.52);
            frame.rib(nth, side, PI * 0.5..PI * 0.78);
        }
    }
    frame.settle(1.0);
    for side in [-1.0, 1.0] {
        frame.collarbone(side);
    }
    frame.settle(1.0);
    for segment in chest.lung_vessels() {
        frame.vessel(segment);
    }
    frame.settle(1.7);
    let noise = grain(frame.rows, columns, &mut Rng::new(seed, 0x8a00 + first_row as u64));
    for row in 0..frame.rows {
        let z = frame.z_mm(row);
        for column in 0..columns {
            let x = frame.x_mm(column);
            let index = row * columns + column;
            let soft = thickness.at(x, z);
            let vertebrae = spine(x, z);
            let mottle = 1.1 * smooth(x * 0.35, z * 0.35, 0.0, 301);
            let water_mm = soft + frame.added[index] + vertebrae + if soft > 3.0 { mottle } else { 0.0 };
            band[index] = develop(water_mm, noise[index]);
        }
    }
}

/// From mm of water to a stored value: the logarithmic response of a detector with a soft shoulder at both ends,
/// and noise that grows where few photons arrive.
fn develop(water_mm: f32, noise: f32) -> u16 {
    const CLEAR_MM: f32 = 205.0;
    let density = (water_mm / CLEAR_MM).min(1.6);
    let shoulder = (density / (1.0 + density.powi(4)).powf(0.25)).powf(1.3);
    let value = STORED_MAX * (0.94 - 0.86 * shoulder) + noise * (6.0 + 14.0 * shoulder);
    value.round().clamp(0.0, STORED_MAX) as u16
}

/// The vertebrae beyond what the coarse slices show: edges, discs and the shadow of the spinous processes.
fn spine(x: f32, z: f32) -> f32 {
    let phase = ((z - 12.0) / 25.0).rem_euclid(1.0);
    let from_disc = 1.0 - 2.0 * (phase - 0.5).abs();
    let disc = ramp(from_disc, 0.66, 0.8);
    let width = 17.5 - 1.6 * (1.0 - disc);
    let edge = ramp(1.4 - (x.abs() - width).abs(), 0.0, 1.2) * (1.0 - disc);
    let plate = ramp(0.05 - (from_disc - 0.7).abs(), 0.0, 0.04) * ramp(width - x.abs(), 0.0, 2.0);
    let body = ramp(width - x.abs(), -1.0, 1.5);
    let pedicle = 1.0 - ramp(((x.abs() - 12.0) / 3.4).hypot((phase - 0.16) * 25.0 / 4.4), 0.7, 1.0);
    let process = 1.0 - ramp((x / 2.6).hypot((phase - 0.62) * 25.0 / 7.0), 0.75, 1.0);
    11.0 * body * (1.0 - 0.55 * disc) + 4.0 * edge + 4.0 * plate + 5.0 * pedicle + 6.0 * process
}

/// The lead letter that the radiographer puts beside the patient's left shoulder.
fn marker(stored: &mut [u16], columns: usize) {
    const SCALE: usize = 11;
    if columns > 2 * SCALE * 40 {
        lettering::write("L", columns - 190, 150, SCALE, |x, y| {
            if let Some(value) = stored.get_mut(y * columns + x) {
                *value = 150;
            }
        });
    }
}

/// A band of the picture in which fine structures are added up, mm of water.
struct Band {
    first_row: usize,
    rows: usize,
    columns: usize,
    added: Vec<f32>,
    /// What the structure being drawn adds; overlapping strokes of one structure count once.
    stroke: Vec<f32>,
}

impl Band {
    fn new(first_row: usize, rows: usize, columns: usize) -> Self {
        Self { first_row, rows, columns, added: vec![0.0; rows * columns], stroke: vec![0.0; rows * columns] }
    }

    fn x_mm(&self, column: usize) -> f32 {
        (column as f32 - (self.columns as f32 - 1.0) / 2.0) * SPACING_MM
    }

    fn z_mm(&self, row: usize) -> f32 {
        TOP_MM - (self.first_row + row) as f32 * SPACING_MM
    }

    /// Adds the strokes drawn since the last call.
    fn settle(&mut self, weight: f32) {
        for (sum, stroke) in self.added.iter_mut().zip(&mut self.stroke) {
            *sum += weight * std::mem::take(stroke);
        }
    }

    /// The part of rib `nth` between two angles; its front and its back cross in the picture and add up.
    fn rib(&mut self, nth: usize, side: f32, angles: std::ops::Range<f32>) {
        const STEPS: usize = 70;
        let end = PI * profile(nth as f32, &[(0.0, 0.9), (7.0, 0.86), (11.0, 0.5)]);
        let behind = angles.start < 1.0;
        let mut before: Option<(f32, f32)> = None;
        for step in 0..=STEPS {
            let angle = blend(angles.start.max(0.14), angles.end.min(end), step as f32 / STEPS as f32);
            let z = rib_origin_mm(nth) - rib_drop_mm(angle);
            let reach = Level::at(z).cage_radius.0 + 7.5;
            let here = (side * reach * angle.sin(), z);
            if let Some(before) = before {
                let weight = if behind { 1.0 } else { 0.62 };
                self.tube(before, here, 6.4, |d| {
                    weight * (5.0 * (1.0 - d * d).sqrt() + 4.2 * ramp(d, 0.62, 0.86))
                });
            }
            before = Some(here);
        }
        self.settle(1.0);
    }

    fn collarbone(&mut self, side: f32) {
        const STEPS: usize = 40;
        let point = |step: usize| {
            let t = step as f32 / STEPS as f32;
            (side * blend(16.0, 128.0, t), 246.0 + 34.0 * t + 6.0 * (t * 2.0 * PI).sin())
        };
        for step in 0..STEPS {
            let radius = 6.0 + 1.6 * (step as f32 / STEPS as f32 - 0.5).abs() * 2.0;
            self.tube(point(step), point(step + 1), radius, |d| {
                8.0 * (1.0 - d * d).sqrt() + 5.0 * ramp(d, 0.6, 0.85)
            });
        }
    }

    fn vessel(&mut self, segment: &Segment) {
        let (from, to) = ((segment.from[0], segment.from[2]), (segment.to[0], segment.to[2]));
        let radius = segment.radius_mm.min(4.5);
        self.tube(from, to, radius, |d| 1.7 * radius * (1.0 - d * d).sqrt());
    }

    /// Strokes a tube between two points (x, z); `amount` takes the distance from its middle line in radii, 0 to 1.
    fn tube(&mut self, from: (f32, f32), to: (f32, f32), radius_mm: f32, amount: impl Fn(f32) -> f32) {
        let (top, bottom) = (from.1.max(to.1) + radius_mm, from.1.min(to.1) - radius_mm);
        if bottom > self.z_mm(0) || top < self.z_mm(self.rows) {
            return;
        }
        let half_width = (self.columns as f32 - 1.0) / 2.0;
        let column = |x: f32| (x / SPACING_MM + half_width).clamp(0.0, self.columns as f32) as usize;
        let row = |z: f32| {
            ((TOP_MM - z) / SPACING_MM - self.first_row as f32).clamp(0.0, self.rows as f32) as usize
        };
        let (along_x, along_z) = (to.0 - from.0, to.1 - from.1);
        let length_squared = (along_x * along_x + along_z * along_z).max(1e-6);
        let columns = column(from.0.min(to.0) - radius_mm)..column(from.0.max(to.0) + radius_mm);
        for row in row(top)..row(bottom) {
            let dz = self.z_mm(row) - from.1;
            for column in columns.clone() {
                let dx = self.x_mm(column) - from.0;
                let t = ((dx * along_x + dz * along_z) / length_squared).clamp(0.0, 1.0);
                let d = (dx - t * along_x).hypot(dz - t * along_z) / radius_mm;
                if d < 1.0 {
                    let stroke = &mut self.stroke[row * self.columns + column];
                    *stroke = stroke.max(amount(d));
                }
            }
        }
    }
}
