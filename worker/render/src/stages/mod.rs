//! The stages between stored samples and a picture, in the order of PS3.4 N.2.

pub(crate) mod averaging;
pub(crate) mod geometry;
pub(crate) mod grey;
pub(crate) mod icc;
pub(crate) mod label;
pub(crate) mod lut;
pub(crate) mod modality;
pub(crate) mod overlay;
pub(crate) mod padding;
pub(crate) mod palette;
pub(crate) mod presentation;
mod ramp;
pub(crate) mod voi;
pub(crate) mod ybr;
