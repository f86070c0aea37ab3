//! Data elements in Explicit VR Little Endian (PS3.5 7.1.2, A.2), from whatever they are written in. Values stay as they are but for
//! their order of bytes: text keeps its character set, what nobody knows is UN.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::file::dataset::of_dictionary;
use crate::file::parse::element::{Element, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER};
use crate::file::parse::view::{Numbers, View};
use crate::file::transfer_syntax::Encoding;
use crate::{Limits, RenderError};

const UNDEFINED: u32 = u32::MAX;
/// Longest value of a VR whose length has 16 bits; a longer one is UN (PS3.5 6.2.2).
const SHORT_LENGTH_MAX: usize = 0xFFFE;

/// What becomes of elements of the top level: another value, or none.
pub(super) type Changes = BTreeMap<Tag, Option<(VR, Vec<u8>)>>;

/// The elements before the pixel data, as changed.
///
/// # Errors
/// [`RenderError::Corrupt`] for a sequence that is damaged; [`RenderError::Unsupported`] for fragments in one.
pub(super) fn put_elements(out: &mut Vec<u8>, view: &View<'_>, changes: Changes) -> Result<(), RenderError> {
    Writer { out, limits: Limits::default() }.data_set(view, changes, false, 0)
}

/// One element with its value, padded to an even length.
pub(super) fn put(out: &mut Vec<u8>, tag: Tag, vr: VR, value: &[u8]) {
    let vr = if !has_long_length(vr) && value.len() > SHORT_LENGTH_MAX { VR::UN } else { vr };
    let padded = value.len().next_multiple_of(2);
    // Values lie in a header, which is far below 4 GiB.
    put_header(out, tag, vr, u32::try_from(padded).unwrap_or(UNDEFINED));
    out.extend_from_slice(value);
    if padded > value.len() {
        out.push(if is_text(vr) { b' ' } else { 0 });
    }
}

/// Tag, VR and length.
pub(super) fn put_header(out: &mut Vec<u8>, tag: Tag, vr: VR, length: u32) {
    put_tag(out, tag);
    out.extend_from_slice(&vr.to_bytes());
    if has_long_length(vr) {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&length.to_le_bytes());
    } else {
        out.extend_from_slice(&(length as u16).to_le_bytes());
    }
}

fn put_tag(out: &mut Vec<u8>, Tag(group, element): Tag) {
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&element.to_le_bytes());
}

/// An item, or what ends one, or a sequence.
pub(super) fn put_delimiter(out: &mut Vec<u8>, tag: Tag, length: u32) {
    put_tag(out, tag);
    out.extend_from_slice(&length.to_le_bytes());
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    limits: Limits,
}

impl Writer<'_> {
    /// `outer_signed`: what surrounds an item that does not say itself.
    fn data_set(
        &mut self,
        view: &View<'_>,
        mut changes: Changes,
        outer_signed: bool,
        depth: u32,
    ) -> Result<(), RenderError> {
        let said = view.number(tags::PIXEL_REPRESENTATION, Numbers::U16);
        let signed = said.map_or(outer_signed, |representation| representation == 1.0);
        let mut previous = None;
        for element in view.elements() {
            // Of two elements with one tag the first counts, as for renders. Group lengths are retired, and would be wrong.
            if previous.replace(element.tag) == Some(element.tag) || element.tag.1 == 0 {
                continue;
            }
            let later = changes.split_off(&element.tag);
            self.changed(std::mem::replace(&mut changes, later));
            match changes.remove(&element.tag) {
                Some(change) => self.changed(BTreeMap::from([(element.tag, change)])),
                None => self.element(view, element, signed, depth)?,
            }
        }
        self.changed(changes);
        Ok(())
    }

    fn changed(&mut self, changes: Changes) {
        for (tag, change) in changes {
            if let Some((vr, value)) = change {
                put(self.out, tag, vr, &value);
            }
        }
    }

    fn element(
        &mut self,
        view: &View<'_>,
        element: &Element,
        signed: bool,
        depth: u32,
    ) -> Result<(), RenderError> {
        let written = VR::from_binary(element.vr.0);
        let vr = match written.or_else(|| of_dictionary(element.tag, signed)) {
            Some(VR::OB | VR::OW) if element.undefined_length => {
                return Err(RenderError::unsupported("fragments that are not of the pixel data"));
            }
            _ if element.undefined_length => VR::SQ,
            vr => vr.unwrap_or(VR::UN),
        };
        if vr == VR::SQ {
            return self.sequence(view, element, signed, depth + 1);
        }
        self.value(element.tag, vr, view.value(element), view.encoding());
        Ok(())
    }

    /// One with an item whose pixels are fragments is left out: an icon in the codec of its file, which the others are not in.
    fn sequence(
        &mut self,
        view: &View<'_>,
        element: &Element,
        signed: bool,
        depth: u32,
    ) -> Result<(), RenderError> {
        if depth > self.limits.sequence_depth_max {
            return Err(RenderError::unsupported("sequences that are nested as deep"));
        }
        let start = self.out.len();
        put_header(self.out, element.tag, VR::SQ, UNDEFINED);
        let limits = self.limits.clone();
        for item in view.items(element, &limits) {
            let item = item.ok_or_else(|| RenderError::corrupt("an item of a sequence"))?;
            put_delimiter(self.out, ITEM, UNDEFINED);
            self.data_set(&item, Changes::new(), signed, depth)?;
            match item.pixels_of_item() {
                None => {}
                Some((header, Some(value))) => {
                    let vr = VR::from_binary(header.vr.0).unwrap_or(VR::OW);
                    self.value(header.tag, vr, value, item.encoding());
                }
                Some((_, None)) => {
                    self.out.truncate(start);
                    return Ok(());
                }
            }
            put_delimiter(self.out, ITEM_DELIMITER, 0);
        }
        put_delimiter(self.out, SEQUENCE_DELIMITER, 0);
        Ok(())
    }

    fn value(&mut self, tag: Tag, vr: VR, value: &[u8], encoding: Encoding) {
        match cell_bytes(vr).filter(|_| encoding.big_endian) {
            Some(cell_bytes) => put(self.out, tag, vr, &swapped(value, cell_bytes)),
            None => put(self.out, tag, vr, value),
        }
    }
}

/// Bytes of the numbers that a value is made of; `None` where it is of bytes or text.
fn cell_bytes(vr: VR) -> Option<usize> {
    match vr {
        VR::US | VR::SS | VR::OW | VR::AT => Some(2),
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => Some(4),
        VR::FD | VR::OD | VR::SV | VR::UV | VR::OV => Some(8),
        _ => None,
    }
}

/// The other order of bytes in each number; what is left after the last whole one stays.
fn swapped(value: &[u8], cell_bytes: usize) -> Vec<u8> {
    let mut swapped = value.to_vec();
    swapped.chunks_exact_mut(cell_bytes).for_each(<[u8]>::reverse);
    swapped
}

/// PS3.5 table 7.1-1.
fn has_long_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

/// Whether a space pads it (PS3.5 6.2); UIDs and bytes take a zero.
fn is_text(vr: VR) -> bool {
    cell_bytes(vr).is_none() && !matches!(vr, VR::OB | VR::UN | VR::UI | VR::SQ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse::walk::Walker;

    fn written(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
        let limits = Limits::default();
        let layout =
            Walker::new(bytes, bytes.len() as u64, &limits).top_level(0, encoding).expect("elements");
        let mut out = Vec::new();
        put_elements(&mut out, &View::new(bytes, &layout.elements, encoding), Changes::new())
            .expect("written");
        out
    }

    fn explicit(tag: Tag, vr: VR, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, tag, vr, value);
        out
    }

    fn implicit(Tag(group, element): Tag, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u32).to_le_bytes();
        [&group.to_le_bytes()[..], &element.to_le_bytes(), &length, value].concat()
    }

    /// PS3.5 6.2.2: what nobody knows is UN, and its creator is not.
    #[test]
    fn implicit_elements_get_the_vr_of_the_dictionary() {
        let (creator, private) = (Tag(0x0009, 0x0010), Tag(0x0009, 0x1001));
        let lowest = tags::SMALLEST_IMAGE_PIXEL_VALUE;
        let bytes = [
            implicit(creator, b"A MAKER "),
            implicit(private, &[1, 2]),
            implicit(Tag(0x0028, 0x0000), &[0; 4]),
            implicit(tags::PIXEL_REPRESENTATION, &[1, 0]),
            implicit(lowest, &[0xFF, 0xFF]),
        ];
        let expected = [
            explicit(creator, VR::LO, b"A MAKER "),
            explicit(private, VR::UN, &[1, 2]),
            explicit(tags::PIXEL_REPRESENTATION, VR::US, &[1, 0]),
            explicit(lowest, VR::SS, &[0xFF, 0xFF]),
        ];
        assert_eq!(written(&bytes.concat(), Encoding::IMPLICIT_LITTLE), expected.concat());
    }

    #[test]
    fn big_endian_numbers_are_turned_and_text_is_not() {
        let bytes = [
            &[0x00, 0x08, 0x00, 0x60, b'C', b'S', 0, 2, b'C', b'T'][..],
            &[0x00, 0x08, 0x21, 0x00, b'A', b'T', 0, 4, 0, 0x10, 0, 0x20],
            &[0x00, 0x28, 0x00, 0x10, b'U', b'S', 0, 2, 2, 0],
        ];
        let expected = [
            explicit(tags::MODALITY, VR::CS, b"CT"),
            explicit(Tag(0x0008, 0x2100), VR::AT, &[0x10, 0, 0x20, 0]),
            explicit(tags::ROWS, VR::US, &[0, 2]),
        ];
        assert_eq!(written(&bytes.concat(), Encoding::EXPLICIT_BIG), expected.concat());
    }

    /// PS3.5 6.2.2: a length of 16 bits does not hold it.
    #[test]
    fn a_value_that_is_too_long_for_its_vr_is_un() {
        let long = vec![b' '; 0x1_0000];
        assert_eq!(explicit(tags::PATIENT_COMMENTS, VR::LT, &long)[4..6], *b"UN");
        assert_eq!(explicit(tags::PATIENT_COMMENTS, VR::LT, &long[..0xFFFE])[4..6], *b"LT");
    }

    #[test]
    fn an_odd_value_is_padded_as_its_vr_asks() {
        assert_eq!(explicit(tags::MODALITY, VR::CS, b"CTA")[8..], *b"CTA ");
        assert_eq!(explicit(tags::SOP_INSTANCE_UID, VR::UI, b"1.2")[8..], *b"1.2\0");
    }

    /// An icon in the codec of its file is in no other; one of cells goes along.
    #[test]
    fn an_icon_in_fragments_is_left_out_and_one_of_cells_is_not() {
        let icon = |pixels: &[u8]| {
            let item = [explicit(tags::ROWS, VR::US, &[1, 0]), pixels.to_vec()].concat();
            let length = (item.len() as u32).to_le_bytes();
            explicit(
                tags::ICON_IMAGE_SEQUENCE,
                VR::SQ,
                &[&[0xFE, 0xFF, 0, 0xE0][..], &length, &item].concat(),
            )
        };
        let mut fragments = Vec::new();
        put_header(&mut fragments, tags::PIXEL_DATA, VR::OB, UNDEFINED);
        put_delimiter(&mut fragments, ITEM, 0);
        put_delimiter(&mut fragments, SEQUENCE_DELIMITER, 0);
        let after = explicit(Tag(0x0089, 0x0010), VR::LO, b"A MAKER ");
        let little = Encoding::EXPLICIT_LITTLE;
        assert_eq!(written(&[icon(&fragments), after.clone()].concat(), little), after);
        let cells = explicit(tags::PIXEL_DATA, VR::OB, &[7, 8]);
        let kept = written(&[icon(&cells), after.clone()].concat(), little);
        assert!(kept.windows(cells.len()).any(|bytes| bytes == cells) && kept.ends_with(&after));
    }
}
