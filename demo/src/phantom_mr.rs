//! MR slices: a head, T1-weighted. White matter is bright, grey matter darker, fluid nearly black, fat brightest.

use super::canvas::{Canvas, Oval, blend, cover, dome, profile, ramp};
use super::noise::{Rng, smooth};

/// The width of the field of view, mm.
pub(crate) const FIELD_MM: f32 = 230.0;
/// From one slice to the next, mm.
pub(crate) const SPACING_MM: f32 = 5.5;

const FLUID: f32 = 150.0;
const GREY: f32 = 405.0;
const WHITE: f32 = 640.0;
const FAT: f32 = 900.0;
const MUSCLE: f32 = 380.0;
const BONE: f32 = 50.0;

/// The stored values of one slice, 12 bits. Slice 0 of `slice_count` lies at the base of the skull.
pub(crate) fn stored_slice(
    rows: u16,
    columns: u16,
    slice_index: u32,
    slice_count: u32,
    seed: u64,
) -> Vec<u16> {
    let spacing_mm = FIELD_MM / f32::from(columns.max(1));
    let mut canvas = Canvas::new(usize::from(rows), usize::from(columns), spacing_mm, 0.0);
    let z = SPACING_MM * (slice_index as f32 + 0.5) * 24.0 / slice_count.max(1) as f32;
    canvas.bend(1.8, z * 0.012);
    let head = Head::at(z, seed as u32);
    head.scalp_and_skull(&mut canvas);
    head.face(&mut canvas);
    head.brain(&mut canvas);
    head.ventricles(&mut canvas);
    head.deep_nuclei(&mut canvas);
    head.hindbrain(&mut canvas);
    measure(&canvas, &mut Rng::new(seed, 0x3a00 + u64::from(slice_index)))
}

/// A window (center, width) for one slice: from black to somewhat above white matter, whatever the slice shows.
pub(crate) fn window(stored: &[u16]) -> (u32, u32) {
    const SIGNAL_MIN: u16 = 350;
    let signal = stored.iter().copied().filter(|value| *value > SIGNAL_MIN);
    let (sum, count) = signal.fold((0u64, 0u64), |(sum, count), value| (sum + u64::from(value), count + 1));
    let mean = u32::try_from(sum / count.max(1)).unwrap_or(1000).max(400);
    (mean * 3 / 4, mean * 3 / 2)
}

/// The head at one height: z is 0 mm at the base of the skull and 132 mm above the crown.
struct Head {
    z: f32,
    brain: Oval,
    seed: u32,
}

impl Head {
    fn at(z: f32, seed: u32) -> Self {
        let size = profile(
            z,
            &[
                (0.0, 0.80),
                (30.0, 0.93),
                (62.0, 1.0),
                (88.0, 0.93),
                (108.0, 0.74),
                (121.0, 0.5),
                (129.0, 0.22),
                (133.0, 0.0),
            ],
        );
        Self { z, brain: Oval::new(0.0, 2.0, 66.0 * size, 83.0 * size).squared(0.12), seed }
    }

    fn scalp_and_skull(&self, canvas: &mut Canvas) {
        let (brain, z) = (self.brain, self.z);
        let scalp_mm = 11.5 + profile(z, &[(0.0, 3.0), (30.0, 0.0), (118.0, 1.0), (132.0, 6.0)]);
        canvas.paint(brain.grown(20.0).bounds(), |x, y, under| {
            let d = brain.distance(x, y);
            let fat = FAT + 90.0 * smooth(x * 0.12, y * 0.12, z * 0.1, self.seed ^ 1);
            let skin = blend(under, 520.0, cover(d - scalp_mm));
            let scalp = blend(skin, fat, cover(d - scalp_mm + 1.8));
            let table = blend(scalp, BONE, cover(d - 6.6));
            // Fatty marrow between the two tables of the skull.
            let marrow = 380.0 + 120.0 * smooth(x * 0.1, y * 0.1, z * 0.08, self.seed ^ 2);
            let skull = blend(table, marrow, cover((d - 4.1).abs() - 1.3));
            blend(skull, FLUID, cover(d - 1.6))
        });
    }

    /// Eyes and nose in the lowest slices, in front of the brain.
    fn face(&self, canvas: &mut Canvas) {
        let z = self.z;
        if z > 34.0 {
            return;
        }
        let front =
            Oval::new(0.0, -56.0, 59.0 * dome(z, -40.0, 36.0), 44.0 * dome(z, -50.0, 36.0)).squared(0.3);
        canvas.fill(front.grown(3.0), 520.0);
        canvas.fill(front, FAT * 0.72);
        let sinus = dome(z, -30.0, 27.0);
        canvas.fill(Oval::new(0.0, -66.0, 13.0 * sinus, 25.0 * sinus), 45.0);
        canvas.fill(Oval::new(0.0, -66.0, 1.4 * sinus, 24.0 * sinus), 400.0);
        for side in [-1.0, 1.0] {
            let globe = dome(z, -4.0, 24.0);
            canvas.fill(Oval::new(32.0 * side, -78.0, 13.4 * globe, 12.4 * globe), 470.0);
            canvas.fill(Oval::new(32.0 * side, -78.0, 12.0 * globe, 11.0 * globe), 190.0);
            canvas.fill(Oval::new(32.5 * side, -86.5, 4.6 * globe, 2.0 * globe), 560.0);
            canvas.fill(Oval::new(26.0 * side, -54.0, 2.4 * globe, 13.0 * globe).turned(24.0 * side), MUSCLE);
            canvas
                .fill(Oval::new(43.0 * side, -62.0, 2.4 * globe, 12.0 * globe).turned(-14.0 * side), MUSCLE);
            canvas.fill(Oval::new(20.0 * side, -64.0, 2.2 * globe, 12.0 * globe), MUSCLE);
        }
    }

    /// Grey ribbon over white matter, folded along the zero lines of smooth noise: these meander as sulci do.
    fn brain(&self, canvas: &mut Canvas) {
        let z = self.z;
        canvas.paint(self.brain.bounds(), |x, y, under| {
            let depth = -self.brain.distance(x, y);
            if depth < -1.0 {
                return under;
            }
            let sulcus_mm = self.sulcus_mm(x, y, depth);
            let ribbon = cover(sulcus_mm.min(depth) - 2.7);
            let white = WHITE + 14.0 * smooth(x * 0.12, y * 0.12, z * 0.1, self.seed ^ 4);
            let matter = blend(white, GREY + 12.0 * smooth(x * 0.3, y * 0.3, z * 0.2, self.seed ^ 6), ribbon);
            let open_mm = profile(depth, &[(0.0, 1.2), (6.0, 0.5), (20.0, 0.0), (30.0, -0.8)]);
            let folded = blend(matter, FLUID, cover(sulcus_mm - open_mm));
            // The fissure between the hemispheres, with the falx as a faint line.
            let midline_mm = (x + 1.2 * smooth(y * 0.04, z * 0.03, 0.0, self.seed ^ 8)).abs();
            let reach = self.fissure(y);
            let hemispheres = blend(folded, GREY, cover(midline_mm - 4.0) * reach);
            let parted = blend(hemispheres, FLUID, cover(midline_mm - 1.1) * reach);
            blend(under, parted, cover(-depth))
        });
    }

    /// Millimetres to the middle of the nearest sulcus; far from all of them in the depth of the brain.
    fn sulcus_mm(&self, x: f32, y: f32, depth: f32) -> f32 {
        // Folds run inwards from the surface and mirror loosely between the sides.
        let (u, v, w) = (x.abs() + 0.08 * x, y, self.z);
        let field = |x: f32, y: f32| {
            let around = (y - 2.0).atan2(x);
            let bent = 2.4 * smooth(x * 0.045, y * 0.045, w * 0.03, self.seed ^ 10)
                + 1.5 * smooth(x * 0.1, y * 0.1, w * 0.06, self.seed ^ 12);
            (12.0 * around + 0.03 * w + bent).sin()
                + 0.5 * smooth(x * 0.17, y * 0.17, w * 0.1, self.seed ^ 14)
        };
        const STEP_MM: f32 = 0.5;
        let here = field(u, v);
        let slope = (field(u + STEP_MM, v) - here).hypot(field(u, v + STEP_MM) - here) / STEP_MM;
        let across = here.abs() / slope.max(0.02);
        let deepest_mm = 20.0 + 10.0 * smooth(u * 0.07, v * 0.07, w * 0.05, self.seed ^ 20);
        let fade = ramp(depth, deepest_mm - 4.0, deepest_mm + 9.0);
        across + 14.0 * fade
    }

    /// How far the midline is open at one place from front to back, 0 to 1.
    fn fissure(&self, y: f32) -> f32 {
        let half_gap_mm = profile(self.z, &[(30.0, 22.0), (60.0, 34.0), (84.0, 26.0), (96.0, 0.0)]);
        ramp((y - 2.0).abs(), half_gap_mm - 2.0, half_gap_mm + 6.0)
    }

    fn ventricles(&self, canvas: &mut Canvas) {
        let z = self.z;
        let body = dome(z, 58.0, 92.0);
        let horns = dome(z, 48.0, 80.0);
        for side in [-1.0, 1.0] {
            canvas.fill(Oval::new(10.0 * side, -2.0, 5.5 * body, 28.0 * body).turned(-7.0 * side), FLUID);
            canvas.fill(Oval::new(11.0 * side, -24.0, 4.2 * horns, 11.0 * horns).turned(-22.0 * side), FLUID);
            canvas.fill(Oval::new(24.0 * side, 34.0, 5.0 * horns, 17.0 * horns).turned(-28.0 * side), FLUID);
            let temporal = dome(z, 22.0, 44.0);
            canvas.fill(
                Oval::new(33.0 * side, 4.0, 2.2 * temporal, 11.0 * temporal).turned(-20.0 * side),
                FLUID,
            );
        }
        let third = dome(z, 36.0, 64.0);
        canvas.fill(Oval::new(0.0, 2.0, 2.2 * third, 13.0 * third), FLUID);
    }

    fn deep_nuclei(&self, canvas: &mut Canvas) {
        let z = self.z;
        let (size, head) = (dome(z, 40.0, 76.0), dome(z, 46.0, 82.0));
        for side in [-1.0, 1.0] {
            canvas.fill(Oval::new(11.5 * side, 9.0, 8.0 * size, 13.0 * size).turned(-24.0 * side), 500.0);
            canvas.fill(Oval::new(26.0 * side, -6.0, 5.5 * size, 15.0 * size).turned(-16.0 * side), 465.0);
            canvas.fill(Oval::new(19.5 * side, -4.0, 3.4 * size, 8.0 * size).turned(-26.0 * side), 560.0);
            canvas.fill(Oval::new(15.5 * side, -23.0, 4.0 * head, 8.0 * head).turned(-24.0 * side), 462.0);
            // The insula, a grey ribbon under the Sylvian fissure.
            canvas.fill(Oval::new(37.0 * side, -6.0, 2.4 * size, 20.0 * size).turned(-8.0 * side), GREY);
            canvas.fill(Oval::new(40.5 * side, -7.0, 1.6 * size, 18.0 * size).turned(-8.0 * side), FLUID);
        }
    }

    /// Cerebellum and brain stem, below the tentorium.
    fn hindbrain(&self, canvas: &mut Canvas) {
        let z = self.z;
        let size = dome(z, -26.0, 44.0);
        let cerebellum = Oval::new(0.0, 47.0, 45.0 * size, 26.0 * size).squared(0.3);
        canvas.fill(cerebellum.grown(2.0 * size), FLUID);
        canvas.paint(cerebellum.bounds(), |x, y, under| {
            let depth = -cerebellum.distance(x, y);
            // Folia: fine sheets parallel to the surface, around a core of white matter.
            let sheet = (depth * 1.25 + 1.4 * smooth(x * 0.1, y * 0.1, z * 0.1, self.seed ^ 16)).sin();
            let folia = GREY + 60.0 * sheet - 90.0 * ramp(sheet, 0.75, 1.0);
            let core = ramp(depth + 7.0 * smooth(x * 0.2, y * 0.2, z * 0.1, self.seed ^ 18), 13.0, 15.0);
            blend(under, blend(folia, WHITE - 25.0, core), cover(-depth))
        });
        let fourth = dome(z, 6.0, 34.0);
        let stem = profile(z, &[(0.0, 0.72), (18.0, 1.0), (40.0, 0.85), (52.0, 0.0)]);
        canvas.fill(Oval::new(0.0, 8.0, 18.6 * stem, 15.6 * stem), FLUID);
        canvas.fill(Oval::new(0.0, 9.0, 17.0 * stem, 14.0 * stem), 585.0);
        canvas.fill(Oval::new(0.0, 23.0, 6.5 * fourth, 3.6 * fourth), FLUID);
    }
}

/// The receive coil's shading and the noise of a magnitude image, which is Rician: never below zero.
fn measure(canvas: &Canvas, rng: &mut Rng) -> Vec<u16> {
    const NOISE: f32 = 13.0;
    const STORED_PER_SIGNAL: f32 = 1.6;
    let index = |row, column| row * canvas.columns + column;
    let mut stored = Vec::with_capacity(canvas.values.len());
    for row in 0..canvas.rows {
        for column in 0..canvas.columns {
            let (x, y) = (canvas.x_mm(column) / FIELD_MM, canvas.y_mm(row) / FIELD_MM);
            let coil = 0.93 + 0.10 * x - 0.06 * y + 0.9 * (x * x + y * y);
            let real = canvas.values[index(row, column)] * coil + NOISE * rng.normal();
            let magnitude = real.hypot(NOISE * rng.normal());
            stored.push((magnitude * STORED_PER_SIGNAL).round().clamp(0.0, 4095.0) as u16);
        }
    }
    stored
}
