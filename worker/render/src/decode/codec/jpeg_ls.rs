//! JPEG-LS, lossless and near-lossless (ITU-T T.87), through `CharLS`.

#![expect(unsafe_code, reason = "binding to CharLS: the safe crate decodes before the size can be checked")]

use std::borrow::Cow;
use std::ffi::CStr;

use charls_sys as charls;

use super::{Coded, CodedColour, Wanted};
use crate::RenderError;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;

const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
/// Bytes of 0 that may stand between the last code of a scan and the marker after it.
const FILLER_BYTES_MAX: usize = 3;

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
    let ended = ended(codestream);
    decode_ended(&ended, codestream, wanted).or_else(|error| {
        // Filler between the last code and a marker is more than the library takes.
        // A scan may end in a byte of 0 that is code, where the last one has filler.
        let ways =
            [true, false].into_iter().flat_map(|each| (1..=FILLER_BYTES_MAX).map(move |count| (count, each)));
        let mut without_filler = ways.filter_map(|(count, each)| without_filler(&ended, count, each));
        without_filler.find_map(|ended| decode_ended(&ended, codestream, wanted).ok()).ok_or(error)
    })
}

fn decode_ended(ended: &[u8], codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let decoder = Decoder::new(ended)?;
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
        site: ReducedSite::Middle,
        // No such pair of bytes occurs in coded samples: a bit is stuffed after each FF (T.87 A.1).
        damage: (!codestream.windows(2).rev().any(|pair| pair == END_OF_IMAGE))
            .then(|| "JPEG-LS: the end of image is missing".to_owned()),
    })
}

/// The codestream, with a marker as its last bytes. Where `CharLS` 2.4 runs out of bytes inside a code instead of into a
/// marker, it counts on until an integer overflows, for seconds, before it gives up.
fn ended(codestream: &[u8]) -> Cow<'_, [u8]> {
    let padding = codestream.iter().rev().take_while(|&&byte| byte == 0).count();
    let unpadded = &codestream[..codestream.len() - padding];
    if unpadded.ends_with(&END_OF_IMAGE) {
        return Cow::Borrowed(unpadded);
    }
    Cow::Owned([codestream, &END_OF_IMAGE].concat())
}

/// The codestream without `count` bytes of 0 before its end and, of each scan, before each further one; `None` where the end
/// has fewer.
fn without_filler(ended: &[u8], count: usize, of_each_scan: bool) -> Option<Vec<u8>> {
    const START_OF_SCAN: [u8; 2] = [0xFF, 0xDA];
    let body = ended.strip_suffix(&END_OF_IMAGE)?;
    let mut kept = Vec::with_capacity(ended.len());
    let mut rest = body.strip_suffix(&[0; FILLER_BYTES_MAX][..count])?;
    let is_filled = |scan: &usize, rest: &[u8]| rest[..*scan].ends_with(&[0; FILLER_BYTES_MAX][..count]);
    while let Some(scan) = rest.windows(2).position(|pair| pair == START_OF_SCAN) {
        // The first scan follows the header, whose last byte may well be 0.
        let is_first = kept.is_empty();
        let end = if of_each_scan && !is_first && is_filled(&scan, rest) { scan - count } else { scan };
        kept.extend_from_slice(&rest[..end]);
        kept.extend_from_slice(&START_OF_SCAN);
        rest = &rest[scan + 2..];
    }
    kept.extend_from_slice(rest);
    kept.extend_from_slice(&END_OF_IMAGE);
    Some(kept)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoder_always_runs_into_a_marker() {
        assert!(matches!(ended(&[1, 2, 0xFF, 0xD9, 0]), Cow::Borrowed([1, 2, 0xFF, 0xD9])), "padding goes");
        assert_eq!(ended(&[1, 2, 0]).as_ref(), [1, 2, 0, 0xFF, 0xD9], "a cut codestream");
        assert_eq!(ended(&[0xFF, 0xD9, 7]).as_ref(), [0xFF, 0xD9, 7, 0xFF, 0xD9], "bytes after the end");
    }

    #[test]
    fn filler_goes_from_the_end_of_every_scan_and_from_nowhere_else() {
        let two_scans = [0xFF, 0xD8, 0, 0xFF, 0xDA, 5, 0, 0xFF, 0xDA, 6, 0, 0xFF, 0xD9];
        let expected = [0xFF, 0xD8, 0, 0xFF, 0xDA, 5, 0xFF, 0xDA, 6, 0xFF, 0xD9];
        assert_eq!(without_filler(&two_scans, 1, true).as_deref(), Some(&expected[..]));
        assert_eq!(without_filler(&two_scans, 2, true), None);
    }
}
