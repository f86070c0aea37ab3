//! How an RGB picture is written: as grey, with a palette, or as RGB cut in one of three ways.
//!
//! Captures of a screen repeat themselves and want a search for repeats; ultrasound is mostly grey, and wants its grey
//! pixels found; photographs want neither. A band from the middle of the picture is tried in each way.

use std::ops::Range;

use super::chunks::{self, Header};
use super::deflate::{self, Cut};
use super::filter;
use super::greys::SeenGreys;
use super::repeats::Seen;

/// Colours of a palette (ISO/IEC 15948 11.2.2).
const COLORS_MAX: usize = 256;
/// Filtered bytes that are tried in each way.
const TRIAL_BYTES: usize = 48 * 1024;

/// A picture of few colours.
pub(super) struct Indexed {
    palette: Vec<[u8; 3]>,
    indices: Vec<u8>,
}

impl Indexed {
    /// Palette, in order of appearance, and indices of `pixels`; `None` past 256 colours.
    pub(super) fn of(pixels: &[u8]) -> Option<Self> {
        let pixels = pixels.as_chunks::<3>().0;
        let mut colors = ColorTable::new();
        let mut indices = Vec::with_capacity(pixels.len());
        let (mut last, mut last_index) = (*pixels.first()?, colors.index_of(*pixels.first()?)?);
        for &pixel in pixels {
            if pixel != last {
                (last, last_index) = (pixel, colors.index_of(pixel)?);
            }
            indices.push(last_index);
        }
        Some(Self { palette: colors.palette, indices })
    }

    /// Writes the file: unfiltered, since neighbouring indices are not neighbouring colours.
    pub(super) fn write(&self, columns: u32, rows: u32, icc: Option<&[u8]>, out: &mut Vec<u8>) {
        let width = self.indices.len() / rows as usize;
        let mut filtered = Vec::with_capacity(self.indices.len() + rows as usize);
        for row in self.indices.chunks_exact(width) {
            filtered.push(filter::NONE);
            filtered.extend_from_slice(row);
        }
        chunks::write(out, Header::palette(columns, rows, &self.palette), icc, |out| {
            chunks::append_zlib(&filtered, chunks::FAST, out);
        });
    }
}

/// Writes an RGB picture without a palette.
pub(super) fn write_rgb(pixels: &[u8], (columns, rows): (u32, u32), icc: Option<&[u8]>, out: &mut Vec<u8>) {
    let row_bytes = pixels.len() / rows as usize;
    let filtered = filter::all_rows::<3>(pixels, row_bytes);
    let cut = best_cut(&filtered[trial_range(filtered.len(), row_bytes + 1)], row_bytes + 1);
    chunks::write(out, Header::rgb(columns, rows), icc, |out| match cut {
        Some(cut) => deflate::append_filtered_rgb(&filtered, row_bytes + 1, cut, out),
        None => deflate::append_filtered(&filtered, row_bytes + 1, out),
    });
}

/// How rows like these are best cut; `None`: for runs only, which takes the least time.
fn best_cut(trial: &[u8], row_bytes: usize) -> Option<Cut> {
    let (greys, repeats) = (|| Cut::Greys(SeenGreys::new()), || Cut::Repeats(Seen::new()));
    let with_runs = deflate::byte_count_with_runs(trial);
    let with_greys = greys().byte_count(trial, row_bytes);
    let with_repeats = repeats().byte_count(trial, row_bytes);
    // The search for repeats takes twice the time of the others, and less than a tenth is not worth it.
    if with_repeats + with_repeats / 10 < with_greys.min(with_runs) {
        Some(repeats())
    } else {
        (with_greys < with_runs).then(greys)
    }
}

/// Whole rows from the middle, of [`TRIAL_BYTES`] or a little more.
fn trial_range(byte_count: usize, row_bytes: usize) -> Range<usize> {
    let rows = byte_count / row_bytes;
    let trial_rows = TRIAL_BYTES.div_ceil(row_bytes).min(rows);
    let first = (rows - trial_rows) / 2;
    first * row_bytes..(first + trial_rows) * row_bytes
}

/// Colours seen so far, found by hash.
struct ColorTable {
    palette: Vec<[u8; 3]>,
    /// Colour and index + 1; 0 is empty. Four slots a colour, so that searches stay short.
    slots: Vec<([u8; 3], u16)>,
}

impl ColorTable {
    fn new() -> Self {
        Self { palette: Vec::with_capacity(COLORS_MAX), slots: vec![([0; 3], 0); 4 * COLORS_MAX] }
    }

    /// Index of a colour, new or known; `None` when it does not fit.
    fn index_of(&mut self, color: [u8; 3]) -> Option<u8> {
        let [r, g, b] = color;
        let hash = u32::from_le_bytes([r, g, b, 0]).wrapping_mul(0x9e37_79b1) >> 22;
        let mut slot = hash as usize;
        loop {
            let (known, number) = self.slots[slot % self.slots.len()];
            if number == 0 {
                break;
            }
            if known == color {
                return u8::try_from(number - 1).ok();
            }
            slot += 1;
        }
        let index = u8::try_from(self.palette.len()).ok()?;
        self.palette.push(color);
        let slot_count = self.slots.len();
        self.slots[slot % slot_count] = (color, u16::from(index) + 1);
        Some(index)
    }
}
