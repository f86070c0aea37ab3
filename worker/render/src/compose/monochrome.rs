//! Monochrome frames: stored -> modality -> display -> shown values, averaged as modality values where the size changes.

use super::colour::colours;
use super::composer::Composer;
use super::stated::Stated;
use crate::RenderError;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::Voi;
use crate::samples::Samples;
use crate::stages::averaging::{Averaged, Averaging, resample};
use crate::stages::grey::Transfer;
use crate::stages::icc;
use crate::stages::label;
use crate::stages::modality::Modality;
use crate::stages::padding::Padding;
use crate::stages::palette::{self, Palette};
use crate::stages::presentation::Presentation;
use crate::stages::voi::VoiTransform;

impl Composer<'_> {
    pub(super) fn monochrome(&self) -> Result<DisplayImage, RenderError> {
        let transfer = self.transfer();
        match self.supplemental_palette() {
            Some(palette) => self.grey_and_colours(&transfer, &palette),
            None => self.grey(transfer),
        }
    }

    /// The stages from stored to shown values, as file and request ask for them.
    pub(super) fn transfer(&self) -> Transfer {
        if let Some(stated) = &self.stated {
            return self.stated_transfer(stated);
        }
        let sign = self.frame.samples.sign();
        let modality = Modality::read(&self.frame_view, sign);
        let padding = Padding::read(self.frame_view.top(), self.format);
        let asked = &self.request.voi;
        let voi = VoiTransform::named(asked, &self.frame_view, &modality, sign)
            .unwrap_or_else(|| VoiTransform::of_range(asked, self.range_window(&modality, padding.as_ref())));
        let inverted = self.request.invert;
        let presentation = Presentation::read(self.frame_view.top(), self.frame.photometric, inverted);
        // An asked window speaks of every value, padding too; in all other views padding is background.
        let padding = padding.filter(|_| !matches!(asked, Voi::Window(_)));
        Transfer { modality, voi, presentation, padding }
    }

    /// The same as a presentation state asks for them, whatever the file says.
    fn stated_transfer(&self, stated: &Stated<'_>) -> Transfer {
        let modality = stated.modality.clone();
        let padding = Padding::read(self.frame_view.top(), self.format);
        let identity = || VoiTransform::Window(self.window_of_all_values(&modality, padding.as_ref()));
        let voi = stated.voi.clone().unwrap_or_else(identity);
        Transfer { modality, voi, presentation: stated.presentation.clone(), padding }
    }

    pub(super) fn supplemental_palette(&self) -> Option<Palette> {
        let read = || palette::supplemental(self.frame_view.top(), self.frame.samples.sign());
        self.request.overlays.then(read).flatten()
    }

    fn grey(&self, transfer: Transfer) -> Result<DisplayImage, RenderError> {
        let window = transfer.voi.window();
        let mut pixels = self.shown(transfer)?;
        self.burn_overlays(&mut pixels, 1)?;
        Ok(self.image(DisplaySamples::Grey8(pixels), window))
    }

    /// Indices of a palette must not be mixed by resampling, so that colours come first here.
    fn grey_and_colours(&self, transfer: &Transfer, palette: &Palette) -> Result<DisplayImage, RenderError> {
        let shown = |stored: f64| match palette.covers(stored) {
            true => palette.colour(stored),
            false => [transfer.shown(stored); 3],
        };
        let mut pixels = self.fitted_colours(colours(&self.frame.samples, shown))?;
        let profile = icc::apply(self.frame_view.top(), self.request.icc_profile, &mut pixels)?;
        self.burn_overlays(&mut pixels, 3)?;
        let image = self.image(DisplaySamples::Rgb8(pixels), transfer.voi.window());
        Ok(DisplayImage { icc_profile: profile, ..image })
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
    pub(super) fn averaging(&self, is_steep: bool) -> Averaging {
        match (label::is_label_map(self.frame_view.top()), is_steep) {
            (true, _) => Averaging::Labels,
            (false, true) => Averaging::Exact,
            (false, false) => Averaging::Rounded,
        }
    }

    /// Samples of the frame at the size of the picture.
    pub(super) fn resampled(
        &self,
        samples: &Samples,
        modality: &Modality,
        padding: Option<&Padding>,
        averaging: Averaging,
    ) -> Result<Averaged, RenderError> {
        let to = (self.plan.columns, self.plan.rows);
        resample(samples, modality, padding, averaging, (&self.grid(), to))
    }
}
