//! Why a file does not become an instance.

use std::io;

use noctis_render::RenderError;
use noctis_shared::dicom_uid::UID_CHARS_MAX;

/// Why a file is no instance. Without patient data, since reasons are logged and published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not DICOM, or damaged.
    #[error("{0}")]
    NotDicom(String),
    /// Beyond a limit.
    #[error("{0}")]
    BeyondLimit(String),
    /// Without a value that names it.
    #[error("{0} is missing")]
    WithoutUid(&'static str),
    /// A value that names it has more characters than any UID.
    #[error("{name} is too long: it has {length} characters, a UID has {UID_CHARS_MAX} at most")]
    UidTooLong {
        /// Name of the attribute.
        name: &'static str,
        /// Its characters.
        length: usize,
    },
    /// What should name it could be read in more than one way.
    #[error("{0} is no UID: it has several values, or characters without a meaning")]
    NoUid(&'static str),
    /// A DICOMDIR.
    #[error("it is a DICOMDIR, the table of contents of a disc: its images are in the files beside it")]
    Directory,
    /// The file ends before what names it.
    #[error("the file is damaged: it ends in the middle of its header, as a copy that did not end")]
    HeaderCut,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It cannot be read now; the storage may be away for a moment.
    #[error("{0}; the storage may be away for a moment")]
    Away(String),
}

impl From<RenderError> for Rejected {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Io(error) => error.into(),
            error @ RenderError::TooLarge { .. } => Rejected::BeyondLimit(error.to_string()),
            other => Rejected::NotDicom(other.to_string()),
        }
    }
}

impl From<io::Error> for Rejected {
    fn from(error: io::Error) -> Self {
        let reason = format!("it cannot be read: {error}");
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::UnexpectedEof => Rejected::Unreadable(reason),
            // What is not there any more was listed a moment ago.
            _ => Rejected::Away(reason),
        }
    }
}
