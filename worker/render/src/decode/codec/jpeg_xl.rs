//! JPEG XL (ISO/IEC 18181) through `jxl-oxide`, on the calling thread.

use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, EnumColourEncoding, JxlImage, JxlThreadPool, PixelFormat, RenderingIntent};

use super::{Coded, CodedColour, Wanted};
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;
use crate::{RenderError, limits};

/// Memory the decoder may hold for each pixel of the frame: several planes of 32-bit samples.
const BYTES_PER_PIXEL_MAX: usize = 128;
/// Memory it may hold beside.
const BYTES_BASE: usize = 64 << 20;

/// Decodes a codestream.
///
/// # Errors
/// [`RenderError::Corrupt`] for damaged codestreams and those that contradict the attributes,
/// [`RenderError::Unsupported`] for samples that are not integers.
pub(crate) fn decode(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let damaged = |error: &dyn std::fmt::Display| RenderError::corrupt(format!("JPEG XL: {error}"));
    let memory = BYTES_BASE + wanted.format.pixel_count() as usize * BYTES_PER_PIXEL_MAX;
    let mut image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(memory))
        .read(codestream)
        .map_err(|error| damaged(&error))?;
    let (components, is_grey) = match image.pixel_format() {
        PixelFormat::Gray => (1, true),
        PixelFormat::Rgb => (3, false),
        _ => return Err(RenderError::unsupported("JPEG XL with alpha or four colours")),
    };
    limits::check(
        "pixels of a frame",
        u64::from(image.width()) * u64::from(image.height()),
        wanted.limits.pixels_max,
    )?;
    wanted.check(image.width(), image.height(), components)?;
    if !image.is_loading_done() {
        return Err(RenderError::corrupt("JPEG XL: the codestream ends early"));
    }
    let depth = image.image_header().metadata.bit_depth;
    let BitDepth::IntegerSample { bits_per_sample: precision @ 1..=16 } = depth else {
        return Err(RenderError::unsupported("JPEG XL samples that are not integers of up to 16 bits"));
    };
    if !is_grey {
        image.request_color_encoding(EnumColourEncoding::srgb(RenderingIntent::Relative));
    }
    let render = image.render_frame(0).map_err(|error| damaged(&error))?;
    let precision = precision as u8;
    let frame = render.image_all_channels();
    Ok(Coded {
        columns: frame.width() as u32,
        rows: frame.height() as u32,
        samples: integers(frame.buf(), precision),
        precision,
        colour: CodedColour::Rgb,
        reduction: 0,
        site: ReducedSite::Middle,
        damage: None,
    })
}

/// Samples come as 0 to 1 of their full scale.
fn integers(values: &[f32], precision: u8) -> Samples {
    let full_scale = ((1_u32 << precision) - 1) as f32;
    let integer = |value: &f32| (value * full_scale + 0.5).clamp(0.0, full_scale);
    if precision <= 8 {
        Samples::U8(values.iter().map(|value| integer(value) as u8).collect())
    } else {
        Samples::U16(values.iter().map(|value| integer(value) as u16).collect())
    }
}
