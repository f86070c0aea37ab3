//! Frames of an image as one GIF, which a browser plays: each is the picture that it is alone, put behind those before it as it comes.
//!
//! A GIF has 256 values: those of grey as they are, those of colours chosen for each frame. One that ends before its time is cut off, as
//! [many pictures](super::stream) are.

use std::{mem, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use noctis_shared::{
    catalog::ImageRecord,
    image_facts::ImageFacts,
    render_key::{ContentDigest, RenderKey},
    request::FrameRequest,
    submit::SubmitError,
};
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    Place, answer,
    pixels::{self, Pixels, PixelsError},
    stream::{CutOff, Drawn, ahead, drawn},
};
use crate::{
    allowance::Allowed,
    api::Api,
    back_end::submit_problem,
    caller::Caller,
    entity_tag::{EntityTag, any_is_named_by},
    problem::{Kind, Problem},
    visible::{Listed, Permitted},
};

/// Pixels of all frames together: 1,024 of 512 x 512.
const PIXELS_MAX: u64 = 256 << 20;
/// How long a frame is shown where nothing says so.
const FRAME_TIME: Duration = Duration::from_millis(100);
/// The units of a GIF. Browsers take less than two of them for ten.
const UNIT_MS: f64 = 10.0;
const UNITS_MIN: f64 = 2.0;
/// How thoroughly colours are chosen, from 1 (best) to 30 (fastest).
const COLOURS_SPEED: i32 = 10;
/// Sides of a GIF have 16 bits.
type Side = u16;

/// An image whose frames are to be shown one after the other.
pub(crate) struct Animation {
    pub(crate) api: Arc<Api>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) image: Permitted<Arc<ImageRecord>>,
    /// What each is, in PNG.
    pub(crate) request: FrameRequest,
    /// Which, from 1, in their order; one at least.
    pub(crate) frame_numbers: Vec<u32>,
}

impl Animation {
    /// The answer; `permit` is held until it is read.
    ///
    /// # Errors
    /// Those of its first picture; 400 for more pixels than an animation has.
    pub(crate) async fn answer(self, headers: &HeaderMap, permit: Allowed) -> Result<Response, Problem> {
        let tag = self.tag();
        if tag.is_named_by(headers) {
            return Ok(answer::not_modified(tag.into()));
        }
        let (delay, digest) = (delay(&self.image.image.facts), self.image.content_digest);
        let count = self.frame_numbers.len() as u64;
        let (api, caller) = (Arc::clone(&self.api), Arc::clone(&self.caller));
        let mut frames = self.frames();
        let first = frames.next().await.ok_or_else(no_frames)??;
        if first.image.content_digest != digest {
            // The tag is of the file as it was.
            return Err(submit_problem(&SubmitError::ImageReplaced));
        }
        let (width, height) = sides(&first, count)?;
        if any_is_named_by(headers) {
            return Ok(answer::not_modified(tag.into()));
        }
        let film = Film::new(width, height, delay).map_err(|error| Problem::internal(&error))?;
        let frames = stream::once(ready(Ok(first))).chain(frames).boxed();
        let reel = Reel { api, caller, digest, film, frames, _permit: permit };
        let mut response = Body::from_stream(reel.bytes()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
        answer::Validator::from(tag).put_into(response.headers_mut());
        Ok(response)
    }

    /// Names what it shows: the file, each picture, and how long.
    fn tag(&self) -> EntityTag {
        let mut digest = Xxh3Default::new();
        digest.update(&delay(&self.image.image.facts).to_le_bytes());
        for frame_number in &self.frame_numbers {
            let request = FrameRequest { frame_number: *frame_number, ..self.request.clone() };
            digest.update(RenderKey::new(&self.image.content_digest, &request).to_string().as_bytes());
        }
        EntityTag::strong(format_args!("{:032x}-gif", digest.digest128()))
    }

    /// Its pictures, a few ahead of the one that is taken.
    fn frames(self) -> BoxStream<'static, Result<Drawn, Problem>> {
        let Self { api, caller, image, request, frame_numbers } = self;
        let ahead = ahead(Listed::from(&image.image).pixels);
        let of = Arc::new((api, caller, request));
        let image_id = image.image.image_id;
        let frame = move |frame_number| {
            let of = Arc::clone(&of);
            async move {
                let (api, caller, request) = &*of;
                drawn(api, caller, request, Place { image_id, frame_number }).await
            }
        };
        stream::iter(frame_numbers).map(frame).buffered(ahead).boxed()
    }
}

/// An animation on its way.
struct Reel {
    api: Arc<Api>,
    caller: Arc<Caller>,
    /// Of the file that all frames are of.
    digest: ContentDigest,
    film: Film,
    frames: BoxStream<'static, Result<Drawn, Problem>>,
    _permit: Allowed,
}

impl Reel {
    fn bytes(self) -> BoxStream<'static, Result<Bytes, CutOff>> {
        stream::try_unfold(Some(self), async |reel| {
            let Some(reel) = reel else { return Ok(None) };
            reel.next().await.map(Some)
        })
        .boxed()
    }

    /// The next bytes, and what is left.
    async fn next(mut self) -> Result<(Bytes, Option<Self>), CutOff> {
        let ends = self.api.drains.clone();
        let frame = tokio::select! {
            frame = self.frames.next() => frame,
            () = ends.cancelled() => return Err(CutOff),
        };
        let Some(frame) = frame else { return Ok((self.film.end()?, None)) };
        // One that could not be made, or is of a file that took the place of this one: nobody may take it for the whole.
        let frame = frame.map_err(|problem| cut_off(problem.kind()))?;
        if frame.image.content_digest != self.digest {
            return Err(cut_off(submit_problem(&SubmitError::ImageReplaced).kind()));
        }
        let (film, png) = (self.film, frame.render.picture);
        let (film, bytes) = pixels::put_together(move || film.with(&png)).await.map_err(|_| CutOff)??;
        let bytes = self.api.outgoing.to(&self.caller.name).take_in_turn(bytes).await;
        Ok((bytes, Some(Self { film, ..self })))
    }
}

/// Who reads it sees no more than that it ends.
fn cut_off(kind: Kind) -> CutOff {
    tracing::info!(problem = kind.slug(), "an animation was cut off");
    CutOff
}

/// A GIF that is being written.
struct Film {
    encoder: gif::Encoder<Vec<u8>>,
    width: Side,
    height: Side,
    /// How long a frame is shown, in units of a GIF.
    delay: u16,
}

/// Why no GIF was made of pictures of ours.
#[derive(Debug, thiserror::Error)]
enum FilmError {
    #[error(transparent)]
    Read(#[from] PixelsError),
    #[error("a frame is of another size than the first")]
    Size,
    #[error("the GIF was not written: {0}")]
    Write(#[from] gif::EncodingError),
}

impl From<FilmError> for CutOff {
    fn from(error: FilmError) -> Self {
        tracing::error!(%error, "an animation was not made of its pictures");
        CutOff
    }
}

impl Film {
    fn new(width: Side, height: Side, delay: u16) -> Result<Self, FilmError> {
        let greys: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, &greys)?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        Ok(Self { encoder, width, height, delay })
    }

    /// With one more frame, and the bytes that came of it.
    fn with(mut self, png: &[u8]) -> Result<(Self, Bytes), FilmError> {
        let Pixels { width, height, samples, values } = Pixels::read(png)?;
        if (width, height) != (self.width.into(), self.height.into()) {
            return Err(FilmError::Size);
        }
        let frame = match samples {
            1 => gif::Frame::from_indexed_pixels(self.width, self.height, values, None),
            _ => gif::Frame::from_rgb_speed(self.width, self.height, &values, COLOURS_SPEED),
        };
        self.encoder.write_frame(&gif::Frame { delay: self.delay, ..frame })?;
        let bytes = mem::take(self.encoder.get_mut());
        Ok((self, bytes.into()))
    }

    /// The bytes that end it.
    fn end(self) -> Result<Bytes, FilmError> {
        Ok(self.encoder.into_inner()?.into())
    }
}

/// Width and height of the frames, in pixels.
fn sides(first: &Drawn, count: u64) -> Result<(Side, Side), Problem> {
    let facts = &first.render.facts;
    let pixels = u64::from(facts.rows) * u64::from(facts.columns);
    match (Side::try_from(facts.columns), Side::try_from(facts.rows)) {
        (Ok(width), Ok(height)) if pixels.saturating_mul(count) <= PIXELS_MAX => Ok((width, height)),
        _ => {
            let detail = format!(
                "These are {count} frames of {pixels} pixels, and an animation has {PIXELS_MAX} pixels: ask for fewer, or for a smaller viewport."
            );
            Err(Problem::new(Kind::InvalidParameter, detail))
        }
    }
}

/// How long a frame is shown, in units of a GIF: by Frame Time, else by Recommended Display Frame Rate.
fn delay(facts: &ImageFacts) -> u16 {
    let of_rate = || facts.display_frame_rate.map(|rate| 1000.0 / rate);
    let milliseconds = facts.frame_time.or_else(of_rate).unwrap_or(FRAME_TIME.as_secs_f64() * 1000.0);
    // In range: the cast cuts nothing but its fraction.
    (milliseconds / UNIT_MS).round().clamp(UNITS_MIN, f64::from(u16::MAX)) as u16
}

fn no_frames() -> Problem {
    Problem::new(Kind::Unrenderable, "The image has no frames.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(colours: png::ColorType, width: u32, height: u32, values: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(colours);
        let mut writer = encoder.write_header().expect("written");
        writer.write_image_data(values).expect("written");
        writer.finish().expect("written");
        bytes
    }

    /// The frames of a GIF as RGB, and how long each is shown.
    fn read(gif: &[u8]) -> Vec<(Vec<u8>, u16)> {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(gif).expect("a GIF");
        assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("a frame") {
            let rgb = frame.buffer.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
            frames.push((rgb.collect(), frame.delay));
        }
        frames
    }

    #[test]
    fn every_grey_value_and_few_colours_are_what_they_were() {
        let greys: Vec<u8> = (0..=255).collect();
        let colours: Vec<u8> = (0..=255_u8).flat_map(|value| [value, value / 2, 255 - value]).collect();
        let mut bytes = Vec::new();
        let mut film = Film::new(16, 16, 4).expect("begun");
        for png in
            [png_of(png::ColorType::Grayscale, 16, 16, &greys), png_of(png::ColorType::Rgb, 16, 16, &colours)]
        {
            let (next, more) = film.with(&png).expect("written");
            film = next;
            bytes.extend_from_slice(&more);
        }
        bytes.extend_from_slice(&film.end().expect("ended"));
        let greys: Vec<u8> = greys.into_iter().flat_map(|value| [value; 3]).collect();
        assert_eq!(read(&bytes), [(greys, 4), (colours, 4)]);
    }

    #[test]
    fn a_frame_of_another_size_is_no_frame_of_it() {
        let film = Film::new(16, 16, 4).expect("begun");
        let png = png_of(png::ColorType::Grayscale, 8, 8, &[0; 64]);
        assert!(matches!(film.with(&png), Err(FilmError::Size)));
    }

    #[test]
    fn a_frame_is_shown_as_long_as_the_file_says() {
        let facts = |frame_time, display_frame_rate| ImageFacts {
            frame_time,
            display_frame_rate,
            ..ImageFacts::default()
        };
        for (frame_time, rate, expected) in [
            (Some(66.7), Some(1.0), 7),
            (None, Some(25.0), 4),
            (None, None, 10),
            (Some(1.0), None, 2),
            (Some(1e9), None, u16::MAX),
        ] {
            assert_eq!(delay(&facts(frame_time, rate)), expected, "{frame_time:?} {rate:?}");
        }
    }
}
