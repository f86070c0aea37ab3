//! The header of an instance: everything before the pixel data, as the stages of a render ask for it.

use std::sync::OnceLock;

use dicom_object::InMemDicomObject;

use super::dataset::{self, BulkValue, DataSet};
use super::frame_view::FrameView;
use super::parse::element::{Element, ElementHeader};
use super::parse::foreign;
use super::parse::start::{FileStart, NOT_DICOM, read_start};
use super::parse::stop::Stop;
use super::parse::view::View;
use super::parse::walk::Walker;
use super::pixel_format::PixelFormat;
use super::transfer_syntax::{DEFLATED_EXPLICIT_LITTLE, Encoding};
use super::windows;
use crate::{Limits, RenderError, Window, limits};

/// Everything of a file before its pixel data.
#[derive(Debug)]
pub struct Header {
    bytes: Vec<u8>,
    start: FileStart,
    elements: Vec<Element>,
    pixel_data: Option<ElementHeader>,
    pixel_format: Option<PixelFormat>,
    data_set: OnceLock<DataSet>,
    ends_early: bool,
}

impl Header {
    /// Reads a header from the first [`crate::PixelIndex::header_byte_count`] bytes of a file, or from a whole file.
    /// A deflated file must have been inflated first ([`crate::inflate`]).
    ///
    /// # Errors
    /// [`RenderError::NotDicom`], [`RenderError::Corrupt`] for impossible lengths, [`RenderError::TooLarge`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, RenderError> {
        // What follows the header is not copied, and what it needs is found within `bytes` or not at all.
        let byte_count = bytes.len() as u64;
        let header = read_start(bytes, byte_count)
            .and_then(|start| Self::from_prefix(bytes, start, byte_count, limits));
        match header {
            Ok(header) => Ok(header),
            Err(Stop::Broken(what)) if what == NOT_DICOM => {
                Err(RenderError::not_dicom(foreign::what_it_is(bytes)))
            }
            Err(stop) => Err(stop.into()),
        }
    }

    /// As [`Self::parse`], from the beginning of a file of `byte_count` bytes.
    pub(crate) fn from_prefix(
        bytes: &[u8],
        start: FileStart,
        byte_count: u64,
        limits: &Limits,
    ) -> Result<Self, Stop> {
        let mut walker = Walker::new(bytes, byte_count, limits);
        let layout = walker.top_level(start.data_set_start, start.encoding)?;
        let end = match layout.pixel_data {
            Some(header) => header.value_start as u64,
            None => byte_count,
        };
        limits::check("length of the header in bytes", end, limits.header_bytes_max).map_err(Stop::Limit)?;
        let end = usize::try_from(end).unwrap_or(usize::MAX);
        let bytes = bytes.get(..end).ok_or(Stop::Starved { needed: end })?.to_vec();
        if layout.elements.is_empty() && layout.pixel_data.is_none() {
            return Err(Stop::Broken(if layout.truncated { "no complete data element" } else { NOT_DICOM }));
        }
        let pixel_format = layout.pixel_data.map(|pixel_data| {
            PixelFormat::read(&View::new(&bytes, &layout.elements, start.encoding), pixel_data.tag)
        });
        Ok(Self {
            bytes,
            start,
            elements: layout.elements,
            pixel_data: layout.pixel_data,
            pixel_format,
            data_set: OnceLock::new(),
            ends_early: layout.truncated,
        })
    }

    /// The data set without its pixel data, for the caller's catalog; of binary values of more than 1 KB (64 KB
    /// in a deflated file) it has the element and no bytes. Built on first use; elements that cannot be read, or that would take hundreds of MB, are left out.
    pub fn dataset(&self) -> &InMemDicomObject {
        &self.built().object
    }

    /// Where the values lie whose bytes [`Self::dataset`] does not have, but pixel data.
    pub fn bulk_values(&self) -> &[BulkValue] {
        &self.built().bulk_values
    }

    fn built(&self) -> &DataSet {
        let binary_bytes_max = match self.transfer_syntax_uid() {
            DEFLATED_EXPLICIT_LITTLE => dataset::DEFLATED_BINARY_BYTES_MAX,
            _ => dataset::BINARY_BYTES_MAX,
        };
        self.data_set.get_or_init(|| dataset::build(&self.view(), binary_bytes_max))
    }

    /// Whether the file ended inside a data element before any pixel data. That element is left out.
    #[must_use]
    pub fn ends_early(&self) -> bool {
        self.ends_early
    }

    /// The transfer syntax as the file states it; empty when it does not.
    #[must_use]
    pub fn transfer_syntax_uid(&self) -> &str {
        &self.start.transfer_syntax_uid
    }

    /// SOP Class UID and SOP Instance UID as the file meta information has them; empty where it does not.
    pub(crate) fn media_storage_uids(&self) -> [&str; 2] {
        self.start.media_storage_uids.each_ref().map(String::as_str)
    }

    /// Number of frames, at least 1 when there is pixel data, 0 when there is none.
    #[must_use]
    pub fn frame_count(&self) -> u32 {
        self.pixel_format.as_ref().map_or(0, |format| format.frame_count)
    }

    /// Rows of a frame; 0 when the file does not say.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.pixel_format.as_ref().map_or(0, |format| format.rows)
    }

    /// Columns of a frame; 0 when the file does not say.
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.pixel_format.as_ref().map_or(0, |format| format.columns)
    }

    /// The first valid window of the file for a frame: per-frame group, else shared group, else top level.
    #[must_use]
    pub fn file_window(&self, frame_number: u32) -> Option<Window> {
        let frame = FrameView::new(self.view(), frame_number);
        windows::of_frame(&frame).into_iter().next()
    }

    /// Whether it was read from the same bytes.
    pub(crate) fn has_bytes_of(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.bytes, &self.elements, self.start.encoding)
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.start.encoding
    }

    /// Tag, VR and length of the element that holds the pixels.
    pub(crate) fn pixel_element(&self) -> Option<ElementHeader> {
        self.pixel_data
    }

    /// `format`, of pixel data that is native cells: its length then tells what the attributes leave open. The length of
    /// items would tell nothing.
    pub(crate) fn format_of_cells(&self, format: &PixelFormat) -> PixelFormat {
        let length = self.pixel_data.and_then(|element| element.length);
        length.map_or(format.clone(), |length| format.clone().of_native_length(length.into()))
    }

    /// # Errors
    /// [`RenderError::NoPixelData`]; otherwise as [`PixelFormat::check`].
    pub(crate) fn pixel_format(&self, limits: &Limits) -> Result<&PixelFormat, RenderError> {
        let format = self.pixel_format.as_ref().ok_or(RenderError::NoPixelData)?;
        format.check(limits)?;
        Ok(format)
    }

    /// The format as the file declares it, not checked; `None` when there is no pixel data.
    pub(crate) fn declared_format(&self) -> Option<&PixelFormat> {
        self.pixel_format.as_ref()
    }

    /// Whether the pixel data is written as items, whatever the transfer syntax says.
    pub(crate) fn is_encapsulated(&self) -> bool {
        self.pixel_data.is_some_and(|element| element.length.is_none())
    }
}
