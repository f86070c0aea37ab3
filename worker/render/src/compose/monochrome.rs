//! Monochrome frames: stored -> modality -> display -> shown values, averaged as modality values where the size changes.

use std::borrow::Cow;

use super::Composer;
use super::colour::colours;
use super::sixteen_bits::as_16_bits;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::Voi;
use crate::samples::{Samples, each_type};
use crate::stages::averaging::{Averaged, Averaging, resample};
use crate::stages::grey::Transfer;
use crate::stages::icc;
use crate::stages::label;
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::palette;
use crate::stages::presentation::Presentation;
use crate::stages::voi::{VoiTransform, fixed_range};
use crate::{RenderError, Window};

impl Composer<'_> {
    pub(super) fn monochrome(&self) -> Result<DisplayImage, RenderError> {
        let (frame_view, view) = (&self.frame_view, self.frame_view.top());
        let sign = self.frame.samples.sign();
        let modality = Modality::read(frame_view, sign);
        let padding = Padding::read(view, self.format);
        let voi = VoiTransform::named(&self.request.voi, frame_view, &modality, sign).unwrap_or_else(|| {
            VoiTransform::of_range(&self.request.voi, self.range_window(&modality, padding.as_ref()))
        });
        let window = voi.window();
        let presentation = Presentation::read(view, self.frame.photometric, self.request.invert);
        // An asked window speaks of every value, padding too; in all other views padding is background.
        let padding = padding.filter(|_| !matches!(self.request.voi, Voi::Window(_)));
        let transfer = Transfer { modality, voi, presentation, padding };

        let supplemental = self.request.overlays.then(|| palette::supplemental(view, sign)).flatten();
        let Some(palette) = supplemental else {
            let mut pixels = self.shown(transfer)?;
            self.burn_overlays(&mut pixels, 1)?;
            return Ok(self.image(DisplaySamples::Grey8(pixels), window));
        };
        // Indices must not be mixed by resampling, so that colours come first here.
        let shown = |stored: f64| match palette.covers(stored) {
            true => palette.colour(stored),
            false => [transfer.shown(stored); 3],
        };
        let mut pixels = self.fitted_colours(colours(&self.frame.samples, shown))?;
        let profile = icc::apply(view, self.request.icc_profile, &mut pixels)?;
        self.burn_overlays(&mut pixels, 3)?;
        Ok(DisplayImage { icc_profile: profile, ..self.image(DisplaySamples::Rgb8(pixels), window) })
    }

    /// Region and size on modality values, so that averaging comes before clipping; then the rest of the transfer.
    fn shown(&self, mut transfer: Transfer) -> Result<Vec<u8>, RenderError> {
        let cropped = self.cropped(&self.frame.samples, 1);
        let samples = cropped.as_ref().unwrap_or(&self.frame.samples);
        if !self.resizes() {
            return Ok(transfer.apply(samples));
        }
        let averaging = self.averaging(transfer.voi.is_steep(&transfer.modality));
        let padding = transfer.padding.as_ref();
        let averaged = self.resampled(samples, &transfer.modality, padding, averaging)?;
        if averaged.is_of_modality_values {
            transfer.modality = Modality::IDENTITY;
        }
        if averaging != Averaging::Labels {
            transfer.padding = None;
        }
        let mut pixels = transfer.apply(&averaged.samples);
        averaged.lay_over_background(&mut pixels);
        Ok(pixels)
    }

    /// `is_steep`: half a stored value is more than half a level.
    fn averaging(&self, is_steep: bool) -> Averaging {
        match (label::is_label_map(self.frame_view.top()), is_steep) {
            (true, _) => Averaging::Labels,
            (false, true) => Averaging::Exact,
            (false, false) => Averaging::Rounded,
        }
    }

    fn resampled(
        &self,
        samples: &Samples,
        modality: &Modality,
        padding: Option<&Padding>,
        averaging: Averaging,
    ) -> Result<Averaged, RenderError> {
        let to = (self.plan.columns, self.plan.rows);
        resample(samples, modality, padding, averaging, (&self.grid(), to))
    }

    /// The range of the frame without padding as a window; 8-bit data and single bits as they are.
    fn range_window(&self, modality: &Modality, padding: Option<&Padding>) -> Window {
        if let Some(window) = fixed_range(self.format, modality, padding) {
            return window;
        }
        let stored = match padding.map(Padding::ends) {
            Some((first, last)) => self.frame.samples.range_outside(first, last),
            None => self.frame.samples.range(),
        };
        let (low, high) = stored.unwrap_or((0.0, 0.0));
        match modality {
            Modality::Linear { .. } => Window::between(modality.value(low), modality.value(high)),
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

    /// Modality values as 16-bit samples under a slope and an offset. Where the size changes, padding stays padding.
    pub(super) fn modality_values(&self) -> Result<DisplayImage, RenderError> {
        let mut modality = Modality::read(&self.frame_view, self.frame.samples.sign());
        let cropped = self.cropped(&self.frame.samples, 1);
        let mut samples = cropped.map_or(Cow::Borrowed(&self.frame.samples), Cow::Owned);
        let padding = Padding::read(self.frame_view.top(), self.format);
        if self.resizes() {
            let averaged = self.resampled(&samples, &modality, padding.as_ref(), self.averaging(false))?;
            let lowest = || samples.range().map_or(0.0, |(low, _)| low);
            let mut hole = padding.as_ref().map_or_else(lowest, |padding| padding.ends().0);
            if averaged.is_of_modality_values {
                hole = modality.value(hole);
                modality = Modality::IDENTITY;
            }
            samples = Cow::Owned(averaged.with_padding(hole));
        }
        let (values, slope, offset) = as_16_bits(&samples, &modality, padding.as_ref());
        let mut image = self.image(DisplaySamples::Grey16(values), None);
        image.pixel_scale = Some((slope, offset));
        Ok(image)
    }
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
