//! A decoded frame as native pixel data has it in Explicit VR Little Endian (PS3.5 8.1.1, 8.2, A.2): what a client gets that
//! does not take the transfer syntax of the file.
//!
//! What must not be here: any stage of the display. Samples are as they are stored, in the cells and the planes that the
//! attributes say.

use crate::decode::DecodedFrame;
use crate::file::pixel_format::PixelFormat;
use crate::file::transfer_syntax::is_lossless;
use crate::samples::Samples;
use crate::{Header, RenderError};

/// The cells of a frame: Bits Allocated each, the least significant byte first, the sample at High Bit and its sign above it, rows x
/// columns x samples; color-by-plane where Planar Configuration says so. Single bits are eight to a byte, the first lowest, from
/// the first bit on. Colours that their codec had transformed are RGB, and have a whole sample of each for each pixel.
///
/// Overlays in spare bits of the cells are not in there.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for a frame that was decoded smaller than it is stored; [`RenderError::Unsupported`] for samples
/// that do not fit their cells, and for native pixels that share their chrominance; [`RenderError::NoPixelData`].
pub fn native_frame(header: &Header, frame: &DecodedFrame) -> Result<Vec<u8>, RenderError> {
    let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
    in_layout(header, format, frame, Layout::of(format))
}

/// The cells of a frame as of [`native_frame`], one plane of samples after the other whatever Planar Configuration says.
pub(super) fn in_planes(header: &Header, frame: &DecodedFrame) -> Result<Vec<u8>, RenderError> {
    let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
    in_layout(header, format, frame, Layout { in_planes: true, ..Layout::of(format) })
}

fn in_layout(
    header: &Header,
    format: &PixelFormat,
    frame: &DecodedFrame,
    layout: Layout,
) -> Result<Vec<u8>, RenderError> {
    if frame.reduction > 0 {
        return Err(RenderError::invalid_request("frame", "was decoded smaller than it is stored"));
    }
    if format.is_native_422() && !header.is_encapsulated() {
        return Err(RenderError::unsupported("decoding native pixels that share their chrominance"));
    }
    // A lossy codec is given whole cells by some writers, and samples by others: where both differ nobody can tell.
    if layout.shift > 0 && header.is_encapsulated() && !is_lossless(header.transfer_syntax_uid()) {
        return Err(RenderError::unsupported("samples of a lossy codestream that do not begin at bit 0"));
    }
    let cells = match &frame.samples {
        Samples::U8(values) => cells(values, layout),
        Samples::I8(values) => cells(values, layout),
        Samples::U16(values) => cells(values, layout),
        Samples::I16(values) => cells(values, layout),
        Samples::U32(values) => cells(values, layout),
        Samples::I32(values) => cells(values, layout),
        Samples::F32(values) => Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        Samples::F64(values) => Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    };
    cells.ok_or_else(|| RenderError::unsupported("samples that are deeper than Bits Allocated says"))
}

/// How samples lie in cells.
#[derive(Clone, Copy)]
struct Layout {
    bits_allocated: u16,
    /// Bits below the sample in its cell.
    shift: u16,
    samples_per_pixel: usize,
    in_planes: bool,
}

impl Layout {
    fn of(format: &PixelFormat) -> Self {
        Self {
            bits_allocated: format.bits_allocated,
            shift: (format.high_bit + 1).saturating_sub(format.bits_stored),
            samples_per_pixel: usize::from(format.samples_per_pixel.max(1)),
            in_planes: format.planar,
        }
    }
}

/// `None` for samples that do not fit.
fn cells<T: Copy + Into<i64>>(values: &[T], layout: Layout) -> Option<Vec<u8>> {
    if layout.in_planes && layout.samples_per_pixel > 1 {
        let plane = |sample| values.iter().skip(sample).step_by(layout.samples_per_pixel).copied();
        return in_cells((0..layout.samples_per_pixel).flat_map(plane), values.len(), layout);
    }
    in_cells(values.iter().copied(), values.len(), layout)
}

fn in_cells<T: Into<i64>>(values: impl Iterator<Item = T>, count: usize, layout: Layout) -> Option<Vec<u8>> {
    if layout.bits_allocated == 1 {
        let mut bytes = vec![0; count.div_ceil(8)];
        for (nth, value) in values.enumerate() {
            bytes[nth / 8] |= u8::from(value.into() != 0) << (nth % 8);
        }
        return Some(bytes);
    }
    let cell_bytes = usize::from(layout.bits_allocated / 8);
    let mut bytes = Vec::with_capacity(count * cell_bytes);
    // What a cell may be, read with a sign or without.
    let (least, most) = (-1 << (layout.bits_allocated - 1), (1 << layout.bits_allocated) - 1);
    let mut fits = true;
    for value in values {
        let cell: i64 = value.into() << layout.shift;
        fits &= (least..=most).contains(&cell);
        bytes.extend_from_slice(&cell.to_le_bytes()[..cell_bytes]);
    }
    fits.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: Copy + Into<i64>>(values: &[T], layout: Layout) -> Vec<u8> {
        cells(values, layout).expect("they fit")
    }

    #[test]
    fn samples_lie_in_the_cells_that_the_attributes_say() {
        let layout = |bits_allocated, shift, samples_per_pixel, in_planes| Layout {
            bits_allocated,
            shift,
            samples_per_pixel,
            in_planes,
        };
        assert_eq!(told(&[1_u8, 255], layout(8, 0, 1, false)), [1, 255]);
        assert_eq!(told(&[1_i16, -2], layout(16, 0, 1, false)), [1, 0, 0xFE, 0xFF]);
        assert_eq!(told(&[1_u16, 0xFFF], layout(16, 4, 1, false)), [0x10, 0, 0xF0, 0xFF]);
        assert_eq!(told(&[-1_i8, 7], layout(16, 0, 1, false)), [0xFF, 0xFF, 7, 0]);
        assert_eq!(told(&[u32::MAX, 1], layout(32, 0, 1, false)), [255, 255, 255, 255, 1, 0, 0, 0]);
        assert_eq!(told(&[1_u8, 2, 3, 4, 5, 6], layout(8, 0, 3, false)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(told(&[1_u8, 2, 3, 4, 5, 6], layout(8, 0, 3, true)), [1, 4, 2, 5, 3, 6]);
        assert_eq!(told(&[1_u8, 0, 1, 0, 0, 0, 0, 1, 1], layout(1, 0, 1, false)), [0b1000_0101, 1]);
        for (value, bits, shift) in [(256_i32, 8, 0), (-129, 8, 0), (0x1_0000, 16, 0), (0x1000, 16, 4)] {
            assert_eq!(cells(&[value], layout(bits, shift, 1, false)), None, "{value} in {bits} bits");
        }
    }
}
