//! How a file says what it says: transfer syntax, sequences, fragments. None of this may change a picture.

#[derive(Clone, Debug)]
pub(crate) struct FileForm {
    pub(crate) syntax: Syntax,
    pub(crate) sequences_undefined: bool,
    pub(crate) items_undefined: bool,
    /// Sequences are written as VR UN, their content in implicit little endian (PS3.5 6.2.2).
    pub(crate) sequences_unknown: bool,
    pub(crate) private_elements: bool,
    /// An Icon Image Sequence with pixels, windows and a palette of its own.
    pub(crate) icon: bool,
    pub(crate) trailing_padding: bool,
    /// Pixel data of 8 bits or fewer is written as VR OW.
    pub(crate) in_words: bool,
    /// How Number of Frames is written; `None` leaves it out.
    pub(crate) frame_count: Option<String>,
    pub(crate) fragments: Fragments,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Syntax {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
    Deflated,
    EncapsulatedUncompressed,
    DeflatedFrame,
    Rle {
        /// Segments end in bytes that no pixel needs.
        surplus: bool,
    },
    /// One sample of 8 bits, or three.
    JpegBaseline {
        transformed: bool,
    },
    JpegLossless(LosslessJpeg),
    JpegLs {
        interleave: Interleave,
        precision: u16,
        /// Bytes between the scan and the end of the image.
        filler: &'static [u8],
    },
    Jpeg2000 {
        levels: u32,
        precision: u16,
        signed: bool,
        lossy_uid: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LosslessJpeg {
    pub(crate) predictor: u8,
    pub(crate) precision: u16,
    /// Differences are reduced to the precision, so that sums wrap.
    pub(crate) wraps: bool,
    pub(crate) restarts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interleave {
    None,
    Line,
    Sample,
}

impl Syntax {
    pub(crate) fn uid(&self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::EncapsulatedUncompressed => "1.2.840.10008.1.2.1.98",
            Self::DeflatedFrame => "1.2.840.10008.1.2.8.1",
            Self::Rle { .. } => "1.2.840.10008.1.2.5",
            Self::JpegBaseline { .. } => "1.2.840.10008.1.2.4.50",
            Self::JpegLossless(LosslessJpeg { predictor: 1, .. }) => "1.2.840.10008.1.2.4.70",
            Self::JpegLossless(_) => "1.2.840.10008.1.2.4.57",
            Self::JpegLs { .. } => "1.2.840.10008.1.2.4.80",
            Self::Jpeg2000 { lossy_uid: false, .. } => "1.2.840.10008.1.2.4.90",
            Self::Jpeg2000 { .. } => "1.2.840.10008.1.2.4.91",
        }
    }

    pub(crate) fn is_encapsulated(&self) -> bool {
        !matches!(self, Self::ImplicitLittle | Self::ExplicitLittle | Self::ExplicitBig | Self::Deflated)
    }

    /// Whether frames begin with bytes by which they can be told apart without a table.
    pub(crate) fn has_marker(&self) -> bool {
        matches!(
            self,
            Self::JpegBaseline { .. } | Self::JpegLossless(_) | Self::JpegLs { .. } | Self::Jpeg2000 { .. }
        )
    }
}

/// How the frames of encapsulated pixel data are cut (PS3.5 A.4).
#[derive(Clone, Debug)]
pub(crate) struct Fragments {
    /// Fragments of each frame.
    pub(crate) per_frame: Vec<usize>,
    pub(crate) empty_first: bool,
    pub(crate) empty_last: bool,
    pub(crate) table: OffsetTable,
    /// The element has a length of its own instead of a delimiter.
    pub(crate) defined_length: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OffsetTable {
    None,
    Basic,
    Extended,
}
