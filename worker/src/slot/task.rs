//! One render, from bytes to a stored picture or to the reason why there is none.

use std::{path::PathBuf, sync::Arc, time::Instant};

use bytes::Bytes;
use noctis_render::{self as render, Limits, RenderError};
use noctis_shared::{
    job::FrameSource,
    render::{FailureKind, Outcome, RenderFacts, RenderFailure, StageTimings, StoredRender},
    request,
};
use serde::{Deserialize, Serialize};

use super::{
    decoded_frames::{Decoded, DecodedFrames},
    frame_bytes::{self, LoadError},
};

pub use super::frame_bytes::{ReadError, ReadStep, ranges_to_fetch};

/// What a slot is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenderTask {
    /// Where the frame lies in its file.
    pub source: FrameSource,
    /// What is asked of it.
    pub request: request::FrameRequest,
    /// How the slot gets at the bytes.
    pub bytes: FrameBytes,
}

/// How a slot gets at the bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FrameBytes {
    /// It reads them from this file.
    Local(PathBuf),
    /// They were fetched: the parts that [`ranges_to_fetch`] lists.
    Fetched(#[serde(skip)] Vec<Bytes>),
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

enum StageError {
    Failure(RenderFailure),
    NotRead(ReadError),
}

fn stages(
    task: &RenderTask,
    kept: &DecodedFrames,
    step: &mut dyn FnMut(ReadStep),
) -> Result<StoredRender, StageError> {
    let request = to_render_request(&task.request);
    let mut clock = Clock::start();
    let mut timings = StageTimings::default();
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
            let decoded = Arc::new(decode(&loaded, &request)?);
            timings.decode_ms = clock.lap_ms();
            kept.put(task.source.content_digest, request.frame_number, Arc::clone(&decoded));
            decoded
        }
    };
    let display = render::compose_frame(&decoded.header, &decoded.frame, &request)?;
    timings.render_ms = clock.lap_ms();
    let picture = render::encode_picture(&display, request.format)?;
    timings.encode_ms = clock.lap_ms();
    Ok(stored(task.request.format, picture, timings))
}

fn decode(loaded: &frame_bytes::Loaded, request: &render::FrameRequest) -> Result<Decoded, RenderError> {
    let limits = Limits::default();
    let header = render::Header::parse(loaded.header(), &limits)?;
    let frame = render::decode_frame(&header, loaded.frame(), request, &limits)?;
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

/// The request in the renderer's own terms.
#[must_use]
pub fn to_render_request(request: &request::FrameRequest) -> render::FrameRequest {
    // Taken apart, so that a new parameter is an error here until it is passed on.
    let request::FrameRequest {
        frame_number,
        voi,
        invert,
        overlays,
        region,
        fit: request::Fit { width, height, enlarge },
        format,
        icc_profile,
        best_effort,
    } = *request;
    render::FrameRequest {
        frame_number,
        voi: to_render_voi(voi),
        invert,
        overlays,
        region: region.map(to_render_region),
        fit: render::Fit { width, height, enlarge },
        format: to_render_format(format),
        icc_profile: to_render_icc_profile(icc_profile),
        best_effort,
    }
}

fn to_render_voi(voi: request::Voi) -> render::Voi {
    match voi {
        request::Voi::FromFile => render::Voi::FromFile,
        request::Voi::FromFileWith(function) => render::Voi::FromFileWith(to_render_function(function)),
        request::Voi::Window(window) => to_render_window(window),
    }
}

fn to_render_region(region: request::Region) -> render::Region {
    let request::Region { left, top, width, height } = region;
    render::Region { left: left.into(), top: top.into(), width: width.into(), height: height.into() }
}

fn to_render_format(format: request::PictureFormat) -> render::Format {
    match format {
        request::PictureFormat::Png => render::Format::Png,
        request::PictureFormat::Png16 => render::Format::Png16,
        request::PictureFormat::Jpeg { quality } => render::Format::Jpeg { quality },
        request::PictureFormat::Webp { quality: None } => render::Format::Webp,
        request::PictureFormat::Webp { quality: Some(quality) } => render::Format::WebpLossy { quality },
    }
}

fn to_render_icc_profile(icc_profile: request::IccProfile) -> render::IccProfile {
    match icc_profile {
        request::IccProfile::No => render::IccProfile::No,
        request::IccProfile::Yes => render::IccProfile::Yes,
        request::IccProfile::Srgb => render::IccProfile::Srgb,
        request::IccProfile::SrgbIfUsable => render::IccProfile::SrgbIfUsable,
    }
}

/// Both sides check windows by the same rules of the standard, so the conversion succeeds; were it to fail, the
/// file's own window is the honest picture.
fn to_render_window(window: request::Window) -> render::Voi {
    let function = to_render_function(window.function());
    render::Window::new(window.center(), window.width(), function)
        .map_or(render::Voi::FromFile, render::Voi::Window)
}

fn to_render_function(function: request::VoiFunction) -> render::VoiFunction {
    match function {
        request::VoiFunction::Linear => render::VoiFunction::Linear,
        request::VoiFunction::LinearExact => render::VoiFunction::LinearExact,
        request::VoiFunction::Sigmoid => render::VoiFunction::Sigmoid,
    }
}

/// The window in the terms of answers; `None` for one beyond what answers can carry.
#[must_use]
pub fn to_shared_window(window: render::Window) -> Option<request::Window> {
    let function = match window.function() {
        render::VoiFunction::Linear => request::VoiFunction::Linear,
        render::VoiFunction::LinearExact => request::VoiFunction::LinearExact,
        render::VoiFunction::Sigmoid => request::VoiFunction::Sigmoid,
    };
    request::Window::new(window.center(), window.width(), function).ok()
}

pub(super) fn failure(kind: FailureKind, reason: &str) -> RenderFailure {
    RenderFailure::new(kind, reason)
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
