//! JPEG 2000, reversible (ITU-T T.800), through `OpenJPEG`: one tile, one layer, the 5/3 wavelet, and the reversible transform
//! of colours where they are RGB.

#![expect(unsafe_code, reason = "binding to OpenJPEG, as its decoder")]

use std::ffi::c_void;

use openjpeg_sys as opj;

use super::stored::StoredSamples;
use crate::RenderError;

/// The wavelet and the transform of colours need bits of their own in 32.
const PRECISION_MAX: u16 = 16;
/// Times that the picture is halved at most, and one.
const RESOLUTIONS_MAX: u32 = 6;
/// Bytes that `OpenJPEG` writes at once.
const STREAM_BUFFER_BYTES: usize = 64 << 10;

/// # Errors
/// [`RenderError::Unsupported`] for samples of more than 16 bits, and for what the library refuses.
pub(super) fn encode(stored: &StoredSamples<'_>) -> Result<Vec<u8>, RenderError> {
    if stored.bits_stored > PRECISION_MAX {
        return Err(RenderError::unsupported("more than 16 bits in JPEG 2000"));
    }
    let image = Image::of(stored)?;
    let mut codestream = Sink::default();
    let stream = Stream::new(&mut codestream)?;
    let codec = Codec::new()?;
    codec.encode(&image, &stream, stored)?;
    drop(stream);
    Ok(codestream.bytes)
}

fn refused() -> RenderError {
    RenderError::unsupported("this frame in JPEG 2000")
}

fn out_of_memory() -> RenderError {
    RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory))
}

/// An image of `OpenJPEG`, destroyed when dropped.
struct Image(*mut opj::opj_image_t);

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create, is not null, and is destroyed only here.
        unsafe { opj::opj_image_destroy(self.0) }
    }
}

impl Image {
    fn of(stored: &StoredSamples<'_>) -> Result<Self, RenderError> {
        let component = opj::opj_image_cmptparm_t {
            dx: 1,
            dy: 1,
            w: stored.columns,
            h: stored.rows,
            x0: 0,
            y0: 0,
            prec: stored.bits_stored.into(),
            bpp: stored.bits_stored.into(),
            sgnd: stored.is_signed.into(),
        };
        let mut components = vec![component; stored.samples_per_pixel.into()];
        let space = match stored.samples_per_pixel {
            1 => opj::COLOR_SPACE::OPJ_CLRSPC_GRAY,
            _ => opj::COLOR_SPACE::OPJ_CLRSPC_SRGB,
        };
        // SAFETY: the slice has as many components as it says; the library copies them and makes room for their samples.
        let image =
            unsafe { opj::opj_image_create(stored.samples_per_pixel.into(), components.as_mut_ptr(), space) };
        if image.is_null() {
            return Err(out_of_memory());
        }
        let image = Self(image);
        // SAFETY: the image is valid and nobody else has it; each of its components has room for columns x rows samples.
        unsafe {
            ((*image.0).x1, (*image.0).y1) = (stored.columns, stored.rows);
            for nth in 0..stored.samples_per_pixel {
                let samples = stored.component(nth);
                let component = &*(*image.0).comps.add(nth.into());
                if component.data.is_null() {
                    return Err(out_of_memory());
                }
                std::ptr::copy_nonoverlapping(samples.as_ptr(), component.data, samples.len());
            }
        }
        Ok(image)
    }
}

/// An encoder, destroyed when dropped.
struct Codec(*mut opj::opj_codec_t);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create, is not null, and is destroyed only here.
        unsafe { opj::opj_destroy_codec(self.0) }
    }
}

impl Codec {
    fn new() -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let codec = unsafe { opj::opj_create_compress(opj::CODEC_FORMAT::OPJ_CODEC_J2K) };
        if codec.is_null() { Err(out_of_memory()) } else { Ok(Self(codec)) }
    }

    fn encode(&self, image: &Image, stream: &Stream, stored: &StoredSamples<'_>) -> Result<(), RenderError> {
        let side = stored.columns.min(stored.rows).max(1);
        // SAFETY: the parameters are plain data that the library fills with its defaults (lossless, one tile) and copies; codec,
        // image and stream are valid, and the image has the samples that it says.
        let is_done = unsafe {
            let mut parameters = Box::new(std::mem::zeroed::<opj::opj_cparameters_t>());
            opj::opj_set_default_encoder_parameters(&raw mut *parameters);
            parameters.tcp_numlayers = 1;
            parameters.tcp_rates[0] = 0.0;
            parameters.cp_disto_alloc = 1;
            parameters.numresolution = (side.ilog2() + 1).min(RESOLUTIONS_MAX) as i32;
            parameters.tcp_mct = (stored.samples_per_pixel == 3 && stored.is_rgb).into();
            opj::opj_setup_encoder(self.0, &raw mut *parameters, image.0) != 0
                && opj::opj_start_compress(self.0, image.0, stream.0) != 0
                && opj::opj_encode(self.0, stream.0) != 0
                && opj::opj_end_compress(self.0, stream.0) != 0
        };
        if is_done { Ok(()) } else { Err(refused()) }
    }
}

/// The codestream as `OpenJPEG` writes it.
#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    position: usize,
}

impl Sink {
    /// Puts zeros up to `position`, where nothing was written.
    fn go_to(&mut self, position: usize) {
        self.bytes.resize(self.bytes.len().max(position), 0);
        self.position = position;
    }
}

/// A stream of `OpenJPEG` over a [`Sink`], destroyed when dropped.
struct Stream(*mut opj::opj_stream_t);

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the pointer came from create, is not null, and is destroyed only here.
        unsafe { opj::opj_stream_destroy(self.0) }
    }
}

impl Stream {
    fn new(sink: &mut Sink) -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let stream = unsafe { opj::opj_stream_create(STREAM_BUFFER_BYTES, 0) };
        if stream.is_null() {
            return Err(out_of_memory());
        }
        // SAFETY: the stream is valid; the user data is a live `Sink`, declared before the stream in [`encode`] and touched only by
        // these functions while the stream lives. Nothing is to be freed.
        unsafe {
            opj::opj_stream_set_user_data(stream, (&raw mut *sink).cast(), None);
            opj::opj_stream_set_write_function(stream, Some(write));
            opj::opj_stream_set_skip_function(stream, Some(skip));
            opj::opj_stream_set_seek_function(stream, Some(seek));
        }
        Ok(Self(stream))
    }
}

/// # Safety
/// `bytes` must be `count` readable bytes and `sink` a [`Sink`].
unsafe extern "C" fn write(bytes: *mut c_void, count: usize, sink: *mut c_void) -> usize {
    // SAFETY: as the caller promises.
    let (sink, bytes) =
        unsafe { (&mut *sink.cast::<Sink>(), std::slice::from_raw_parts(bytes.cast::<u8>(), count)) };
    let start = sink.position;
    sink.go_to(start + count);
    sink.bytes[start..start + count].copy_from_slice(bytes);
    count
}

/// # Safety
/// `sink` must be a [`Sink`].
unsafe extern "C" fn skip(count: i64, sink: *mut c_void) -> i64 {
    // SAFETY: as the caller promises.
    let sink = unsafe { &mut *sink.cast::<Sink>() };
    let Ok(wanted) = usize::try_from(count) else { return -1 };
    sink.go_to(sink.position + wanted);
    count
}

/// # Safety
/// `sink` must be a [`Sink`].
unsafe extern "C" fn seek(position: i64, sink: *mut c_void) -> opj::OPJ_BOOL {
    // SAFETY: as the caller promises.
    let sink = unsafe { &mut *sink.cast::<Sink>() };
    match usize::try_from(position) {
        Ok(position) => {
            sink.go_to(position);
            1
        }
        Err(_) => 0,
    }
}
