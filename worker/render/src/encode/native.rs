//! A decoded frame as native pixel data has it in Explicit VR Little Endian (PS3.5 8.1.1, 8.2, A.2): what a client gets that
//! does not take the transfer syntax of the file.
//!
//! What must not be here: any stage of the display. Samples are as they are stored, in the cells and the planes that the
//! attributes say.

use crate::decode::DecodedFrame;
use crate::file::pixel_format::PixelFormat;
use crate::samples::Samples;
use crate::{Header, RenderError};

/// The cells of a frame: Bits Allocated each, the least significant byte first, the sample at High Bit and its sign above it, rows x
/// columns x samples; color-by-plane where Planar Configuration says so. Single bits are eight to a byte, the first lowest, from
/// the first bit on. Colours that their codec had transformed are RGB, and have a whole sample of each for each pixel.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for a frame that was decoded smaller than it is stored; [`RenderError::NoPixelData`].
pub fn native_frame(header: &Header, frame: &DecodedFrame) -> Result<Vec<u8>, RenderError> {
    let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
    if frame.reduction > 0 {
        return Err(RenderError::invalid_request("frame", "was decoded smaller than it is stored"));
    }
    let layout = Layout::of(format);
    Ok(match &frame.samples {
        Samples::U8(values) => cells(values, layout),
        Samples::I8(values) => cells(values, layout),
        Samples::U16(values) => cells(values, layout),
        Samples::I16(values) => cells(values, layout),
        Samples::U32(values) => cells(values, layout),
        Samples::I32(values) => cells(values, layout),
        Samples::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Samples::F64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    })
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

fn cells<T: Copy + Into<i64>>(values: &[T], layout: Layout) -> Vec<u8> {
    if layout.in_planes && layout.samples_per_pixel > 1 {
        let plane = |sample| values.iter().skip(sample).step_by(layout.samples_per_pixel).copied();
        return in_cells((0..layout.samples_per_pixel).flat_map(plane), values.len(), layout);
    }
    in_cells(values.iter().copied(), values.len(), layout)
}

fn in_cells<T: Into<i64>>(values: impl Iterator<Item = T>, count: usize, layout: Layout) -> Vec<u8> {
    if layout.bits_allocated == 1 {
        let mut bytes = vec![0; count.div_ceil(8)];
        for (nth, value) in values.enumerate() {
            bytes[nth / 8] |= u8::from(value.into() != 0) << (nth % 8);
        }
        return bytes;
    }
    let cell_bytes = usize::from(layout.bits_allocated / 8);
    let mut bytes = Vec::with_capacity(count * cell_bytes);
    for value in values {
        let cell = value.into() << layout.shift;
        bytes.extend_from_slice(&cell.to_le_bytes()[..cell_bytes]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_in_the_cells_that_the_attributes_say() {
        let layout = |bits_allocated, shift, samples_per_pixel, in_planes| Layout {
            bits_allocated,
            shift,
            samples_per_pixel,
            in_planes,
        };
        assert_eq!(cells(&[1_u8, 255], layout(8, 0, 1, false)), [1, 255]);
        assert_eq!(cells(&[1_i16, -2], layout(16, 0, 1, false)), [1, 0, 0xFE, 0xFF]);
        assert_eq!(cells(&[1_u16, 0xFFF], layout(16, 4, 1, false)), [0x10, 0, 0xF0, 0xFF]);
        assert_eq!(cells(&[-1_i8, 7], layout(16, 0, 1, false)), [0xFF, 0xFF, 7, 0]);
        assert_eq!(cells(&[u32::MAX, 1], layout(32, 0, 1, false)), [255, 255, 255, 255, 1, 0, 0, 0]);
        assert_eq!(cells(&[1_u8, 2, 3, 4, 5, 6], layout(8, 0, 3, false)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(cells(&[1_u8, 2, 3, 4, 5, 6], layout(8, 0, 3, true)), [1, 4, 2, 5, 3, 6]);
        assert_eq!(cells(&[1_u8, 0, 1, 0, 0, 0, 0, 1, 1], layout(1, 0, 1, false)), [0b1000_0101, 1]);
    }
}
