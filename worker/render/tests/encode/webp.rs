//! WebP files: what one library wrote, the other reads.

use noctis_render::encode::EncodeError;
use noctis_render::encode::webp::{
    encode_lossless_grey8, encode_lossless_rgb8, encode_lossy_grey8, encode_lossy_rgb8,
};

use crate::patterns::{PATTERNS, difference_mean, fill, gradient, noise};

#[test]
fn lossless_reads_back_in_libwebp() {
    for (columns, rows) in [(1, 1), (1, 70), (70, 1), (17, 31), (255, 257)] {
        for (name, pattern) in PATTERNS {
            let rgb = fill(columns, rows, 3, pattern);
            let mut file = Vec::new();
            encode_lossless_rgb8(&rgb, columns, rows, None, &mut file).expect("a valid picture");
            assert_eq!(read_by_libwebp(&file), (columns, rows, rgb), "{name} {columns} x {rows}");
            let grey = fill(columns, rows, 1, pattern);
            encode_lossless_grey8(&grey, columns, rows, &mut file).expect("a valid picture");
            assert_eq!(read_by_libwebp(&file), (columns, rows, tripled(&grey)), "{name} {columns} x {rows}");
        }
    }
}

#[test]
fn lossy_reads_back_nearly_as_it_was() {
    for (columns, rows) in [(1, 1), (1, 70), (70, 1), (17, 31), (255, 257)] {
        let grey = fill(columns, rows, 1, |at, row| 40 + gradient(at, row) / 4 + noise(at, row) / 64);
        let mut file = Vec::new();
        encode_lossy_grey8(&grey, columns, rows, 90, &mut file).expect("a valid picture");
        let (read_columns, read_rows, read) = read_by_image_webp(&file);
        assert_eq!((read_columns, read_rows), (columns, rows));
        assert!(difference_mean(&tripled(&grey), &read) < 3.0, "{columns} x {rows}");
        let gaudy: Vec<u8> = grey.iter().flat_map(|&value| [value, 255 - value, 90]).collect();
        encode_lossy_rgb8(&gaudy, columns, rows, 90, None, &mut file).expect("a valid picture");
        assert!(difference_mean(&gaudy, &read_by_image_webp(&file).2) < 4.0, "{columns} x {rows}");
    }
}

#[test]
fn more_quality_is_more_bytes() {
    let pixels = fill(200, 200, 1, noise);
    let lengths = [5, 40, 75, 100].map(|quality| {
        let mut file = Vec::new();
        encode_lossy_grey8(&pixels, 200, 200, quality, &mut file).expect("a valid picture");
        file.len()
    });
    assert!(lengths.is_sorted_by(|less, more| less < more), "{lengths:?}");
}

#[test]
fn what_webp_cannot_say_is_refused() {
    let mut out = Vec::new();
    assert_eq!(encode_lossy_grey8(&[0; 4], 2, 2, 0, &mut out), Err(EncodeError::Quality(0)));
    assert_eq!(encode_lossy_rgb8(&[0; 12], 2, 2, 101, None, &mut out), Err(EncodeError::Quality(101)));
    let wide = EncodeError::TooLarge { format: "WebP", columns: 16_384, rows: 1 };
    assert_eq!(encode_lossless_grey8(&[0; 16_384], 16_384, 1, &mut out), Err(wide));
    let wide = EncodeError::TooLarge { format: "WebP", columns: 16_384, rows: 1 };
    assert_eq!(encode_lossy_grey8(&[0; 16_384], 16_384, 1, 90, &mut out), Err(wide));
    let short = EncodeError::SampleCount { columns: 2, rows: 2, samples_per_pixel: 3, sample_count: 4 };
    assert_eq!(encode_lossless_rgb8(&[0; 4], 2, 2, None, &mut out), Err(short));
}

#[test]
fn a_profile_is_read_back_beside_the_same_pixels() {
    let rgb = fill(17, 31, 3, gradient);
    for byte_count in [1, 2, 3144, 200_001] {
        let profile = fill(byte_count, 1, 1, noise);
        let (mut plain, mut file) = (Vec::new(), Vec::new());
        encode_lossless_rgb8(&rgb, 17, 31, Some(&profile), &mut file).expect("a valid picture");
        assert_eq!(profile_read_by_image_webp(&file), profile);
        assert_eq!(read_by_libwebp(&file), (17, 31, rgb.clone()), "{byte_count} bytes, lossless");
        encode_lossy_rgb8(&rgb, 17, 31, 90, None, &mut plain).expect("a valid picture");
        encode_lossy_rgb8(&rgb, 17, 31, 90, Some(&profile), &mut file).expect("a valid picture");
        assert_eq!(profile_read_by_image_webp(&file), profile);
        assert_eq!(read_by_libwebp(&file), read_by_libwebp(&plain), "{byte_count} bytes, lossy");
        assert_eq!(read_by_image_webp(&file), read_by_image_webp(&plain), "{byte_count} bytes, lossy");
    }
}

fn profile_read_by_image_webp(file: &[u8]) -> Vec<u8> {
    // RFC 9649 section 2.7.1: without this flag a reader may pass over the profile.
    assert_eq!((&file[12..16], file[20] & 0x20), (&b"VP8X"[..], 0x20));
    let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(file)).expect("a WebP");
    decoder.icc_profile().expect("sound chunks").expect("a profile")
}

fn tripled(grey: &[u8]) -> Vec<u8> {
    grey.iter().flat_map(|&value| [value; 3]).collect()
}

fn read_by_libwebp(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let image = webp::Decoder::new(file).decode().expect("a WebP");
    (image.width(), image.height(), image.to_vec())
}

fn read_by_image_webp(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(file)).expect("a WebP");
    let mut pixels = vec![0; decoder.output_buffer_size().expect("a size")];
    decoder.read_image(&mut pixels).expect("pixels");
    let (columns, rows) = decoder.dimensions();
    (columns, rows, pixels)
}
