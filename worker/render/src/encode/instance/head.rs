//! A file up to the value of its pixel data: preamble, file meta information (PS3.10 7.1), data set, and the element that the frames
//! are put behind.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::WrittenSyntax;
use super::data_set::{Changes, put, put_delimiter, put_elements, put_header};
use crate::decode::DecodedFrame;
use crate::file::parse::element::ITEM;
use crate::file::pixel_format::{DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, Photometric, PixelFormat};
use crate::file::transfer_syntax::{DEFLATED_EXPLICIT_LITTLE, PixelCoding, native_cells, pixel_coding};
use crate::stages::overlay;
use crate::{Header, RenderError};

/// Names this writer in files (PS3.10 7.1): a UID made of a UUID (PS3.5 B.2).
const IMPLEMENTATION_CLASS_UID: &str = "2.25.38925902184977923512727853730148172942";
const IMPLEMENTATION_VERSION_NAME: &str = "NOCTIS";
const PREAMBLE_BYTES: usize = 128;
const UNDEFINED: u32 = u32::MAX;
/// Attributes of fragments that are others then (PS3.3 C.7.6.3.1.8).
const OF_FRAGMENTS: [Tag; 2] = [tags::EXTENDED_OFFSET_TABLE, tags::EXTENDED_OFFSET_TABLE_LENGTHS];

/// A file up to the value of its pixel data.
#[derive(Debug)]
pub struct FileHead {
    /// The whole file, of an instance without pixel data.
    pub bytes: Vec<u8>,
    /// What has to follow.
    pub pixels: Pixels,
}

/// What follows the head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// Nothing: the instance has none.
    None,
    /// All frames as they are stored, one behind the other; those of single bits to the bit.
    AsStored {
        /// Their bytes in all, with a byte of padding where these are odd.
        byte_count: u32,
    },
    /// All frames as of [`super::written_frame`], one behind the other; those of single bits to the bit.
    Cells {
        /// Their bytes in all, with a byte of padding where these are odd.
        byte_count: u32,
    },
    /// An item for each frame as of [`super::written_frame`], then a sequence delimiter (PS3.5 A.4).
    Fragments,
}

/// Whether [`file_head`] has to know what the samples of a frame mean: pixels that stay as they are need not be decoded.
///
/// # Errors
/// [`RenderError::Video`] and [`RenderError::Unsupported`] for pixels that cannot be.
pub fn head_needs_frame(header: &Header, syntax: WrittenSyntax) -> Result<bool, RenderError> {
    Ok(header.pixel_element().is_some() && !keeps_cells(header, syntax)?)
}

/// Writes the head of an instance in `syntax`; an instance without pixel data is in Explicit VR Little Endian whatever is asked.
/// `frame`, where it is needed, is the first: what its samples mean stands for all.
///
/// Elements behind the pixel data, which are padding and signatures, are left out.
///
/// # Errors
/// [`RenderError::NoPixelData`] without a frame that is needed; [`RenderError::Unsupported`] for overlays in spare bits of pixels that
/// are written anew, and for what does not fit an element; [`RenderError::Corrupt`] for a data set that is damaged. What a codec does
/// not hold is refused by [`super::written_frame`].
pub fn file_head(
    header: &Header,
    frame: Option<&DecodedFrame>,
    syntax: WrittenSyntax,
) -> Result<FileHead, RenderError> {
    if header.ends_early() {
        return Err(RenderError::corrupt("the file ends inside a data element"));
    }
    let (Some(element), Some(format)) = (header.pixel_element(), header.declared_format()) else {
        let bytes = begun(header, WrittenSyntax::ExplicitLittle, Changes::new())?;
        return Ok(FileHead { bytes, pixels: Pixels::None });
    };
    if keeps_cells(header, syntax)? {
        let mut bytes = begun(header, syntax, Changes::new())?;
        let bits = header.format_of_cells(format).frame_bit_count();
        let byte_count = put_cells_element(&mut bytes, element.tag, format, bits)?;
        return Ok(FileHead { bytes, pixels: Pixels::AsStored { byte_count } });
    }
    let frame = frame.ok_or(RenderError::NoPixelData)?;
    if overlay::lie_in_cells(&header.view()) {
        return Err(RenderError::unsupported("overlays in spare bits of pixels that are written anew"));
    }
    let mut bytes = begun(header, syntax, changes(header, format, frame, syntax)?)?;
    let pixels = if syntax.is_of_fragments() {
        put_fragments_element(&mut bytes, element.tag);
        Pixels::Fragments
    } else {
        let bits = frame.samples.len() as u64 * u64::from(format.bits_allocated);
        Pixels::Cells { byte_count: put_cells_element(&mut bytes, element.tag, format, bits)? }
    };
    Ok(FileHead { bytes, pixels })
}

/// Whether the pixels are the bytes that `syntax` has, where they lie in the file.
fn keeps_cells(header: &Header, syntax: WrittenSyntax) -> Result<bool, RenderError> {
    let uid = header.transfer_syntax_uid();
    let (big_endian, _) = native_cells(uid, header.encoding());
    let is_native = pixel_coding(uid)? == PixelCoding::Native && !header.is_encapsulated();
    let is_plain = is_native && !big_endian && uid != DEFLATED_EXPLICIT_LITTLE;
    Ok(syntax == WrittenSyntax::ExplicitLittle && is_plain)
}

/// Preamble, file meta information and data set.
fn begun(header: &Header, syntax: WrittenSyntax, changes: Changes) -> Result<Vec<u8>, RenderError> {
    let view = header.view();
    let [class_in_meta, instance_in_meta] = header.media_storage_uids();
    let sop_class_uid = view.text(tags::SOP_CLASS_UID).unwrap_or(class_in_meta);
    let sop_instance_uid = view.text(tags::SOP_INSTANCE_UID).unwrap_or(instance_in_meta);
    let mut meta = Vec::new();
    put(&mut meta, tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0, 1]);
    for (tag, vr, value) in [
        (tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI, sop_class_uid),
        (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI, sop_instance_uid),
        (tags::TRANSFER_SYNTAX_UID, VR::UI, syntax.uid()),
        (tags::IMPLEMENTATION_CLASS_UID, VR::UI, IMPLEMENTATION_CLASS_UID),
        (tags::IMPLEMENTATION_VERSION_NAME, VR::SH, IMPLEMENTATION_VERSION_NAME),
    ] {
        // Of a file that has no UID none is made up.
        if !value.is_empty() {
            put(&mut meta, tag, vr, value.as_bytes());
        }
    }
    let mut bytes = vec![0; PREAMBLE_BYTES];
    bytes.extend_from_slice(b"DICM");
    let length = (meta.len() as u32).to_le_bytes();
    put(&mut bytes, tags::FILE_META_INFORMATION_GROUP_LENGTH, VR::UL, &length);
    bytes.extend_from_slice(&meta);
    put_elements(&mut bytes, &view, changes)?;
    Ok(bytes)
}

/// What the attributes of the pixels are once they are written anew.
fn changes(
    header: &Header,
    format: &PixelFormat,
    frame: &DecodedFrame,
    syntax: WrittenSyntax,
) -> Result<Changes, RenderError> {
    let view = header.view();
    let mut changes: Changes = OF_FRAGMENTS.map(|tag| (tag, None)).into();
    let in_transform = syntax == WrittenSyntax::Jpeg2000 && frame.photometric == Photometric::Rgb;
    let photometric = if in_transform { Photometric::YbrRct } else { frame.photometric };
    let term = photometric.term().ok_or_else(|| RenderError::unsupported("these colours in a file"))?;
    if view.text(tags::PHOTOMETRIC_INTERPRETATION) != Some(term) {
        changes.insert(tags::PHOTOMETRIC_INTERPRETATION, Some((VR::CS, term.into())));
    }
    let is_of_codec = matches!(syntax, WrittenSyntax::JpegLs | WrittenSyntax::Jpeg2000);
    if format.samples_per_pixel > 1 {
        let planes = u16::from(format.planar && !is_of_codec);
        changes.insert(tags::PLANAR_CONFIGURATION, Some((VR::US, planes.to_le_bytes().into())));
    }
    // Codestreams hold samples, which begin at bit 0.
    if is_of_codec && format.high_bit + 1 != format.bits_stored {
        let high_bit = format.bits_stored - 1;
        changes.insert(tags::HIGH_BIT, Some((VR::US, high_bit.to_le_bytes().into())));
    }
    if is_lossy_jpeg(header.transfer_syntax_uid()) {
        changes.insert(tags::LOSSY_IMAGE_COMPRESSION, Some((VR::CS, "01".into())));
    }
    Ok(changes)
}

/// JPEG in a process that always loses something (PS3.5 A.4.1): once lossy is lossy for ever (PS3.3 C.7.6.1.1.5).
fn is_lossy_jpeg(transfer_syntax_uid: &str) -> bool {
    let process = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2.4.");
    matches!(
        process,
        Some("50" | "51" | "52" | "53" | "54" | "55" | "56" | "59" | "60" | "61" | "62" | "63" | "64")
    )
}

/// The element of cells, `bits` a frame; the bytes that have to follow.
fn put_cells_element(
    bytes: &mut Vec<u8>,
    tag: Tag,
    format: &PixelFormat,
    bits: u64,
) -> Result<u32, RenderError> {
    // Single bits go on from frame to frame (PS3.5 8.1.1).
    let byte_count = bits.saturating_mul(format.frame_count.into()).div_ceil(8);
    let byte_count = u32::try_from(byte_count.saturating_add(byte_count % 2)).ok();
    let byte_count = byte_count
        .filter(|byte_count| *byte_count < UNDEFINED)
        .ok_or_else(|| RenderError::unsupported("4 GiB of pixels in this transfer syntax"))?;
    let vr = match tag {
        FLOAT_PIXEL_DATA => VR::OF,
        DOUBLE_FLOAT_PIXEL_DATA => VR::OD,
        _ if format.bits_allocated > 8 => VR::OW,
        _ => VR::OB,
    };
    put_header(bytes, tag, vr, byte_count);
    Ok(byte_count)
}

/// The element of fragments, with an empty Basic Offset Table (PS3.5 A.4).
fn put_fragments_element(bytes: &mut Vec<u8>, tag: Tag) {
    put_header(bytes, tag, VR::OB, UNDEFINED);
    put_delimiter(bytes, ITEM, 0);
}
