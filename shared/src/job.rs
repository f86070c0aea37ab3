//! The render job: the one value that crosses from the API to a worker (`render.job.v1`).
//!
//! It carries all a worker needs to render, so that a worker asks the catalog nothing on the way to a picture.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    lane::Lane,
    purpose::Purpose,
    render_key::{ContentDigest, RenderKey},
    request::{Annotation, Flip, FrameRequest},
};

/// The message type of a render job.
pub const RENDER_JOB_TYPE: &str = "render.job.v1";
/// The message type of a render job that asks for what a reader of the first version would leave out, and draw another picture.
pub const RENDER_JOB_2_TYPE: &str = "render.job.v2";
/// The same of the second version: a plane through a series, in place of the frame.
pub const RENDER_JOB_3_TYPE: &str = "render.job.v3";

/// Whether it is the type of a render job.
#[must_use]
pub fn is_render_job(kind: &str) -> bool {
    [RENDER_JOB_TYPE, RENDER_JOB_2_TYPE, RENDER_JOB_3_TYPE].contains(&kind)
}

/// One picture to render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderJob {
    /// Names this job in logs, claims and dead letters; the message id.
    pub job_id: Uuid,
    /// Names the picture.
    pub render_key: RenderKey,
    /// The lane it was published to.
    pub lane: Lane,
    /// Key of the instance: its public id, unless its UID is shared.
    pub image_id: Uuid,
    /// Public id of its study, for dead letters and clean-up.
    pub study_id: Uuid,
    /// Where the frame lies.
    pub source: FrameSource,
    /// The file of the presentation state that the request names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation_state: Option<WholeFile>,
    /// The file of the segmentation that the request names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation: Option<WholeFile>,
    /// Where the slices lie that the plane touches which the request names, in the order of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<FrameSource>,
    /// What is asked of it.
    pub request: FrameRequest,
    /// When the API published it.
    pub published_at: DateTime<Utc>,
    /// Why it exists; what may become of it follows.
    #[serde(default)]
    pub purpose: Purpose,
    /// Whether the catalog keeps the picture, too; one that passes lives in the caches alone.
    #[serde(default = "yes")]
    pub keep: bool,
}

impl RenderJob {
    /// The message type that those who read it have to know.
    #[must_use]
    pub fn message_type(&self) -> &'static str {
        let FrameRequest { flip, presentation_state, segmentation, annotation, plane, .. } = &self.request;
        let is_plain = *flip == Flip::NONE
            && presentation_state.is_none()
            && segmentation.is_none()
            && *annotation == Annotation::NONE;
        match (is_plain, plane) {
            (_, Some(_)) => RENDER_JOB_3_TYPE,
            (true, None) => RENDER_JOB_TYPE,
            (false, None) => RENDER_JOB_2_TYPE,
        }
    }
}

/// What an older release meant.
fn yes() -> bool {
    true
}

impl RenderJob {
    /// Where the files lie that are read beside that of the frame.
    pub fn locations_beside(&self) -> impl Iterator<Item = &str> {
        let files =
            [&self.presentation_state, &self.segmentation].into_iter().flatten().map(|file| &file.location);
        files.chain(self.slices.iter().map(|slice| &slice.location)).map(String::as_str)
    }
}

/// Where one frame of an instance lies, as the index recorded it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameSource {
    /// URL of the file: `file:///…` or an object-store URL.
    pub location: String,
    /// BLAKE3 of the whole file when it was indexed.
    pub content_digest: ContentDigest,
    /// Bytes of the whole file when it was indexed.
    pub file_byte_count: u64,
    /// Bytes from the start of the (inflated) file up to the pixel data value.
    pub header_byte_count: u64,
    /// The frame's bytes, in the (inflated) file.
    pub frame: FrameRange,
    /// Whether the data set is deflated as a whole (PS3.5 A.5): ranges then count in the inflated file.
    #[serde(default)]
    pub deflated: bool,
    /// XXH3-64 of the header bytes when the file was indexed.
    pub header_checksum: u64,
}

impl FrameSource {
    /// Whether it is the whole file of an instance without pixel data, which has no header before them and is known by its
    /// digest alone.
    #[must_use]
    pub fn is_whole_file(&self) -> bool {
        self.header_byte_count == 0 && self.frame.byte_count == self.file_byte_count
    }
}

/// A file that is read as a whole, as the index recorded it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeFile {
    /// URL of the file.
    pub location: String,
    /// BLAKE3 of it.
    pub content_digest: ContentDigest,
    /// Its length.
    pub byte_count: u64,
}

/// The bytes of one frame: native pixel data, or fragments with their item headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRange {
    /// From the start of the (inflated) file.
    pub offset: u64,
    /// Length.
    pub byte_count: u64,
    /// XXH3-64 of these bytes when the file was indexed, so that damage no decoder can see is caught.
    pub checksum: u64,
}
