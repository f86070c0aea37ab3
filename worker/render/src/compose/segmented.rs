//! Segments laid over a picture, half of which is seen through them.

use super::composer::Composer;
use crate::RenderError;
use crate::draw::blend;
use crate::picture::{DisplayImage, DisplaySamples};
use crate::samples::Samples;

/// How much of a segment's colour there is where a pixel belongs to it, of 255.
const SHARE: u32 = 128;

impl Composer<'_> {
    /// The picture in colours, with the segments that lie on its frame; as it is where none are asked for.
    pub(super) fn segmented(&self, image: DisplayImage) -> Result<DisplayImage, RenderError> {
        let Some(segmentation) = &self.request.segmentation else { return Ok(image) };
        if self.stated.is_some() {
            return Err(RenderError::invalid_request(
                "segmentation",
                "does not go with a presentation state",
            ));
        }
        let size = (self.format.columns, self.format.rows);
        let layers = segmentation.on(self.frame_view.top(), self.frame.frame_number, size)?;
        let mut pixels = in_colours(image.samples)?;
        for layer in layers {
            let Samples::U8(shares) = self.fitted_mask(layer.shares)? else { continue };
            for (pixel, share) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(shares) {
                let share = u32::from(share) * SHARE / 255;
                // At most 128.
                pixel
                    .iter_mut()
                    .zip(layer.ink.0)
                    .for_each(|(sample, level)| blend(sample, level, share as u8));
            }
        }
        Ok(DisplayImage { samples: DisplaySamples::Rgb8(pixels), ..image })
    }
}

fn in_colours(samples: DisplaySamples) -> Result<Vec<u8>, RenderError> {
    match samples {
        DisplaySamples::Rgb8(pixels) => Ok(pixels),
        DisplaySamples::Grey8(levels) => Ok(levels.into_iter().flat_map(|level| [level; 3]).collect()),
        DisplaySamples::Grey16(_) => {
            Err(RenderError::invalid_request("segmentation", "does not go with 16-bit modality values"))
        }
    }
}
