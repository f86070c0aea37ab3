//! Stored samples to a picture in memory: the stages of PS3.4 N.2 in order, for monochrome and for colour.

use std::borrow::Cow;

use crate::decode::DecodedFrame;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::pixel_format::{Photometric, PixelFormat};
use crate::request::{Format, FrameRequest, Voi};
use crate::samples::{Samples, each_type};
use crate::stages::functional_groups::FrameView;
use crate::stages::geometry::{Crop, Plan, pixel_shape};
use crate::stages::grey::{Transfer, fill_padding};
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::palette::{self, Palette};
use crate::stages::presentation::Presentation;
use crate::stages::resample::{resize, resize_colours};
use crate::stages::voi::VoiTransform;
use crate::stages::{icc, overlay, ybr};
use crate::{Header, RenderError, Window};

/// Makes the picture that a request asks for of a decoded frame.
///
/// # Errors
/// [`RenderError::InvalidRequest`] for impossible sizes and regions, and for 16-bit pictures of colour images;
/// [`RenderError::Corrupt`] for a missing or damaged palette, and for a damaged ICC profile when sRGB is asked.
pub fn compose_frame(
    header: &Header,
    frame: &DecodedFrame,
    request: &FrameRequest,
) -> Result<DisplayImage, RenderError> {
    let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
    if !frame.is_of(format) {
        return Err(RenderError::invalid_request("frame", "was decoded from another instance"));
    }
    let view = header.view();
    let shape = pixel_shape(&view);
    let plan = Plan::new((format.columns, format.rows), shape, request.region, request.fit)?;
    let composer = Composer { header, format, frame, request, plan };
    match (frame.photometric.is_monochrome(), request.format) {
        (true, Format::Png16) => composer.modality_values(),
        (true, _) => composer.monochrome(),
        (false, Format::Png16) => {
            Err(RenderError::invalid_request("format", "a colour image has no 16-bit modality values"))
        }
        (false, _) => composer.colour(),
    }
}

struct Composer<'a> {
    header: &'a Header,
    format: &'a PixelFormat,
    frame: &'a DecodedFrame,
    request: &'a FrameRequest,
    plan: Plan,
}

impl Composer<'_> {
    fn monochrome(&self) -> Result<DisplayImage, RenderError> {
        let view = self.header.view();
        let frame_view = FrameView::new(view.clone(), self.frame.frame_number);
        let modality = Modality::read(&frame_view, self.frame.samples.is_signed());
        let padding = Padding::read(&view, self.format);
        let range = || self.range_window(&modality, padding.as_ref());
        let signed = self.frame.samples.is_signed();
        let voi = VoiTransform::choose(&self.request.voi, &frame_view, &modality, signed, range);
        let window = voi.window();
        let presentation = Presentation::read(&view, self.frame.photometric, self.request.invert);
        // An asked window speaks of every value, padding too; in all other views padding is background.
        let padding = padding.filter(|_| !matches!(self.request.voi, Voi::Window(_)));
        let mut transfer = Transfer { modality, voi, presentation, padding };

        let supplemental = self.request.overlays.then(|| palette::supplemental(&view, signed)).flatten();
        let Some(palette) = supplemental else {
            let samples = self.fitted(&mut transfer)?;
            let mut pixels = transfer.apply(samples.as_ref().unwrap_or(&self.frame.samples));
            self.burn_overlays(&mut pixels, 1)?;
            return Ok(self.image(DisplaySamples::Grey8(pixels), window));
        };
        // Indices must not be mixed by resampling, so that colours come first here.
        let shown = |stored: f64| match palette.covers(stored) {
            true => palette.colour(stored),
            false => [transfer.shown(stored); 3],
        };
        let mut pixels = self.fitted_colours(colours(&self.frame.samples, shown))?;
        let profile = icc::apply(&view, self.request.icc_profile, &mut pixels)?;
        self.burn_overlays(&mut pixels, 3)?;
        Ok(DisplayImage { icc_profile: profile, ..self.image(DisplaySamples::Rgb8(pixels), window) })
    }

    /// Region and size on stored samples, so that averaging comes before clipping; `None` when nothing changes.
    fn fitted(&self, transfer: &mut Transfer) -> Result<Option<Samples>, RenderError> {
        let cropped = self.cropped(&self.frame.samples, 1);
        if !self.resizes() {
            return Ok(cropped);
        }
        let mut samples = cropped.map_or(Cow::Borrowed(&self.frame.samples), Cow::Owned);
        if let Some(padding) = transfer.padding.take() {
            fill_padding(samples.to_mut(), &padding, transfer);
        }
        let (samples, modality) = averageable(samples, &transfer.modality);
        transfer.modality = modality;
        resize(&samples, self.source_size(), (self.plan.columns, self.plan.rows)).map(Some)
    }

    /// The range of the frame without padding as a window; 8-bit data and single bits as they are.
    fn range_window(&self, modality: &Modality, padding: Option<&Padding>) -> Window {
        let format = self.format;
        let is_plain = modality.is_identity() && !format.signed && padding.is_none();
        match (format.bits_allocated, format.bits_stored) {
            (1, _) => return window_between(modality.value(0.0), modality.value(1.0)),
            (8, 8) if is_plain => return Window::of_range(0.0, 255.0),
            _ => {}
        }
        let stored = match padding.map(Padding::ends) {
            Some((first, last)) => self.frame.samples.range_outside(first, last),
            None => self.frame.samples.range(),
        };
        let (low, high) = stored.unwrap_or((0.0, 0.0));
        match modality {
            Modality::Linear { .. } => window_between(modality.value(low), modality.value(high)),
            // A table need not rise: every stored value that occurs between counts.
            Modality::Table(_) => {
                let values = each_modality_value(&self.frame.samples, modality, padding);
                let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
                if low <= high { Window::of_range(low, high) } else { Window::of_range(0.0, 0.0) }
            }
        }
    }

    /// Modality values as 16-bit samples under a slope and an offset.
    fn modality_values(&self) -> Result<DisplayImage, RenderError> {
        let frame_view = FrameView::new(self.header.view(), self.frame.frame_number);
        let mut modality = Modality::read(&frame_view, self.frame.samples.is_signed());
        let cropped = self.cropped(&self.frame.samples, 1);
        let mut samples = cropped.map_or(Cow::Borrowed(&self.frame.samples), Cow::Owned);
        if self.resizes() {
            (samples, modality) = averageable(samples, &modality);
            samples = Cow::Owned(resize(&samples, self.source_size(), (self.plan.columns, self.plan.rows))?);
        }
        let (values, slope, offset) = as_16_bits(&samples, &modality);
        let mut image = self.image(DisplaySamples::Grey16(values), None);
        image.pixel_scale = Some((slope, offset));
        Ok(image)
    }

    fn colour(&self) -> Result<DisplayImage, RenderError> {
        let view = self.header.view();
        let samples = &self.frame.samples;
        let pixels = if self.frame.photometric == Photometric::Palette {
            let palette = Palette::read(&view, samples.is_signed())
                .ok_or_else(|| RenderError::corrupt("the palette is missing or damaged"))?;
            colours(samples, |index| palette.colour(index))
        } else {
            let mut pixels = to_8_bits(samples, self.format.bits_stored)?;
            ybr::to_rgb(&mut pixels, self.frame.photometric);
            pixels
        };
        let mut pixels = self.fitted_colours(pixels)?;
        let profile = icc::apply(&view, self.request.icc_profile, &mut pixels)?;
        if self.request.invert {
            pixels.iter_mut().for_each(|sample| *sample = 255 - *sample);
        }
        self.burn_overlays(&mut pixels, 3)?;
        Ok(DisplayImage { icc_profile: profile, ..self.image(DisplaySamples::Rgb8(pixels), None) })
    }

    fn fitted_colours(&self, pixels: Vec<u8>) -> Result<Vec<u8>, RenderError> {
        let whole = Samples::U8(pixels);
        let Samples::U8(pixels) = self.cropped(&whole, 3).unwrap_or(whole) else {
            return Err(RenderError::unsupported("colour samples of this type"));
        };
        if self.resizes() {
            return resize_colours(&pixels, self.source_size(), (self.plan.columns, self.plan.rows));
        }
        Ok(pixels)
    }

    fn burn_overlays(&self, pixels: &mut [u8], samples_per_pixel: usize) -> Result<(), RenderError> {
        if !self.request.overlays {
            return Ok(());
        }
        let view = self.header.view();
        let overlays = overlay::of_frame(&view, self.frame.frame_number);
        if overlays.is_empty() && self.frame.embedded_overlays.is_empty() {
            return Ok(());
        }
        let mut mask = vec![0; self.format.pixel_count() as usize];
        overlays.iter().for_each(|overlay| overlay.draw(&view, &mut mask, self.format.columns));
        for embedded in &self.frame.embedded_overlays {
            mask.iter_mut().zip(embedded).for_each(|(pixel, set)| *pixel |= set);
        }
        if let Samples::U8(mask) = self.fitted_mask(mask)? {
            overlay::burn_in(pixels, samples_per_pixel, &mask);
        }
        Ok(())
    }

    /// A mask of the whole frame, cut and resized like the picture.
    fn fitted_mask(&self, mask: Vec<u8>) -> Result<Samples, RenderError> {
        let Crop { left, top, columns, rows } = self.plan.crop;
        let stride = self.format.columns as usize;
        let mask =
            Samples::U8(mask).crop(stride, left as usize, columns as usize, top as usize, rows as usize);
        if self.plan.resizes() {
            return resize(&mask, (columns, rows), (self.plan.columns, self.plan.rows));
        }
        Ok(mask)
    }

    /// The asked region; `None` when that is the whole frame. A frame decoded smaller is always whole.
    fn cropped(&self, samples: &Samples, samples_per_pixel: usize) -> Option<Samples> {
        if self.frame.reduction > 0 || !self.plan.crops(self.frame.columns, self.frame.rows) {
            return None;
        }
        let Crop { left, top, columns, rows } = self.plan.crop;
        let (stride, left, width) = (
            self.frame.columns as usize * samples_per_pixel,
            left as usize * samples_per_pixel,
            columns as usize * samples_per_pixel,
        );
        Some(samples.crop(stride, left, width, top as usize, rows as usize))
    }

    fn source_size(&self) -> (u32, u32) {
        if self.frame.reduction > 0 {
            (self.frame.columns, self.frame.rows)
        } else {
            (self.plan.crop.columns, self.plan.crop.rows)
        }
    }

    fn resizes(&self) -> bool {
        self.source_size() != (self.plan.columns, self.plan.rows)
    }

    fn image(&self, samples: DisplaySamples, window: Option<Window>) -> DisplayImage {
        DisplayImage {
            rows: self.plan.rows,
            columns: self.plan.columns,
            samples,
            window,
            pixel_scale: None,
            icc_profile: None,
            partial: self.frame.partial,
        }
    }
}

/// Samples of which an average means something, and what is left to do to them: stored values, where modality values
/// lie on a line over them; entries of a table must be looked up first.
#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn averageable<'a>(samples: Cow<'a, Samples>, modality: &Modality) -> (Cow<'a, Samples>, Modality) {
    let Modality::Table(table) = modality else { return (samples, modality.clone()) };
    let entries =
        each_type!(&*samples, values => values.iter().map(|&value| table.value(value as f64)).collect());
    (Cow::Owned(Samples::U16(entries)), Modality::IDENTITY)
}

/// The window of the range with these two ends, in whatever order.
fn window_between(one: f64, other: f64) -> Window {
    Window::of_range(one.min(other), one.max(other))
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn each_modality_value<'a>(
    samples: &'a Samples,
    modality: &'a Modality,
    padding: Option<&'a Padding>,
) -> Box<dyn Iterator<Item = f64> + 'a> {
    let value = move |stored: f64| match padding {
        Some(padding) if padding.contains(stored) => None,
        _ => Some(modality.value(stored)).filter(|value| value.is_finite()),
    };
    each_type!(samples, values => Box::new(values.iter().filter_map(move |&stored| value(stored as f64))))
}

/// Stored integers of 16 bits keep their values, so that slope and offset are those of the file; anything else is
/// spread over its own range.
fn as_16_bits(samples: &Samples, modality: &Modality) -> (Vec<u16>, f64, f64) {
    let exact = |values: Vec<u16>, lowest: f64| match modality {
        Modality::Linear { slope, intercept } => (values, *slope, intercept + slope * lowest),
        Modality::Table(table) => {
            let look_up = |value: u16| table.value(f64::from(value) + lowest);
            (values.into_iter().map(look_up).collect(), 1.0, 0.0)
        }
    };
    match samples {
        Samples::U8(values) => exact(values.iter().map(|&value| value.into()).collect(), 0.0),
        Samples::I8(values) => {
            exact(values.iter().map(|&value| (i16::from(value) + 128) as u16).collect(), -128.0)
        }
        Samples::U16(values) => exact(values.clone(), 0.0),
        Samples::I16(values) => {
            exact(values.iter().map(|&value| value.cast_unsigned() ^ 0x8000).collect(), -32_768.0)
        }
        wide => spread_over_16_bits(wide, modality),
    }
}

fn spread_over_16_bits(samples: &Samples, modality: &Modality) -> (Vec<u16>, f64, f64) {
    let (low, high) = samples.range().unwrap_or((0.0, 0.0));
    let step = if high > low { (high - low) / 65_535.0 } else { 1.0 };
    #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
    let spread = each_type!(samples, values => values
        .iter()
        .map(|&value| ((value as f64 - low) / step).round() as u16)
        .collect());
    match modality {
        Modality::Linear { slope, intercept } => (spread, slope * step, intercept + slope * low),
        Modality::Table(table) => {
            #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
            let values = each_type!(samples, values => values.iter().map(|&value| table.value(value as f64)).collect());
            (values, 1.0, 0.0)
        }
    }
}

#[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
fn colours(samples: &Samples, colour: impl Fn(f64) -> [u8; 3]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(samples.len() * 3);
    each_type!(samples, values => for &value in values {
        pixels.extend_from_slice(&colour(value as f64));
    });
    pixels
}

/// The leading 8 bits of colour samples.
fn to_8_bits(samples: &Samples, bits_stored: u16) -> Result<Vec<u8>, RenderError> {
    let shift = u32::from(bits_stored.saturating_sub(8));
    Ok(match samples {
        Samples::U8(values) => values.clone(),
        Samples::U16(values) => values.iter().map(|&value| (value >> shift.min(8)) as u8).collect(),
        Samples::U32(values) => values.iter().map(|&value| (value >> shift.min(24)) as u8).collect(),
        _ => return Err(RenderError::unsupported("signed or real colour samples")),
    })
}
