//! CT slices: the chest phantom on its table, as a scanner would have measured it.

use super::canvas::{Canvas, blend, cover};
use super::chest::{AIR, Chest, HEIGHT_MM};
use super::noise::{Rng, grain};

/// The width of the reconstructed field of view, mm.
pub(crate) const FIELD_MM: f32 = 380.0;
/// Stored values are Hounsfield units with this much added (Rescale Intercept is its negative).
pub(crate) const STORED_OFFSET: f32 = 1024.0;

/// One axial slice of the synthetic chest as stored values: add -1024 for Hounsfield units.
///
/// `rows x columns`, row-major, 380 mm across. Slice 0 of `slice_count` lies in the upper abdomen, the last one above
/// the lungs. The same arguments give the same values; slices of one seed show the same patient.
///
/// ```
/// let slice = noctis_demo::ct_slice(64, 64, 10, 24, 7);
/// assert_eq!(slice.len(), 64 * 64);
/// ```
pub fn ct_slice(rows: u16, columns: u16, slice_index: u32, slice_count: u32, seed: u64) -> Vec<i16> {
    stored_slice(&Chest::new(seed), rows, columns, slice_index, slice_count, seed)
}

/// [`ct_slice`] with the patient already made, for whole series.
pub(crate) fn stored_slice(
    chest: &Chest,
    rows: u16,
    columns: u16,
    slice_index: u32,
    slice_count: u32,
    seed: u64,
) -> Vec<i16> {
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let thickness_mm = HEIGHT_MM / slice_count.max(1) as f32;
    let z_mm = (slice_index as f32 + 0.5) * thickness_mm;
    let spacing_mm = FIELD_MM / columns.max(1) as f32;
    let mut canvas = chest.slice(rows, columns, spacing_mm, z_mm, thickness_mm);
    table(&mut canvas);
    measure(&canvas, &mut Rng::new(seed, u64::from(slice_index)))
}

/// The couch: two thin shells around foam, seen only where there is air.
fn table(canvas: &mut Canvas) {
    const HALF_WIDTH_MM: f32 = 205.0;
    for row in 0..canvas.rows {
        let y = canvas.y_mm(row);
        for column in 0..canvas.columns {
            let across = canvas.x_mm(column) / HALF_WIDTH_MM;
            let top = 126.0 - 16.0 * across * across;
            let bottom = 166.0 - 52.0 * across * across;
            let value = &mut canvas.values[row * canvas.columns + column];
            if y < top - 2.0 || y > bottom + 2.0 || *value > -900.0 {
                continue;
            }
            let shell = cover((y - top).abs() - 0.9).max(cover((y - bottom).abs() - 0.9));
            *value = blend(AIR + 38.0, -70.0, shell);
        }
    }
}

/// Adds the scanner's noise, stronger behind more tissue, and cuts off what lies outside the round field of view.
fn measure(canvas: &Canvas, rng: &mut Rng) -> Vec<i16> {
    const TISSUE_NOISE_HU: f32 = 11.0;
    const AIR_NOISE_HU: f32 = 6.0;
    let noise = grain(canvas.rows, canvas.columns, rng);
    let field_mm = canvas.spacing_mm * canvas.columns as f32 / 2.0;
    let index = |row, column| row * canvas.columns + column;
    let mut stored = Vec::with_capacity(canvas.values.len());
    for row in 0..canvas.rows {
        for column in 0..canvas.columns {
            let from_middle_mm = canvas.x_mm(column).hypot(canvas.y_mm(row));
            let hu = canvas.values[index(row, column)];
            // Photons are scarcest in the middle of the body.
            let starved = (1.0 - from_middle_mm / field_mm).max(0.0);
            let deviation = AIR_NOISE_HU + TISSUE_NOISE_HU * starved * if hu > -950.0 { 1.0 } else { 0.3 };
            let noisy = hu + deviation * noise[index(row, column)];
            let value = if from_middle_mm > field_mm { 0.0 } else { noisy + STORED_OFFSET };
            stored.push(value.round().clamp(0.0, 4095.0) as i16);
        }
    }
    stored
}
