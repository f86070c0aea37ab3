//! A whole file that decides a picture beside that of its frame, read where it lies and held against its digest.

use bytes::Bytes;
use noctis_render::{Header, Limits, PresentationState, Segmentation, inflate};
use noctis_shared::{
    job::WholeFile,
    render::{FailureKind, RenderFailure},
};
use serde::{Deserialize, Serialize};

use super::{
    frame_bytes::{FrameBytes, LoadError, ReadStep, changed, from_io, from_storage, length, read_pieces},
    task::StageError,
};

/// Longest file: a presentation state has kilobytes, a segmentation of a thousand slices in ten parts some 300 MB.
pub(crate) const BESIDE_BYTES_MAX: u64 = 512 << 20;

/// The file, and how the slot gets at its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beside {
    /// Where it lies.
    pub file: WholeFile,
    /// All of it, where it was fetched.
    pub bytes: FrameBytes,
}

/// The presentation state that the file is. `step` hears that the reading goes on, not that it is done.
///
/// # Errors
/// A failure when it is not the file of the index, too long, or no presentation state that is drawn; otherwise a failed read.
pub(super) fn presentation_state(
    beside: &Beside,
    step: &mut dyn FnMut(ReadStep),
) -> Result<PresentationState, StageError> {
    let limits = Limits::default();
    let bytes = inflate(&read(beside, step)?, &limits)?;
    Ok(PresentationState::new(Header::parse(&bytes, &limits)?)?)
}

/// The segmentation that the file is.
///
/// # Errors
/// As [`presentation_state`].
pub(super) fn segmentation(
    beside: &Beside,
    step: &mut dyn FnMut(ReadStep),
) -> Result<Segmentation, StageError> {
    Ok(Segmentation::new(read(beside, step)?.to_vec(), &Limits::default())?)
}

fn read(Beside { file, bytes }: &Beside, step: &mut dyn FnMut(ReadStep)) -> Result<Bytes, LoadError> {
    if file.byte_count > BESIDE_BYTES_MAX {
        let reason = format!(
            "bytes of the file beside the image are {}, more than {BESIDE_BYTES_MAX}",
            file.byte_count
        );
        return Err(LoadError::Failure(RenderFailure::new(FailureKind::Unrenderable, reason)));
    }
    let read = match bytes {
        FrameBytes::Local(place) => {
            let opened = place.open().map_err(from_storage)?;
            if opened.metadata().map_err(from_io)?.len() != file.byte_count {
                return Err(changed());
            }
            let mut whole = vec![0; length(file.byte_count)?];
            read_pieces(&opened, 0, &mut whole, step)?;
            Bytes::from(whole)
        }
        FrameBytes::Fetched(parts) => parts.first().cloned().unwrap_or_default(),
    };
    step(ReadStep::GoesOn);
    if blake3::hash(&read).as_bytes() == &file.content_digest.0 { Ok(read) } else { Err(changed()) }
}
