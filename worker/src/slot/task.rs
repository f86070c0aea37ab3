//! One render, from bytes to a stored picture or to the reason why there is none.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use noctis_render::{self as render, Limits, RenderError};
use noctis_shared::{
    job::FrameSource,
    render::{FailureKind, Outcome, RenderFacts, RenderFailure, StageTimings, StoredRender},
    request,
};
use serde::{Deserialize, Serialize};

use super::{
    beside::{self, Beside},
    decoded_frames::{Decoded, DecodedFrames},
    frame_bytes::{self, FrameBytes, LoadError, ReadError, ReadStep},
    render_terms::{
        to_file_pixels, to_render_request, to_shared_explanation, to_shared_window, to_written_syntax,
    },
    slices::{self, Slice},
};

/// What a slot is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenderTask {
    /// Where the frame lies in its file.
    pub source: FrameSource,
    /// What is asked of it.
    pub request: request::FrameRequest,
    /// How the slot gets at the bytes.
    pub bytes: FrameBytes,
    /// The presentation state that the frame is shown under.
    pub presentation_state: Option<Beside>,
    /// The segmentation that is laid over the frame.
    pub segmentation: Option<Beside>,
    /// The slices that the asked plane touches.
    pub slices: Vec<Slice>,
}

impl RenderTask {
    /// How the slot gets at the bytes of each file, that of the frame first.
    pub(super) fn files(&self) -> impl Iterator<Item = &FrameBytes> {
        let beside = [&self.presentation_state, &self.segmentation].into_iter().flatten();
        let slices = self.slices.iter().map(|slice| &slice.bytes);
        std::iter::once(&self.bytes).chain(beside.map(|beside| &beside.bytes)).chain(slices)
    }

    /// The same, to be changed.
    pub(super) fn files_mut(&mut self) -> impl Iterator<Item = &mut FrameBytes> {
        let beside = [&mut self.presentation_state, &mut self.segmentation].into_iter().flatten();
        let slices = self.slices.iter_mut().map(|slice| &mut slice.bytes);
        std::iter::once(&mut self.bytes).chain(beside.map(|beside| &mut beside.bytes)).chain(slices)
    }
}

/// What came of it. The queue time is not known here and stays zero.
pub type Answer = Outcome;

/// Renders `task`. Parsed and decoded values are kept in `decoded` for the next request of the same frame. `step` hears
/// how the reading goes, and that it is done before anything is decoded.
///
/// # Errors
/// A failed read; it may succeed later. All else that is wrong is an [`Outcome::Failure`].
pub fn perform(
    task: &RenderTask,
    decoded: &DecodedFrames,
    step: &mut dyn FnMut(ReadStep),
) -> Result<Answer, ReadError> {
    match stages(task, decoded, step) {
        Ok(stored) => Ok(Outcome::Picture(stored)),
        Err(StageError::Failure(failure)) => Ok(Outcome::Failure(failure)),
        Err(StageError::NotRead(error)) => Err(error),
    }
}

pub(super) enum StageError {
    Failure(RenderFailure),
    NotRead(ReadError),
}

fn stages(
    task: &RenderTask,
    kept: &DecodedFrames,
    step: &mut dyn FnMut(ReadStep),
) -> Result<StoredRender, StageError> {
    let mut request = to_render_request(&task.request);
    let mut clock = Clock::start();
    let mut timings = StageTimings::default();
    // Read before the frame, of which a state decides what is needed. Never is the frame shown without what it names.
    if task.request.presentation_state.is_some() {
        let state = task.presentation_state.as_ref().ok_or_else(without_file)?;
        request.presentation_state = Some(Arc::new(beside::presentation_state(state, step)?));
    }
    if task.request.segmentation.is_some() {
        let segmentation = task.segmentation.as_ref().ok_or_else(without_file)?;
        request.segmentation = Some(Arc::new(beside::segmentation(segmentation, step)?));
    }
    if let Some(plane) = &task.request.plane {
        let read = slices::read(task, step)?;
        timings.fetch_ms = clock.lap_ms();
        let gathered = slices::gather(task, plane, read)?;
        timings.decode_ms = clock.lap_ms();
        let display = render::compose_plane(&gathered.header, &request, &gathered.volume)?;
        return encoded(task.request.format, &display, &request, timings, &mut clock);
    }
    let is_unchanged =
        |decoded: &Arc<Decoded>| frame_bytes::is_unchanged(&task.bytes, &task.source, decoded.state);
    let decoded = match kept.get(task.source.content_digest, &request).filter(is_unchanged) {
        Some(decoded) => {
            step(ReadStep::Done);
            decoded
        }
        None => {
            let loaded = frame_bytes::load(&task.bytes, &task.source, &Limits::default(), step)?;
            timings.fetch_ms = clock.lap_ms();
            let header = parsed(loaded.up_to_pixels(&task.source), &task.source)?;
            if let request::PictureFormat::FileHead { codec } = task.request.format
                && !render::head_needs_frame(&header, to_written_syntax(codec))?
            {
                return file_head(&header, None, codec, timings, &mut clock);
            }
            let decoded = Arc::new(decode(header, &loaded, &request)?);
            timings.decode_ms = clock.lap_ms();
            kept.put(task.source.content_digest, request.frame_number, Arc::clone(&decoded));
            decoded
        }
    };
    match task.request.format {
        request::PictureFormat::Explanation { column, row } => {
            explained(&decoded, &request, (column, row), task.request.format, timings)
        }
        request::PictureFormat::Samples => samples(&decoded, None, timings, &mut clock),
        request::PictureFormat::Codestream { codec } => samples(&decoded, Some(codec), timings, &mut clock),
        request::PictureFormat::FileHead { codec } => {
            file_head(&decoded.header, Some(&decoded.frame), codec, timings, &mut clock)
        }
        request::PictureFormat::Png
        | request::PictureFormat::Png16
        | request::PictureFormat::Raw16
        | request::PictureFormat::Jpeg { .. }
        | request::PictureFormat::Webp { .. } => {
            let display = render::compose_frame(&decoded.header, &decoded.frame, &request)?;
            encoded(task.request.format, &display, &request, timings, &mut clock)
        }
    }
}

/// The picture file of what was composed just now.
fn encoded(
    format: request::PictureFormat,
    display: &render::DisplayImage,
    request: &render::FrameRequest,
    mut timings: StageTimings,
    clock: &mut Clock,
) -> Result<StoredRender, StageError> {
    timings.render_ms = clock.lap_ms();
    let picture = render::encode_picture(display, request.format)?;
    timings.encode_ms = clock.lap_ms();
    Ok(stored(format, picture, timings))
}

fn without_file() -> StageError {
    let reason = "the job names a presentation state or a segmentation, and not its file";
    StageError::Failure(RenderFailure::new(FailureKind::InvalidRequest, reason))
}

/// What is told of a pixel, in place of a picture.
fn explained(
    decoded: &Decoded,
    request: &render::FrameRequest,
    pixel: (u32, u32),
    format: request::PictureFormat,
    timings: StageTimings,
) -> Result<StoredRender, StageError> {
    let told = render::explain_pixel(&decoded.header, &decoded.frame, request, pixel)?;
    let partial = told.partial;
    // Numbers and texts: serialisation cannot fail, and what does not read is a miss.
    let picture = serde_json::to_vec(&to_shared_explanation(told)).unwrap_or_default().into();
    let facts = RenderFacts {
        format,
        rows: 1,
        columns: 1,
        window: None,
        pixel_scale: None,
        partial,
        pixels: None,
        left_out: Vec::new(),
        timings,
    };
    Ok(StoredRender { facts, picture })
}

/// The samples of the frame, in place of a picture: as cells, or in a codec.
fn samples(
    Decoded { header, frame, .. }: &Decoded,
    codec: Option<request::LosslessCodec>,
    mut timings: StageTimings,
    clock: &mut Clock,
) -> Result<StoredRender, StageError> {
    let bytes = render::written_frame(header, frame, to_written_syntax(codec))?;
    timings.encode_ms = clock.lap_ms();
    let format =
        codec.map_or(request::PictureFormat::Samples, |codec| request::PictureFormat::Codestream { codec });
    let partial = frame.is_partial();
    let facts = RenderFacts { partial, ..facts_of(header, format, timings) };
    Ok(StoredRender { facts, picture: bytes.into() })
}

/// The file up to the value of its pixels, in place of a picture.
fn file_head(
    header: &render::Header,
    frame: Option<&render::DecodedFrame>,
    codec: Option<request::LosslessCodec>,
    mut timings: StageTimings,
    clock: &mut Clock,
) -> Result<StoredRender, StageError> {
    let head = render::file_head(header, frame, to_written_syntax(codec))?;
    timings.encode_ms = clock.lap_ms();
    let pixels = Some(to_file_pixels(head.pixels));
    let format = request::PictureFormat::FileHead { codec };
    let facts = RenderFacts { pixels, ..facts_of(header, format, timings) };
    Ok(StoredRender { facts, picture: head.bytes.into() })
}

/// What is told of what is no picture.
fn facts_of(header: &render::Header, format: request::PictureFormat, timings: StageTimings) -> RenderFacts {
    RenderFacts {
        format,
        rows: header.rows(),
        columns: header.columns(),
        window: None,
        pixel_scale: None,
        partial: false,
        pixels: None,
        left_out: Vec::new(),
        timings,
    }
}

/// The header in `bytes`; a whole file may be deflated, what comes with a frame was inflated by then.
fn parsed(bytes: &[u8], source: &FrameSource) -> Result<render::Header, RenderError> {
    let limits = Limits::default();
    if source.is_whole_file() {
        return render::Header::parse(&render::inflate(bytes, &limits)?, &limits);
    }
    render::Header::parse(bytes, &limits)
}

fn decode(
    header: render::Header,
    loaded: &frame_bytes::Loaded,
    request: &render::FrameRequest,
) -> Result<Decoded, RenderError> {
    let frame = render::decode_frame(&header, loaded.frame(), request, &Limits::default())?;
    Ok(Decoded { header, frame, state: loaded.state })
}

pub(super) fn stored(
    format: request::PictureFormat,
    picture: render::Picture,
    timings: StageTimings,
) -> StoredRender {
    let facts = RenderFacts {
        format,
        rows: picture.rows,
        columns: picture.columns,
        window: picture.window.and_then(to_shared_window),
        pixel_scale: picture.pixel_scale,
        partial: picture.partial,
        pixels: None,
        left_out: picture.left_out.into_iter().map(str::to_owned).collect(),
        timings,
    };
    StoredRender { facts, picture: Bytes::from(picture.bytes) }
}

/// Measures stages one after the other.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn lap_ms(&mut self) -> f64 {
        let lap = self.0.elapsed();
        self.0 += lap;
        lap.as_secs_f64() * 1000.0
    }
}

impl From<RenderError> for StageError {
    /// The one place that says what an error of the renderer means to the user.
    fn from(error: RenderError) -> Self {
        let kind = match &error {
            RenderError::Io(_) => return StageError::NotRead(ReadError::Failed(error.to_string())),
            RenderError::Video { .. } => FailureKind::NotAPicture,
            RenderError::NoSuchFrame { .. } => FailureKind::NoSuchFrame,
            RenderError::InvalidRequest { .. } => FailureKind::InvalidRequest,
            _ => FailureKind::Unrenderable,
        };
        let media_types = match &error {
            RenderError::Video { media_types, .. } => media_types.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        StageError::Failure(RenderFailure { media_types, ..RenderFailure::new(kind, error.to_string()) })
    }
}

impl From<LoadError> for StageError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Failure(failure) => StageError::Failure(failure),
            LoadError::NotRead(error) => StageError::NotRead(error),
        }
    }
}
