//! A plane through a series, as a request names it: the slices that it touches, and how its picture lies among them.
//!
//! What must not be here: whether slices make a volume (`volume` of the API), and what they hold (`volume` of the renderer).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::render_key::ContentDigest;

/// A plane through the volume that frames of one series make together, in place of a frame (PS3.18 10.4.1.1.8).
///
/// A place in the volume is `[x, y, z]`: columns and rows counted from the middle of the first pixel of its first slice, and
/// millimetres from that slice along the normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumePlane {
    /// The slices that it touches, by their place along the normal.
    pub slices: Vec<VolumeSlice>,
    /// From where to where along the normal there is a volume: half a distance beyond its outermost slices.
    pub along: [f64; 2],
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// The upper left corner of the picture.
    pub corner: [f64; 3],
    /// From one column of the picture to the next.
    pub to_right: [f64; 3],
    /// From one row of the picture to the next.
    pub to_below: [f64; 3],
    /// From the front of the slab to its back, the plane in its middle; nothing without a slab.
    pub through: [f64; 3],
    /// What is shown of a slab.
    pub projection: Projection,
    /// Points to each side of a pixel of the picture, where it covers several samples.
    pub points: u8,
}

/// A slice of a volume: a frame, and where it lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeSlice {
    /// Key of its instance, by which it is found.
    pub image_id: Uuid,
    /// BLAKE3 of the file.
    pub content_digest: ContentDigest,
    /// 1-based.
    pub frame_number: u32,
    /// Millimetres along the normal.
    pub along: f64,
    /// Columns and rows by which it lies beside the first slice.
    pub moved: [f64; 2],
}

/// What is shown of the values through a slab (PS3.18 8.3.5.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Their mean.
    Mean,
    /// The highest.
    Maximum,
    /// The lowest.
    Minimum,
}
