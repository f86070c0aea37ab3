//! Overlays of the repeating groups 60xx, in their own bit plane or in spare bits of the pixels (PS3.3 C.9.2).

use dicom_core::Tag;

use crate::draw::{Ink, blend};
use crate::file::parse::element::Vr;
use crate::file::parse::view::{Numbers, View};

/// 16 groups: 6000, 6002 to 601E.
const GROUP_COUNT: u16 = 16;

/// Where one overlay lies on the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlay {
    group: u16,
    rows: i64,
    columns: i64,
    /// Row and column of its first pixel, counted from 0; may be negative.
    top: i64,
    left: i64,
    /// Index of its plane for the frame.
    plane: u64,
    /// More than 1 where the overlay lies in the cells of the pixels.
    bits_allocated: u16,
    bit_position: u16,
}

/// The overlays that apply to a frame.
pub(crate) fn of_frame(view: &View<'_>, frame_number: u32) -> Vec<Overlay> {
    (0..GROUP_COUNT).filter_map(|index| read(view, 0x6000 + 2 * index, frame_number)).collect()
}

/// Whether any overlay lies in the cells of the pixels, of whichever frame.
pub(crate) fn lie_in_cells(view: &View<'_>) -> bool {
    (0..GROUP_COUNT).map(|index| 0x6000 + 2 * index).any(|group| {
        let number = |element| view.number(Tag(group, element), Numbers::U16).unwrap_or(0.0);
        is_in_cells(view, group, number(0x0100), number(0x0102))
    })
}

/// Whether an overlay has no plane of its own (retired, PS3.3-2004 C.9.2). The first bit of a cell is one too, where the attributes say
/// that cells are meant.
fn is_in_cells(view: &View<'_>, group: u16, bits_allocated: f64, bit_position: f64) -> bool {
    view.bytes(Tag(group, 0x3000)).is_none() && (bits_allocated > 1.0 || bit_position > 0.0)
}

fn read(view: &View<'_>, group: u16, frame_number: u32) -> Option<Overlay> {
    let number = |element| view.number(Tag(group, element), Numbers::U16);
    let origin = view.numbers(Tag(group, 0x0050), Numbers::I16);
    let origin_of =
        |index: usize| origin.get(index).copied().flatten().unwrap_or(1.0).clamp(-1e6, 1e6) as i64 - 1;
    // Number of Frames in Overlay and Image Frame Origin: without them the overlay lies on every frame.
    let plane_count = view.number(Tag(group, 0x0015), Numbers::Text);
    let first_frame = number(0x0051).unwrap_or(1.0);
    let plane = match plane_count {
        Some(count) if count > 1.0 => {
            let plane = f64::from(frame_number) - first_frame;
            (0.0..count).contains(&plane).then_some(plane as u64)?
        }
        _ => 0,
    };
    let (rows, columns) = (number(0x0010)? as i64, number(0x0011)? as i64);
    let is_side = |side: i64| (1..=65_535).contains(&side);
    (is_side(rows) && is_side(columns)).then_some(Overlay {
        group,
        rows,
        columns,
        top: origin_of(0),
        left: origin_of(1),
        plane,
        bits_allocated: number(0x0100).unwrap_or(0.0) as u16,
        bit_position: number(0x0102).unwrap_or(0.0) as u16,
    })
}

impl Overlay {
    pub(crate) fn group(&self) -> u16 {
        self.group
    }

    /// The bit of the pixel cells that holds this overlay, when it has no plane of its own.
    pub(crate) fn embedded_bit(&self, view: &View<'_>) -> Option<u16> {
        let (bits_allocated, bit_position) = (self.bits_allocated.into(), self.bit_position.into());
        is_in_cells(view, self.group, bits_allocated, bit_position).then_some(self.bit_position)
    }

    /// Marks the pixels of the overlay with 255 in a mask of the frame.
    pub(crate) fn draw(&self, view: &View<'_>, mask: &mut [u8], columns: u32) {
        let Some(bits) = view.bytes(Tag(self.group, 0x3000)) else { return };
        // Bits go from the least significant of each byte; big-endian words hold their bytes swapped.
        let words_are_swapped =
            view.encoding().big_endian && view.vr(Tag(self.group, 0x3000)) == Some(Vr(*b"OW"));
        let swap = usize::from(words_are_swapped);
        let is_set = |bit: u64| {
            let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX) ^ swap;
            bits.get(byte).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        let (frame_columns, frame_rows) = (i64::from(columns), (mask.len() / columns.max(1) as usize) as i64);
        let plane_start = self.plane.saturating_mul((self.rows * self.columns) as u64);
        for y in self.top.max(0)..(self.top + self.rows).min(frame_rows) {
            for x in self.left.max(0)..(self.left + self.columns).min(frame_columns) {
                let bit = (y - self.top) * self.columns + (x - self.left);
                if is_set(plane_start.saturating_add(bit as u64)) {
                    mask[(y * frame_columns + x) as usize] = 255;
                }
            }
        }
    }
}

/// Burns a mask in: 255 is the ink alone, between is a share of it.
pub(crate) fn burn_in(pixels: &mut [u8], samples_per_pixel: usize, mask: &[u8], ink: Ink) {
    for (pixel, &share) in pixels.chunks_exact_mut(samples_per_pixel).zip(mask) {
        if share > 0 {
            pixel.iter_mut().zip(ink.0).for_each(|(sample, level)| blend(sample, level, share));
        }
    }
}
