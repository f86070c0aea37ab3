//! The stages between stored samples and a picture, one file for each clause: what the file says, and what is done to
//! values by it. None knows the frame as a whole or the other ways to a picture: [`crate::compose`] puts them in order.
//!
//! Grey in the order of PS3.4 N.2: [`modality`], [`voi`], [`presentation`], as one formula in [`grey`]; at another size
//! by [`averaging`]. Colours: [`palette`] or [`ybr`], then [`icc`]. For both: [`geometry`], [`overlay`], [`orientation`].

pub(crate) mod averaging;
pub(crate) mod geometry;
pub(crate) mod grey;
pub(crate) mod icc;
pub(crate) mod lab;
pub(crate) mod label;
pub(crate) mod lut;
pub(crate) mod modality;
pub(crate) mod orientation;
pub(crate) mod overlay;
pub(crate) mod padding;
pub(crate) mod palette;
pub(crate) mod presentation;
mod ramp;
pub(crate) mod voi;
pub(crate) mod ybr;
