//! Values of a data set, read where they lie. An attribute that cannot be read is as good as absent.

use std::borrow::Cow;

use dicom_core::Tag;

use super::element::{Element, ElementHeader, ITEM, Vr};
use super::walk::Walker;
use crate::file::text::{CharacterSets, Delimiters};
use crate::file::transfer_syntax::Encoding;
use crate::{Limits, RenderError, limits};

/// Items that are held at a time.
const LISTED_ITEMS_MAX: u64 = 100_000;

/// A data set, or an item of a sequence, over borrowed bytes.
#[derive(Clone)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
    elements: Cow<'a, [Element]>,
    encoding: Encoding,
    /// Of an item: its own pixel data, as an icon has.
    pixel_data: Option<ElementHeader>,
}

/// Which numbers an attribute holds when the data set does not say (implicit encoding).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Text,
    U16,
    I16,
    U32,
    I32,
    F32,
    F64,
}

impl<'a> View<'a> {
    /// `elements` must be sorted by tag and lie within `bytes`.
    pub(crate) fn new(bytes: &'a [u8], elements: &'a [Element], encoding: Encoding) -> Self {
        Self { bytes, elements: elements.into(), encoding, pixel_data: None }
    }

    /// Of an item: its pixel data, which are not among [`Self::elements`], with their value; no value of fragments.
    pub(crate) fn pixels_of_item(&self) -> Option<(ElementHeader, Option<&'a [u8]>)> {
        let header = self.pixel_data?;
        let value = header.length.map(|length| header.value_start..header.value_start + length as usize);
        Some((header, value.and_then(|range| self.bytes.get(range))))
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Every element, by tag.
    pub(crate) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The value of an element of this data set.
    pub(crate) fn value(&self, element: &Element) -> &'a [u8] {
        self.bytes.get(element.value.clone()).unwrap_or_default()
    }

    fn element(&self, tag: Tag) -> Option<&Element> {
        let index = self.elements.partition_point(|element| element.tag < tag);
        self.elements.get(index).filter(|element| element.tag == tag)
    }

    pub(crate) fn vr(&self, tag: Tag) -> Option<Vr> {
        self.element(tag).map(|element| element.vr)
    }

    /// The value as it is written; `None` when absent or empty.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        let element = self.element(tag)?;
        self.bytes.get(element.value.clone()).filter(|value| !value.is_empty())
    }

    /// The value as text without padding; `None` when absent, blank or not ASCII.
    pub(crate) fn text(&self, tag: Tag) -> Option<&'a str> {
        let text = std::str::from_utf8(self.bytes(tag)?).ok()?;
        Some(text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace()))
            .filter(|text| !text.is_empty())
    }

    /// The first value of an attribute of VR US.
    pub(crate) fn u16(&self, tag: Tag) -> Option<u16> {
        let value = self.number(tag, Numbers::U16)?;
        (value.fract() == 0.0 && (0.0..=65_535.0).contains(&value)).then_some(value as u16)
    }

    /// The first value.
    pub(crate) fn number(&self, tag: Tag, implied: Numbers) -> Option<f64> {
        self.numbers(tag, implied).first().copied().flatten()
    }

    /// All values, in order; `None` for one that is not a finite number.
    pub(crate) fn numbers(&self, tag: Tag, implied: Numbers) -> Vec<Option<f64>> {
        let (Some(element), Some(bytes)) = (self.element(tag), self.bytes(tag)) else { return Vec::new() };
        let e = self.encoding;
        let finite = |value: f64| value.is_finite().then_some(value);
        match number_kind(element.vr, implied) {
            Numbers::Text => String::from_utf8_lossy(bytes)
                .split('\\')
                .map(|part| decimal(part).and_then(finite))
                .collect(),
            Numbers::U16 => pairs(bytes).map(|b| Some(f64::from(e.u16(b)))).collect(),
            Numbers::I16 => pairs(bytes).map(|b| Some(f64::from(e.u16(b).cast_signed()))).collect(),
            Numbers::U32 => quads(bytes).map(|b| Some(f64::from(e.u32(b)))).collect(),
            Numbers::I32 => quads(bytes).map(|b| Some(f64::from(e.u32(b).cast_signed()))).collect(),
            Numbers::F32 => quads(bytes).map(|b| finite(f64::from(f32::from_bits(e.u32(b))))).collect(),
            Numbers::F64 => octets(bytes).map(|b| finite(f64::from_bits(e.u64(b)))).collect(),
        }
    }

    /// 16-bit words of a look-up table or a bit plane, in the order of the file.
    pub(crate) fn words(&self, tag: Tag) -> Option<Vec<u16>> {
        Some(pairs(self.bytes(tag)?).map(|b| self.encoding.u16(b)).collect())
    }

    /// Entries of 8 bits, two in a word, the first in its low byte (PS3.3 C.11.1.1.1): words are swapped in big endian.
    pub(crate) fn packed_bytes(&self, tag: Tag) -> Option<Cow<'a, [u8]>> {
        let bytes = self.bytes(tag)?;
        let is_of_bytes = matches!(self.vr(tag), Some(Vr(letters)) if matches!(&letters, b"OB" | b"UN"));
        if !self.encoding.big_endian || is_of_bytes {
            return Some(Cow::Borrowed(bytes));
        }
        Some(pairs(bytes).flat_map(|[high, low]| [low, high]).collect())
    }

    /// 64-bit integers of VR OV.
    pub(crate) fn long_words(&self, tag: Tag) -> Option<Vec<u64>> {
        Some(octets(self.bytes(tag)?).map(|b| self.encoding.u64(b)).collect())
    }

    /// The item at `index` of a sequence; `None` when absent or damaged.
    pub(crate) fn item(&self, tag: Tag, index: usize) -> Option<View<'a>> {
        let sequence = self.element(tag)?;
        let encoding = item_encoding(sequence, self.encoding);
        let limits = Limits::default();
        let bytes = self.bytes.get(..sequence.value.end)?;
        let mut position = sequence.value.start;
        for _ in 0..index {
            position = item_at(bytes, position, encoding, &limits)?.1;
        }
        let (range, _) = item_at(bytes, position, encoding, &limits)?;
        item_view(bytes.get(..range.end)?, range.start, encoding, &limits)
    }

    /// Every item of a sequence, of which there are none where it is absent.
    ///
    /// # Errors
    /// [`RenderError::Corrupt`] for a damaged item, [`RenderError::TooLarge`] for more than a list may have.
    pub(crate) fn all_items(&self, tag: Tag) -> Result<Vec<View<'a>>, RenderError> {
        let (Some(sequence), limits) = (self.element(tag), Limits::default()) else { return Ok(Vec::new()) };
        let mut items = Vec::new();
        for item in self.items(sequence, &limits) {
            limits::check("items of a sequence", items.len() as u64 + 1, LISTED_ITEMS_MAX)?;
            items.push(item.ok_or_else(|| RenderError::corrupt(format!("an item of {tag}")))?);
        }
        Ok(items)
    }

    /// The value as Unicode, by the Specific Character Set of `sets`, without padding.
    pub(crate) fn unicode(&self, tag: Tag, sets: CharacterSets) -> Option<String> {
        let text = sets.decode(self.bytes(tag)?, Delimiters::None);
        Some(text.trim_end_matches(['\0', ' ']).to_owned()).filter(|text| !text.is_empty())
    }

    /// Each item of the value of `sequence`, an element of this data set, one at a time, since an item of a few bytes takes
    /// more than these; `None` for one that is damaged, and nothing after it.
    pub(crate) fn items<'b>(
        &self,
        sequence: &Element,
        limits: &'b Limits,
    ) -> impl Iterator<Item = Option<View<'a>>> + use<'a, 'b> {
        let encoding = item_encoding(sequence, self.encoding);
        let bytes = self.bytes.get(..sequence.value.end).unwrap_or_default();
        let mut next = Some(sequence.value.start);
        std::iter::from_fn(move || {
            let position = next.take().filter(|position| *position < bytes.len())?;
            let item = item_at(bytes, position, encoding, limits).and_then(|(range, end)| {
                next = Some(end);
                item_view(bytes.get(..range.end)?, range.start, encoding, limits)
            });
            if item.is_none() {
                next = None;
            }
            Some(item)
        })
    }
}

/// UN holds implicit little endian, whatever surrounds it (PS3.5 section 6.2.2, note 4).
fn item_encoding(sequence: &Element, encoding: Encoding) -> Encoding {
    if sequence.vr == Vr(*b"UN") { Encoding::IMPLICIT_LITTLE } else { encoding }
}

fn item_view<'a>(bytes: &'a [u8], start: usize, encoding: Encoding, limits: &Limits) -> Option<View<'a>> {
    let mut walker = Walker::new(bytes, bytes.len() as u64, limits);
    let layout = walker.top_level(start, encoding).ok()?;
    Some(View { bytes, elements: layout.elements.into(), encoding, pixel_data: layout.pixel_data })
}

/// Content of the item at `position`, and where the next item begins.
fn item_at(
    bytes: &[u8],
    position: usize,
    encoding: Encoding,
    limits: &Limits,
) -> Option<(std::ops::Range<usize>, usize)> {
    let header = super::element::read_header(bytes, position, encoding).ok()?;
    if header.tag != ITEM {
        return None;
    }
    if let Some(length) = header.length {
        let end = header.value_start.checked_add(usize::try_from(length).ok()?)?;
        return (end <= bytes.len()).then_some((header.value_start..end, end));
    }
    let mut walker = Walker::new(bytes, bytes.len() as u64, limits);
    let end = walker.item_end(header.value_start, encoding, 0).ok()?;
    Some((header.value_start..end, end + 8))
}

fn number_kind(vr: Vr, implied: Numbers) -> Numbers {
    match &vr.0 {
        b"DS" | b"IS" | b"LO" | b"SH" | b"CS" | b"UT" | b"LT" | b"ST" => Numbers::Text,
        b"US" | b"OW" => Numbers::U16,
        b"SS" => Numbers::I16,
        b"UL" => Numbers::U32,
        b"SL" => Numbers::I32,
        b"FL" | b"OF" => Numbers::F32,
        b"FD" | b"OD" => Numbers::F64,
        _ => implied,
    }
}

/// A decimal or integer string, in the generous reading that other toolkits take: spaces and NUL around it.
fn decimal(text: &str) -> Option<f64> {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).parse().ok()
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}

fn quads(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.as_chunks::<4>().0.iter().copied()
}

fn octets(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    bytes.as_chunks::<8>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_entries_come_in_order_from_words_of_either_endianness() {
        let tag = Tag(0x0028, 0x3006);
        let entries = |vr: &[u8; 2], encoding| {
            let element = Element { tag, vr: Vr(*vr), value: 0..4, undefined_length: false };
            let bytes = [2, 1, 4, 3];
            View::new(&bytes, &[element], encoding).packed_bytes(tag).map(Cow::into_owned)
        };
        assert_eq!(entries(b"OW", Encoding::EXPLICIT_BIG), Some(vec![1, 2, 3, 4]));
        assert_eq!(entries(b"US", Encoding::EXPLICIT_BIG), Some(vec![1, 2, 3, 4]));
        assert_eq!(entries(b"OB", Encoding::EXPLICIT_BIG), Some(vec![2, 1, 4, 3]));
        assert_eq!(entries(b"OW", Encoding::EXPLICIT_LITTLE), Some(vec![2, 1, 4, 3]));
    }
}
