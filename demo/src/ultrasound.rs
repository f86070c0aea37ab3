//! An ultrasound cine: a heart from its apex, four chambers beating, with Doppler colours of the inflow.
//!
//! The probe sees depth and angle, so tissue and speckle are made on that grid and then drawn into a fan.

use std::f32::consts::{PI, TAU};

use super::canvas::{Oval, blend, cover, ramp};
use super::lettering;
use super::noise::{Rng, grain, smooth};

const BEAMS: usize = 210;
const SAMPLES: usize = 420;
/// How far tissue moves along a beam at most, in samples.
const DRIFT: usize = 16;
/// Half the opening of the fan, radians.
const HALF_ANGLE: f32 = 0.74;
/// How deep the probe looks, mm.
pub(crate) const DEPTH_MM: f32 = 150.0;
/// One pixel, mm, when the fan fills 480 rows.
pub(crate) const PIXEL_MM: f32 = 0.345;
/// The first row of the fan.
const FAN_TOP: f32 = 26.0;

/// The speckle of one patient: two fields whose length is Rayleigh distributed, as an echo's strength is.
pub(crate) struct Cine {
    rows: usize,
    columns: usize,
    frames: u32,
    real: Vec<f32>,
    imaginary: Vec<f32>,
}

impl Cine {
    pub(crate) fn new(rows: u16, columns: u16, frames: u32, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 0x0500);
        let mut field = || broadened(&grain(SAMPLES + DRIFT + 2, BEAMS, &mut rng));
        let (real, imaginary) = (field(), field());
        Self {
            rows: usize::from(rows),
            columns: usize::from(columns),
            frames: frames.max(1),
            real,
            imaginary,
        }
    }

    /// One frame: RGB, interleaved, row-major.
    pub(crate) fn frame(&self, frame_index: u32) -> Vec<u8> {
        let phase = frame_index as f32 / self.frames as f32;
        let beat = Beat::at(phase);
        let echo = self.echo(&beat);
        let mut rgb = vec![0u8; self.rows * self.columns * 3];
        for row in 0..self.rows {
            for column in 0..self.columns {
                if let Some(pixel) = self.fan_pixel(&echo, &beat, row, column) {
                    rgb[(row * self.columns + column) * 3..][..3].copy_from_slice(&pixel);
                }
            }
        }
        self.annotate(&mut rgb, phase);
        rgb
    }

    /// Echo strength on the probe's own grid, 0 to 255, log compressed.
    fn echo(&self, beat: &Beat) -> Vec<f32> {
        let mut echo = Vec::with_capacity(SAMPLES * BEAMS);
        for sample in 0..SAMPLES {
            let depth = DEPTH_MM * sample as f32 / SAMPLES as f32;
            for beam in 0..BEAMS {
                let angle = HALF_ANGLE * (2.0 * beam as f32 / (BEAMS - 1) as f32 - 1.0);
                let (x, y) = (depth * angle.sin(), depth * angle.cos());
                let (strength, drift) = beat.tissue(x, y);
                // Speckle moves with the muscle: it is looked up where the tissue came from.
                let from = sample as f32 + drift * DRIFT as f32;
                let index = from as usize * BEAMS + beam;
                let t = from.fract();
                let re = blend(self.real[index], self.real[index + BEAMS], t);
                let im = blend(self.imaginary[index], self.imaginary[index + BEAMS], t);
                let decibels = 20.0 * (strength * re.hypot(im) + 1e-4).log10();
                echo.push(((decibels + 41.0) * 5.0).clamp(0.0, 255.0));
            }
        }
        echo
    }

    /// The colour of a pixel inside the fan.
    fn fan_pixel(&self, echo: &[f32], beat: &Beat, row: usize, column: usize) -> Option<[u8; 3]> {
        let x = (column as f32 - (self.columns as f32 - 1.0) / 2.0) * PIXEL_MM * 480.0 / self.rows as f32;
        let y = (row as f32 - FAN_TOP) * PIXEL_MM * 480.0 / self.rows as f32;
        let (depth, angle) = (x.hypot(y), x.atan2(y));
        if angle.abs() > HALF_ANGLE || !(1.5..DEPTH_MM - 1.0).contains(&depth) {
            return None;
        }
        let u = ((angle / HALF_ANGLE + 1.0) / 2.0 * (BEAMS - 1) as f32).min(BEAMS as f32 - 1.01);
        let v = (depth / DEPTH_MM * SAMPLES as f32).min(SAMPLES as f32 - 1.01);
        let index = v as usize * BEAMS + u as usize;
        let line = |index: usize| blend(echo[index], echo[index + 1], u.fract());
        let grey = blend(line(index), line(index + BEAMS), v.fract());
        Some(beat.colour(x, y, grey))
    }

    /// What the device writes around the fan: labels, a grey scale, depth marks and an electrocardiogram.
    fn annotate(&self, rgb: &mut [u8], phase: f32) {
        let mut dot = |x: usize, y: usize, colour: [u8; 3]| {
            if x < self.columns && y < self.rows {
                rgb[(y * self.columns + x) * 3..][..3].copy_from_slice(&colour);
            }
        };
        lettering::write("NOCTIS DEMO", 14, 62, 2, |x, y| dot(x, y, [214, 214, 200]));
        lettering::write("2.5 MHZ", 14, 84, 1, |x, y| dot(x, y, [150, 150, 140]));
        for step in 0..160usize {
            let grey = (255 - step * 255 / 160) as u8;
            (0..10).for_each(|x| dot(self.columns.saturating_sub(28) + x, 74 + step, [grey; 3]));
        }
        for centimetre in 1..15 {
            let y = (FAN_TOP + centimetre as f32 * 10.0 / PIXEL_MM * self.rows as f32 / 480.0) as usize;
            let length = if centimetre % 5 == 0 { 9 } else { 5 };
            (0..length).for_each(|x| dot(self.columns.saturating_sub(20) + x, y, [170; 3]));
        }
        self.electrocardiogram(phase, dot);
    }

    fn electrocardiogram(&self, phase: f32, mut dot: impl FnMut(usize, usize, [u8; 3])) {
        let base = self.rows as f32 - 22.0;
        let width = self.columns / 4;
        let mut before = base;
        for x in 0..width {
            let t = x as f32 / width as f32 * 2.0;
            let y = base - 30.0 * heart_trace(t.fract());
            let bright = t / 2.0 <= phase;
            let colour = if bright { [90, 220, 120] } else { [34, 84, 48] };
            let (low, high) = (y.min(before), y.max(before));
            (low as usize..=high as usize).for_each(|y| dot(14 + x, y, colour));
            before = y;
        }
    }
}

/// P wave, QRS complex and T wave over one beat, the tip of R at 1.
fn heart_trace(t: f32) -> f32 {
    let bump = |center: f32, width: f32| (-((t - center) / width).powi(2)).exp();
    0.13 * bump(0.12, 0.035) - 0.12 * bump(0.225, 0.010) + bump(0.25, 0.012) - 0.2 * bump(0.28, 0.012)
        + 0.24 * bump(0.52, 0.055)
}

/// Smears along the beams' row: resolution across a beam is poorer than along it.
fn broadened(field: &[f32]) -> Vec<f32> {
    let at = |row: &[f32], i: isize| row[i.clamp(0, BEAMS as isize - 1) as usize];
    let smear = |row: &[f32], i: usize| (-2..=2).map(|d| at(row, i as isize + d)).sum::<f32>() / 2.9;
    field.chunks(BEAMS).flat_map(|row| (0..BEAMS).map(|i| smear(row, i)).collect::<Vec<_>>()).collect()
}

/// The heart at one moment; the apex points at the probe.
struct Beat {
    left_ventricle: Oval,
    right_ventricle: Oval,
    left_atrium: Oval,
    right_atrium: Oval,
    /// 1 when the ventricles are smallest.
    squeeze: f32,
    /// How strongly blood streams into (positive) or out of the left ventricle.
    inflow: f32,
    /// How far the valves stand open, 0 to 1.
    open: f32,
}

impl Beat {
    fn at(phase: f32) -> Self {
        let squeeze = 0.5 - 0.5 * (TAU * phase).cos();
        let inflow = -(TAU * phase).sin();
        let base = 88.0 - 7.0 * squeeze;
        Self {
            left_ventricle: Oval::new(14.0, base - 32.0, 17.0 - 5.5 * squeeze, 33.0 - 4.0 * squeeze)
                .turned(4.0),
            right_ventricle: Oval::new(-20.0, base - 24.0, 11.5 - 3.5 * squeeze, 27.0 - 3.0 * squeeze)
                .turned(-10.0),
            left_atrium: Oval::new(18.0, base + 22.0, 17.0 + 2.0 * squeeze, 18.0 + 3.0 * squeeze),
            right_atrium: Oval::new(-20.5, base + 20.0, 15.0 + 2.0 * squeeze, 16.0 + 2.5 * squeeze),
            squeeze,
            inflow,
            open: ramp(inflow, 0.05, 0.6),
        }
    }

    /// Echo strength at a point, and how far along the beam its speckle has moved, 0 to 1.
    fn tissue(&self, x: f32, y: f32) -> (f32, f32) {
        let chambers = [&self.left_ventricle, &self.right_ventricle, &self.left_atrium, &self.right_atrium];
        let blood_mm = chambers.iter().map(|oval| oval.distance(x, y)).fold(f32::MAX, f32::min);
        let heart = Oval::new(-2.0, 68.0, 53.0 - 3.0 * self.squeeze, 66.0);
        let outside = cover(-heart.distance(x, y));
        let patchy = 1.0 + 0.5 * smooth(x * 0.07, y * 0.07, 0.0, 501);
        let muscle = 0.13 * patchy;
        let lining = 0.55 * ramp(1.6 - (blood_mm - 0.8).abs(), 0.0, 1.5);
        let sac = 0.8 * ramp(1.8 - heart.distance(x, y).abs(), 0.0, 1.6);
        let lung = outside * (0.10 + 0.10 * smooth(x * 0.05, y * 0.16, 0.0, 503).max(0.0));
        let wall = blend(muscle, 0.0, outside) + lining + sac + lung;
        let strength = blend(wall, 0.008, cover(blood_mm)).max(0.9 * self.valves(x, y));
        let near_field = 0.5 * ramp(7.0 - y, 0.0, 6.0);
        // Deeper echoes return weaker; the device's gain makes up for most of it. The fan's edges see less.
        let gain = 1.0 - 0.35 * (y / DEPTH_MM);
        let edge = 1.0 - 0.55 * ramp((x / y.max(1.0)).atan().abs() / HALF_ANGLE, 0.7, 1.0);
        ((strength + near_field) * gain * edge, self.squeeze * ramp(y, 10.0, 90.0))
    }

    /// Four leaflets that swing from the ring into the ventricles.
    fn valves(&self, x: f32, y: f32) -> f32 {
        let base = 88.0 - 7.0 * self.squeeze;
        let leaflet = |hinge: f32, direction: f32, length: f32| {
            let swing = PI * (0.08 + 0.36 * self.open);
            let (ux, uy) = (direction * swing.cos(), -swing.sin());
            let (dx, dy) = (x - hinge, y - base);
            let t = (dx * ux + dy * uy).clamp(0.0, length);
            ramp(1.5 - (dx - t * ux).hypot(dy - t * uy), 0.0, 1.2)
        };
        let mitral = leaflet(1.0, 1.0, 15.0).max(leaflet(30.0, -1.0, 13.0));
        let tricuspid = leaflet(-7.0, -1.0, 12.0).max(leaflet(-33.0, 1.0, 12.0));
        mitral.max(tricuspid)
    }

    /// Grey, or inside the Doppler box where blood moves: red towards the probe, blue away from it.
    fn colour(&self, x: f32, y: f32, grey: f32) -> [u8; 3] {
        let jet = Oval::new(15.0, 72.0, 9.0, 26.0);
        let inside =
            cover(self.left_ventricle.distance(x, y) + 1.5).max(cover(self.left_atrium.distance(x, y) + 1.5));
        let flicker = 0.75 + 0.35 * smooth(x * 0.3, y * 0.22, self.inflow * 2.0, 507);
        let speed =
            (self.inflow.abs() * flicker * ramp(-jet.distance(x, y), 0.0, 6.0) * inside).clamp(0.0, 1.0);
        if speed < 0.12 {
            let level = grey as u8;
            return [level, level, level.saturating_add(level / 24)];
        }
        let (strong, weak) = (110.0 + 145.0 * speed, 190.0 * (speed - 0.45).max(0.0));
        if self.inflow > 0.0 { [strong as u8, weak as u8, 16] } else { [16, weak as u8, strong as u8] }
    }
}
