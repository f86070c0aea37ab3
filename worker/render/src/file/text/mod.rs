//! Text of a header as Unicode, whatever Specific Character Set it is written in (PS3.3 C.12.1.1.2).
//!
//! [`character_sets`] knows what the values of the attribute mean; [`code_extension`] follows ISO 2022 escapes through a
//! value. The tables are those of `encoding_rs`. Nothing here fails: bytes without a meaning become U+FFFD.

mod character_sets;
mod code_extension;
#[cfg(test)]
mod tests;

pub(crate) use character_sets::CharacterSets;
pub(crate) use code_extension::Delimiters;
