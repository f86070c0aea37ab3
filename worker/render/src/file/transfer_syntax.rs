//! What a transfer syntax says about the data set and about the pixel data (PS3.5 section 8 and annex A, PS3.6 annex A).

use crate::RenderError;

/// How data elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

impl Encoding {
    pub(crate) const IMPLICIT_LITTLE: Self = Self { explicit: false, big_endian: false };
    pub(crate) const EXPLICIT_LITTLE: Self = Self { explicit: true, big_endian: false };
    pub(crate) const EXPLICIT_BIG: Self = Self { explicit: true, big_endian: true };

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    pub(crate) fn u64(self, bytes: [u8; 8]) -> u64 {
        if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }
}

/// How the bytes of one frame become samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PixelCoding {
    Native,
    /// Native cells, each frame in fragments of its own.
    NativeFragments,
    DeflatedFrame,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    HighThroughputJpeg2000,
    JpegXl,
}

impl PixelCoding {
    /// Whether frames lie in fragments, and are not plain cells one after the other.
    pub(crate) fn is_in_fragments(self) -> bool {
        self != Self::Native
    }
}

/// A maker's own syntax: an implicit data set in little endian whose pixel data alone is in big endian.
const GE_PRIVATE_IMPLICIT: &str = "1.2.840.113619.5.2";
/// Papyrus 3: implicit little endian under another name, retired.
const PAPYRUS_3_IMPLICIT: &str = "1.2.840.10008.1.20";

/// Whether fragments give back every bit that was coded (PS3.5 A.4).
pub(crate) fn is_lossless(transfer_syntax_uid: &str) -> bool {
    const ROOT: &str = "1.2.840.10008.1.2.";
    let lossless = [
        "1.98", "5", "8.1", "4.57", "4.58", "4.65", "4.66", "4.70", "4.80", "4.90", "4.92", "4.201", "4.202",
        "4.110",
    ];
    transfer_syntax_uid.strip_prefix(ROOT).is_some_and(|rest| lossless.contains(&rest))
}

pub(crate) const DEFLATED_EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1.99";

/// Encoding of the data set that follows the file meta information.
/// A private or unknown syntax is explicit little endian in every known case.
pub(crate) fn encoding(transfer_syntax_uid: &str) -> Encoding {
    match transfer_syntax_uid {
        "1.2.840.10008.1.2" | GE_PRIVATE_IMPLICIT | PAPYRUS_3_IMPLICIT => Encoding::IMPLICIT_LITTLE,
        "1.2.840.10008.1.2.2" => Encoding::EXPLICIT_BIG,
        _ => Encoding::EXPLICIT_LITTLE,
    }
}

/// How the pixel cells are written when they are native: their order of bytes, and whether they are words of 16 bits
/// whatever the VR.
pub(crate) fn native_cells(transfer_syntax_uid: &str, encoding: Encoding) -> (bool, bool) {
    let is_private = transfer_syntax_uid == GE_PRIVATE_IMPLICIT;
    (encoding.big_endian || is_private, is_private)
}

/// A file that names no syntax can only be taken for native. An unknown private syntax is refused, never guessed:
/// how its maker wrote the pixels is not told by how the data set looks.
///
/// # Errors
/// [`RenderError::Video`] for the video syntaxes, [`RenderError::Unsupported`] for unknown ones.
pub(crate) fn pixel_coding(transfer_syntax_uid: &str) -> Result<PixelCoding, RenderError> {
    const ROOT: &str = "1.2.840.10008.1.2";
    const MPEG2: &[&str] = &["video/mpeg"];
    const MPEG4: &[&str] = &["video/mp4"];
    let video =
        |media_types| RenderError::Video { transfer_syntax_uid: transfer_syntax_uid.to_owned(), media_types };
    let unknown = || RenderError::unsupported(format!("transfer syntax {transfer_syntax_uid}"));
    if matches!(transfer_syntax_uid, "" | GE_PRIVATE_IMPLICIT | PAPYRUS_3_IMPLICIT) {
        return Ok(PixelCoding::Native);
    }
    Ok(match transfer_syntax_uid.strip_prefix(ROOT).ok_or_else(unknown)? {
        "" | ".1" | ".2" | ".1.99" => PixelCoding::Native,
        ".1.98" => PixelCoding::NativeFragments,
        ".8.1" => PixelCoding::DeflatedFrame,
        ".5" => PixelCoding::Rle,
        ".4.50" | ".4.51" | ".4.52" | ".4.53" | ".4.54" | ".4.55" | ".4.56" | ".4.57" | ".4.58" | ".4.59"
        | ".4.60" | ".4.61" | ".4.62" | ".4.63" | ".4.64" | ".4.65" | ".4.66" | ".4.70" => PixelCoding::Jpeg,
        ".4.80" | ".4.81" => PixelCoding::JpegLs,
        ".4.90" | ".4.91" | ".4.92" | ".4.93" => PixelCoding::Jpeg2000,
        ".4.201" | ".4.202" | ".4.203" => PixelCoding::HighThroughputJpeg2000,
        ".4.110" | ".4.111" | ".4.112" => PixelCoding::JpegXl,
        ".4.100" | ".4.100.1" | ".4.101" | ".4.101.1" => return Err(video(MPEG2)),
        ".4.102" | ".4.102.1" | ".4.103" | ".4.103.1" | ".4.104" | ".4.104.1" | ".4.105" | ".4.105.1"
        | ".4.106" | ".4.106.1" | ".4.107" | ".4.108" => return Err(video(MPEG4)),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_names_the_media_types_that_would_work() {
        let error = pixel_coding("1.2.840.10008.1.2.4.102").expect_err("a video is not a picture");
        assert!(matches!(error, RenderError::Video { media_types: ["video/mp4"], .. }));
    }

    #[test]
    fn a_private_syntax_is_known_or_refused() {
        assert_eq!(pixel_coding(GE_PRIVATE_IMPLICIT).expect("known"), PixelCoding::Native);
        assert_eq!(native_cells(GE_PRIVATE_IMPLICIT, Encoding::IMPLICIT_LITTLE), (true, true));
        assert_eq!(pixel_coding("").expect("no syntax is native"), PixelCoding::Native);
        for unknown in ["1.2.840.113619.5.3", "1.3.46.670589.33.1.4.1", "2.25.1", "1.2.840.10008.1.3"] {
            assert!(matches!(pixel_coding(unknown), Err(RenderError::Unsupported { .. })), "{unknown}");
        }
    }

    #[test]
    fn an_unknown_syntax_is_named_in_the_error() {
        let error = pixel_coding("1.2.840.10008.1.2.4.94").expect_err("a pixel data provider URL");
        assert_eq!(error.to_string(), "not supported: transfer syntax 1.2.840.10008.1.2.4.94");
    }
}
