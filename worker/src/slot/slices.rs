//! The slices of a volume that a plane touches: read one after the other, all of them before the first is decoded, and gathered as far as
//! the plane needs them.

use noctis_render::{self as render, Limits, RenderError};
use noctis_shared::{
    job::FrameSource,
    render::{FailureKind, RenderFailure},
    volume_plane::VolumePlane,
};
use serde::{Deserialize, Serialize};

use super::{
    frame_bytes::{self, FrameBytes, Loaded, ReadStep},
    render_terms::to_render_plane,
    task::{RenderTask, StageError},
};

/// Bytes of all slices together, as they are stored, with their headers.
pub(crate) const SLICES_BYTES_MAX: u64 = 1 << 30;

/// A slice, and how the slot gets at its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slice {
    /// Where its frame lies.
    pub source: FrameSource,
    /// Whether its header is that of the slice before, and not read again.
    pub is_of_the_same_file: bool,
    /// The parts that [`ranges_to_fetch`](super::ranges_to_fetch) lists, or the frame alone, where they were fetched.
    pub bytes: FrameBytes,
}

impl Slice {
    /// Whether a frame that lies in `source` is of the file of the one before it.
    #[must_use]
    pub fn is_of_the_same_file(source: &FrameSource, before: Option<&FrameSource>) -> bool {
        let is_same = |before: &FrameSource| {
            before.location == source.location && before.content_digest == source.content_digest
        };
        // What is inflated is inflated as a whole.
        !source.deflated && before.is_some_and(is_same)
    }
}

/// Bytes of all of these as they are stored, headers included.
pub(crate) fn byte_count<'s>(sources: impl Iterator<Item = &'s FrameSource>) -> u64 {
    let mut before = None;
    sources.fold(0, |sum: u64, source| {
        let own = match (source.deflated, Slice::is_of_the_same_file(source, before.replace(source))) {
            (true, _) => source.file_byte_count,
            (false, true) => source.frame.byte_count,
            (false, false) => source.header_byte_count.saturating_add(source.frame.byte_count),
        };
        sum.saturating_add(own)
    })
}

/// What a plane shows, as far as it is read; the header says how values are shown.
pub(super) struct Gathered {
    pub(super) header: render::Header,
    pub(super) volume: render::Volume,
}

/// Bytes of the frame that names the picture, and of all slices.
pub(super) struct Read {
    of_the_frame: Loaded,
    slices: Vec<Loaded>,
}

/// Reads all of it.
///
/// # Errors
/// A failure when something is not as the index has it, or too long; otherwise a failed read.
pub(super) fn read(task: &RenderTask, step: &mut dyn FnMut(ReadStep)) -> Result<Read, StageError> {
    let limits = Limits::default();
    let byte_count = byte_count(task.slices.iter().map(|slice| &slice.source));
    if byte_count > SLICES_BYTES_MAX {
        let reason =
            format!("bytes of the slices are {byte_count}, more than the limit of {SLICES_BYTES_MAX}");
        return Err(refused(reason));
    }
    let mut before = None;
    let is_inflated_again = |source: &FrameSource| {
        let is_again = before.replace(source.content_digest) == Some(source.content_digest);
        is_again && source.deflated
    };
    if task.slices.iter().map(|slice| &slice.source).any(is_inflated_again) {
        let reason = "not supported: planes through the frames of a deflated file".to_owned();
        return Err(StageError::Failure(RenderFailure::new(FailureKind::Unrenderable, reason)));
    }
    // All that is read is one reading.
    let mut goes_on = |_| step(ReadStep::GoesOn);
    let slices = task.slices.iter().map(|slice| {
        let Slice { source, is_of_the_same_file, bytes } = slice;
        match is_of_the_same_file {
            true => frame_bytes::load_frame_alone(bytes, source, &limits, &mut goes_on),
            false => frame_bytes::load(bytes, source, &limits, &mut goes_on),
        }
    });
    let slices = slices.collect::<Result<_, _>>()?;
    let of_the_frame = frame_bytes::load(&task.bytes, &task.source, &limits, step)?;
    Ok(Read { of_the_frame, slices })
}

/// Decodes the slices, and keeps of each what the plane needs.
///
/// # Errors
/// The failure of the first slice that cannot be decoded, or does not fit the others.
pub(super) fn gather(task: &RenderTask, plane: &VolumePlane, read: Read) -> Result<Gathered, StageError> {
    let limits = Limits::default();
    if plane.slices.len() != read.slices.len() {
        return Err(refused("the job does not name the files of its slices".to_owned()));
    }
    let (plane_of_it, places) = to_render_plane(plane);
    let mut volume = render::Volume::new(plane_of_it, places)?;
    let mut header = None;
    for (nth, (slice, loaded)) in plane.slices.iter().zip(read.slices).enumerate() {
        // Named by its place among those that are touched: what a file calls itself is not told.
        let failed = |error: RenderError| of_slice(nth + 1, error.into());
        if !task.slices[nth].is_of_the_same_file {
            header = Some(render::Header::parse(loaded.header(), &limits).map_err(failed)?);
        }
        let header = header.as_ref().ok_or_else(|| refused("the first slice has no header".to_owned()))?;
        let whole = render::FrameRequest {
            frame_number: slice.frame_number,
            format: render::Format::Raw16,
            ..render::FrameRequest::default()
        };
        let frame = render::decode_frame(header, loaded.frame(), &whole, &limits).map_err(failed)?;
        volume.put(header, &frame).map_err(failed)?;
    }
    let header = render::Header::parse(read.of_the_frame.header(), &limits)?;
    Ok(Gathered { header, volume })
}

fn refused(reason: String) -> StageError {
    StageError::Failure(RenderFailure::new(FailureKind::InvalidRequest, reason))
}

/// An error that says which slice it is of.
fn of_slice(number: usize, error: StageError) -> StageError {
    match error {
        StageError::Failure(failure) => {
            let reason = format!("slice {number} of the plane: {}", failure.reason);
            StageError::Failure(RenderFailure { reason, ..failure })
        }
        other => other,
    }
}
