//! Attributes and codestreams that are rare or retired, and met all the same.

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, compose};
use noctis_render::{DisplaySamples, Fit, Format, FrameRequest, RenderError};

const JPEG_XL_LOSSLESS: &str = "1.2.840.10008.1.2.4.110";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.112";

/// Samples as shown, grey or colour.
fn samples(file: &[u8], request: &FrameRequest) -> Vec<u8> {
    match compose(file, request).expect("a picture").samples {
        DisplaySamples::Grey8(pixels) | DisplaySamples::Rgb8(pixels) => pixels,
        DisplaySamples::Grey16(_) => panic!("nobody asked for 16 bits"),
    }
}

fn little_endian(cells: &[u16]) -> Vec<u8> {
    cells.iter().flat_map(|cell| cell.to_le_bytes()).collect()
}

/// 2 x 4 pixels of 8 of 16 bits, 0 to 7 x 30, with an overlay on the first and the sixth of them in `overlay_bit`.
fn with_embedded_overlay(high_bit: u16, overlay_bit: u16) -> Vec<u8> {
    let shift = high_bit - 7;
    let marked = [0, 5];
    let cells: Vec<u16> = (0..8)
        .map(|index| (index * 30) << shift | u16::from(marked.contains(&index)) << overlay_bit)
        .collect();
    FileBuilder::new(EXPLICIT_LITTLE)
        .u16s(0x0028, 0x0002, &[1])
        .text(0x0028, 0x0004, "CS", "MONOCHROME2")
        .u16s(0x0028, 0x0010, &[2])
        .u16s(0x0028, 0x0011, &[4])
        .u16s(0x0028, 0x0100, &[16])
        .u16s(0x0028, 0x0101, &[8])
        .u16s(0x0028, 0x0102, &[high_bit])
        .u16s(0x0028, 0x0103, &[0])
        .text(0x0028, 0x1050, "DS", "127.5")
        .text(0x0028, 0x1051, "DS", "255")
        .text(0x0028, 0x1056, "CS", "LINEAR_EXACT")
        .u16s(0x6000, 0x0010, &[2])
        .u16s(0x6000, 0x0011, &[4])
        .text(0x6000, 0x0040, "CS", "G")
        .bytes(0x6000, 0x0050, "SS", &[1, 0, 1, 0])
        .u16s(0x6000, 0x0100, &[16])
        .u16s(0x6000, 0x0102, &[overlay_bit])
        .native(&little_endian(&cells))
}

/// Overlay Bits Allocated of 16 (PS3.3-2004 C.9.2; retired): above the samples, and below, down to the first bit.
#[test]
fn an_overlay_in_spare_bits_of_the_pixels_is_burned_in() {
    let values: Vec<u8> = (0..8).map(|index| index * 30).collect();
    let mut burned = values.clone();
    (burned[0], burned[5]) = (255, 255);
    for (high_bit, overlay_bit) in [(7, 8), (7, 12), (7, 15), (11, 12), (11, 3), (15, 7), (15, 0)] {
        let file = with_embedded_overlay(high_bit, overlay_bit);
        let shown = samples(&file, &FrameRequest::default());
        assert_eq!(shown, burned, "high bit {high_bit}, overlay in {overlay_bit}");
        let without = FrameRequest { overlays: false, ..FrameRequest::default() };
        assert_eq!(samples(&file, &without), values, "high bit {high_bit}, overlay in {overlay_bit}");
    }
}

/// A bit of the samples is no overlay, whatever the attributes say.
#[test]
fn an_overlay_bit_among_the_samples_is_not_taken_for_one() {
    let file = with_embedded_overlay(7, 3);
    let without = FrameRequest { overlays: false, ..FrameRequest::default() };
    assert_eq!(samples(&file, &FrameRequest::default()), samples(&file, &without));
}

/// The range of single bits is that of their modality values: the view of a file without a window is black and white,
/// whatever the bits stand for.
#[test]
fn single_bits_are_black_and_white_under_any_rescale() {
    for (slope, intercept, shown) in
        [("1", "0", [0, 255]), ("100", "-1024", [0, 255]), ("-0.5", "40", [255, 0])]
    {
        let file = FileBuilder::new(EXPLICIT_LITTLE)
            .monochrome(1, 2, 1, 1, false)
            .text(0x0028, 0x1052, "DS", intercept)
            .text(0x0028, 0x1053, "DS", slope)
            .native(&[0b10, 0]);
        assert_eq!(samples(&file, &FrameRequest::default()), shown, "slope {slope}, intercept {intercept}");
    }
}

/// PS3.3 C.11.1: averages are of modality values. Of a table that is no line, the entry of the average is another value.
#[test]
fn values_are_looked_up_in_a_modality_lut_before_they_are_averaged() {
    let table = FileBuilder::new(EXPLICIT_LITTLE).u16s(0x0028, 0x3002, &[3, 0, 16]).bytes(
        0x0028,
        0x3006,
        "OW",
        &little_endian(&[40, 200, 80]),
    );
    let file = FileBuilder::new(EXPLICIT_LITTLE)
        .monochrome(1, 4, 8, 8, false)
        .text(0x0028, 0x1050, "DS", "127.5")
        .text(0x0028, 0x1051, "DS", "255")
        .text(0x0028, 0x1056, "CS", "LINEAR_EXACT")
        .sequence(0x0028, 0x3000, table)
        .native(&[0, 2, 1, 1]);
    let half = FrameRequest { fit: Fit { width: Some(2), ..Fit::default() }, ..FrameRequest::default() };
    assert_eq!(samples(&file, &half), [60, 200]);
    let values = compose(&file, &FrameRequest { format: Format::Png16, ..half }).expect("a picture");
    assert_eq!(values.samples, DisplaySamples::Grey16(vec![60, 200]));
    assert_eq!(values.pixel_scale, Some((1.0, 0.0)));
}

/// Cells of 32 bits whose values lie close together far from 0: the lowest bits are the picture.
#[test]
fn wide_cells_keep_their_lowest_bits_when_resized() {
    let cells = |values: [u32; 6]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let file =
        |values| FileBuilder::new(EXPLICIT_LITTLE).monochrome(1, 6, 32, 32, false).native(&cells(values));
    let request = FrameRequest { fit: Fit { width: Some(3), ..Fit::default() }, ..FrameRequest::default() };
    const FAR: u32 = 3_194_517_885;
    assert_eq!(samples(&file([FAR; 6]), &request), [0, 0, 0]);
    assert_eq!(samples(&file([FAR, FAR, FAR + 2, FAR + 4, FAR + 6, FAR + 6]), &request), [0, 128, 255]);
}

fn ramp(photometric: &str, presentation: impl FnOnce(FileBuilder) -> FileBuilder) -> Vec<u8> {
    let file = FileBuilder::new(EXPLICIT_LITTLE).monochrome_as(photometric, 16, 16, 8);
    presentation(file).native(&(0..=255).collect::<Vec<u8>>())
}

/// The whole range of the VOI stage goes over the whole table, its entries over all of white (PS3.3 C.11.4, C.11.6).
#[test]
fn a_presentation_lut_decides_what_is_shown() {
    // 16 entries of 12 bits that neither rise nor fall throughout.
    let entries: Vec<u16> = (0..16).map(|index| index * 819 % 4096).collect();
    let file = ramp("MONOCHROME2", |file| {
        let table = FileBuilder::new(EXPLICIT_LITTLE).u16s(0x0028, 0x3002, &[16, 0, 12]).bytes(
            0x0028,
            0x3006,
            "OW",
            &little_endian(&entries),
        );
        file.sequence(0x2050, 0x0010, table)
    });
    let expected: Vec<u8> = (0..=255_u32)
        .map(|value| {
            let entry = entries[(f64::from(value) / 17.0).round() as usize];
            (f64::from(entry) * 255.0 / 4095.0 + 0.5).floor() as u8
        })
        .collect();
    assert_eq!(samples(&file, &FrameRequest::default()), expected);
    let inverted = FrameRequest { invert: true, ..FrameRequest::default() };
    assert_eq!(samples(&file, &inverted), expected.iter().map(|value| 255 - value).collect::<Vec<u8>>());
}

#[test]
fn the_shape_inverse_inverts_once_whatever_else_inverts() {
    let rising: Vec<u8> = (0..=255).collect();
    let falling: Vec<u8> = (0..=255).rev().collect();
    let cases = [
        ("MONOCHROME2", "IDENTITY", false, &rising),
        ("MONOCHROME2", "INVERSE", false, &falling),
        ("MONOCHROME1", "IDENTITY", false, &falling),
        ("MONOCHROME1", "INVERSE", false, &falling),
        ("MONOCHROME2", "INVERSE", true, &rising),
        ("MONOCHROME1", "INVERSE", true, &rising),
    ];
    for (photometric, shape, invert, expected) in cases {
        let file = ramp(photometric, |file| file.text(0x2050, 0x0020, "CS", shape));
        let shown = samples(&file, &FrameRequest { invert, ..FrameRequest::default() });
        assert_eq!(shown, *expected, "{photometric} {shape} invert={invert}");
    }
}

/// 8 x 8 pixels by libjxl 0.7: (36 x, 36 y, 5 x y) for column x and row y, modulo 256.
const JXL_LOSSLESS: &[u8] = &[
    0xff, 0x0a, 0x41, 0x40, 0x40, 0x71, 0x21, 0x08, 0x02, 0x01, 0x00, 0x08, 0x01, 0x4b, 0x28, 0x24, 0xc6,
    0x45, 0x41, 0xc1, 0x14, 0x23, 0xc5, 0x16, 0xa0, 0x36, 0xd2, 0x02, 0x31, 0x06, 0x67, 0x20, 0x06, 0x0f,
    0x38, 0x80, 0x38, 0x1f, 0x4e, 0x04, 0xe0, 0x06, 0x83, 0x02, 0x14, 0x90, 0xa4, 0xe3, 0x4d, 0xd9, 0xea,
    0xde, 0xbd, 0xe7, 0xdf, 0xce, 0xf6, 0x1d, 0x3f, 0xef, 0xdd, 0x56, 0x2e, 0x4a, 0x8a, 0x5f, 0x92, 0x74,
    0xbd, 0xaf, 0x77, 0x53, 0x61, 0x77, 0x3c, 0x64, 0x07, 0x3c, 0x78,
];

/// 8 x 8 pixels by libjxl 0.7 at distance 0.5: (40 + 10 x, 200 - 9 y, 90 + 4 x).
const JXL_XYB: &[u8] = &[
    0xff, 0x0a, 0x41, 0x40, 0x42, 0x71, 0x21, 0x00, 0x12, 0x88, 0x00, 0x28, 0x01, 0xbf, 0xca, 0x28, 0x01,
    0x00, 0x50, 0xa1, 0x32, 0xca, 0xb8, 0xc1, 0xcb, 0xb9, 0x9e, 0x2f, 0x3f, 0x74, 0x58, 0x4c, 0xdb, 0xb8,
    0xce, 0xd0, 0x56, 0xdb, 0x16, 0x96, 0x24, 0x8a, 0x8c, 0x63, 0x93, 0x74, 0x02, 0x87, 0x24, 0xb1, 0x10,
    0x6c, 0x5c, 0x80, 0x0d, 0xc0, 0xe0, 0x01, 0x30, 0x73, 0xc8, 0xdd, 0xc6, 0x90, 0x63, 0x55, 0x92, 0x48,
    0x09, 0xea, 0x99, 0x06, 0xdb, 0xa9, 0x3b, 0x80, 0xef, 0x87, 0xa7, 0x1c, 0x08, 0x00, 0x4e, 0xab, 0x04,
    0x62, 0x2f,
];

fn eight_by_eight(pixel: impl Fn(u8, u8) -> [u8; 3]) -> Vec<u8> {
    (0..64).flat_map(|index| pixel(index % 8, index / 8)).collect()
}

#[test]
fn jpeg_xl_in_colour_is_shown_to_the_last_bit_where_it_is_lossless() {
    let file = FileBuilder::new(JPEG_XL_LOSSLESS).colour("RGB", 8, 8).encapsulated(&[JXL_LOSSLESS]);
    let expected = eight_by_eight(|x, y| [x.wrapping_mul(36), y.wrapping_mul(36), x * y * 5]);
    assert_eq!(samples(&file, &FrameRequest::default()), expected);
}

/// libjxl's own decoder is off by 9 at most.
#[test]
fn jpeg_xl_in_xyb_comes_back_as_red_green_and_blue() {
    let file = FileBuilder::new(JPEG_XL).colour("XYB", 8, 8).encapsulated(&[JXL_XYB]);
    let expected = eight_by_eight(|x, y| [40 + x * 10, 200 - y * 9, 90 + x * 4]);
    let off = samples(&file, &FrameRequest::default())
        .iter()
        .zip(&expected)
        .map(|(shown, expected)| shown.abs_diff(*expected))
        .max();
    assert!(off <= Some(10), "{off:?}");
}

/// Two pixels a row share their chrominance; 16 is black and 235 white (PS3.3-2004 C.7.6.3.1.2; retired).
#[test]
fn native_ybr_partial_422_is_shown() {
    let file = FileBuilder::new(EXPLICIT_LITTLE).colour("YBR_PARTIAL_422", 2, 2).native(&[
        16, 235, 128, 128, // black, white
        82, 82, 90, 240, // red, twice
    ]);
    let expected = [0, 0, 0, 255, 255, 255, 255, 0, 0, 255, 0, 0];
    let shown = samples(&file, &FrameRequest::default());
    let off = shown.iter().zip(&expected).map(|(shown, expected): (&u8, &u8)| shown.abs_diff(*expected));
    assert!(off.max() <= Some(1), "{shown:?}");
}

/// 420 belongs to video and XYB to JPEG XL (PS3.3 C.7.6.3.1.2): how native cells of them would lie is said nowhere.
#[test]
fn native_samples_of_what_only_a_codestream_can_hold_are_refused() {
    for photometric in ["YBR_PARTIAL_420", "XYB"] {
        let file = FileBuilder::new(EXPLICIT_LITTLE).colour(photometric, 2, 2).native(&[90; 12]);
        let error = compose(&file, &FrameRequest::default()).expect_err(photometric);
        assert!(matches!(error, RenderError::Unsupported { .. }), "{photometric}: {error}");
        assert!(error.to_string().contains(photometric), "{error}");
    }
}

/// A row of three pixels has one that shares its chrominance with nobody.
#[test]
fn native_422_of_an_odd_number_of_columns_is_refused_in_words_that_say_so() {
    for (rows, photometric) in [(1, "YBR_FULL_422"), (2, "YBR_FULL_422"), (2, "YBR_PARTIAL_422")] {
        let cells = vec![90; usize::from(rows) * 3 * 2];
        let file = FileBuilder::new(EXPLICIT_LITTLE).colour(photometric, rows, 3).native(&cells);
        let error = compose(&file, &FrameRequest::default()).expect_err(photometric);
        assert!(matches!(error, RenderError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("even number of columns"), "{error}");
    }
}

/// Colours have 8 or 16 bits a sample (PS3.3 C.7.6.3.1.2). With shared chrominance there would be fewer cells than samples.
#[test]
fn colours_of_one_bit_a_sample_are_refused() {
    for photometric in ["RGB", "YBR_FULL_422"] {
        let file = FileBuilder::new(EXPLICIT_LITTLE)
            .u16s(0x0028, 0x0002, &[3])
            .text(0x0028, 0x0004, "CS", photometric)
            .u16s(0x0028, 0x0010, &[2])
            .u16s(0x0028, 0x0011, &[2])
            .u16s(0x0028, 0x0100, &[1])
            .u16s(0x0028, 0x0101, &[1])
            .u16s(0x0028, 0x0102, &[0])
            .native(&[0b1010_1010; 2]);
        let error = compose(&file, &FrameRequest::default()).expect_err(photometric);
        assert!(matches!(error, RenderError::Unsupported { .. }), "{photometric}: {error}");
    }
}
