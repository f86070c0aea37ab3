//! Look-up tables of the data set: descriptor and data (PS3.3 C.11.1.1 and C.11.2.1.1).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::parse::view::{Numbers, View};

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
    pub(crate) fn read(view: &View<'_>, descriptor: Tag, data: Tag, input_is_signed: bool) -> Option<Self> {
        let (length, first_input, bits) = descriptor_of(view, descriptor, input_is_signed)?;
        let entries = entries(view, data, length, bits)?;
        Some(Self { first_input, entries, entry_bits: bits })
    }

    /// The item of a Modality LUT, VOI LUT or Presentation LUT Sequence.
    pub(crate) fn read_item(item: &View<'_>, input_is_signed: bool) -> Option<Self> {
        Self::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, input_is_signed)
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

    pub(crate) fn entry_count(&self) -> usize {
        self.entries.len()
    }
}

/// Number of entries (0 stands for 65,536), first input value, bits of an entry.
pub(crate) fn descriptor_of(view: &View<'_>, tag: Tag, input_is_signed: bool) -> Option<(usize, f64, u16)> {
    let implied = if input_is_signed { Numbers::I16 } else { Numbers::U16 };
    let values = view.numbers(tag, implied);
    let [Some(length), Some(first), Some(bits), ..] = values[..] else { return None };
    // The first value is unsigned even where the VR is SS; the second has the sign of the pixels.
    let length = if length < 0.0 { length + 65_536.0 } else { length };
    let length = if length == 0.0 { 65_536 } else { length as usize };
    if length > 65_536 {
        return None;
    }
    let first = match (input_is_signed, first) {
        (true, 32_768.0..) => first - 65_536.0,
        (false, ..0.0) => first + 65_536.0,
        _ => first,
    };
    // Descriptors that say 0 or more than 16 bits are known to mean 16, those below 8 to mean 8.
    let bits = if bits == 0.0 || bits > 16.0 { 16 } else { (bits as u16).max(8) };
    Some((length, first, bits))
}

/// The entries: 16-bit words, or bytes where only bytes fit what is there (PS3.3 C.11.1.1.1).
pub(crate) fn entries(view: &View<'_>, data: Tag, length: usize, bits: u16) -> Option<Vec<u16>> {
    let bytes = view.bytes(data)?;
    if bytes.len() >= length * 2 {
        let words = view.words(data)?;
        return Some(words[..length].to_vec());
    }
    if bits <= 8 && bytes.len() >= length {
        let packed = view.packed_bytes(data)?;
        return packed.get(..length).map(|bytes| bytes.iter().map(|&byte| byte.into()).collect());
    }
    None
}
