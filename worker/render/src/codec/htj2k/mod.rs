//! Lossless High-Throughput JPEG 2000 (ITU-T T.814) as its encoders write it: one tile, one layer, reversible, cleanup
//! passes alone. Anything else, and anything that is not as it should be, is `None`: `OpenJPEG` then reads the
//! codestream, and says what is wrong with it. So this decoder may be fast without having to be lenient.

mod bits;
mod block;
mod header;
mod packets;
mod tables;
mod wavelet;

pub(crate) use header::Frame;

use crate::samples::Samples;

/// A decoded picture, at the size that the reduction leaves.
pub(crate) struct Picture {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) samples: Samples,
}

impl Frame<'_> {
    /// Decodes with both sides halved `reduction` times, which must be at most the frame's levels.
    pub(crate) fn decode(&self, reduction: u8) -> Option<Picture> {
        let body = self.tile_body()?;
        let blocks = packets::blocks(self, &body)?;
        let resolution = self.levels.checked_sub(reduction)?;
        let mut planes = Vec::with_capacity(blocks.len());
        for component in blocks {
            planes.push(wavelet::plane(self, &component, resolution, &mut block::Scratch::default())?);
        }
        if self.colour_transform {
            undo_colour_transform(&mut planes)?;
        }
        let (columns, rows) = self.size_at(resolution);
        Some(Picture { columns: columns as u32, rows: rows as u32, samples: self.samples(&planes)? })
    }

    /// Samples with the level shift undone, kept inside what their precision can hold.
    fn samples(&self, planes: &[Vec<i32>]) -> Option<Samples> {
        let half = 1 << (self.precision - 1);
        let (shift, low, high) = if self.signed { (0, -half, half - 1) } else { (half, 0, 2 * half - 1) };
        let sample = |value: i32| value.wrapping_add(shift).clamp(low, high);
        Some(match (planes, self.signed, self.precision) {
            ([plane], false, 1..=8) => Samples::U8(plane.iter().map(|&value| sample(value) as u8).collect()),
            ([plane], false, _) => Samples::U16(plane.iter().map(|&value| sample(value) as u16).collect()),
            ([plane], true, _) => Samples::I32(plane.iter().map(|&value| sample(value)).collect()),
            ([first, second, third], signed, precision) => {
                let pixels = first.iter().zip(second).zip(third);
                let interleaved = pixels.flat_map(|((&a, &b), &c)| [sample(a), sample(b), sample(c)]);
                match (signed, precision) {
                    (false, 1..=8) => Samples::U8(interleaved.map(|value| value as u8).collect()),
                    (false, _) => Samples::U16(interleaved.map(|value| value as u16).collect()),
                    (true, _) => Samples::I32(interleaved.collect()),
                }
            }
            _ => return None,
        })
    }
}

/// The reversible component transform backwards (T.800 G.2.2).
fn undo_colour_transform(planes: &mut [Vec<i32>]) -> Option<()> {
    let [first, second, third] = planes else { return None };
    for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
        let green = a.wrapping_sub(b.wrapping_add(*c) >> 2);
        (*a, *b, *c) = (c.wrapping_add(green), green, b.wrapping_add(green));
    }
    Some(())
}
