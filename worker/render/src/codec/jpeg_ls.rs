//! JPEG-LS, lossless and near-lossless (ITU-T T.87), through `CharLS`.

#![expect(unsafe_code, reason = "binding to CharLS: the safe crate decodes before the size can be checked")]

use std::ffi::CStr;

use charls_sys as charls;

use super::{Coded, CodedColour, Wanted};
use crate::RenderError;
use crate::samples::Samples;

unsafe extern "C" {
    /// In `charls_jpegls_decoder.h`, but not in the bindings.
    fn charls_jpegls_decoder_get_interleave_mode(
        decoder: *const charls::charls_jpegls_decoder,
        mode: *mut charls::charls_interleave_mode,
    ) -> charls::charls_jpegls_errc;
}

/// Decodes a JPEG-LS codestream.
///
/// # Errors
/// [`RenderError::Corrupt`] for damaged codestreams and those that contradict the attributes.
pub(crate) fn decode(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let decoder = Decoder::new(up_to_its_end(codestream)?)?;
    let info = decoder.frame_info()?;
    let components = u32::try_from(info.component_count).unwrap_or(0);
    wanted.check(info.width, info.height, components)?;
    let precision = u8::try_from(info.bits_per_sample).unwrap_or(0);
    let samples = decoder.samples(&info, precision)?;
    Ok(Coded {
        columns: info.width,
        rows: info.height,
        samples: if components > 1 && decoder.is_planar()? {
            interleaved(&samples, components)
        } else {
            samples
        },
        precision,
        colour: CodedColour::AsDeclared,
        reduction: 0,
        damage: None,
    })
}

/// The codestream up to its last end-of-image marker. `CharLS` 2.4 stops at a marker; where the bytes end without one it
/// counts zeros that are not there until a counter overflows.
fn up_to_its_end(codestream: &[u8]) -> Result<&[u8], RenderError> {
    let end = codestream.windows(2).rposition(|pair| pair == [0xFF, 0xD9]);
    let end = end.ok_or_else(|| RenderError::corrupt("JPEG-LS: the codestream has no end"))?;
    Ok(&codestream[..end + 2])
}

/// A decoder of `CharLS` over a codestream, destroyed when dropped.
struct Decoder<'a> {
    handle: *mut charls::charls_jpegls_decoder,
    /// The library keeps a pointer to it.
    codestream: std::marker::PhantomData<&'a [u8]>,
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from create, is not null, and is destroyed only here.
        unsafe { charls::charls_jpegls_decoder_destroy(self.handle) }
    }
}

impl<'a> Decoder<'a> {
    fn new(codestream: &'a [u8]) -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let handle = unsafe { charls::charls_jpegls_decoder_create() };
        if handle.is_null() {
            return Err(RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory)));
        }
        let decoder = Self { handle, codestream: std::marker::PhantomData };
        // SAFETY: the handle is valid; the slice outlives the decoder by the lifetime of this type.
        check(unsafe {
            charls::charls_jpegls_decoder_set_source_buffer(
                handle,
                codestream.as_ptr().cast(),
                codestream.len(),
            )
        })?;
        // SAFETY: the handle is valid and has its source.
        check(unsafe { charls::charls_jpegls_decoder_read_header(handle) })?;
        Ok(decoder)
    }

    fn frame_info(&self) -> Result<charls::charls_frame_info, RenderError> {
        let mut info =
            charls::charls_frame_info { width: 0, height: 0, bits_per_sample: 0, component_count: 0 };
        // SAFETY: the handle is valid and has read its header; `info` is a live value of the library's type.
        check(unsafe { charls::charls_jpegls_decoder_get_frame_info(self.handle, &raw mut info) })?;
        Ok(info)
    }

    /// Whether the components come out one plane after the other.
    fn is_planar(&self) -> Result<bool, RenderError> {
        let mut mode = charls::charls_interleave_mode_none;
        // SAFETY: the handle is valid and has read its header; `mode` is a live value of the library's type.
        check(unsafe { charls_jpegls_decoder_get_interleave_mode(self.handle, &raw mut mode) })?;
        Ok(mode == charls::charls_interleave_mode_none)
    }

    fn samples(&self, info: &charls::charls_frame_info, precision: u8) -> Result<Samples, RenderError> {
        let count = info.width as usize * info.height as usize * info.component_count.max(0) as usize;
        if precision <= 8 {
            let mut out = vec![0_u8; count];
            self.decode_to(out.as_mut_ptr().cast(), out.len())?;
            return Ok(Samples::U8(out));
        }
        let mut out = vec![0_u16; count];
        self.decode_to(out.as_mut_ptr().cast(), out.len() * 2)?;
        Ok(Samples::U16(out))
    }

    fn decode_to(&self, buffer: *mut std::ffi::c_void, byte_count: usize) -> Result<(), RenderError> {
        // SAFETY: the handle is valid; `buffer` has `byte_count` writable bytes, aligned for the samples of this
        // precision, and the library refuses a buffer that is too small. It catches its C++ exceptions itself.
        check(unsafe { charls::charls_jpegls_decoder_decode_to_buffer(self.handle, buffer, byte_count, 0) })
    }
}

fn check(status: charls::charls_jpegls_errc) -> Result<(), RenderError> {
    if status == charls::charls_jpegls_errc_success {
        return Ok(());
    }
    // SAFETY: the library gives a pointer to a constant, terminated text for every code.
    let text = unsafe { CStr::from_ptr(charls::charls_get_error_message(status)) };
    Err(RenderError::corrupt(format!("JPEG-LS: {}", text.to_string_lossy())))
}

fn interleaved(samples: &Samples, components: u32) -> Samples {
    fn merge<T: Copy>(planes: &[T], components: usize) -> Vec<T> {
        let pixels = planes.len() / components;
        (0..pixels)
            .flat_map(|pixel| (0..components).map(move |plane| planes[plane * pixels + pixel]))
            .collect()
    }
    match samples {
        Samples::U8(planes) => Samples::U8(merge(planes, components as usize)),
        Samples::U16(planes) => Samples::U16(merge(planes, components as usize)),
        other => other.clone(),
    }
}
