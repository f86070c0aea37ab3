//! What `format=` may ask for, before it is known what is sent.

use std::str::FromStr;

/// A value of `format=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedFormat {
    Png,
    Png16,
    Jpeg,
    Webp,
    /// PNG inside a JSON answer.
    Json,
}

impl FromStr for AskedFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "png" => Ok(AskedFormat::Png),
            "png16" => Ok(AskedFormat::Png16),
            "jpeg" => Ok(AskedFormat::Jpeg),
            "webp" => Ok(AskedFormat::Webp),
            "json" => Ok(AskedFormat::Json),
            _ => Err(()),
        }
    }
}
