//! Values that are no sequences (PS3.5 table 6.2-1).

use dicom_core::value::C;
use dicom_core::{PrimitiveValue, Tag, VR};

use crate::file::text::{CharacterSets, Delimiters};
use crate::file::transfer_syntax::Encoding;

/// The value field `bytes`; what is left after the last whole number is no part of it.
pub(super) fn primitive(bytes: &[u8], vr: VR, encoding: Encoding, sets: CharacterSets) -> PrimitiveValue {
    let e = encoding;
    if bytes.is_empty() {
        return PrimitiveValue::Empty;
    }
    match vr {
        VR::US | VR::OW => PrimitiveValue::U16(words(bytes).map(|b| e.u16(b)).collect()),
        VR::SS => PrimitiveValue::I16(words(bytes).map(|b| e.u16(b).cast_signed()).collect()),
        VR::UL | VR::OL => PrimitiveValue::U32(longs(bytes).map(|b| e.u32(b)).collect()),
        VR::SL => PrimitiveValue::I32(longs(bytes).map(|b| e.u32(b).cast_signed()).collect()),
        VR::UV | VR::OV => PrimitiveValue::U64(very_longs(bytes).map(|b| e.u64(b)).collect()),
        VR::SV => PrimitiveValue::I64(very_longs(bytes).map(|b| e.u64(b).cast_signed()).collect()),
        VR::FL | VR::OF => PrimitiveValue::F32(longs(bytes).map(|b| f32::from_bits(e.u32(b))).collect()),
        VR::FD | VR::OD => PrimitiveValue::F64(very_longs(bytes).map(|b| f64::from_bits(e.u64(b))).collect()),
        VR::AT => PrimitiveValue::Tags(longs(bytes).map(|b| tag(b, e)).collect()),
        VR::OB | VR::UN | VR::SQ => PrimitiveValue::U8(bytes.into()),
        VR::LT | VR::ST | VR::UT | VR::UR => one_text(bytes, vr, sets),
        _ => texts(bytes, vr, sets),
    }
}

fn one_text(bytes: &[u8], vr: VR, sets: CharacterSets) -> PrimitiveValue {
    match unpadded(&decode(bytes, vr, sets, Delimiters::None)) {
        "" => PrimitiveValue::Empty,
        text => PrimitiveValue::Str(text.to_owned()),
    }
}

fn texts(bytes: &[u8], vr: VR, sets: CharacterSets) -> PrimitiveValue {
    let delimiters = if vr == VR::PN { Delimiters::Names } else { Delimiters::Values };
    let text = decode(bytes, vr, sets, delimiters);
    if unpadded(&text).is_empty() {
        return PrimitiveValue::Empty;
    }
    let values: C<String> = text.split('\\').map(|value| unpadded(value).to_owned()).collect();
    PrimitiveValue::Strs(values)
}

/// Specific Character Set applies to seven VRs (PS3.5 section 6.1.2.2). The others are of ASCII; where they are not, the
/// declared set says best what is meant.
fn decode(bytes: &[u8], vr: VR, sets: CharacterSets, delimiters: Delimiters) -> String {
    let applies = matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT);
    if applies { sets } else { sets.over_ascii() }.decode(bytes, delimiters)
}

/// Without trailing spaces and NUL, which pad values to an even length.
fn unpadded(text: &str) -> &str {
    text.trim_end_matches([' ', '\0'])
}

fn tag(bytes: [u8; 4], encoding: Encoding) -> Tag {
    Tag(encoding.u16([bytes[0], bytes[1]]), encoding.u16([bytes[2], bytes[3]]))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}

fn longs(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.as_chunks::<4>().0.iter().copied()
}

fn very_longs(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    bytes.as_chunks::<8>().0.iter().copied()
}
