//! worker/render
