//! What pixels are in which transfer syntax (PS3.5 annex A), and the media type of a frame of it (PS3.18 table 8.7.3-2).

use noctis_shared::request::LosslessCodec;

pub(super) const OCTETS: &str = "application/octet-stream";
pub(super) const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub(super) const RLE: &str = "1.2.840.10008.1.2.5";
pub(super) const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
pub(super) const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// The codec of a transfer syntax that is written, if need be, Explicit VR Little Endian having none; `None` of one that is not.
pub(super) fn codec_of(uid: &str) -> Option<Option<LosslessCodec>> {
    match uid {
        EXPLICIT_LITTLE => Some(None),
        RLE => Some(Some(LosslessCodec::Rle)),
        JPEG_LS => Some(Some(LosslessCodec::JpegLs)),
        JPEG_2000 => Some(Some(LosslessCodec::Jpeg2000)),
        _ => None,
    }
}

/// The transfer syntax of what is written in a codec; Explicit VR Little Endian without one.
pub(super) fn of_codec(codec: Option<LosslessCodec>) -> &'static str {
    match codec {
        None => EXPLICIT_LITTLE,
        Some(LosslessCodec::Rle) => RLE,
        Some(LosslessCodec::JpegLs) => JPEG_LS,
        Some(LosslessCodec::Jpeg2000) => JPEG_2000,
    }
}

/// Whether the pixels are fragments: in all syntaxes but those that are native.
pub(super) fn is_encapsulated(uid: &str) -> bool {
    !uid.is_empty() && ![IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG].contains(&uid)
}

/// Whether frames of it are decoded before they leave: the bytes of one inside of a deflated whole are nobody's, and big-endian ones
/// are retired (PS3.5 A.3).
pub(super) fn is_never_sent(uid: &str) -> bool {
    [DEFLATED, EXPLICIT_BIG].contains(&uid)
}

/// Whether the whole data set is deflated (PS3.5 A.5).
pub(super) fn is_deflated(uid: &str) -> bool {
    uid == DEFLATED
}

/// Whether a frame of it is the same bytes in Explicit VR Little Endian, which is what is sent unless another is asked for.
pub(super) fn is_as_explicit_little(uid: &str) -> bool {
    [IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, ""].contains(&uid)
}

/// The media type of a frame as it is stored.
pub(super) fn media_type(uid: &str) -> &'static str {
    match uid.strip_prefix("1.2.840.10008.1.2.") {
        Some("4.50" | "4.51" | "4.57" | "4.70") => "image/jpeg",
        Some("4.80" | "4.81") => "image/jls",
        Some("4.90" | "4.91") => "image/jp2",
        Some("4.92" | "4.93") => "image/jpx",
        Some("4.110" | "4.111" | "4.112") => "image/jxl",
        Some("4.201" | "4.202" | "4.203") => "image/jphc",
        Some("5") => "image/dicom-rle",
        _ => OCTETS,
    }
}

/// A media type with the transfer syntax of its bytes. What a file has in the place of a UID is told when it is one.
pub(super) fn named(media_type: &str, uid: Option<&str>) -> String {
    let is_uid =
        |uid: &&str| !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match uid.filter(is_uid) {
        Some(uid) => format!("{media_type}; transfer-syntax={uid}"),
        None => media_type.to_owned(),
    }
}
