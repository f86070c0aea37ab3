//! What all ways to a picture share: the frame, the region and the size of the picture made of it.

use super::stated::Stated;
use crate::decode::DecodedFrame;
use crate::file::frame_view::FrameView;
use crate::file::pixel_format::PixelFormat;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::request::FrameRequest;
use crate::samples::Samples;
use crate::samples::resize::Grid;
use crate::stages::geometry::{Crop, Plan, pixel_shape};
use crate::{Header, RenderError, Window};

/// A frame, what is asked of it, and the plan of its picture.
pub(super) struct Composer<'a> {
    pub(super) frame_view: FrameView<'a>,
    pub(super) format: &'a PixelFormat,
    pub(super) frame: &'a DecodedFrame,
    pub(super) request: &'a FrameRequest,
    pub(super) plan: Plan,
    /// What a presentation state says of it.
    pub(super) stated: Option<Stated<'a>>,
}

impl<'a> Composer<'a> {
    /// # Errors
    /// [`RenderError::NoPixelData`]; [`RenderError::InvalidRequest`] for a frame of another instance, and as
    /// [`Plan::new`] or [`Stated::new`].
    pub(super) fn new(
        header: &'a Header,
        frame: &'a DecodedFrame,
        request: &'a FrameRequest,
    ) -> Result<Self, RenderError> {
        let format = header.declared_format().ok_or(RenderError::NoPixelData)?;
        if !frame.is_of(format) {
            return Err(RenderError::invalid_request("frame", "was decoded from another instance"));
        }
        let frame_view = FrameView::new(header.view(), frame.frame_number);
        let stated = match &request.presentation_state {
            Some(state) => Some(Stated::new(state, (&frame_view, format, frame), request)?),
            None => None,
        };
        let plan = match &stated {
            Some(stated) => stated.canvas.plan,
            None => {
                let (size, shape) = ((format.columns, format.rows), pixel_shape(&frame_view));
                Plan::new(size, shape, request.region, request.fit_before_orientation())?
            }
        };
        Ok(Self { frame_view, format, frame, request, plan, stated })
    }
}

impl Composer<'_> {
    /// The asked region; `None` when that is the whole frame. A frame decoded smaller is always whole.
    pub(super) fn cropped(&self, samples: &Samples, samples_per_pixel: usize) -> Option<Samples> {
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
    pub(super) fn grid(&self) -> Grid {
        match self.frame.reduction {
            0 => Grid::whole(self.plan.crop.rows, self.plan.crop.columns),
            reduction => Grid::reduced(self.format.rows, self.format.columns, reduction, self.frame.site),
        }
    }

    pub(super) fn resizes(&self) -> bool {
        self.frame.reduction > 0 || self.plan.resizes()
    }

    pub(super) fn image(&self, samples: DisplaySamples, window: Option<Window>) -> DisplayImage {
        DisplayImage {
            rows: self.plan.rows,
            columns: self.plan.columns,
            samples,
            window,
            pixel_scale: None,
            icc_profile: None,
            partial: self.frame.partial,
            left_out: Vec::new(),
        }
    }
}
