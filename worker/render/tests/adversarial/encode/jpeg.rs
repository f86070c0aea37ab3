//! Baseline JPEG through libjpeg-turbo, and what another decoder makes of it.

use turbojpeg::{Colorspace, Compressor, Image, PixelFormat, Subsamp};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Plane;

/// Colours with the transform to luminance and chrominance, or as they are.
pub(super) fn encode(plane: &Plane<'_>, transformed: bool) -> Vec<u8> {
    let pixels: Vec<u8> = plane.samples.iter().map(|&sample| sample as u8).collect();
    let (format, colours) = match (plane.components, transformed) {
        (1, _) => (PixelFormat::GRAY, Colorspace::Gray),
        (_, true) => (PixelFormat::RGB, Colorspace::YCbCr),
        (_, false) => (PixelFormat::RGB, Colorspace::RGB),
    };
    let mut compressor = Compressor::new().expect("a compressor");
    compressor.set_quality(95).expect("a quality");
    compressor.set_subsamp(if plane.components == 1 { Subsamp::Gray } else { Subsamp::None }).expect("known");
    compressor.set_colorspace(colours).expect("a colour space");
    let image = Image {
        pixels: pixels.as_slice(),
        width: plane.columns as usize,
        pitch: plane.columns as usize * plane.components,
        height: plane.rows as usize,
        format,
    };
    compressor.compress_to_vec(image).expect("a codestream")
}

/// The samples as a decoder sees them that the renderer does not use.
pub(crate) fn read_back(samples: &[f64], (columns, rows): (u32, u32), transformed: bool) -> Vec<f64> {
    let components = samples.len() / (columns * rows) as usize;
    let words: Vec<u16> = samples.iter().map(|&value| value as u16).collect();
    let codestream = encode(&Plane { columns, rows, components, samples: &words }, transformed);
    let colours = if components == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(codestream), options);
    decoder.decode().expect("what was encoded").into_iter().map(f64::from).collect()
}
