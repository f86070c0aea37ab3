//! JPEG-LS, lossless (ITU-T T.87), through `CharLS`.

#![expect(unsafe_code, reason = "binding to CharLS, as its decoder")]

use std::ffi::CStr;

use charls_sys as charls;

use super::stored::StoredSamples;
use crate::RenderError;

/// Samples of fewer bits are none of the format.
const PRECISION_MIN: u16 = 2;
const PRECISION_MAX: u16 = 16;

/// # Errors
/// [`RenderError::Unsupported`] for samples of more than 16 bits, and for what the library refuses.
pub(super) fn encode(stored: &StoredSamples<'_>) -> Result<Vec<u8>, RenderError> {
    if stored.bits_stored > PRECISION_MAX {
        return Err(RenderError::unsupported("more than 16 bits in JPEG-LS"));
    }
    let precision = stored.bits_stored.max(PRECISION_MIN);
    let encoder = Encoder::new()?;
    encoder.describe(stored, precision)?;
    if precision <= 8 {
        let samples: Vec<u8> = stored.unsigned().into_iter().map(|sample| sample as u8).collect();
        encoder.encode(samples.as_ptr().cast(), samples.len())
    } else {
        let samples = stored.unsigned();
        encoder.encode(samples.as_ptr().cast(), size_of_val(samples.as_slice()))
    }
}

/// An encoder of `CharLS`, destroyed when dropped.
struct Encoder(*mut charls::charls_jpegls_encoder);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from create, is not null, and is destroyed only here.
        unsafe { charls::charls_jpegls_encoder_destroy(self.0) }
    }
}

impl Encoder {
    fn new() -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let handle = unsafe { charls::charls_jpegls_encoder_create() };
        if handle.is_null() {
            return Err(RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory)));
        }
        Ok(Self(handle))
    }

    fn describe(&self, stored: &StoredSamples<'_>, precision: u16) -> Result<(), RenderError> {
        let info = charls::charls_frame_info {
            width: stored.columns,
            height: stored.rows,
            bits_per_sample: precision.into(),
            component_count: stored.samples_per_pixel.into(),
        };
        // SAFETY: the handle is valid; `info` is a live value of the library's type, which it copies.
        check(unsafe { charls::charls_jpegls_encoder_set_frame_info(self.0, &raw const info) })?;
        if stored.samples_per_pixel > 1 {
            let by_pixel = charls::charls_interleave_mode_sample;
            // SAFETY: the handle is valid; the mode is one of the library's.
            check(unsafe { charls::charls_jpegls_encoder_set_interleave_mode(self.0, by_pixel) })?;
        }
        Ok(())
    }

    /// `samples` are `byte_count` bytes of the described frame, 16-bit ones aligned and in the machine's order.
    fn encode(self, samples: *const std::ffi::c_void, byte_count: usize) -> Result<Vec<u8>, RenderError> {
        let mut size = 0;
        // SAFETY: the handle is valid and knows its frame; `size` is live.
        check(unsafe {
            charls::charls_jpegls_encoder_get_estimated_destination_size(self.0, &raw mut size)
        })?;
        let mut codestream = vec![0_u8; size];
        // SAFETY: the buffer has `size` writable bytes and lives until the encoder is done with it.
        check(unsafe {
            charls::charls_jpegls_encoder_set_destination_buffer(self.0, codestream.as_mut_ptr().cast(), size)
        })?;
        // SAFETY: the handle is set up; the library reads `byte_count` bytes and refuses fewer than the frame has.
        check(unsafe { charls::charls_jpegls_encoder_encode_from_buffer(self.0, samples, byte_count, 0) })?;
        // SAFETY: the handle is valid; `size` is live.
        check(unsafe { charls::charls_jpegls_encoder_get_bytes_written(self.0, &raw mut size) })?;
        codestream.truncate(size);
        Ok(codestream)
    }
}

fn check(status: charls::charls_jpegls_errc) -> Result<(), RenderError> {
    if status == charls::charls_jpegls_errc_success {
        return Ok(());
    }
    // SAFETY: the library gives a pointer to a constant, terminated text for every code.
    let text = unsafe { CStr::from_ptr(charls::charls_get_error_message(status)) };
    Err(RenderError::unsupported(format!("this frame in JPEG-LS: {}", text.to_string_lossy())))
}
