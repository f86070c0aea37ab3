//! What the values of Specific Character Set (0008,0005) mean (PS3.3 C.12.1.1.2), also where they are misspelled.

use std::borrow::Cow;

use encoding_rs::{
    EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

use super::code_extension::{self, Delimiters, G0, Invoked};

/// The character sets of a data set: what is active at the start of a value and after each delimiter. Escapes name what
/// they invoke, so that the sets declared for code extension need not be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CharacterSets {
    initial: Invoked,
}

impl CharacterSets {
    /// The sets that the attribute declares, its bytes as they are written. What is not known counts as absent.
    pub(crate) fn declared(value: &[u8]) -> Self {
        let values = value.split(|byte| *byte == b'\\');
        let terms: Vec<Term> = values.map(term).collect();
        let g0 = terms.first().map_or(G0::Ascii, |term| term.g0);
        // Value 1 alone is active without an escape. Where it has no bytes from 80 up, as when it is absent or ISO_IR 6,
        // those that stand there without the escape can only be of another set that is declared.
        Self { initial: Invoked { g0, g1: terms.into_iter().find_map(|term| term.g1) } }
    }

    /// The same with ASCII below 80, for values that no character set applies to: a tilde in a URI is no overline.
    pub(crate) fn over_ascii(self) -> Self {
        Self { initial: Invoked { g0: G0::Ascii, ..self.initial } }
    }

    /// The text of one value field, whose delimiters are still in it.
    pub(crate) fn decode(&self, bytes: &[u8], delimiters: Delimiters) -> String {
        code_extension::decode(bytes, self.initial, delimiters)
    }
}

/// What one value of the attribute stands for.
#[derive(Clone, Copy)]
struct Term {
    g0: G0,
    /// `None` where the set has nothing from 80 up.
    g1: Option<&'static Encoding>,
}

/// Defined terms with and without code extensions are read alike. Letters and digits alone are looked at, so that
/// "ISO IR 192", "iso-ir-192" and `ISO_IR 192` are one; names of other standards ("UTF-8", "Latin1") are taken, too.
fn term(value: &[u8]) -> Term {
    let plain: String = value.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(*b)).collect();
    let plain = plain.to_ascii_uppercase();
    let number = ["ISO2022IR", "ISO2022", "ISOIR", "IR"].iter().find_map(|prefix| plain.strip_prefix(prefix));
    if let Some(term) = number.and_then(|number| number.parse().ok()).and_then(registered) {
        return term;
    }
    // "ISO 2022 GBK" means what "GBK" means.
    let name = plain.strip_prefix("ISO2022").unwrap_or(&plain);
    Term { g0: G0::Ascii, g1: named(value, name) }
}

/// The sets of PS3.3 tables C.12-2 to C.12-5 by their number in the ISO International Register.
///
/// Some are read by an encoding that holds more: windows-1252, -1254 and -874 have letters where ISO 8859 has control
/// characters that no text holds; Shift JIS has kanji where JIS X 0201 has nothing; EUC-KR and GBK are read with the
/// characters that Windows added.
fn registered(number: u16) -> Option<Term> {
    let g1 = match number {
        // JIS X 0208 and JIS X 0212 stand in G0, after an escape.
        6 | 14 | 87 | 159 => None,
        13 => return Some(Term { g0: G0::JisRoman, g1: Some(SHIFT_JIS) }),
        58 => Some(GBK),
        100 => Some(WINDOWS_1252),
        101 => Some(ISO_8859_2),
        109 => Some(ISO_8859_3),
        110 => Some(ISO_8859_4),
        126 => Some(ISO_8859_7),
        127 => Some(ISO_8859_6),
        138 => Some(ISO_8859_8),
        144 => Some(ISO_8859_5),
        148 => Some(WINDOWS_1254),
        149 => Some(EUC_KR),
        166 => Some(WINDOWS_874),
        192 => Some(UTF_8),
        203 => Some(ISO_8859_15),
        _ => return None,
    };
    Some(Term { g0: G0::Ascii, g1 })
}

/// GB18030, GBK, and every name that the Encoding Standard knows, with or without its punctuation. Not ASCII, which
/// that standard takes for windows-1252, and not what has another meaning for bytes below 80.
fn named(value: &[u8], plain: &str) -> Option<&'static Encoding> {
    if plain.is_empty() || plain.ends_with("ASCII") {
        return None;
    }
    [Cow::Borrowed(value), Cow::Owned(plain.as_bytes().to_vec())]
        .iter()
        .find_map(|label| Encoding::for_label_no_replacement(label))
        .filter(|encoding| encoding.is_ascii_compatible())
}
