//! Segmentations: which pixels of other images belong to what (PS3.3 A.51, C.8.20). Here is what a segmentation says;
//! [`crate::compose`] lays it over a picture.
//!
//! [`matching`] knows which of its frames lie on a frame of an image: on no other is it ever shown.

mod matching;

use dicom_dictionary_std::tags;

use crate::decode::decode_frame;
use crate::draw::Ink;
use crate::file::inflate::inflate;
use crate::file::parse::view::{Numbers, View};
use crate::file::pixel_index::PixelIndex;
use crate::file::scan::scan;
use crate::request::FrameRequest;
use crate::samples::each_type;
use crate::stages::lab;
use crate::{Header, Limits, RenderError, limits};

const SEGMENTATION_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.66.4";
/// Frames of a segmentation that lie on one frame of an image: one a segment, and few have hundreds.
const SEGMENTS_MAX: u64 = 1000;
/// Colours of segments that have none of their own, by their number.
const COLOURS: [[u8; 3]; 10] = [
    [230, 60, 60],
    [60, 180, 75],
    [255, 225, 25],
    [70, 120, 240],
    [245, 130, 48],
    [150, 60, 190],
    [70, 215, 240],
    [240, 80, 225],
    [190, 225, 60],
    [0, 140, 130],
];

/// A segmentation, as its file has it.
#[derive(Debug)]
pub struct Segmentation {
    header: Header,
    /// The whole file, inflated.
    bytes: Vec<u8>,
    pixels: PixelIndex,
    /// Of a sample that belongs to its segment altogether.
    most: f64,
}

/// One segment on a frame of an image.
pub(crate) struct Layer {
    /// 255 where a pixel belongs to it, less where it does in part; rows x columns of the frame.
    pub(crate) shares: Vec<u8>,
    pub(crate) ink: Ink,
}

impl Segmentation {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`RenderError::Unsupported`] for what is no binary or fractional segmentation; [`RenderError::NoPixelData`];
    /// otherwise as [`crate::scan`].
    pub fn new(file: Vec<u8>, limits: &Limits) -> Result<Self, RenderError> {
        let scan = scan(&file, limits)?;
        let (header, pixels) = (scan.header, scan.pixels.ok_or(RenderError::NoPixelData)?);
        let bytes = if pixels.deflated { inflate(&file, limits)? } else { file };
        let view = header.view();
        if view.text(tags::SOP_CLASS_UID) != Some(SEGMENTATION_STORAGE) {
            return Err(RenderError::unsupported("an instance that is no segmentation"));
        }
        let most = match view.text(tags::SEGMENTATION_TYPE) {
            Some("BINARY") => 1.0,
            Some("FRACTIONAL") => view
                .number(tags::MAXIMUM_FRACTIONAL_VALUE, Numbers::U16)
                .filter(|most| *most > 0.0)
                .ok_or_else(|| RenderError::corrupt("the largest value of the segmentation"))?,
            _ => {
                return Err(RenderError::unsupported("a segmentation that is neither binary nor fractional"));
            }
        };
        Ok(Self { header, bytes, pixels, most })
    }

    /// The segments that lie on a frame of an image of so many columns and rows, in the order of their numbers; none where it
    /// is of this image and leaves the frame out.
    ///
    /// # Errors
    /// [`RenderError::InvalidRequest`] where it is not of this image; [`RenderError::Unsupported`] for another size or other
    /// planes than those of the image; otherwise as [`decode_frame`].
    pub(crate) fn on(
        &self,
        image: &View<'_>,
        frame_number: u32,
        size: (u32, u32),
    ) -> Result<Vec<Layer>, RenderError> {
        let frames = matching::frames_on(&self.header.view(), image, frame_number)?;
        limits::check("segments on a frame", frames.len() as u64, SEGMENTS_MAX)?;
        if (self.header.columns(), self.header.rows()) != size {
            return Err(RenderError::unsupported("a segmentation with other rows or columns than the image"));
        }
        frames.into_iter().map(|(number, segment)| self.layer(number, segment)).collect()
    }

    fn layer(&self, frame_number: u32, segment: u16) -> Result<Layer, RenderError> {
        let no_frame = RenderError::NoSuchFrame { asked: frame_number, available: self.header.frame_count() };
        let range = self.pixels.frames.get(frame_number as usize - 1).ok_or(no_frame)?;
        let cut = || RenderError::corrupt("a frame of the segmentation is cut");
        let start = usize::try_from(range.offset).map_err(|_| cut())?;
        let length = usize::try_from(range.byte_count).map_err(|_| cut())?;
        let bytes = self.bytes.get(start..start.saturating_add(length)).ok_or_else(cut)?;
        let request = FrameRequest { frame_number, ..FrameRequest::default() };
        let frame = decode_frame(&self.header, bytes, &request, &Limits::default())?;
        #[expect(clippy::unnecessary_cast, reason = "one arm of the macro is already f64")]
        let shares = each_type!(&frame.samples, samples => samples
            .iter()
            // The cast saturates.
            .map(|&sample| (sample as f64 * 255.0 / self.most).round() as u8)
            .collect());
        Ok(Layer { shares, ink: self.ink(segment)? })
    }

    /// The colour of a segment: its own, else one of ours.
    fn ink(&self, segment: u16) -> Result<Ink, RenderError> {
        let segments = self.header.view().all_items(tags::SEGMENT_SEQUENCE)?;
        let own = segments.iter().find(|item| item.u16(tags::SEGMENT_NUMBER) == Some(segment));
        let colour = own.and_then(|item| lab::colour_of(item, tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE));
        let nth = usize::from(segment.saturating_sub(1)) % COLOURS.len();
        Ok(Ink(colour.unwrap_or(COLOURS[nth])))
    }
}

impl PartialEq for Segmentation {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
