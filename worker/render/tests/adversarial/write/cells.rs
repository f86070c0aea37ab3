//! Stored values as pixel cells, and cells as bytes (PS3.5 8.1.1, 8.2).

use crate::case::{Case, CellKind, Colours, OverlayPlace, Spare};
use crate::random::Random;

/// The cells of one frame in the order of the file, each in the low bits.
pub(crate) fn of_frame(case: &Case, frame_index: usize) -> Vec<u64> {
    let mut random = Random::new(case.seed ^ 0x4345_4C4C ^ frame_index as u64);
    let samples = in_file_order(case, &case.frames[frame_index]);
    let cell = |(index, &value): (usize, &f64)| cell(case, value, index as u32, &mut random);
    samples.iter().enumerate().map(cell).collect()
}

/// Planes, or pairs of pixels with shared chrominance, where the case has them.
fn in_file_order(case: &Case, samples: &[f64]) -> Vec<f64> {
    match &case.colours {
        Colours::Rgb { planar: true } | Colours::YbrFull { planar: true } => {
            (0..3).flat_map(|plane| samples.iter().skip(plane).step_by(3).copied()).collect()
        }
        Colours::YbrFull422 { whole_pixels: false } => {
            samples.chunks(6).flat_map(|pair| [pair[0], pair[3], pair[1], pair[2]]).collect()
        }
        _ => samples.to_vec(),
    }
}

fn cell(case: &Case, value: f64, index: u32, random: &mut Random) -> u64 {
    let cells = &case.cells;
    match cells.kind {
        CellKind::Float32 => return (value as f32).to_bits().into(),
        CellKind::Float64 => return value.to_bits(),
        CellKind::Integer => {}
    }
    let mask = |bits: u16| (1_u64 << bits) - 1;
    let shift = cells.high_bit + 1 - cells.stored;
    let in_place = (value as i64 as u64 & mask(cells.stored)) << shift;
    let spare_mask = mask(cells.allocated) & !(mask(cells.stored) << shift);
    let mut spare = match cells.spare {
        Spare::Zeros => 0,
        Spare::Sign if value < 0.0 => mask(cells.allocated) & !mask(cells.high_bit + 1),
        Spare::Sign => 0,
        Spare::Junk => random.next() & spare_mask,
    };
    if let Some((bit, set)) = overlay_bit(case, index) {
        spare = spare & !(1 << bit) | u64::from(set) << bit;
    }
    in_place | spare
}

/// An overlay in the cells: its bit, and whether it is set for this pixel.
fn overlay_bit(case: &Case, index: u32) -> Option<(u16, bool)> {
    let overlay = case.display.overlay.as_ref()?;
    let OverlayPlace::Bit(bit) = overlay.place else { return None };
    Some((bit, overlay.is_set(index / case.columns, index % case.columns)))
}

/// Little endian, cells of one bit packed from the lowest.
pub(crate) fn little_endian(cells: &[u64], allocated: u16) -> Vec<u8> {
    if allocated == 1 {
        return cells
            .chunks(8)
            .map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | bit as u8))
            .collect();
    }
    let byte_count = usize::from(allocated / 8);
    cells.iter().flat_map(|cell| cell.to_le_bytes()[..byte_count].to_vec()).collect()
}

/// Big endian: cells reversed, or where cells of 8 bits or fewer are written as words, the words.
pub(crate) fn big_endian(little: &[u8], allocated: u16, in_words: bool) -> Vec<u8> {
    let size = match allocated {
        1 | 8 if in_words => 2,
        1 | 8 => 1,
        bits => usize::from(bits / 8),
    };
    let mut bytes = little.to_vec();
    bytes.resize(little.len().next_multiple_of(2.max(size)), 0);
    bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    bytes
}
