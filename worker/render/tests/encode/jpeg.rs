//! JPEG files, read back by a decoder that is not libjpeg-turbo.

use noctis_render::encode::EncodeError;
use noctis_render::encode::jpeg::{encode_grey8, encode_rgb8};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;

use crate::patterns::{difference_mean, fill, gradient, noise};

#[test]
fn grey_reads_back_nearly_as_it_was() {
    for (columns, rows) in [(1, 1), (1, 9), (9, 1), (17, 31), (512, 512)] {
        let pixels = fill(columns, rows, 1, |at, row| (at / 8 + row / 4) as u8 / 2);
        let mut file = Vec::new();
        encode_grey8(&pixels, columns, rows, 95, &mut file).expect("a valid picture");
        let (size, read) = decode(&file, ColorSpace::Luma);
        assert_eq!(size, (columns, rows));
        assert!(difference_mean(&pixels, &read) < 1.5, "{columns} x {rows}");
    }
}

#[test]
fn colour_keeps_its_chroma_at_every_pixel() {
    // One column red, the next blue: halved chroma would blend them to purple.
    let pixels: Vec<u8> = [[230, 20, 20], [20, 20, 230]].concat().repeat(64 * 32);
    let mut file = Vec::new();
    encode_rgb8(&pixels, 64, 64, 95, None, &mut file).expect("a valid picture");
    let (size, read) = decode(&file, ColorSpace::RGB);
    assert_eq!(size, (64, 64));
    assert!(difference_mean(&pixels, &read) < 6.0);
}

#[test]
fn more_quality_is_more_bytes_and_less_difference() {
    let pixels = fill(200, 200, 1, |at, row| gradient(at, row) / 2 + noise(at, row) / 8);
    let mut measured = [5, 40, 75, 100].map(|quality| {
        let mut file = Vec::new();
        encode_grey8(&pixels, 200, 200, quality, &mut file).expect("a valid picture");
        (file.len(), difference_mean(&pixels, &decode(&file, ColorSpace::Luma).1))
    });
    assert!(
        measured.is_sorted_by(|(bytes, off), (more_bytes, less_off)| bytes < more_bytes && off > less_off)
    );
    measured.reverse();
    assert!(measured[0].1 < 1.0, "quality 100 is all but lossless");
}

#[test]
fn the_same_pixels_give_the_same_bytes_whatever_the_buffer_held() {
    let pixels = fill(100, 80, 1, noise);
    let (mut fresh, mut reused) = (Vec::new(), vec![0xaa; 1_000_000]);
    encode_grey8(&pixels, 100, 80, 90, &mut fresh).expect("a valid picture");
    encode_grey8(&pixels, 100, 80, 90, &mut reused).expect("a valid picture");
    assert_eq!(fresh, reused);
}

#[test]
fn what_jpeg_cannot_say_is_refused() {
    let mut out = Vec::new();
    assert_eq!(encode_grey8(&[0; 4], 2, 2, 0, &mut out), Err(EncodeError::Quality(0)));
    assert_eq!(encode_rgb8(&[0; 12], 2, 2, 101, None, &mut out), Err(EncodeError::Quality(101)));
    let wide = EncodeError::TooLarge { format: "JPEG", columns: 65_501, rows: 1 };
    assert_eq!(encode_grey8(&[0; 65_501], 65_501, 1, 90, &mut out), Err(wide));
    let short = EncodeError::SampleCount { columns: 2, rows: 2, samples_per_pixel: 3, sample_count: 4 };
    assert_eq!(encode_rgb8(&[0; 4], 2, 2, 90, None, &mut out), Err(short));
}

/// In one segment, in one that is full, in two, and in many.
#[test]
fn a_profile_is_read_back_beside_the_same_pixels() {
    let pixels = fill(64, 48, 3, gradient);
    let mut plain = Vec::new();
    encode_rgb8(&pixels, 64, 48, 90, None, &mut plain).expect("a valid picture");
    for byte_count in [1, 65_519, 65_520, 400_000] {
        let profile = fill(byte_count, 1, 1, noise);
        let mut file = Vec::new();
        encode_rgb8(&pixels, 64, 48, 90, Some(&profile), &mut file).expect("a valid picture");
        let mut decoder = JpegDecoder::new(ZCursor::new(&file));
        decoder.decode_headers().expect("a JPEG");
        assert_eq!(decoder.icc_profile(), Some(profile), "{byte_count} bytes");
        assert_eq!(decode(&file, ColorSpace::RGB), decode(&plain, ColorSpace::RGB), "{byte_count} bytes");
    }
}

#[test]
fn a_profile_past_255_segments_is_refused() {
    let mut out = Vec::new();
    let profile = vec![0; 255 * 65_519 + 1];
    let refused = EncodeError::ProfileTooLarge { format: "JPEG", byte_count: profile.len() };
    assert_eq!(encode_rgb8(&[0; 12], 2, 2, 90, Some(&profile), &mut out), Err(refused));
    assert_eq!(encode_rgb8(&[0; 12], 2, 2, 90, Some(&profile[1..]), &mut out), Ok(()));
}

fn decode(file: &[u8], color: ColorSpace) -> ((u32, u32), Vec<u8>) {
    let options = zune_jpeg::zune_core::options::DecoderOptions::new_cmd().jpeg_set_out_colorspace(color);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let pixels = decoder.decode().expect("a JPEG");
    let (columns, rows) = decoder.dimensions().expect("dimensions");
    ((columns as u32, rows as u32), pixels)
}
