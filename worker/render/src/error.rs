//! What can go wrong, as the caller needs to tell it apart. Messages carry no attribute values beside
//! numbers and UIDs of syntaxes, so that they may be logged and shown.

use std::borrow::Cow;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The bytes are not a DICOM file.
    #[error("not a DICOM file: {what}")]
    NotDicom {
        /// What is missing or wrong.
        what: Cow<'static, str>,
    },
    /// The file or the frame is damaged, or contradicts itself.
    #[error("the file is damaged: {what}")]
    Corrupt {
        /// What is damaged.
        what: Cow<'static, str>,
    },
    /// The file is sound as far as can be told, but this renderer cannot show it.
    #[error("not supported: {what}")]
    Unsupported {
        /// What is not supported.
        what: Cow<'static, str>,
    },
    /// The pixel data is a video stream, which has no still pictures to give.
    #[error("transfer syntax {transfer_syntax_uid} is a video; it can be had as {}", media_types.join(", "))]
    Video {
        /// The transfer syntax of the file.
        transfer_syntax_uid: String,
        /// Media types in which the stream could be delivered as it is.
        media_types: &'static [&'static str],
    },
    /// A limit was reached.
    #[error("{what} is {actual}, more than the limit of {limit}")]
    TooLarge {
        /// The quantity that is too large, with its unit.
        what: &'static str,
        /// Its value.
        actual: u64,
        /// The limit it broke.
        limit: u64,
    },
    /// The instance has no pixel data: a report, a plan, a waveform.
    #[error("the instance has no pixel data")]
    NoPixelData,
    /// The asked frame number is not in 1 to the number of frames.
    #[error("there is no frame {asked}; the instance has {available}")]
    NoSuchFrame {
        /// The frame number asked, counted from 1.
        asked: u32,
        /// Number of frames of the instance.
        available: u32,
    },
    /// The request asks for something that makes no sense.
    #[error("{parameter}: {reason}")]
    InvalidRequest {
        /// Name of the request parameter.
        parameter: &'static str,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// Reading the source failed; the only error that may pass when tried again.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
}

impl RenderError {
    /// Whether trying again with the same bytes must fail again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Io(_))
    }

    pub(crate) fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    pub(crate) fn not_dicom(what: impl Into<Cow<'static, str>>) -> Self {
        Self::NotDicom { what: what.into() }
    }

    pub(crate) fn invalid_request(parameter: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidRequest { parameter, reason: reason.into() }
    }
}
