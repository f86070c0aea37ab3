//! Lossless High-Throughput JPEG 2000 (ITU-T T.814) as its encoders write it: one tile in one part, one layer, reversible,
//! cleanup passes alone, grey or colours of 8 bits. Anything else, and anything that is not as it should be, is `None`: `OpenJPEG` then reads the
//! codestream, and says what is wrong with it. So this decoder may be fast without having to be lenient.

mod bits;
mod block;
mod header;
mod packets;
mod tables;
#[cfg(test)]
mod tests;
mod wavelet;

pub(crate) use header::Frame;

use crate::samples::Samples;

/// Subbands of a component, resolution by resolution.
type Bands<'a> = Vec<Vec<packets::Band<'a>>>;

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
        let components = packets::blocks(self, body)?;
        let resolution = self.levels.checked_sub(reduction)?;
        let samples = match (&components[..], self.signed, self.precision) {
            ([grey], false, 1..=8) => Samples::U8(self.grey(grey, resolution, |value| value as u8)?),
            ([grey], false, _) => Samples::U16(self.grey(grey, resolution, |value| value as u16)?),
            ([grey], true, _) => Samples::I32(self.grey(grey, resolution, |value| value)?),
            (colours, ..) => Samples::U8(self.colours(colours, resolution)?),
        };
        let (columns, rows) = self.size_at(resolution);
        Some(Picture { columns: columns as u32, rows: rows as u32, samples })
    }

    fn grey<T>(&self, bands: &Bands<'_>, resolution: u8, narrow: impl Fn(i32) -> T) -> Option<Vec<T>> {
        let (columns, rows) = self.size_at(resolution);
        let sample = self.sample();
        let mut samples = Vec::with_capacity(columns * rows);
        let mut sink = |row: &[i32]| samples.extend(row.iter().map(|&value| narrow(sample(value))));
        wavelet::rows(self, bands, resolution, &mut block::Scratch::default(), &mut sink)?;
        Some(samples)
    }

    /// Three components of at most 8 bits, interleaved.
    fn colours(&self, bands: &[Bands<'_>], resolution: u8) -> Option<Vec<u8>> {
        let (columns, rows) = self.size_at(resolution);
        let mut scratch = block::Scratch::default();
        let mut planes = Vec::with_capacity(3);
        for bands in bands {
            let mut plane = Vec::with_capacity(columns * rows);
            wavelet::rows(self, bands, resolution, &mut scratch, &mut |row| plane.extend_from_slice(row))?;
            planes.push(plane);
        }
        if self.colour_transform {
            undo_colour_transform(&mut planes)?;
        }
        let [first, second, third] = &planes[..] else { return None };
        let sample = self.sample();
        let mut samples = Vec::with_capacity(3 * columns * rows);
        for ((&a, &b), &c) in first.iter().zip(second).zip(third) {
            samples.extend([a, b, c].map(|value| sample(value) as u8));
        }
        Some(samples)
    }

    /// Undoes the level shift, and keeps to what the precision can hold.
    fn sample(&self) -> impl Fn(i32) -> i32 {
        let half = 1 << (self.precision - 1);
        let (shift, low, high) = if self.signed { (0, -half, half - 1) } else { (half, 0, 2 * half - 1) };
        move |value| value.wrapping_add(shift).clamp(low, high)
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
