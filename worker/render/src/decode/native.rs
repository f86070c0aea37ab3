//! Native pixel cells: 1, 8, 16, 32 bits and floats, any bits stored, planes or pixels, either byte order (PS3.5 section 8).

use super::frame::Decoded;
use crate::RenderError;
use crate::file::pixel_format::{Photometric, PixelFormat, SampleKind};
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;

/// How the cells of one frame are to be read.
pub(crate) struct Source<'a> {
    pub(crate) format: &'a PixelFormat,
    /// Counted from 0; frames of native pixel data share bytes with their neighbours.
    pub(crate) frame_index: u32,
    pub(crate) big_endian: bool,
    /// The cells are written as 16-bit words (VR OW), which matters for small cells in big endian.
    pub(crate) in_words: bool,
    /// All first samples, then all second ones, then all third ones.
    pub(crate) in_planes: bool,
    /// Bits of the cells that hold overlays.
    pub(crate) embedded_bits: Vec<u16>,
    pub(crate) best_effort: bool,
}

impl Source<'_> {
    /// The same for a frame that begins on a byte of its own, in little endian.
    pub(crate) fn alone(self) -> Self {
        Self { frame_index: 0, big_endian: false, ..self }
    }

    /// As [`Self::alone`], the samples of a pixel one plane after the other, whatever the attributes say.
    pub(crate) fn of_planes(self) -> Self {
        Self { in_planes: true, ..self.alone() }
    }

    /// As [`Self::samples`], of bytes that are one frame and nothing more.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] also when there are more bytes than a frame padded to an even length has (PS3.5 A.4),
    /// unless best effort is asked.
    pub(crate) fn samples_of_all(&self, bytes: &[u8]) -> Result<Decoded, RenderError> {
        let format = self.format.clone().of_native_frame_length(bytes.len() as u64);
        let needed = format.frame_bit_count().div_ceil(8);
        if !self.best_effort && bytes.len() as u64 > needed.next_multiple_of(2) {
            return Err(RenderError::corrupt(format!("a frame of {needed} bytes has {}", bytes.len())));
        }
        Source { format: &format, embedded_bits: self.embedded_bits.clone(), ..*self }.samples(bytes)
    }

    /// # Errors
    /// [`RenderError::Corrupt`] when there are fewer bytes than the attributes ask for, unless best effort is asked;
    /// [`RenderError::Unsupported`] for a photometric interpretation that has no native cells.
    pub(crate) fn samples(&self, bytes: &[u8]) -> Result<Decoded, RenderError> {
        let format = self.format;
        check_photometric(format)?;
        let first_bit = u64::from(self.frame_index) * format.frame_bit_count();
        let byte_swapped = self.big_endian && self.in_words && format.bits_allocated <= 8;
        // The range of a big-endian frame begins on a word, any other on a byte.
        let offset = if self.big_endian { (first_bit / 8 % 2) as usize } else { 0 };
        let swapped = byte_swapped.then(|| swap_bytes(bytes));
        let bytes = swapped.as_deref().unwrap_or(bytes);
        let bytes = bytes.get(offset..).unwrap_or_default();
        let skipped_bits = (first_bit % 8) as usize;

        let needed = (skipped_bits as u64 + format.frame_bit_count()).div_ceil(8) as usize;
        let partial = bytes.len() < needed;
        if partial && (!self.best_effort || bytes.is_empty()) {
            return Err(RenderError::corrupt(format!("a frame of {needed} bytes has only {}", bytes.len())));
        }
        let filled = partial.then(|| {
            let mut filled = bytes.to_vec();
            filled.resize(needed, 0);
            filled
        });
        let bytes = &filled.as_deref().unwrap_or(bytes)[..needed];
        let embedded_overlays =
            self.embedded_bits.iter().filter_map(|&bit| self.bit_plane(bytes, bit)).collect();
        let samples = self.in_pixel_order(self.cells(bytes, skipped_bits));
        Ok(Decoded {
            samples,
            photometric: match format.photometric() {
                Photometric::YbrFull422 => Photometric::YbrFull,
                other => other,
            },
            rows: format.rows,
            columns: format.columns,
            depth: format.bits_stored,
            reduction: 0,
            site: ReducedSite::Middle,
            partial,
            embedded_overlays,
        })
    }

    /// Cells in the order of the file, masked, shifted and sign-extended.
    fn cells(&self, bytes: &[u8], skipped_bits: usize) -> Samples {
        let format = self.format;
        // Left until the sign bit leads, right until the lowest stored bit ends: masks and extends in one.
        let left = u32::from(format.bits_allocated - 1 - format.high_bit.min(format.bits_allocated - 1));
        let right = u32::from(format.bits_allocated.saturating_sub(format.bits_stored));
        let big = self.big_endian;
        let long = |b: &[u8; 4]| if big { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) };
        let double = |b: &[u8; 8]| if big { u64::from_be_bytes(*b) } else { u64::from_le_bytes(*b) };
        let longs = bytes.as_chunks::<4>().0.iter().map(long);
        let doubles = bytes.as_chunks::<8>().0.iter().map(double);
        match (format.kind, format.bits_allocated, format.signed) {
            (SampleKind::Float32, ..) => Samples::F32(longs.map(f32::from_bits).collect()),
            (SampleKind::Float64, ..) => Samples::F64(doubles.map(f64::from_bits).collect()),
            (_, 1, _) => {
                let count = format.sample_count() as usize;
                Samples::U8((skipped_bits..).take(count).map(|bit| bytes[bit / 8] >> (bit % 8) & 1).collect())
            }
            (_, 8, false) if right == 0 => Samples::U8(bytes.to_vec()),
            (_, 8, false) => Samples::U8(bytes.iter().map(|&b| (b << left) >> right).collect()),
            (_, 8, true) => Samples::I8(bytes.iter().map(|&b| (b << left).cast_signed() >> right).collect()),
            (_, 16, false) => Samples::U16(words(bytes, big, move |w| (w << left) >> right)),
            (_, 16, true) => Samples::I16(words(bytes, big, move |w| (w << left).cast_signed() >> right)),
            (_, _, false) => Samples::U32(longs.map(|l| (l << left) >> right).collect()),
            (_, _, true) => Samples::I32(longs.map(|l| (l << left).cast_signed() >> right).collect()),
        }
    }

    /// Planes become pixels, and shared chrominance is given to both of its pixels.
    fn in_pixel_order(&self, samples: Samples) -> Samples {
        let format = self.format;
        // Planar Configuration is 0 where chrominance is shared (PS3.3 C.7.6.3.1.3), whatever the file says.
        if format.is_native_422() {
            return match samples {
                Samples::U8(values) => Samples::U8(expand_422(&values)),
                Samples::U16(values) => Samples::U16(expand_422(&values)),
                other => other,
            };
        }
        if !self.in_planes || format.samples_per_pixel == 1 {
            return samples;
        }
        match samples {
            Samples::U8(values) => Samples::U8(interleave(&values, format.samples_per_pixel)),
            Samples::I8(values) => Samples::I8(interleave(&values, format.samples_per_pixel)),
            Samples::U16(values) => Samples::U16(interleave(&values, format.samples_per_pixel)),
            Samples::I16(values) => Samples::I16(interleave(&values, format.samples_per_pixel)),
            Samples::U32(values) => Samples::U32(interleave(&values, format.samples_per_pixel)),
            Samples::I32(values) => Samples::I32(interleave(&values, format.samples_per_pixel)),
            floats => floats,
        }
    }

    /// One bit of every 16-bit cell as a mask, before it is lost to [`Self::cells`].
    fn bit_plane(&self, bytes: &[u8], bit: u16) -> Option<Vec<u8>> {
        if self.format.bits_allocated != 16 || self.format.samples_per_pixel != 1 || bit > 15 {
            return None;
        }
        let cell =
            |b: &[u8; 2]| if self.big_endian { u16::from_be_bytes(*b) } else { u16::from_le_bytes(*b) };
        let mask = |b| if cell(b) >> bit & 1 == 1 { 255 } else { 0 };
        self.format.is_spare_bit(bit).then(|| bytes.as_chunks::<2>().0.iter().map(mask).collect())
    }
}

/// Cells of 16 bits. One loop for each order of bytes, so that both become vectors; `cell` must own what it needs, since
/// a reference would be read again for every cell.
#[inline(always)]
fn words<T>(bytes: &[u8], big_endian: bool, cell: impl Fn(u16) -> T + 'static) -> Vec<T> {
    let words = bytes.as_chunks::<2>().0.iter();
    if big_endian {
        words.map(move |word| cell(u16::from_be_bytes(*word))).collect()
    } else {
        words.map(move |word| cell(u16::from_le_bytes(*word))).collect()
    }
}

/// Refuses what PS3.3 C.7.6.3.1.2 leaves to codestreams, and pairs of pixels in rows that do not come in pairs.
fn check_photometric(format: &PixelFormat) -> Result<(), RenderError> {
    match format.photometric() {
        Photometric::YbrPartial420 => Err(RenderError::unsupported("YBR_PARTIAL_420 outside a video")),
        Photometric::Xyb => Err(RenderError::unsupported("XYB outside JPEG XL")),
        _ if format.is_native_422() && format.columns % 2 == 1 => Err(RenderError::corrupt(format!(
            "shared chrominance (422) takes an even number of columns, not {}",
            format.columns
        ))),
        _ => Ok(()),
    }
}

/// Big-endian words hold two 8-bit cells, the first in the low byte (PS3.5 8.1.1).
fn swap_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut swapped = bytes.to_vec();
    swapped.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.swap(0, 1));
    swapped
}

fn interleave<T: Copy>(planes: &[T], samples_per_pixel: u16) -> Vec<T> {
    let (count, pixels) = (usize::from(samples_per_pixel), planes.len() / usize::from(samples_per_pixel));
    (0..pixels).flat_map(|pixel| (0..count).map(move |plane| planes[plane * pixels + pixel])).collect()
}

/// Y1 Y2 Cb Cr for two pixels (PS3.3 C.7.6.3.1.2).
fn expand_422<T: Copy>(values: &[T]) -> Vec<T> {
    values.as_chunks::<4>().0.iter().flat_map(|&[y1, y2, cb, cr]| [y1, cb, cr, y2, cb, cr]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        assert_eq!(interleave(&[1, 2, 3, 4, 5, 6], 3), [1, 3, 5, 2, 4, 6]);
    }

    #[test]
    fn chrominance_of_422_is_given_to_both_pixels() {
        assert_eq!(expand_422(&[10, 20, 1, 2]), [10, 1, 2, 20, 1, 2]);
    }
}
