//! A finished render as it is stored: picture bytes and the few facts that answers tell of them.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::request::{PictureFormat, Window};

/// A picture, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRender {
    /// What answers tell of the picture.
    pub facts: RenderFacts,
    /// The encoded picture; a view into the record it was read from.
    pub picture: Bytes,
}

/// What answers tell of a picture beside its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderFacts {
    /// What the bytes are.
    pub format: PictureFormat,
    /// Rows of the picture.
    pub rows: u32,
    /// Columns of the picture.
    pub columns: u32,
    /// The window really used; `None` for colour and for VOI LUTs.
    pub window: Option<Window>,
    /// Slope and offset from 16-bit samples to modality values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_scale: Option<(f64, f64)>,
    /// Whether a damaged codestream was shown as far as it goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What has to follow, of the head of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<FilePixels>,
    /// What is asked that is not in the picture, in sentences of the renderer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Where the time went when it was made.
    pub timings: StageTimings,
}

impl RenderFacts {
    /// Rows and columns, of samples that do not tell them themselves as a file does.
    #[must_use]
    pub fn size_apart(&self) -> Option<(u32, u32)> {
        (self.format == PictureFormat::Raw16).then_some((self.rows, self.columns))
    }
}

/// What follows the head of a file ([`PictureFormat::FileHead`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePixels {
    /// Nothing: the instance has none.
    None,
    /// All frames as they are stored, one behind the other; those of single bits to the bit.
    AsStored {
        /// Their bytes in all, with a byte of padding where these are odd.
        byte_count: u32,
    },
    /// All frames as [`PictureFormat::Samples`], one behind the other; those of single bits to the bit.
    Samples {
        /// Their bytes in all, with a byte of padding where these are odd.
        byte_count: u32,
    },
    /// An item for each frame as [`PictureFormat::Codestream`], then a sequence delimiter (PS3.5 A.4).
    Fragments,
}

/// Milliseconds of each stage of a fresh render, for `Server-Timing`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageTimings {
    /// From publish to the start of the work.
    pub queue_ms: f64,
    /// Waiting for a slot of the worker, its bytes fetched as far as the worker fetches them.
    #[serde(default)]
    pub slot_ms: f64,
    /// Reading bytes from storage.
    pub fetch_ms: f64,
    /// Codestream to stored values.
    pub decode_ms: f64,
    /// Stored values to display values.
    pub render_ms: f64,
    /// Display values to picture bytes.
    pub encode_ms: f64,
}

impl StageTimings {
    /// What `make` makes of each stage of both.
    #[must_use]
    pub fn each(self, other: Self, make: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            queue_ms: make(self.queue_ms, other.queue_ms),
            slot_ms: make(self.slot_ms, other.slot_ms),
            fetch_ms: make(self.fetch_ms, other.fetch_ms),
            decode_ms: make(self.decode_ms, other.decode_ms),
            render_ms: make(self.render_ms, other.render_ms),
            encode_ms: make(self.encode_ms, other.encode_ms),
        }
    }
}

/// What is known under a render key.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The picture.
    Picture(StoredRender),
    /// It cannot be rendered: for a reason that stays, or for now ([`FailureKind::passes`]).
    Failure(RenderFailure),
}

/// Why a file cannot be rendered: remembered, so that each view does not decode again, unless it passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderFailure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// One sentence for the user, without patient data.
    pub reason: String,
    /// Media types that would work, for [`FailureKind::NotAPicture`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
    /// For a failure that passes: the job that met it. Whoever waits for that job is told; nobody else is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
}

impl RenderFailure {
    /// A failure of `kind`, for a reason in one sentence without patient data.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), media_types: Vec::new(), job_id: None }
    }
}

/// The kinds of failure that answers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// 422: the file cannot be rendered.
    Unrenderable,
    /// 406: video; other media types would work.
    NotAPicture,
    /// 404: no such frame.
    NoSuchFrame,
    /// 400: the request does not fit this file.
    InvalidRequest,
    /// 422: the worker died on it, every time.
    Crashed,
    /// 422: the file is not as it was when it was indexed. Passes: putting it back repairs it, and so does indexing it
    /// again.
    FileChanged,
    /// 503: nothing to read is where the file was. Passes: the storage may be away for a moment.
    FileMissing,
    /// 503: the storage does not answer, or answers with a fault. Passes.
    StorageAway,
}

impl FailureKind {
    /// Whether the same request may succeed a moment later, so that nothing is remembered of the failure.
    #[must_use]
    pub fn passes(self) -> bool {
        match self {
            FailureKind::FileChanged | FailureKind::FileMissing | FailureKind::StorageAway => true,
            FailureKind::Unrenderable
            | FailureKind::NotAPicture
            | FailureKind::NoSuchFrame
            | FailureKind::InvalidRequest
            | FailureKind::Crashed => false,
        }
    }
}

/// Not a record of this version: a cache entry of another release, treated as a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stored render of this version")]
pub struct RecordError;

#[derive(Serialize, Deserialize)]
enum Head {
    Picture(RenderFacts),
    Failure(RenderFailure),
}

/// First byte of a record; raised when the layout changes.
const RECORD_VERSION: u8 = 1;
const PREFIX_BYTES: usize = 5;

impl Outcome {
    /// One record: version, length of the head, head as JSON, picture bytes.
    #[must_use]
    pub fn to_record(&self) -> Bytes {
        let (head, picture) = match self {
            Outcome::Picture(render) => (Head::Picture(render.facts.clone()), &render.picture[..]),
            Outcome::Failure(failure) => (Head::Failure(failure.clone()), &[][..]),
        };
        // Numbers, enums and strings: serialisation of a head cannot fail, and an empty head reads as a miss.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let mut record = BytesMut::with_capacity(PREFIX_BYTES + head.len() + picture.len());
        record.put_u8(RECORD_VERSION);
        record.put_u32_le(u32::try_from(head.len()).unwrap_or(u32::MAX));
        record.put_slice(&head);
        record.put_slice(picture);
        record.freeze()
    }

    /// The outcome in a record; the picture stays a view into it.
    ///
    /// # Errors
    /// [`RecordError`] for anything that [`Outcome::to_record`] of this version did not write.
    pub fn from_record(record: Bytes) -> Result<Self, RecordError> {
        let (version, rest) = record.split_first().ok_or(RecordError)?;
        let length = rest.first_chunk::<4>().ok_or(RecordError)?;
        let head_end =
            PREFIX_BYTES + usize::try_from(u32::from_le_bytes(*length)).map_err(|_| RecordError)?;
        if *version != RECORD_VERSION || head_end > record.len() {
            return Err(RecordError);
        }
        let head = serde_json::from_slice(&record[PREFIX_BYTES..head_end]).map_err(|_| RecordError)?;
        Ok(match head {
            Head::Picture(facts) => {
                Outcome::Picture(StoredRender { facts, picture: record.slice(head_end..) })
            }
            Head::Failure(failure) => Outcome::Failure(failure),
        })
    }

    /// Whether it holds for whoever asks: a picture, or a failure that stays.
    #[must_use]
    pub fn stays(&self) -> bool {
        match self {
            Outcome::Picture(_) => true,
            Outcome::Failure(failure) => !failure.kind.passes(),
        }
    }

    /// Whether it holds for one who waits for the job `job_id`: what stays, or what that very job met.
    #[must_use]
    pub fn answers(&self, job_id: Option<Uuid>) -> bool {
        match self {
            Outcome::Failure(failure) if failure.kind.passes() => {
                job_id.is_some() && failure.job_id == job_id
            }
            _ => true,
        }
    }

    /// Bytes it weighs in a cache.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        match self {
            Outcome::Picture(render) => render.picture.len() + 512,
            Outcome::Failure(failure) => failure.reason.len() + 256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Outcome {
        let facts = RenderFacts {
            format: PictureFormat::Png,
            rows: 2,
            columns: 3,
            window: None,
            pixel_scale: None,
            partial: false,
            pixels: None,
            left_out: Vec::new(),
            timings: StageTimings::default(),
        };
        Outcome::Picture(StoredRender { facts, picture: Bytes::from_static(b"picture bytes") })
    }

    #[test]
    fn an_outcome_reads_back_from_its_record() {
        let failure = RenderFailure::new(FailureKind::Unrenderable, "the codestream is truncated");
        let passing = RenderFailure {
            job_id: Some(Uuid::from_u128(7)),
            ..RenderFailure::new(FailureKind::StorageAway, "the storage does not answer")
        };
        for outcome in [picture(), Outcome::Failure(failure), Outcome::Failure(passing)] {
            assert_eq!(Outcome::from_record(outcome.to_record()), Ok(outcome));
        }
    }

    #[test]
    fn a_failure_that_passes_answers_who_waits_for_its_job_and_nobody_else() {
        let (its_job, another) = (Some(Uuid::from_u128(7)), Some(Uuid::from_u128(8)));
        for kind in [FailureKind::FileChanged, FailureKind::FileMissing, FailureKind::StorageAway] {
            let failure = RenderFailure { job_id: its_job, ..RenderFailure::new(kind, "for now") };
            let passing = Outcome::Failure(failure);
            assert!(passing.answers(its_job) && !passing.answers(another) && !passing.answers(None));
            assert!(!passing.stays(), "{kind:?}");
        }
        let staying = Outcome::Failure(RenderFailure::new(FailureKind::Crashed, "for good"));
        assert!(staying.stays() && staying.answers(None) && staying.answers(another));
        assert!(picture().stays() && picture().answers(None));
    }

    #[test]
    fn a_cut_or_foreign_record_is_no_outcome() {
        let record = picture().to_record();
        for cut in [0, 1, 4, 5, 40] {
            assert_eq!(Outcome::from_record(record.slice(..cut)), Err(RecordError), "cut at {cut}");
        }
        assert_eq!(Outcome::from_record(Bytes::from_static(b"\x02\0\0\0\0{}")), Err(RecordError));
    }

    #[test]
    fn the_picture_is_a_view_into_the_record() {
        let record = picture().to_record();
        let Ok(Outcome::Picture(render)) = Outcome::from_record(record.clone()) else { panic!("a picture") };
        assert!(record.as_ptr_range().contains(&render.picture.as_ptr()));
    }
}
