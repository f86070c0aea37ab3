//! worker/render
pub mod encode;
pub mod resize;
