//! RLE (PS3.5 annex G): byte planes, packed like `PackBits`. Cells of 1, 8, 16 and 32 bits.

use crate::RenderError;
use crate::file::pixel_format::PixelFormat;

/// Number of segments, then 15 offsets.
const HEADER_BYTES: usize = 64;
const SEGMENTS_MAX: usize = 15;

/// The frame as native little-endian cells, one plane after the other, and whether a segment was too short.
///
/// # Errors
/// [`RenderError::Corrupt`] when the header or a segment does not fit the attributes.
pub(crate) fn decode(
    frame: &[u8],
    format: &PixelFormat,
    best_effort: bool,
) -> Result<(Vec<u8>, bool), RenderError> {
    let header =
        frame.first_chunk::<HEADER_BYTES>().ok_or_else(|| RenderError::corrupt("an RLE header is cut"))?;
    let word = |index: usize| {
        let at = index * 4;
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    let bytes_per_cell = usize::from(format.bits_allocated).div_ceil(8);
    let segment_count = bytes_per_cell * usize::from(format.samples_per_pixel);
    if word(0) != segment_count || segment_count > SEGMENTS_MAX {
        return Err(RenderError::corrupt(format!("{} RLE segments instead of {segment_count}", word(0))));
    }
    // Single bits are packed eight to a byte before they are coded.
    let cells =
        if format.bits_allocated == 1 { format.pixel_count().div_ceil(8) } else { format.pixel_count() };
    let cells = cells as usize;
    // Of one column, the byte that makes a plane even is no row.
    let row = cells.div_ceil(format.rows.max(1) as usize).max(2);
    let mut out = vec![0; cells * segment_count];
    let mut plane = Vec::with_capacity(cells + row);
    let mut is_short = false;
    for segment in 0..segment_count {
        let end = if segment + 1 < segment_count { word(segment + 2) } else { frame.len() };
        let coded = frame
            .get(word(segment + 1)..end)
            .ok_or_else(|| RenderError::corrupt("an RLE segment lies outside the frame"))?;
        // What follows the last pixel is ignored (PS3.5 G.3.2), unless it is another row: then the attributes are wrong.
        unpack(coded, cells + row, &mut plane);
        if plane.len() == cells + row && !best_effort {
            return Err(RenderError::corrupt("an RLE segment has more rows than the attributes say"));
        }
        plane.truncate(cells);
        if plane.len() < cells {
            if !best_effort {
                let missing = cells - plane.len();
                return Err(RenderError::corrupt(format!("an RLE segment ends {missing} bytes early")));
            }
            is_short = true;
        }
        // The most significant byte of a sample comes first.
        let (sample, byte) = (segment / bytes_per_cell, bytes_per_cell - 1 - segment % bytes_per_cell);
        let cells_of_sample = &mut out[sample * cells * bytes_per_cell..][..cells * bytes_per_cell];
        if bytes_per_cell == 1 {
            cells_of_sample[..plane.len()].copy_from_slice(&plane);
        } else {
            let targets = cells_of_sample.iter_mut().skip(byte).step_by(bytes_per_cell);
            targets.zip(&plane).for_each(|(target, value)| *target = *value);
        }
    }
    Ok((out, is_short))
}

/// Unpacks at most `length` bytes.
fn unpack(mut coded: &[u8], length: usize, plane: &mut Vec<u8>) {
    plane.clear();
    while let Some((&control, rest)) = coded.split_first() {
        let room = length - plane.len();
        if room == 0 {
            break;
        }
        match control {
            0..=127 => {
                let count = (usize::from(control) + 1).min(rest.len());
                plane.extend_from_slice(&rest[..count.min(room)]);
                coded = &rest[count..];
            }
            128 => coded = rest,
            129.. => {
                let Some((&value, rest)) = rest.split_first() else { break };
                plane.resize(plane.len() + (257 - usize::from(control)).min(room), value);
                coded = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PS3.5 G.3.1: -128 does nothing, 0 to 127 copy, -1 to -127 repeat.
    #[test]
    fn the_three_kinds_of_run_unpack() {
        let mut plane = Vec::new();
        unpack(&[2, 10, 20, 30, 128, 254, 7, 0, 9], 100, &mut plane);
        assert_eq!(plane, [10, 20, 30, 7, 7, 7, 9]);
        unpack(&[129, 5, 0], 100, &mut plane);
        assert_eq!(plane, [5; 100], "never more than asked");
    }
}
