//! Look-up tables of the data set: descriptor and data (PS3.3 C.11.1.1 and C.11.2.1.1).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::file::parse::view::{Numbers, View};
use crate::samples::Sign;

/// A table over consecutive input values. Inputs outside take the first or the last entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lut {
    first_input: f64,
    entries: Vec<u16>,
    /// Bits of an entry, 8 to 16.
    pub(crate) entry_bits: u16,
}

impl Lut {
    /// Reads a table; `None` when it is absent or does not hold what its descriptor says.
    pub(crate) fn read(view: &View<'_>, descriptor: Tag, data: Tag, inputs: Sign) -> Option<Self> {
        let (length, first_input, bits) = descriptor_of(view, descriptor, inputs)?;
        let Entries { values, bits, .. } = entries(view, data, length, bits)?;
        Some(Self { first_input, entries: values, entry_bits: bits })
    }

    /// The item of a Modality LUT, VOI LUT or Presentation LUT Sequence.
    pub(crate) fn read_item(item: &View<'_>, inputs: Sign) -> Option<Self> {
        Self::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, inputs)
    }

    pub(crate) fn from_entries(first_input: f64, entries: Vec<u16>, entry_bits: u16) -> Option<Self> {
        (!entries.is_empty()).then_some(Self { first_input, entries, entry_bits })
    }

    pub(crate) fn value(&self, input: f64) -> u16 {
        let last = self.entries.len() - 1;
        // A float to integer cast saturates, and takes NaN to 0.
        let index = ((input - self.first_input).round().max(0.0) as usize).min(last);
        self.entries[index]
    }

    /// The entry at a position counted from the first entry.
    pub(crate) fn value_at(&self, position: f64) -> u16 {
        self.value(position + self.first_input)
    }

    /// Largest value an entry can have by the descriptor, whatever the entries hold.
    pub(crate) fn entry_max(&self) -> f64 {
        f64::from(u16::MAX >> (16 - self.entry_bits))
    }

    /// Levels of the picture between two entries that follow each other, where most lie.
    pub(crate) fn step_max(&self) -> f64 {
        let steps = self.entries.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
        f64::from(steps.max().unwrap_or(0)) * 255.0 / self.entry_max()
    }

    pub(crate) fn entry_count(&self) -> usize {
        self.entries.len()
    }
}

/// Number of entries (0 stands for 65,536), first input value, bits of an entry.
pub(crate) fn descriptor_of(view: &View<'_>, tag: Tag, inputs: Sign) -> Option<(usize, f64, u16)> {
    let implied = if inputs == Sign::Unsigned { Numbers::U16 } else { Numbers::I16 };
    let values = view.numbers(tag, implied);
    let [Some(length), Some(first), Some(bits), ..] = values[..] else { return None };
    // The first value is unsigned even where the VR is SS; the second has the sign of the pixels, whatever the VR.
    let length = if length < 0.0 { length + 65_536.0 } else { length };
    let length = if length == 0.0 { 65_536 } else { length as usize };
    if length > 65_536 {
        return None;
    }
    let first = match (inputs, first) {
        (Sign::Signed, 32_768.0..) => first - 65_536.0,
        (Sign::Unsigned, ..0.0) => first + 65_536.0,
        _ => first,
    };
    // Descriptors that say 0 or more than 16 bits are known to mean 16, those below 8 to mean 8.
    let bits = if bits == 0.0 || bits > 16.0 { 16 } else { (bits as u16).max(8) };
    Some((length, first, bits))
}

/// Entries of a table as they lie in the data.
pub(crate) struct Entries {
    pub(crate) values: Vec<u16>,
    /// 8 to 16.
    pub(crate) bits: u16,
    /// One byte an entry.
    pub(crate) packed: bool,
}

impl Entries {
    /// Words of 16 bits. A word that is far larger than the descriptor's bits can hold makes all of them entries of 16
    /// bits; one that is a little larger, as 4096 of 12 bits, is the largest entry.
    pub(crate) fn of_words(mut values: Vec<u16>, bits: u16) -> Self {
        let largest = u32::from(values.iter().copied().max().unwrap_or(0));
        if largest >> bits > 1 {
            return Self { values, bits: 16, packed: false };
        }
        let most = u16::MAX >> (16 - bits);
        if largest > most.into() {
            values.iter_mut().for_each(|word| *word = (*word).min(most));
        }
        Self { values, bits, packed: false }
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { values: bytes.iter().map(|&byte| byte.into()).collect(), bits: 8, packed: true }
    }
}

/// The entries: 16-bit words, or bytes where only bytes fit what is there (PS3.3 C.11.1.1.1). Where descriptor and data
/// contradict each other the data tells: exactly as many bytes as entries are entries of 8 bits.
pub(crate) fn entries(view: &View<'_>, data: Tag, length: usize, bits: u16) -> Option<Entries> {
    let bytes = view.bytes(data)?;
    if bytes.len() >= length * 2 {
        let mut words = view.words(data)?;
        words.truncate(length);
        return Some(Entries::of_words(words, bits));
    }
    let is_packed = bytes.len() == length.next_multiple_of(2) || bytes.len() == length;
    if !is_packed && (bits > 8 || bytes.len() < length) {
        return None;
    }
    view.packed_bytes(data)?.get(..length).map(Entries::of_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse::element::{Element, Vr};
    use crate::file::transfer_syntax::Encoding;

    /// Length, descriptor bits and data; the first entries and their bits.
    #[test]
    fn the_length_of_the_data_tells_how_wide_entries_are() {
        let cases: [(u16, &[u8], &[u16], u16); 7] = [
            (8, &[1, 2, 3, 4], &[1, 2, 3, 4], 8),
            (16, &[1, 2, 3, 4], &[1, 2, 3, 4], 8),
            (16, &[1, 2, 3, 4, 5, 6, 7, 8], &[0x0201, 0x0403, 0x0605, 0x0807], 16),
            (8, &[1, 1, 2, 2, 3, 3, 4, 4], &[0x0101, 0x0202, 0x0303, 0x0404], 16),
            (8, &[1, 0, 2, 0, 3, 0, 4, 0], &[1, 2, 3, 4], 8),
            (12, &[0, 0x0F, 0, 0x10, 0, 0, 0, 0], &[0x0F00, 0x0FFF, 0, 0], 12),
            (12, &[0, 0x0F, 0, 0x20, 0, 0, 0, 0], &[0x0F00, 0x2000, 0, 0], 16),
        ];
        for (bits, data, values, entry_bits) in cases {
            let element = Element {
                tag: tags::LUT_DATA,
                vr: Vr(*b"OW"),
                value: 0..data.len(),
                undefined_length: false,
            };
            let elements = [element];
            let view = View::new(data, &elements, Encoding::EXPLICIT_LITTLE);
            let read = entries(&view, tags::LUT_DATA, 4, bits).expect("a table");
            assert_eq!((&read.values[..], read.bits), (values, entry_bits), "{bits} bits {data:?}");
        }
    }

    #[test]
    fn a_table_that_is_cut_is_none() {
        let data = [1, 2, 3, 4, 5, 6];
        let element = Element { tag: tags::LUT_DATA, vr: Vr(*b"OW"), value: 0..6, undefined_length: false };
        let elements = [element];
        let view = View::new(&data, &elements, Encoding::EXPLICIT_LITTLE);
        assert!(entries(&view, tags::LUT_DATA, 4, 16).is_none(), "three words of four");
        assert!(entries(&view, tags::LUT_DATA, 8, 8).is_none(), "six bytes of eight");
    }
}
