//! Stored samples to a picture in memory: the stages of PS3.4 N.2 in order, for monochrome and for colour.

mod colour;
mod monochrome;
mod sixteen_bits;

use crate::decode::DecodedFrame;
use crate::file::frame_view::FrameView;
use crate::file::pixel_format::PixelFormat;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::{Format, FrameRequest};
use crate::samples::Samples;
use crate::samples::resample::resize;
use crate::samples::resize::Grid;
use crate::stages::geometry::{Crop, Plan, pixel_shape};
use crate::stages::overlay;
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
    let frame_view = FrameView::new(header.view(), frame.frame_number);
    let size = (format.columns, format.rows);
    let plan = Plan::new(size, pixel_shape(&frame_view), request.region, request.fit)?;
    let composer = Composer { frame_view, format, frame, request, plan };
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
    frame_view: FrameView<'a>,
    format: &'a PixelFormat,
    frame: &'a DecodedFrame,
    request: &'a FrameRequest,
    plan: Plan,
}

impl Composer<'_> {
    fn burn_overlays(&self, pixels: &mut [u8], samples_per_pixel: usize) -> Result<(), RenderError> {
        if !self.request.overlays {
            return Ok(());
        }
        let view = self.frame_view.top();
        let overlays = overlay::of_frame(view, self.frame.frame_number);
        if overlays.is_empty() && self.frame.embedded_overlays.is_empty() {
            return Ok(());
        }
        let mut mask = vec![0; self.format.pixel_count() as usize];
        overlays.iter().for_each(|overlay| overlay.draw(view, &mut mask, self.format.columns));
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
            return resize(&mask, &Grid::whole(rows, columns), (self.plan.columns, self.plan.rows));
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

    /// Where the samples lie that the picture is made of: those of the crop, or of the whole frame decoded smaller.
    fn grid(&self) -> Grid {
        match self.frame.reduction {
            0 => Grid::whole(self.plan.crop.rows, self.plan.crop.columns),
            reduction => Grid::reduced(self.format.rows, self.format.columns, reduction, self.frame.site),
        }
    }

    fn resizes(&self) -> bool {
        self.frame.reduction > 0 || self.plan.resizes()
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
