//! JPEG 2000 and High-Throughput JPEG 2000 (ITU-T T.800, T.814) through `OpenJPEG`, whole or at a fraction of the size.
//! Lossless HTJ2K of the usual kind goes through [`super::htj2k`] instead, which is faster.

#![expect(
    unsafe_code,
    reason = "binding to OpenJPEG: the fastest decoder of JPEG 2000 that also reads damaged streams strictly"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;

use openjpeg_sys as opj;

use super::htj2k::Frame;
use super::{Coded, CodedColour, Wanted};
use crate::RenderError;
use crate::file::pixel_format::Photometric;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;

/// Signature box of the JP2 file format, which some writers put around the codestream against PS3.5 A.4.4.
const JP2_SIGNATURE: [u8; 4] = [0, 0, 0, 12];

/// Warnings that no pixel depends on: a writer that counts tile parts from 1, which the library corrects.
const HARMLESS: [&str; 1] = ["TPsot==TNsot"];

/// Bytes that `OpenJPEG` reads at once.
const STREAM_BUFFER_BYTES: usize = 64 << 10;

/// Decodes a codestream.
///
/// # Errors
/// [`RenderError::Corrupt`] for damaged codestreams and those that contradict the attributes,
/// [`RenderError::Unsupported`] for components of different sizes.
pub(crate) fn decode(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let coded = decode_once(codestream, wanted)?;
    if wanted.is_of_values(&coded) {
        return Ok(coded);
    }
    decode_once(codestream, Wanted { reduction: 0, ..wanted })
}

fn decode_once(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    match simple(codestream, wanted)? {
        Some(coded) => Ok(coded),
        None => with_openjpeg(codestream, wanted),
    }
}

pub(super) fn with_openjpeg(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let mut complaints = Complaints::default();
    let mut source = Source { bytes: codestream, position: 0 };
    let codec = Codec::new(codestream.starts_with(&JP2_SIGNATURE), &mut complaints)?;
    let stream = Stream::new(&mut source)?;
    let failed = |complaints: &Complaints, what: &str| {
        RenderError::corrupt(format!("JPEG 2000: {}", complaints.error.as_deref().unwrap_or(what)))
    };

    let mut image = Image(null_mut());
    // SAFETY: stream and codec are valid; the library writes a pointer that `Image` owns from then on.
    if unsafe { opj::opj_read_header(stream.0, codec.0, &raw mut image.0) } == 0 {
        return Err(failed(&complaints, "no header"));
    }
    let header = image.header()?;
    wanted.check(header.columns, header.rows, header.components)?;
    let reduction = wanted.reduction_of(header.is_signed, header.precision).min(codec.reduction_max());
    // SAFETY: the codec is valid and has read its header.
    if unsafe { opj::opj_set_decoded_resolution_factor(codec.0, reduction.into()) } == 0 {
        return Err(failed(&complaints, "resolution"));
    }
    // SAFETY: all three are valid, and the image is the one that read_header made.
    if unsafe { opj::opj_decode(codec.0, stream.0, image.0) } == 0 {
        return Err(failed(&complaints, "no picture"));
    }
    let (columns, rows, samples) = image.samples(&header)?;
    Ok(Coded {
        columns,
        rows,
        samples,
        precision: header.precision,
        colour: colour(wanted),
        reduction,
        site: ReducedSite::First,
        damage: complaints.warning.take().or_else(|| complaints.error.take()),
    })
}

/// Lossless HTJ2K that has nothing unusual about it; `None` leaves the codestream to `OpenJPEG`.
pub(super) fn simple(codestream: &[u8], wanted: Wanted<'_>) -> Result<Option<Coded>, RenderError> {
    let Some(frame) = Frame::read(codestream) else { return Ok(None) };
    wanted.check(frame.columns as u32, frame.rows as u32, frame.components as u32)?;
    let reduction = wanted.reduction_of(frame.signed, frame.precision).min(frame.levels);
    Ok(frame.decode(reduction).map(|picture| Coded {
        columns: picture.columns,
        rows: picture.rows,
        samples: picture.samples,
        precision: frame.precision,
        colour: colour(wanted),
        reduction,
        site: ReducedSite::First,
        damage: None,
    }))
}

/// The multiple component transform is undone here; a codestream without one keeps what was coded.
fn colour(wanted: Wanted<'_>) -> CodedColour {
    match wanted.format.photometric() {
        Photometric::YbrIct | Photometric::YbrRct => CodedColour::Rgb,
        _ => CodedColour::AsDeclared,
    }
}

/// What `OpenJPEG` says while it works; the first of each kind.
#[derive(Default)]
struct Complaints {
    warning: Option<String>,
    error: Option<String>,
}

/// # Safety
/// `message` must be a terminated text and `target` an `Option<String>` that nothing else uses during the call.
unsafe extern "C" fn note(message: *const c_char, target: *mut c_void) {
    // SAFETY: as the caller promises.
    let (message, target) = unsafe { (CStr::from_ptr(message), &mut *target.cast::<Option<String>>()) };
    let message = message.to_string_lossy();
    if !HARMLESS.iter().any(|harmless| message.contains(harmless)) {
        target.get_or_insert_with(|| message.trim_end().to_owned());
    }
}

/// A decoder, destroyed when dropped.
struct Codec(*mut opj::opj_codec_t);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create, is not null, and is destroyed only here.
        unsafe { opj::opj_destroy_codec(self.0) }
    }
}

impl Codec {
    /// `complaints` must outlive the codec: it is declared before it in [`with_openjpeg`], so that it is dropped after it.
    fn new(is_jp2: bool, complaints: &mut Complaints) -> Result<Self, RenderError> {
        let kind = if is_jp2 { opj::CODEC_FORMAT::OPJ_CODEC_JP2 } else { opj::CODEC_FORMAT::OPJ_CODEC_J2K };
        // SAFETY: takes no pointer; null is its way to fail.
        let codec = unsafe { opj::opj_create_decompress(kind) };
        if codec.is_null() {
            return Err(RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory)));
        }
        let codec = Self(codec);
        let warning = (&raw mut complaints.warning).cast();
        let error = (&raw mut complaints.error).cast();
        // SAFETY: the codec is valid; the handlers get pointers to live `Option<String>`s of their own. The parameters
        // are plain data that the library fills with its defaults and copies.
        let is_set_up = unsafe {
            opj::opj_set_warning_handler(codec.0, Some(note), warning);
            opj::opj_set_error_handler(codec.0, Some(note), error);
            let mut parameters = std::mem::zeroed::<opj::opj_dparameters_t>();
            opj::opj_set_default_decoder_parameters(&raw mut parameters);
            opj::opj_setup_decoder(codec.0, &raw mut parameters) != 0
        };
        // SAFETY: the codec is valid and set up. One thread: parallel work comes from the caller.
        unsafe { opj::opj_codec_set_threads(codec.0, 0) };
        if is_set_up { Ok(codec) } else { Err(RenderError::corrupt("JPEG 2000: the decoder does not start")) }
    }

    /// The fewest decomposition levels of any component of the first tile: how far the size can be halved.
    fn reduction_max(&self) -> u8 {
        // SAFETY: the codec is valid and has read its header; null means that it does not know. The structure is
        // the library's, read while it lives, and destroyed by the library's own function.
        unsafe {
            let mut information = opj::opj_get_cstr_info(self.0);
            if information.is_null() {
                return 0;
            }
            let tile = &(*information).m_default_tile_info;
            let levels = if tile.tccp_info.is_null() {
                0
            } else {
                let components = std::slice::from_raw_parts(tile.tccp_info, (*information).nbcomps as usize);
                components
                    .iter()
                    .map(|component| component.numresolutions.saturating_sub(1))
                    .min()
                    .unwrap_or(0)
            };
            opj::opj_destroy_cstr_info(&raw mut information);
            u8::try_from(levels).unwrap_or(0)
        }
    }
}

/// The codestream as `OpenJPEG` reads it.
struct Source<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A stream of `OpenJPEG` over a [`Source`], destroyed when dropped.
struct Stream(*mut opj::opj_stream_t);

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create, is not null, and is destroyed only here.
        unsafe { opj::opj_stream_destroy(self.0) }
    }
}

impl Stream {
    fn new(source: &mut Source<'_>) -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let stream = unsafe { opj::opj_stream_create(STREAM_BUFFER_BYTES, 1) };
        if stream.is_null() {
            return Err(RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory)));
        }
        // SAFETY: the stream is valid; the user data is a live `Source`, declared before the stream in [`with_openjpeg`]
        // and touched only by these functions while the stream lives. Nothing is to be freed.
        unsafe {
            opj::opj_stream_set_user_data(stream, (&raw mut *source).cast(), None);
            opj::opj_stream_set_user_data_length(stream, source.bytes.len() as u64);
            opj::opj_stream_set_read_function(stream, Some(read));
            opj::opj_stream_set_skip_function(stream, Some(skip));
            opj::opj_stream_set_seek_function(stream, Some(seek));
        }
        Ok(Self(stream))
    }
}

/// # Safety
/// `buffer` must have room for `length` bytes and `source` be a [`Source`].
unsafe extern "C" fn read(buffer: *mut c_void, length: usize, source: *mut c_void) -> usize {
    // SAFETY: as the caller promises; the copy is no longer than the buffer or the rest of the slice.
    unsafe {
        let source = &mut *source.cast::<Source<'_>>();
        let rest = source.bytes.get(source.position..).unwrap_or_default();
        let count = length.min(rest.len());
        if count == 0 {
            return usize::MAX;
        }
        std::ptr::copy_nonoverlapping(rest.as_ptr(), buffer.cast(), count);
        source.position += count;
        count
    }
}

/// # Safety
/// `source` must be a [`Source`].
unsafe extern "C" fn skip(count: i64, source: *mut c_void) -> i64 {
    // SAFETY: as the caller promises.
    let source = unsafe { &mut *source.cast::<Source<'_>>() };
    let Ok(wanted) = usize::try_from(count) else { return -1 };
    let count = wanted.min(source.bytes.len().saturating_sub(source.position));
    source.position += count;
    count as i64
}

/// # Safety
/// `source` must be a [`Source`].
unsafe extern "C" fn seek(position: i64, source: *mut c_void) -> opj::OPJ_BOOL {
    // SAFETY: as the caller promises.
    let source = unsafe { &mut *source.cast::<Source<'_>>() };
    match usize::try_from(position) {
        Ok(position) if position <= source.bytes.len() => {
            source.position = position;
            1
        }
        _ => 0,
    }
}

/// An image of `OpenJPEG`, destroyed when dropped; null until the header is read.
struct Image(*mut opj::opj_image_t);

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the pointer is null, which the library accepts, or came from read_header.
        unsafe { opj::opj_image_destroy(self.0) }
    }
}

/// Size and depth, the same for all components.
struct ImageHeader {
    columns: u32,
    rows: u32,
    components: u32,
    precision: u8,
    is_signed: bool,
}

impl Image {
    fn components(&self) -> &[opj::opj_image_comp_t] {
        // SAFETY: the image is valid once read_header has succeeded, and `comps` points to `numcomps` components that
        // live as long as the image.
        unsafe {
            let image = &*self.0;
            if image.comps.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(image.comps, image.numcomps as usize)
            }
        }
    }

    fn header(&self) -> Result<ImageHeader, RenderError> {
        let components = self.components();
        let first = components.first().ok_or_else(|| RenderError::corrupt("JPEG 2000: no component"))?;
        let shape = |c: &opj::opj_image_comp_t| (c.w, c.h, c.prec, c.sgnd, c.dx, c.dy);
        if components.iter().any(|component| shape(component) != shape(first)) {
            return Err(RenderError::unsupported("JPEG 2000 with components of different shape"));
        }
        Ok(ImageHeader {
            columns: first.w,
            rows: first.h,
            components: components.len() as u32,
            precision: u8::try_from(first.prec).unwrap_or(u8::MAX),
            is_signed: first.sgnd != 0,
        })
    }

    /// Columns, rows and interleaved samples of the decoded image.
    fn samples(&self, header: &ImageHeader) -> Result<(u32, u32, Samples), RenderError> {
        let components = self.components();
        let (columns, rows) = components.first().map_or((0, 0), |first| (first.w, first.h));
        let count = columns as usize * rows as usize;
        let mut planes = Vec::with_capacity(components.len());
        for component in components {
            if component.data.is_null() || (component.w, component.h) != (columns, rows) || count == 0 {
                return Err(RenderError::corrupt("JPEG 2000: a component was not decoded"));
            }
            // SAFETY: after a successful decode `data` points to w x h samples that live as long as the image.
            planes.push(unsafe { std::slice::from_raw_parts(component.data, count) });
        }
        let interleaved = (0..count).flat_map(|pixel| planes.iter().map(move |plane| plane[pixel]));
        let samples = match (&planes[..], header.is_signed, header.precision) {
            ([plane], false, 1..=8) => Samples::U8(plane.iter().map(|&value| value as u8).collect()),
            ([plane], false, 9..=16) => Samples::U16(plane.iter().map(|&value| value as u16).collect()),
            (_, false, 1..=8) => Samples::U8(interleaved.map(|value| value as u8).collect()),
            (_, false, 9..=16) => Samples::U16(interleaved.map(|value| value as u16).collect()),
            _ => Samples::I32(interleaved.collect()),
        };
        Ok((columns, rows, samples))
    }
}
