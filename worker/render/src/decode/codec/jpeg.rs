//! JPEG of every process that libjpeg-turbo knows: baseline, extended with 8 and 12 bits, progressive, lossless up to
//! 16 bits. Decoding at a half, a quarter or an eighth of the size comes for less than the whole.

#![expect(unsafe_code, reason = "binding to libjpeg-turbo: the safe crate has neither 12 bits nor lossless")]

use std::ffi::{CStr, c_int};

use turbojpeg_sys as tj;

use super::jpeg_lossless::{self, Prediction};
use super::jpeg_markers::{self, Markers};
use super::{Coded, CodedColour, Wanted};
use crate::RenderError;
use crate::file::pixel_format::Photometric;
use crate::samples::Samples;
use crate::samples::resize::ReducedSite;

/// A progressive codestream of a few bytes a scan can keep a decoder busy for minutes.
const SCANS_MAX: c_int = 500;

/// Decodes a JPEG.
///
/// # Errors
/// [`RenderError::Corrupt`] for damaged codestreams and those that contradict the attributes,
/// [`RenderError::Unsupported`] for hierarchical processes and CMYK.
pub(crate) fn decode(codestream: &[u8], wanted: Wanted<'_>) -> Result<Coded, RenderError> {
    let markers = jpeg_markers::read(codestream);
    let noted = keeps_components(&markers, wanted.format.photometric())
        .then(|| jpeg_markers::without_colour_transform(codestream));
    let codestream = noted.as_deref().unwrap_or(codestream);
    let mut decoder = Decoder::new()?;
    let info = decoder.read_header(codestream)?;
    wanted.check(info.columns, info.rows, info.components)?;
    let reduction = if info.lossless { 0 } else { wanted.reduction };
    let (columns, rows) = decoder.reduce(&info, reduction)?;
    let (samples, damage) = if info.lossless {
        lossless(&mut decoder, codestream, &info)?
    } else {
        decoder.samples(codestream, &info, columns, rows)?
    };
    Ok(Coded {
        columns,
        rows,
        samples,
        precision: info.precision,
        colour: if markers.lossless { CodedColour::AsDeclared } else { CodedColour::Rgb },
        reduction,
        site: ReducedSite::Middle,
        damage,
    })
}

/// Samples of a lossless process, cut to its precision.
fn lossless(
    decoder: &mut Decoder,
    codestream: &[u8],
    info: &Info,
) -> Result<(Samples, Option<String>), RenderError> {
    let (columns, rows) = (info.columns, info.rows);
    let Some(prediction) = Prediction::of(codestream, info.precision)? else {
        let (mut samples, damage) = decoder.samples(codestream, info, columns, rows)?;
        match &mut samples {
            Samples::U8(values) => jpeg_lossless::cut(values, info.precision),
            Samples::U16(values) => jpeg_lossless::cut(values, info.precision),
            _ => {}
        }
        return Ok((samples, damage));
    };
    let uncut = prediction.uncut(codestream);
    let uncut_info = decoder.read_header(&uncut)?;
    let (samples, damage) = decoder.samples(&uncut, &uncut_info, columns, rows)?;
    let Samples::U16(mut values) = samples else {
        return Err(RenderError::unsupported("JPEG samples of this type"));
    };
    prediction.redo(&mut values, columns as usize, info.components as usize);
    let is_narrow = info.precision <= 8;
    let narrow = |values: Vec<u16>| values.into_iter().map(|value| value as u8).collect();
    Ok((if is_narrow { Samples::U8(narrow(values)) } else { Samples::U16(values) }, damage))
}

/// Whether three components are to come out as they were coded. A lossless process has no colour transform of its own;
/// a lossy one is taken at its word where it gives one, and else by the attributes.
fn keeps_components(markers: &Markers, photometric: Photometric) -> bool {
    if markers.component_ids.len() != 3 {
        return false;
    }
    let says_nothing = !markers.jfif && markers.adobe_transform.is_none() && markers.component_ids != b"RGB";
    markers.lossless || (says_nothing && photometric == Photometric::Rgb)
}

struct Info {
    columns: u32,
    rows: u32,
    components: u32,
    precision: u8,
    lossless: bool,
}

/// A decompressor of libjpeg-turbo, destroyed when dropped.
struct Decoder(tj::tjhandle);

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from tj3Init, is not null, and is destroyed only here.
        unsafe { tj::tj3Destroy(self.0) }
    }
}

impl Decoder {
    fn new() -> Result<Self, RenderError> {
        // SAFETY: takes no pointer; null is its way to fail.
        let handle = unsafe { tj::tj3Init(tj::TJINIT_TJINIT_DECOMPRESS as c_int) };
        if handle.is_null() {
            return Err(RenderError::Io(std::io::Error::from(std::io::ErrorKind::OutOfMemory)));
        }
        let decoder = Self(handle);
        decoder.set(tj::TJPARAM_TJPARAM_SCANLIMIT, SCANS_MAX);
        Ok(decoder)
    }

    fn set(&self, parameter: tj::TJPARAM, value: c_int) {
        // SAFETY: the handle is valid; an unknown parameter or value is an error code, not undefined behaviour.
        unsafe { tj::tj3Set(self.0, parameter as c_int, value) };
    }

    fn get(&self, parameter: tj::TJPARAM) -> u32 {
        // SAFETY: the handle is valid; unknown values come back as -1.
        let value = unsafe { tj::tj3Get(self.0, parameter as c_int) };
        u32::try_from(value).unwrap_or(0)
    }

    fn read_header(&mut self, codestream: &[u8]) -> Result<Info, RenderError> {
        // SAFETY: the pointer and length are those of a slice that outlives the call; the library copies nothing.
        let status = unsafe { tj::tj3DecompressHeader(self.0, codestream.as_ptr(), codestream.len() as _) };
        if status != 0 && self.failed() {
            return Err(RenderError::corrupt(format!("JPEG: {}", self.message())));
        }
        let components = match self.get(tj::TJPARAM_TJPARAM_COLORSPACE) as tj::TJCS {
            tj::TJCS_TJCS_GRAY => 1,
            tj::TJCS_TJCS_RGB | tj::TJCS_TJCS_YCbCr => 3,
            _ => return Err(RenderError::unsupported("JPEG of four components")),
        };
        Ok(Info {
            columns: self.get(tj::TJPARAM_TJPARAM_JPEGWIDTH),
            rows: self.get(tj::TJPARAM_TJPARAM_JPEGHEIGHT),
            components,
            precision: u8::try_from(self.get(tj::TJPARAM_TJPARAM_PRECISION)).unwrap_or(0),
            lossless: self.get(tj::TJPARAM_TJPARAM_LOSSLESS) == 1,
        })
    }

    /// Sets the size to decode at, and gives it.
    fn reduce(&mut self, info: &Info, reduction: u8) -> Result<(u32, u32), RenderError> {
        if reduction == 0 {
            return Ok((info.columns, info.rows));
        }
        let denominator = 1_u32 << reduction;
        let factor = tj::tjscalingfactor { num: 1, denom: denominator as c_int };
        // SAFETY: the handle is valid and the factor is passed by value; an unsupported one is an error code.
        if unsafe { tj::tj3SetScalingFactor(self.0, factor) } != 0 {
            return Err(RenderError::unsupported(format!("JPEG: {}", self.message())));
        }
        Ok((info.columns.div_ceil(denominator), info.rows.div_ceil(denominator)))
    }

    fn samples(
        &mut self,
        codestream: &[u8],
        info: &Info,
        columns: u32,
        rows: u32,
    ) -> Result<(Samples, Option<String>), RenderError> {
        let count = columns as usize * rows as usize * info.components as usize;
        let pitch = (columns * info.components) as c_int;
        let (pointer, length) = (codestream.as_ptr(), codestream.len() as _);
        let layout = if info.components == 1 { tj::TJPF_TJPF_GRAY } else { tj::TJPF_TJPF_RGB } as c_int;
        let (status, samples) = match info.precision {
            2..=8 => {
                let mut out = vec![0_u8; count];
                // SAFETY: the codestream is a live slice; `out` holds rows x pitch samples of one byte, and the library
                // writes rows of `columns` pixels of `components` samples at that pitch.
                let status =
                    unsafe { tj::tj3Decompress8(self.0, pointer, length, out.as_mut_ptr(), pitch, layout) };
                (status, Samples::U8(out))
            }
            9..=12 => {
                let mut out = vec![0_u16; count];
                // SAFETY: as above with samples of two bytes; i16 and u16 have one layout, and 12-bit samples are
                // never negative.
                let status = unsafe {
                    tj::tj3Decompress12(self.0, pointer, length, out.as_mut_ptr().cast(), pitch, layout)
                };
                (status, Samples::U16(out))
            }
            13..=16 => {
                let mut out = vec![0_u16; count];
                // SAFETY: as above with unsigned samples of two bytes.
                let status =
                    unsafe { tj::tj3Decompress16(self.0, pointer, length, out.as_mut_ptr(), pitch, layout) };
                (status, Samples::U16(out))
            }
            other => return Err(RenderError::unsupported(format!("JPEG of {other} bits"))),
        };
        if status != 0 && self.failed() {
            return Err(RenderError::corrupt(format!("JPEG: {}", self.message())));
        }
        let warning = (status != 0).then(|| self.message());
        Ok((samples, warning.filter(|warning| is_damage(warning, codestream))))
    }

    /// Whether the last error means that there is no picture; a warning means that there is one.
    fn failed(&self) -> bool {
        // SAFETY: the handle is valid.
        let code = unsafe { tj::tj3GetErrorCode(self.0) };
        code != tj::TJERR_TJERR_WARNING as c_int
    }

    fn message(&self) -> String {
        // SAFETY: the handle is valid; the library gives a pointer to a terminated text inside of it, copied at once.
        unsafe { CStr::from_ptr(tj::tj3GetErrorStr(self.0)) }.to_string_lossy().into_owned()
    }
}

/// Some warnings are about bytes that no pixel depends on. The library tells only its first warning, so that after one
/// of these the codestream must at least be whole.
fn is_damage(warning: &str, codestream: &[u8]) -> bool {
    const HARMLESS: [&str; 3] =
        ["extraneous bytes before marker", "Unknown Adobe color transform", "Invalid SOS parameters"];
    let padding = codestream.iter().rev().take_while(|&&byte| matches!(byte, 0 | 0xFF)).count();
    let is_whole = codestream[..codestream.len() - padding].ends_with(&[0xFF, 0xD9]);
    !is_whole || !HARMLESS.iter().any(|harmless| warning.contains(harmless))
}
