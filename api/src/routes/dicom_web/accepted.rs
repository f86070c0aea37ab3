//! In which shape stored bytes are told: the parts of a multipart body or one alone, by `accept=`, else by `Accept`
//! (PS3.18 8.7.3 and 8.7.4). They are told as they are stored to who takes them so; for others, here is what they could be told as.

use axum::http::HeaderMap;
use noctis_shared::request::LosslessCodec;

use super::{
    acceptable::Acceptable,
    transfer_syntax::{EXPLICIT_LITTLE, JPEG_2000, JPEG_LS, OCTETS, RLE, is_as_explicit_little, media_type},
};
use crate::problem::{Kind, Problem};

/// The media type of files.
pub(super) const DICOM: &str = "application/dicom";

/// What there is: bytes of a media type, in a transfer syntax.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) media_type: &'static str,
    pub(super) transfer_syntax: &'a str,
    /// Whether there is one part alone.
    pub(super) is_one: bool,
}

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) is_multipart: bool,
    pub(super) media_type: &'static str,
}

/// The shape that the client likes best; the first of equals.
///
/// # Errors
/// 406 where it takes none of what there is.
pub(super) fn choose(
    accept: Option<&str>,
    headers: &HeaderMap,
    stored: Stored<'_>,
) -> Result<Shape, Problem> {
    let groups = Acceptable::groups(accept, headers);
    let shape = groups.iter().find_map(|entries| {
        let named = [stored.media_type, OCTETS].into_iter();
        let deciding = named.flat_map(|media_type| Acceptable::that_take(entries, media_type));
        let mut shapes: Vec<_> =
            deciding.filter_map(|entry| Some((entry.weight, shape_of(entry, stored)?))).collect();
        shapes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        shapes.first().map(|(_, shape)| *shape)
    });
    shape.ok_or_else(|| {
        let detail = "This is told as it is stored, and Accept takes nothing of that.";
        let told = format!(
            "multipart/related; type=\"{}\"; transfer-syntax={}",
            stored.media_type, stored.transfer_syntax
        );
        Problem::new(Kind::NotAcceptable, detail).with("media_types", vec![told])
    })
}

/// The problem of a client that takes nothing of what is told decoded alone.
pub(super) fn only_decoded() -> Problem {
    let told = format!("multipart/related; type=\"{OCTETS}\"; transfer-syntax={EXPLICIT_LITTLE}");
    Problem::new(Kind::NotAcceptable, "This is told decoded, and Accept takes nothing of that.")
        .with("media_types", vec![told])
}

/// The problem of a client that takes one body alone of what are several.
pub(super) fn only_parts(media_type: &str) -> Problem {
    Problem::new(Kind::NotAcceptable, "These are several, each told as a part, and Accept takes none.")
        .with("media_types", vec![format!("multipart/related; type=\"{media_type}\"")])
}

/// How decoded frames are told to a client that takes nothing of what is stored: as octets in Explicit VR Little Endian, which are meant
/// where no transfer syntax is named (table 8.7.3-2). `takes_any_syntax`: what is stored never leaves as it is, so that
/// whoever takes any syntax takes this one. `None` where the client takes no such octets.
pub(super) fn as_decoded(
    accept: Option<&str>,
    headers: &HeaderMap,
    (is_one, takes_any_syntax): (bool, bool),
) -> Option<Shape> {
    let takes = |entry: &&Acceptable| match entry.transfer_syntax.as_deref() {
        None | Some(EXPLICIT_LITTLE) => true,
        Some(syntax) => takes_any_syntax && syntax == "*",
    };
    Acceptable::groups(accept, headers).iter().find_map(|entries| {
        let deciding = Acceptable::that_take(entries, OCTETS).into_iter().filter(takes);
        let mut shapes = deciding
            .map(|entry| Shape { is_multipart: entry.in_parts != Some(false), media_type: OCTETS })
            .filter(|shape| shape.is_multipart || is_one);
        shapes.next()
    })
}

/// In what frames are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are stored.
    Stored,
    /// Their samples as cells in Explicit VR Little Endian.
    Samples,
    /// Their samples in a codec that they are not stored in.
    Codec(LosslessCodec),
}

/// Frames in a codec that they are not stored in, under the media type of table 8.7.3-3, or as octets where its transfer syntax is
/// named. The one that the client likes best; `None` where it takes none of them.
pub(super) fn as_coded(
    accept: Option<&str>,
    headers: &HeaderMap,
    is_one: bool,
) -> Option<(Shape, LosslessCodec)> {
    const CODECS: [(LosslessCodec, &str); 3] =
        [(LosslessCodec::JpegLs, JPEG_LS), (LosslessCodec::Jpeg2000, JPEG_2000), (LosslessCodec::Rle, RLE)];
    Acceptable::groups(accept, headers).iter().find_map(|entries| {
        let mut taken: Vec<(u16, Shape, LosslessCodec)> = Vec::new();
        for (codec, uid) in CODECS {
            for media_type in [media_type(uid), OCTETS] {
                let named = |entry: &&Acceptable| match entry.transfer_syntax.as_deref() {
                    Some(syntax) if syntax == uid => true,
                    None | Some("*") => media_type != OCTETS,
                    Some(_) => false,
                };
                let deciding = Acceptable::that_take(entries, media_type).into_iter().filter(named);
                let shapes = deciding.map(|entry| {
                    (entry.weight, Shape { is_multipart: entry.in_parts != Some(false), media_type })
                });
                let fitting = shapes.filter(|(_, shape)| shape.is_multipart || is_one);
                taken.extend(fitting.map(|(weight, shape)| (weight, shape, codec)));
            }
        }
        taken.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
        taken.first().map(|(_, shape, codec)| (*shape, *codec))
    })
}

/// In which shape and transfer syntax instances are written for a client that takes nothing of what is stored: `codec_of` knows
/// the syntaxes. The one that it likes best; `None` where it takes none of them.
pub(super) fn as_written<T>(
    accept: Option<&str>,
    headers: &HeaderMap,
    is_one: bool,
    codec_of: impl Fn(&str) -> Option<T>,
) -> Option<(Shape, T)> {
    Acceptable::groups(accept, headers).iter().find_map(|entries| {
        let deciding = Acceptable::that_take(entries, DICOM).into_iter();
        let mut taken: Vec<_> = deciding
            .filter_map(|entry| {
                let shape = Shape { is_multipart: entry.in_parts != Some(false), media_type: DICOM };
                let codec = codec_of(entry.transfer_syntax.as_deref()?)?;
                (shape.is_multipart || is_one).then_some((entry.weight, shape, codec))
            })
            .collect();
        taken.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
        taken.into_iter().next().map(|(_, shape, codec)| (shape, codec))
    })
}

fn shape_of(entry: &Acceptable, stored: Stored<'_>) -> Option<Shape> {
    let is_multipart = entry.in_parts != Some(false);
    if !is_multipart && !stored.is_one {
        return None;
    }
    let asked = entry.media_type.as_str();
    let media_type = match asked {
        asked if entry.takes(stored.media_type) && asked != OCTETS => stored.media_type,
        // Bits are bits.
        OCTETS if stored.media_type != DICOM => OCTETS,
        _ => return None,
    };
    takes_syntax(entry, stored).then_some(Shape { is_multipart, media_type })
}

/// Octets alone have a transfer syntax that is meant where none is named (table 8.7.3-2): what else is named by its kind
/// comes as it is stored.
fn takes_syntax(entry: &Acceptable, stored: Stored<'_>) -> bool {
    let as_explicit_little = is_as_explicit_little(stored.transfer_syntax);
    match entry.transfer_syntax.as_deref() {
        Some("*") => true,
        Some(uid) if uid == stored.transfer_syntax => true,
        Some(EXPLICIT_LITTLE) => as_explicit_little && stored.media_type == OCTETS,
        Some(_) => false,
        None => entry.media_type != OCTETS || as_explicit_little,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const J2K: &str = "1.2.840.10008.1.2.4.90";

    fn chosen(
        accept: &str,
        media_type: &'static str,
        transfer_syntax: &str,
        is_one: bool,
    ) -> Option<(bool, &'static str)> {
        let stored = Stored { media_type, transfer_syntax, is_one };
        choose(Some(accept), &HeaderMap::new(), stored)
            .ok()
            .map(|shape| (shape.is_multipart, shape.media_type))
    }

    /// What viewers send, and table 8.7.3-2.
    #[test]
    fn frames_are_told_as_they_are_stored_to_who_takes_them_so() {
        let (octets, jp2) = (Some((true, OCTETS)), Some((true, "image/jp2")));
        let cases = [
            ("", OCTETS, EXPLICIT_LITTLE, octets),
            ("*/*", "image/jp2", J2K, jp2),
            ("multipart/related", "image/jp2", J2K, jp2),
            ("multipart/related; type=application/octet-stream; transfer-syntax=*", "image/jp2", J2K, octets),
            ("multipart/related; type=\"application/octet-stream\"", "image/jp2", J2K, None),
            ("multipart/related; type=\"application/octet-stream\"", OCTETS, "1.2.840.10008.1.2", octets),
            ("multipart/related; type=\"application/octet-stream\"", OCTETS, "1.2.840.10008.1.2.2", None),
            ("multipart/related; type=\"image/jp2\"", "image/jp2", J2K, jp2),
            ("multipart/related; type=\"image/*\"; transfer-syntax=*", "image/jp2", J2K, jp2),
            (
                "multipart/related; type=\"image/jp2\"; transfer-syntax=1.2.840.10008.1.2.4.91",
                "image/jp2",
                J2K,
                None,
            ),
            ("multipart/related; type=\"image/jpeg\"", "image/jp2", J2K, None),
            (
                "multipart/related; type=image/jls;q=0.9, multipart/related;type=image/jp2;q=0.8",
                "image/jp2",
                J2K,
                jp2,
            ),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
                OCTETS,
                "1.2.840.10008.1.2",
                octets,
            ),
            ("application/octet-stream", OCTETS, EXPLICIT_LITTLE, Some((false, OCTETS))),
            ("image/jp2", "image/jp2", J2K, Some((false, "image/jp2"))),
            ("text/html", OCTETS, EXPLICIT_LITTLE, None),
            ("multipart/related; type=image/jp2; q=0", "image/jp2", J2K, None),
        ];
        for (accept, media_type, transfer_syntax, expected) in cases {
            assert_eq!(chosen(accept, media_type, transfer_syntax, true), expected, "{accept}");
        }
        assert_eq!(
            chosen("application/octet-stream", OCTETS, EXPLICIT_LITTLE, false),
            None,
            "several are parts"
        );
    }

    #[test]
    fn frames_are_decoded_for_who_takes_octets_that_everybody_reads() {
        let (parts, alone) = (Some(true), Some(false));
        for (accept, is_one, any_syntax, expected) in [
            ("multipart/related; type=\"application/octet-stream\"", false, false, parts),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
                true,
                false,
                parts,
            ),
            ("multipart/related; type=application/octet-stream; transfer-syntax=*", true, false, None),
            ("multipart/related; type=application/octet-stream; transfer-syntax=*", true, true, parts),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2",
                true,
                true,
                None,
            ),
            ("application/octet-stream", true, false, alone),
            ("application/octet-stream", false, false, None),
            ("application/octet-stream;q=0", true, false, None),
            ("image/jp2", true, true, None),
            ("*/*", true, true, parts),
        ] {
            let shape = as_decoded(Some(accept), &HeaderMap::new(), (is_one, any_syntax));
            assert_eq!(shape.map(|shape| shape.is_multipart), expected, "{accept}");
        }
    }

    #[test]
    fn frames_are_coded_for_who_takes_a_codec_alone() {
        use LosslessCodec::{Jpeg2000, JpegLs, Rle};
        for (accept, is_one, expected) in [
            ("multipart/related; type=\"image/jls\"", false, Some((true, "image/jls", JpegLs))),
            ("image/jp2", true, Some((false, "image/jp2", Jpeg2000))),
            ("image/jp2", false, None),
            ("image/dicom-rle; transfer-syntax=*", true, Some((false, "image/dicom-rle", Rle))),
            (
                "multipart/related; type=image/jls;q=0.5, multipart/related; type=image/jp2",
                false,
                Some((true, "image/jp2", Jpeg2000)),
            ),
            (
                "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5",
                false,
                Some((true, OCTETS, Rle)),
            ),
            ("multipart/related; type=application/octet-stream; transfer-syntax=*", false, None),
            ("multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.81", false, None),
            ("image/jpeg", true, None),
            ("image/jls;q=0", true, None),
        ] {
            let coded = as_coded(Some(accept), &HeaderMap::new(), is_one);
            let told = coded.map(|(shape, codec)| (shape.is_multipart, shape.media_type, codec));
            assert_eq!(told, expected, "{accept}");
        }
    }

    #[test]
    fn instances_are_told_in_the_syntax_that_they_are_stored_in() {
        let dicom = "application/dicom";
        let multipart = Some((true, dicom));
        for (accept, expected) in [
            ("multipart/related; type=\"application/dicom\"", multipart),
            ("multipart/related; type=\"application/dicom\"; transfer-syntax=*", multipart),
            (&*format!("multipart/related; type=\"application/dicom\"; transfer-syntax={J2K}"), multipart),
            ("multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1", None),
            ("application/dicom", Some((false, dicom))),
            ("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*", None),
            ("application/dicom+json", None),
        ] {
            assert_eq!(chosen(accept, dicom, J2K, true), expected, "{accept}");
        }
    }
}
