//! What lies over the picture and is burned in: overlays of planes of their own and of spare bits of the pixels.

use super::composer::Composer;
use crate::RenderError;
use crate::draw::Ink;
use crate::samples::Samples;
use crate::samples::resample::resize;
use crate::samples::resize::Grid;
use crate::stages::geometry::Crop;
use crate::stages::overlay;

impl Composer<'_> {
    /// Draws the overlays of the frame, where they are asked for, into a picture of one or three samples a pixel.
    pub(super) fn burn_overlays(
        &self,
        pixels: &mut [u8],
        samples_per_pixel: usize,
    ) -> Result<(), RenderError> {
        let Some(mask) = self.overlay_mask() else { return Ok(()) };
        self.burn_mask(pixels, samples_per_pixel, mask, Ink::WHITE)
    }

    /// Draws with `ink` where a mask of the whole frame is set.
    pub(super) fn burn_mask(
        &self,
        pixels: &mut [u8],
        samples_per_pixel: usize,
        mask: Vec<u8>,
        ink: Ink,
    ) -> Result<(), RenderError> {
        if let Samples::U8(mask) = self.fitted_mask(mask)? {
            overlay::burn_in(pixels, samples_per_pixel, &mask, ink);
        }
        Ok(())
    }

    /// Where overlays lie on the whole frame; `None` where there are none, none are asked for, or a presentation state says
    /// which are shown.
    pub(super) fn overlay_mask(&self) -> Option<Vec<u8>> {
        if !self.request.overlays || self.stated.is_some() {
            return None;
        }
        let view = self.frame_view.top();
        let overlays = overlay::of_frame(view, self.frame.frame_number);
        if overlays.is_empty() && self.frame.embedded_overlays.is_empty() {
            return None;
        }
        let mut mask = vec![0; self.format.pixel_count() as usize];
        overlays.iter().for_each(|overlay| overlay.draw(view, &mut mask, self.format.columns));
        for embedded in &self.frame.embedded_overlays {
            mask.iter_mut().zip(embedded).for_each(|(pixel, set)| *pixel |= set);
        }
        Some(mask)
    }

    /// A mask of the whole frame, cut and resized like the picture.
    pub(super) fn fitted_mask(&self, mask: Vec<u8>) -> Result<Samples, RenderError> {
        let Crop { left, top, columns, rows } = self.plan.crop;
        let stride = self.format.columns as usize;
        let mask =
            Samples::U8(mask).crop(stride, left as usize, columns as usize, top as usize, rows as usize);
        if self.plan.resizes() {
            return resize(&mask, &Grid::whole(rows, columns), (self.plan.columns, self.plan.rows));
        }
        Ok(mask)
    }
}
