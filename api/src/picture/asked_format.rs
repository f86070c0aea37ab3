//! What `format=` may ask for, before it is known what is sent.

use std::str::FromStr;

/// A value of `format=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedFormat {
    Png,
    Png16,
    /// What a PNG of 16 bits holds, in no file.
    Raw16,
    Jpeg,
    Webp,
    /// PNG inside a JSON answer.
    Json,
}

impl AskedFormat {
    /// Whether it is modality values, which the client windows itself.
    pub(super) fn is_of_modality_values(self) -> bool {
        matches!(self, AskedFormat::Png16 | AskedFormat::Raw16)
    }
}

impl FromStr for AskedFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "png" => Ok(AskedFormat::Png),
            "png16" => Ok(AskedFormat::Png16),
            "raw16" => Ok(AskedFormat::Raw16),
            "jpeg" => Ok(AskedFormat::Jpeg),
            "webp" => Ok(AskedFormat::Webp),
            "json" => Ok(AskedFormat::Json),
            _ => Err(()),
        }
    }
}
