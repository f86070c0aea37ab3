//! What the index hands to the catalog for one instance, and what became of it.

use uuid::Uuid;

use super::OrderFacts;
use crate::{
    bulk::BulkValue,
    facts::{SeriesFacts, StudyFacts},
    image_facts::ImageFacts,
    job::FrameRange,
    own_id,
    render_key::ContentDigest,
    request::Window,
    storage::Stored,
};

/// One instance as the index read it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstance {
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: String,
    /// What it tells of its study.
    pub study: StudyFacts,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: String,
    /// What it tells of its series.
    pub series: SeriesFacts,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: String,
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: Option<String>,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// What its place in the series is told by.
    pub order: OrderFacts,
    /// Rows (0028,0010); `None` without pixel data, and where the file does not say.
    pub rows: Option<u32>,
    /// Columns (0028,0011); `None` without pixel data, and where the file does not say.
    pub columns: Option<u32>,
    /// Samples per Pixel (0028,0002).
    pub samples_per_pixel: u32,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: u32,
    /// Frames; 0 without pixel data.
    pub frame_count: u32,
    /// Transfer Syntax UID (0002,0010); empty where the file does not say.
    pub transfer_syntax_uid: String,
    /// Photometric Interpretation (0028,0004).
    pub photometric_interpretation: Option<String>,
    /// The file's first window.
    pub window: Option<Window>,
    /// What viewers measure and show with.
    pub facts: ImageFacts,
    /// The header without bulk data, as DICOM JSON (PS3.18 annex F).
    pub header_json: String,
    /// Where the long binary values lie that the header has places of.
    pub bulk_values: Vec<BulkValue>,
    /// URL of the file.
    pub location: String,
    /// BLAKE3 of the whole file.
    pub content_digest: ContentDigest,
    /// Bytes of the whole file.
    pub file_byte_count: u64,
    /// Bytes from the start of the (inflated) file up to the pixel data value.
    pub header_byte_count: u64,
    /// XXH3-64 of the header bytes.
    pub header_checksum: u64,
    /// Whether the data set is deflated as a whole (PS3.5 A.5).
    pub deflated: bool,
    /// Where each frame lies; empty where the index cannot tell.
    pub frames: Vec<FrameRange>,
}

impl NewInstance {
    /// What names it alone, whatever else has its UID ([`own_id`]).
    #[must_use]
    pub fn own_id(&self) -> Uuid {
        own_id::of_image(&self.study_instance_uid, &self.series_instance_uid, &self.sop_instance_uid)
    }

    /// How its file is called when we store it.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        Stored {
            study_instance_uid: &self.study_instance_uid,
            series_instance_uid: &self.series_instance_uid,
            sop_instance_uid: &self.sop_instance_uid,
            content_digest: &self.content_digest,
        }
    }
}

/// What became of an instance handed to the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is new.
    Accepted,
    /// It is known with the same bytes, perhaps at another location; the first location stays.
    Duplicate,
    /// It is known, in this study and series, with other bytes; the first stays.
    Conflict,
    /// It is new, and names another patient than its study: it is told with its own patient.
    OtherPatient,
    /// It was known with other bytes, and these took their place; renders of the old ones are gone.
    Replaced {
        /// Key of the instance, whose renders in caches are stale.
        image_id: Uuid,
    },
}
