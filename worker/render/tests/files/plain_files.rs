//! Files that are legal, or plain in what they mean, though a rule is bent: shown as they are meant, never as something else.

use noctis_render::{DisplaySamples, Fit, FrameRequest, RenderError};

use crate::builder::{EXPLICIT_LITTLE, FileBuilder, JPEG_BASELINE, RLE, compose};

/// A syntax of a maker's own: implicit data set in little endian, pixel data in big endian.
const GE_PRIVATE: &str = "1.2.840.113619.5.2";

fn grey(file: &[u8]) -> Vec<u8> {
    match compose(file, &FrameRequest::default()).expect("a picture").samples {
        DisplaySamples::Grey8(pixels) => pixels,
        other => panic!("not grey: {other:?}"),
    }
}

fn rgb(file: &[u8]) -> Vec<u8> {
    match compose(file, &FrameRequest::default()).expect("a picture").samples {
        DisplaySamples::Rgb8(pixels) => pixels,
        other => panic!("not coloured: {other:?}"),
    }
}

fn grey_jpeg(level: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    noctis_render::encode::jpeg::encode_grey8(&[level; 64], 8, 8, 95, &mut jpeg).expect("a sound picture");
    jpeg
}

fn item(value: &[u8]) -> Vec<u8> {
    let padded = value.len().next_multiple_of(2);
    let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
    item.extend((padded as u32).to_le_bytes());
    item.extend(value);
    item.resize(8 + padded, 0);
    item
}

/// One segment of literals.
fn rle_frame(plane: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 64];
    (frame[0], frame[4]) = (1, 64);
    for run in plane.chunks(128) {
        frame.push((run.len() - 1) as u8);
        frame.extend(run);
    }
    frame
}

#[test]
fn a_private_syntax_that_is_not_known_to_be_safe_is_refused() {
    let file = FileBuilder::new("1.2.840.113619.5.99").monochrome(2, 2, 16, 16, false).native(&[0; 8]);
    let error = compose(&file, &FrameRequest::default()).expect_err("nobody knows how it is written");
    assert!(matches!(error, RenderError::Unsupported { .. }), "{error}");
}

#[test]
fn pixels_of_the_known_private_syntax_are_big_endian() {
    let words: Vec<u8> = [0_u16, 1000, 2000, 4000].iter().flat_map(|value| value.to_be_bytes()).collect();
    let file = FileBuilder::new(GE_PRIVATE).monochrome(2, 2, 16, 12, false).native(&words);
    assert_eq!(grey(&file), [0, 64, 128, 255]);
}

#[test]
fn items_in_an_element_of_defined_length_are_fragments() {
    let frames = [item(&[]), item(&grey_jpeg(40)), item(&grey_jpeg(200))].concat();
    let file = FileBuilder::new(JPEG_BASELINE)
        .text(0x0028, 0x0008, "IS", "2")
        .monochrome(8, 8, 8, 8, false)
        .bytes(0x7FE0, 0x0010, "OB", &frames)
        .file();
    assert_eq!(grey(&file), [40; 64]);
    let request = FrameRequest { frame_number: 2, ..FrameRequest::default() };
    let second = compose(&file, &request).expect("a second frame");
    assert!(matches!(second.samples, DisplaySamples::Grey8(pixels) if pixels == [200; 64]));
}

#[test]
fn a_codestream_is_never_drawn_as_pixels() {
    // 64 bytes would be the cells of the frame; anything else is not.
    for (length, is_drawn) in [(64, true), (66, false), (70, false), (62, false)] {
        let file = FileBuilder::new(JPEG_BASELINE).monochrome(8, 8, 8, 8, false).native(&vec![7; length]);
        assert_eq!(compose(&file, &FrameRequest::default()).is_ok(), is_drawn, "{length} bytes");
    }
}

#[test]
fn empty_fragments_beside_the_frames_are_no_frames() {
    let [first, second] = [rle_frame(&[40; 64]), rle_frame(&[200; 64])];
    let cases: [&[&[u8]]; 3] = [&[&first, &second, &[]], &[&[], &first, &second], &[&first, &[], &second]];
    for (index, fragments) in cases.into_iter().enumerate() {
        let file = FileBuilder::new(RLE)
            .text(0x0028, 0x0008, "IS", "2")
            .monochrome(8, 8, 8, 8, false)
            .encapsulated(fragments);
        assert_eq!(grey(&file), [40; 64], "case {index}");
        let request = FrameRequest { frame_number: 2, ..FrameRequest::default() };
        let frame = compose(&file, &request).expect("a second frame");
        assert!(
            matches!(frame.samples, DisplaySamples::Grey8(pixels) if pixels == [200; 64]),
            "case {index}"
        );
    }
    let [first, second] = [grey_jpeg(40), grey_jpeg(200)];
    let (start, end) = first.split_at(first.len() / 2 * 2 - 2);
    let file = FileBuilder::new(JPEG_BASELINE)
        .text(0x0028, 0x0008, "IS", "2")
        .monochrome(8, 8, 8, 8, false)
        .encapsulated(&[&[], start, end, &second]);
    assert_eq!(grey(&file), [40; 64], "an empty fragment, then a frame in two");
}

/// PS3.5 G.3.2: bytes past the last row are ignored. A whole row of them says that the attributes are wrong.
#[test]
fn surplus_of_an_rle_segment_is_ignored_up_to_a_row() {
    for (surplus, is_drawn) in [(0, true), (3, true), (7, true), (8, false), (64, false)] {
        let plane = [vec![40; 64], vec![0x55; surplus]].concat();
        let file = FileBuilder::new(RLE).monochrome(8, 8, 8, 8, false).encapsulated(&[&rle_frame(&plane)]);
        let picture = compose(&file, &FrameRequest::default());
        assert_eq!(picture.is_ok(), is_drawn, "{surplus} bytes");
    }
}

/// PS3.3 C.7.6.3.1.2: two samples a pixel. Three of them are those of `YBR_FULL`.
#[test]
fn chrominance_that_is_not_shared_is_read_so_whatever_the_label() {
    // White, black, and a grey between them, four pixels.
    let pixels: Vec<u8> = [[255, 128, 128], [0, 128, 128], [90, 128, 128], [255, 128, 128]].concat();
    let expected: Vec<u8> = [255, 0, 90, 255].iter().flat_map(|&level| [level; 3]).collect();
    let native = FileBuilder::new(EXPLICIT_LITTLE).colour("YBR_FULL_422", 2, 2).native(&pixels);
    assert_eq!(rgb(&native), expected);
    let planes: Vec<Vec<u8>> =
        (0..3).map(|sample| pixels.iter().skip(sample).step_by(3).copied().collect()).collect();
    let mut frame = vec![0; 64];
    frame[0] = 3;
    for (index, plane) in planes.iter().enumerate() {
        frame[4 + 4 * index] = frame.len() as u8;
        frame.push(plane.len() as u8 - 1);
        frame.extend(plane);
        frame.push(128);
    }
    let rle = FileBuilder::new(RLE).colour("YBR_FULL_422", 2, 2).encapsulated(&[&frame]);
    assert_eq!(rgb(&rle), expected);
    let shared: Vec<u8> = vec![255, 0, 128, 128, 90, 255, 128, 128];
    let native = FileBuilder::new(EXPLICIT_LITTLE).colour("YBR_FULL_422", 2, 2).native(&shared);
    assert_eq!(rgb(&native), expected, "the legal form");
}

#[test]
fn colours_have_no_sign_whatever_pixel_representation_says() {
    let builder = FileBuilder::new(EXPLICIT_LITTLE)
        .u16s(0x0028, 0x0002, &[3])
        .text(0x0028, 0x0004, "CS", "RGB")
        .u16s(0x0028, 0x0006, &[0])
        .u16s(0x0028, 0x0010, &[1])
        .u16s(0x0028, 0x0011, &[2])
        .u16s(0x0028, 0x0100, &[8])
        .u16s(0x0028, 0x0101, &[8])
        .u16s(0x0028, 0x0102, &[7])
        .u16s(0x0028, 0x0103, &[1]);
    assert_eq!(rgb(&builder.native(&[0, 127, 255, 128, 1, 2])), [0, 127, 255, 128, 1, 2]);
}

/// PS3.4 N.2.1.2: the table leads back to X-ray intensity.
#[test]
fn a_modality_lut_for_intensity_is_not_for_display() {
    let table: Vec<u8> = [0_u16, 1, 4, 255].iter().flat_map(|value| value.to_le_bytes()).collect();
    let lut = || {
        FileBuilder::new(EXPLICIT_LITTLE)
            .u16s(0x0028, 0x3002, &[4, 0, 16])
            .bytes(0x0028, 0x3006, "OW", &table)
    };
    let file = |modality: &str, relationship: &str| {
        FileBuilder::new(EXPLICIT_LITTLE)
            .text(0x0008, 0x0060, "CS", modality)
            .monochrome(1, 4, 16, 2, false)
            .text(0x0028, 0x1040, "CS", relationship)
            .sequence(0x0028, 0x3000, lut())
            .native(&[0, 0, 1, 0, 2, 0, 3, 0])
    };
    for (modality, relationship, expected) in [
        ("XA", "LOG", [0, 85, 170, 255]),
        ("RF", "DISP", [0, 85, 170, 255]),
        ("XA", "LIN", [0, 1, 4, 255]),
        ("DX", "LOG", [0, 1, 4, 255]),
    ] {
        assert_eq!(grey(&file(modality, relationship)), expected, "{modality} {relationship}");
    }
}

/// PS3.3 C.7.6.16.2.1: spacing in a functional group means what spacing at the top level means.
#[test]
fn spacing_of_a_functional_group_stretches_the_picture() {
    let spacing = || FileBuilder::new(EXPLICIT_LITTLE).text(0x0028, 0x0030, "DS", "1\\2");
    let measures = || FileBuilder::new(EXPLICIT_LITTLE).sequence(0x0028, 0x9110, spacing());
    let in_group = FileBuilder::new(EXPLICIT_LITTLE)
        .monochrome(16, 16, 8, 8, false)
        .sequence(0x5200, 0x9229, measures())
        .native(&[9; 256]);
    let at_top = FileBuilder::new(EXPLICIT_LITTLE)
        .text(0x0028, 0x0002, "US", "\u{1}\0")
        .text(0x0028, 0x0004, "CS", "MONOCHROME2")
        .u16s(0x0028, 0x0010, &[16])
        .u16s(0x0028, 0x0011, &[16])
        .text(0x0028, 0x0030, "DS", "1\\2")
        .u16s(0x0028, 0x0100, &[8])
        .native(&[9; 256]);
    let fit = Fit { width: Some(16), height: Some(16), enlarge: false };
    for (place, file) in [("in a group", in_group), ("at the top", at_top)] {
        let picture = compose(&file, &FrameRequest { fit, ..FrameRequest::default() }).expect("a picture");
        assert_eq!((picture.columns, picture.rows), (16, 8), "{place}");
    }
}

/// PS3.3 C.11.2.1.1: real numbers have no Pixel Representation that could tell the sign of a table's first input.
#[test]
fn the_vr_tells_where_a_table_for_real_numbers_begins() {
    let shown = |vr: &str, first: u16, values: [f32; 2]| {
        let descriptor: Vec<u8> = [2_u16, first, 8].iter().flat_map(|value| value.to_le_bytes()).collect();
        let table = FileBuilder::new(EXPLICIT_LITTLE).bytes(0x0028, 0x3002, vr, &descriptor).bytes(
            0x0028,
            0x3006,
            "OW",
            &[10, 0, 200, 0],
        );
        let pixels: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let file = FileBuilder::new(EXPLICIT_LITTLE)
            .u16s(0x0028, 0x0002, &[1])
            .text(0x0028, 0x0004, "CS", "MONOCHROME2")
            .u16s(0x0028, 0x0010, &[1])
            .u16s(0x0028, 0x0011, &[2])
            .u16s(0x0028, 0x0100, &[32])
            .sequence(0x0028, 0x3010, table)
            .bytes(0x7FE0, 0x0008, "OF", &pixels)
            .file();
        grey(&file)
    };
    assert_eq!(shown("US", 45_488, [45_488.0, 45_489.0]), [10, 200]);
    assert_eq!(shown("SS", 0xFFF6, [-10.0, -9.0]), [10, 200]);
}

/// The length of the element is that of items there; taken for that of cells it says three bytes a pixel.
#[test]
fn the_length_of_items_tells_nothing_of_shared_chrominance() {
    let cells = [255, 0, 128, 128].repeat(8);
    let mut deflated = vec![1, cells.len() as u8, 0, !(cells.len() as u8), 0xFF];
    deflated.extend(&cells);
    let items = [item(&[]), item(&deflated)].concat();
    let file = FileBuilder::new("1.2.840.10008.1.2.8.1")
        .colour("YBR_FULL_422", 4, 4)
        .bytes(0x7FE0, 0x0010, "OB", &items);
    let expected: Vec<u8> = [[255; 3], [0; 3]].concat().repeat(8);
    assert_eq!(rgb(&file.file()), expected);
}
