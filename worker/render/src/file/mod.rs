//! The file as it is read: its header, where each frame lies, its text. Nothing here decodes a pixel or knows of a
//! request: what samples mean is for the stages.
//!
//! Start at [`scan`]. [`header`] is what everything after it asks; [`parse`] goes through the bytes for it, and
//! [`frame_view`] knows where an attribute of one frame is found.

pub(crate) mod dataset;
pub(crate) mod fragments;
pub(crate) mod frame_view;
pub(crate) mod header;
pub(crate) mod inflate;
pub(crate) mod parse;
pub(crate) mod pixel_format;
pub(crate) mod pixel_index;
pub(crate) mod scan;
pub(crate) mod source;
pub(crate) mod text;
pub(crate) mod transfer_syntax;
pub(crate) mod windows;
