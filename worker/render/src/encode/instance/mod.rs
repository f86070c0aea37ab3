//! An instance in another transfer syntax (PS3.5 annex A): the head of its file, and its frames one by one, so that a file of any
//! length is put together without being in memory. Nothing is lost: the codecs are lossless ones, and what they cannot
//! hold is refused.
//!
//! [`head`] writes everything before the value of the pixel data, over [`data_set`]; [`rle`], [`jpeg_ls`] and [`jpeg2000`] a
//! frame each, of the [`stored`] samples. What must not be here: any stage of the display.

mod data_set;
mod head;
mod jpeg2000;
mod jpeg_ls;
mod rle;
mod stored;

pub use self::head::{FileHead, Pixels, file_head, head_needs_frame};
use self::stored::StoredSamples;
use super::native::{in_planes, native_frame};
use crate::decode::DecodedFrame;
use crate::{Header, RenderError};

/// A transfer syntax that files are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenSyntax {
    /// Explicit VR Little Endian (PS3.5 A.2).
    ExplicitLittle,
    /// RLE Lossless (A.4.2).
    Rle,
    /// JPEG-LS Lossless (A.4.3).
    JpegLs,
    /// JPEG 2000 Lossless Only (A.4.4).
    Jpeg2000,
}

impl WrittenSyntax {
    /// Its UID (PS3.6 annex A).
    #[must_use]
    pub fn uid(self) -> &'static str {
        match self {
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::Rle => "1.2.840.10008.1.2.5",
            Self::JpegLs => "1.2.840.10008.1.2.4.80",
            Self::Jpeg2000 => "1.2.840.10008.1.2.4.90",
        }
    }

    fn is_of_fragments(self) -> bool {
        self != Self::ExplicitLittle
    }
}

/// A decoded frame in this syntax: cells as of [`native_frame`], or a codestream of an even number of bytes, which is the value of one
/// fragment (PS3.5 A.4).
///
/// # Errors
/// As [`native_frame`], and [`RenderError::Unsupported`] for samples that the codec does not hold: single bits, floating
/// point ones, more than 16 bits but in RLE, those that are deeper than Bits Stored.
pub fn written_frame(
    header: &Header,
    frame: &DecodedFrame,
    syntax: WrittenSyntax,
) -> Result<Vec<u8>, RenderError> {
    let mut coded = match syntax {
        WrittenSyntax::ExplicitLittle => return native_frame(header, frame),
        WrittenSyntax::Rle => rle::encode(&in_planes(header, frame)?, &StoredSamples::of(header, frame)?)?,
        WrittenSyntax::JpegLs => jpeg_ls::encode(&StoredSamples::of(header, frame)?)?,
        WrittenSyntax::Jpeg2000 => jpeg2000::encode(&StoredSamples::of(header, frame)?)?,
    };
    if !coded.len().is_multiple_of(2) {
        coded.push(0);
    }
    Ok(coded)
}
