//! ISO 2022 code extension as DICOM restricts it (PS3.5 6.1.2.4, 6.1.2.5): G0 lies at 21 to 7E, G1 from 80 up, an escape
//! invokes what it designates, and delimiters and control characters bring back what is active at the start.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_8, ISO_8859_15, SHIFT_JIS, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

const ESCAPE: u8 = 0x1B;
/// Bytes of G0 without the space, which is a space in every set.
const G0_BYTES: std::ops::RangeInclusive<u8> = 0x21..=0x7E;

/// Where code extension ends within a value, by its VR (PS3.5 6.1.2.5.3). Control characters end it everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiters {
    /// LT, ST, UT: one value, in which a backslash is text.
    None,
    /// Between values: the backslash.
    Values,
    /// PN: between values, component groups and components.
    Names,
}

impl Delimiters {
    fn contain(self, byte: u8) -> bool {
        match byte {
            b'\\' => self != Self::None,
            b'^' | b'=' => self == Self::Names,
            _ => false,
        }
    }

    /// Whether `byte`, as a character of its own, brings back the initial sets.
    fn reset(self, byte: u8) -> bool {
        byte < 0x20 || self.contain(byte)
    }
}

/// What bytes of 21 to 7E mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum G0 {
    /// ISO-IR 6.
    #[default]
    Ascii,
    /// ISO-IR 14, JIS X 0201: ASCII but for the yen sign and the overline.
    JisRoman,
    /// A set of `byte_count` bytes a character that `encoding` has from 80 up, there after `lead`.
    Shifted { encoding: &'static Encoding, lead: Option<u8>, byte_count: usize },
}

/// The sets that are active at one place of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Invoked {
    pub(super) g0: G0,
    /// For bytes from 80 up; `None` where nothing is declared.
    pub(super) g1: Option<&'static Encoding>,
}

pub(super) fn decode(bytes: &[u8], initial: Invoked, delimiters: Delimiters) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut invoked = initial;
    let mut rest = bytes;
    while let [first, ..] = rest {
        let consumed = if *first == ESCAPE {
            escape(rest, &mut invoked).unwrap_or_else(|| {
                text.push(char::REPLACEMENT_CHARACTER);
                1
            })
        } else {
            let run = &rest[..run_length(rest, invoked, initial, delimiters)];
            if run.is_empty() {
                invoked = initial;
            } else {
                decode_run(run, invoked, delimiters, &mut text);
            }
            run.len()
        };
        rest = &rest[consumed..];
    }
    text
}

/// Bytes that one set, or G0 of one byte beside G1, decodes: up to an escape, a delimiter, or another kind of byte.
/// 0 where the initial sets come back.
fn run_length(bytes: &[u8], invoked: Invoked, initial: Invoked, delimiters: Delimiters) -> usize {
    let count = |is_inside: &dyn Fn(u8) -> bool| bytes.iter().take_while(|byte| is_inside(**byte)).count();
    if let G0::Shifted { byte_count, .. } = invoked.g0 {
        let characters = count(&|byte| G0_BYTES.contains(&byte)) / byte_count;
        return match bytes[0] {
            _ if characters > 0 => characters * byte_count,
            0x80.. => count(&|byte| byte >= 0x80),
            byte if delimiters.reset(byte) => 0,
            // A space, or half of a character.
            _ => 1,
        };
    }
    // Delimiters change nothing there, and to a set of several bytes one may be no delimiter: a second byte of 5C in GBK.
    if invoked == initial {
        return count(&|byte| byte != ESCAPE);
    }
    count(&|byte| byte != ESCAPE && !delimiters.reset(byte))
}

fn decode_run(run: &[u8], invoked: Invoked, delimiters: Delimiters, text: &mut String) {
    match invoked.g0 {
        G0::Shifted { encoding, lead, byte_count } if run[0] < 0x80 && run != b" " => {
            if run.len() < byte_count {
                text.push(char::REPLACEMENT_CHARACTER);
                return;
            }
            let shift = |character: &[u8]| -> Vec<u8> {
                lead.into_iter().chain(character.iter().map(|byte| byte | 0x80)).collect()
            };
            let shifted: Vec<u8> = run.chunks(byte_count).flat_map(shift).collect();
            text.push_str(&encoding.decode_without_bom_handling(&shifted).0);
        }
        G0::JisRoman => text.extend(decode_high(run, invoked.g1).chars().map(|character| match character {
            '\\' if delimiters == Delimiters::None => '¥',
            '~' => '‾',
            other => other,
        })),
        _ => text.push_str(&decode_high(run, invoked.g1)),
    }
}

/// Bytes of ASCII and of G1.
fn decode_high<'a>(run: &'a [u8], g1: Option<&'static Encoding>) -> std::borrow::Cow<'a, str> {
    let encoding = g1.unwrap_or_else(|| undeclared(run));
    encoding.decode_without_bom_handling(run).0
}

/// What bytes from 80 up are where no set is declared for them: UTF-8 if they are valid as that, be it that a fixed
/// length has cut the last character in two; else Latin-1, which loses none of them.
fn undeclared(run: &[u8]) -> &'static Encoding {
    let is_utf8 = match std::str::from_utf8(run) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !run[..error.valid_up_to()].is_ascii(),
    };
    if is_utf8 { encoding_rs::UTF_8 } else { WINDOWS_1252 }
}

/// Carries out the escape at the start of `bytes` and tells its length; `None` for one that is not known.
fn escape(bytes: &[u8], invoked: &mut Invoked) -> Option<usize> {
    let sequence = &bytes[1..];
    let starts = |(designator, _): &&(&[u8], Designation)| sequence.starts_with(designator);
    let (designator, designation) = ESCAPES.iter().find(starts)?;
    match designation {
        Designation::G0(set) => invoked.g0 = *set,
        Designation::G1(set) => invoked.g1 = Some(*set),
    }
    Some(1 + designator.len())
}

#[derive(Clone, Copy)]
enum Designation {
    G0(G0),
    G1(&'static Encoding),
}

const fn shifted(encoding: &'static Encoding, lead: Option<u8>, byte_count: usize) -> Designation {
    Designation::G0(G0::Shifted { encoding, lead, byte_count })
}

/// Escapes of PS3.3 tables C.12-3 and C.12-4, without the ESC. Then those that the standard does not have and that name
/// the same sets: the older and longer forms for JIS X 0208, and the sets of G1 in G0.
const ESCAPES: [(&[u8], Designation); 25] = [
    (b"(B", Designation::G0(G0::Ascii)),
    (b"(J", Designation::G0(G0::JisRoman)),
    (b")I", Designation::G1(SHIFT_JIS)),
    (b"-A", Designation::G1(WINDOWS_1252)),
    (b"-B", Designation::G1(ISO_8859_2)),
    (b"-C", Designation::G1(ISO_8859_3)),
    (b"-D", Designation::G1(ISO_8859_4)),
    (b"-F", Designation::G1(ISO_8859_7)),
    (b"-G", Designation::G1(ISO_8859_6)),
    (b"-H", Designation::G1(ISO_8859_8)),
    (b"-L", Designation::G1(ISO_8859_5)),
    (b"-M", Designation::G1(WINDOWS_1254)),
    (b"-T", Designation::G1(WINDOWS_874)),
    (b"-b", Designation::G1(ISO_8859_15)),
    (b"$B", shifted(EUC_JP, None, 2)),
    // JIS X 0212 stands in EUC-JP behind the byte 8F.
    (b"$(D", shifted(EUC_JP, Some(0x8F), 2)),
    (b"$)A", Designation::G1(GBK)),
    (b"$)C", Designation::G1(EUC_KR)),
    (b"$@", shifted(EUC_JP, None, 2)),
    (b"$(@", shifted(EUC_JP, None, 2)),
    (b"$(B", shifted(EUC_JP, None, 2)),
    (b"$A", shifted(GBK, None, 2)),
    (b"$(A", shifted(GBK, None, 2)),
    (b"$(C", shifted(EUC_KR, None, 2)),
    (b"(I", shifted(SHIFT_JIS, None, 1)),
];
