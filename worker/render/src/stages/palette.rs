//! Palettes: index to red, green, blue (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.2).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::lut::{Entries, Lut, descriptor_of, entries};
use crate::file::parse::view::View;
use crate::samples::Sign;

/// Segments of a segmented palette at most; the longest table of the smallest segments.
const SEGMENTS_MAX: usize = 65_536;

/// The three tables of a palette, entries of 8 bits.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    channels: [Lut; 3],
    /// First and last index that the descriptors name.
    first: f64,
    last: f64,
}

impl Palette {
    /// Reads the palette; `None` when a table is missing or damaged.
    pub(crate) fn read(view: &View<'_>, indices: Sign) -> Option<Self> {
        let channel = |number: u16| {
            let descriptor = Tag(0x0028, 0x1101 + number);
            let (length, first, bits) = descriptor_of(view, descriptor, indices)?;
            let entries = entries(view, Tag(0x0028, 0x1201 + number), length, bits)
                .or_else(|| segmented(view, Tag(0x0028, 0x1221 + number), length, bits))?;
            Some((first, entries))
        };
        let channels = [channel(0)?, channel(1)?, channel(2)?];
        // Words of one palette have one width, that of the widest channel. Where the high bytes of all are 0, they are
        // known to hold 8-bit colours whatever the descriptors say.
        let widest = channels.iter().map(|(_, entries)| entries.bits).max().unwrap_or(8);
        let is_wide = channels.iter().any(|(_, entries)| entries.values.iter().any(|&word| word > 255));
        let (first, length) = (channels[0].0, channels[0].1.values.len());
        let tables = channels.map(|(first, entries)| {
            let shift = if is_wide && !entries.packed { widest - 8 } else { 0 };
            Lut::from_entries(
                first,
                entries.values.into_iter().map(|word| (word >> shift).min(255)).collect(),
                8,
            )
        });
        let [Some(red), Some(green), Some(blue)] = tables else { return None };
        Some(Self { channels: [red, green, blue], first, last: first + length as f64 - 1.0 })
    }

    pub(crate) fn colour(&self, index: f64) -> [u8; 3] {
        [0, 1, 2].map(|channel| self.channels[channel].value(index) as u8)
    }

    /// Whether the palette names this value; a supplemental palette leaves the others grey.
    pub(crate) fn covers(&self, index: f64) -> bool {
        (self.first..=self.last).contains(&index)
    }
}

/// The palette that colours part of a monochrome frame (PS3.3 C.8.13.3.1.2, Pixel Presentation COLOR or MIXED).
pub(crate) fn supplemental(view: &View<'_>, indices: Sign) -> Option<Palette> {
    let presentation = view.text(tags::PIXEL_PRESENTATION)?;
    matches!(presentation, "COLOR" | "MIXED").then(|| Palette::read(view, indices)).flatten()
}

/// Expands segments: discrete, linear and indirect (PS3.3 C.7.9.2).
/// Where the descriptor's width leaves segments over, or finds none, the other width is right if it comes out even.
fn segmented(view: &View<'_>, tag: Tag, length: usize, bits: u16) -> Option<Entries> {
    let bytes: Vec<u16> = view.packed_bytes(tag)?.iter().map(|&byte| byte.into()).collect();
    let words = view.words(tag)?;
    let of_bytes = expanded(&bytes, 1, length);
    let of_words = expanded(&words, 2, length);
    let is_even = |expansion: &Option<(Vec<u16>, bool)>| matches!(expansion, Some((_, true)));
    let in_bytes = if bits == 8 {
        is_even(&of_bytes) || !is_even(&of_words)
    } else {
        is_even(&of_bytes) && !is_even(&of_words)
    };
    if in_bytes {
        of_bytes.map(|(values, _)| Entries { values, bits: 8, packed: true })
    } else {
        of_words.map(|(values, _)| Entries::of_words(values, bits))
    }
}

/// The table, and whether its segments end where the data ends, but for a byte of padding.
fn expanded(units: &[u16], unit_bytes: usize, length: usize) -> Option<(Vec<u16>, bool)> {
    let mut expansion = Expansion { units, unit_bytes, out: Vec::with_capacity(length), length, segments: 0 };
    let mut position = 0;
    while expansion.out.len() < length {
        position = expansion.segment(position, true)?;
    }
    let is_even = expansion.out.len() == length && position + 1 >= units.len();
    expansion.out.truncate(length);
    Some((expansion.out, is_even))
}

struct Expansion<'a> {
    /// Of the segments: bytes or words, as the entries are.
    units: &'a [u16],
    unit_bytes: usize,
    out: Vec<u16>,
    length: usize,
    segments: usize,
}

impl Expansion<'_> {
    /// Expands the segment at `position`; gives the position of the next.
    fn segment(&mut self, position: usize, may_be_indirect: bool) -> Option<usize> {
        self.segments += 1;
        if self.segments > SEGMENTS_MAX {
            return None;
        }
        let count = usize::from(*self.units.get(position + 1)?);
        match self.units.get(position)? {
            0 => {
                let values = self.units.get(position + 2..position + 2 + count)?;
                self.out.extend_from_slice(values);
                Some(position + 2 + count)
            }
            1 => {
                let (from, to) = (i64::from(*self.out.last()?), i64::from(*self.units.get(position + 2)?));
                let steps = count as i64;
                let value = |step: i64| (from + (to - from) * step / steps) as u16;
                let room = self.length.saturating_sub(self.out.len()).min(count) as i64;
                self.out.extend((1..=room).map(value));
                Some(position + 3)
            }
            2 if may_be_indirect => {
                // Four bytes, the lowest first, that count bytes from the start of the table data.
                let end = position + 2 + 4 / self.unit_bytes;
                let units = self.units.get(position + 2..end)?.iter().rev();
                let offset =
                    units.fold(0, |offset, &unit| offset << (8 * self.unit_bytes) | usize::from(unit));
                let mut at = offset / self.unit_bytes;
                for _ in 0..count {
                    at = self.segment(at, false)?;
                }
                Some(end)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_segment_expand() {
        // A segment to be passed over, the three kinds, and the offset of the second one in bytes.
        let words = [0, 1, 7, 0, 2, 10, 20, 1, 4, 60, 2, 1, 6, 0];
        let bytes = [0, 1, 7, 0, 2, 10, 20, 1, 4, 60, 2, 1, 3, 0, 0, 0];
        for (units, unit_bytes) in [(&words[..], 2), (&bytes[..], 1)] {
            let (out, is_even) = expanded(units, unit_bytes, 9).expect("sound segments");
            assert_eq!(out, [7, 10, 20, 30, 40, 50, 60, 10, 20], "{unit_bytes}");
            assert!(is_even, "{unit_bytes}");
        }
    }

    #[test]
    fn a_segment_without_an_end_is_refused() {
        assert_eq!(expanded(&[0, 5, 1], 2, 8), None);
    }
}
